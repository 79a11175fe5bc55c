//! What one file is: by its first bytes where they say it, else by its name.

use std::path::{Path, PathBuf};

use crate::Kind;
use crate::kept::first_bytes;

/// First bytes, and whose they are.
const MARKS: [(&[u8], Kind); 12] = [
    (b"TKLSEG", Kind::EventStore),
    (b"TKLHEAD", Kind::EventStore),
    (b"TKLRUN", Kind::EventStore),
    (b"TRKLQSG", Kind::Queue),
    (b"TRKLQIX", Kind::Queue),
    (b"TRKLQST", Kind::Queue),
    (b"TRKLQNU", Kind::Queue),
    (b"trunkline backup ", Kind::Backup),
    (b"trunkline whole backup ", Kind::Backup),
    (b"trunkline restored ", Kind::EventStore),
    (b"SQLite format 3\0", Kind::ReadDatabase),
    // The write-ahead log of a database, in its two byte orders: the last bit differs.
    (b"\x37\x7f\x06", Kind::ReadDatabase),
];

/// What `SQLite`, and we, keep beside a database's file.
const BESIDE: [&str; 4] = ["-wal", "-shm", "-journal", ".lock"];

/// What a file is by its first bytes; nothing when they say nothing, or when it can't be read.
pub(crate) fn marked(path: &Path) -> Option<Kind> {
    let bytes = first_bytes(path).ok()?;
    let marked = MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(_, kind)| *kind)?;
    // These are databases of SQLite's, and their names are ours.
    Some(match (marked, path.extension().and_then(|extension| extension.to_str())) {
        (Kind::ReadDatabase, Some("snapshots")) => Kind::Snapshots,
        (Kind::ReadDatabase, Some("sagas")) => Kind::SagaIndex,
        (Kind::ReadDatabase, Some("causes")) => Kind::CauseIndex,
        _ => marked,
    })
}

/// What a file is.
pub(crate) fn kind(path: &Path) -> Kind {
    if let Some(kind) = marked(path) {
        return kind;
    }
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    if ends(&[".tsk", ".lock.json"]) {
        Kind::ApplicationFile
    } else if ends(&[".checkpoint.json", ".checkpoint.new"]) {
        Kind::Checkpoints
    } else if is_lines(path) || ends(&[".jsonl", ".ndjson"]) {
        Kind::Lines
    } else {
        Kind::SomethingElse
    }
}

/// The database that a path is the `-wal`, the `-shm` or the lock of, whether or not it is there itself.
pub(crate) fn database_of(path: &Path) -> Option<PathBuf> {
    let name = path.to_str()?;
    let base = BESIDE.iter().find_map(|suffix| name.strip_suffix(suffix)).map(PathBuf::from)?;
    matches!(marked(&base), Some(Kind::ReadDatabase | Kind::Snapshots | Kind::SagaIndex | Kind::CauseIndex))
        .then_some(base)
}

fn is_lines(path: &Path) -> bool {
    let Ok(bytes) = first_bytes(path) else { return false };
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()).is_none_or(|byte| *byte == b'{')
}
