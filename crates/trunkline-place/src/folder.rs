//! What one folder is, by the names in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::file::marked;
use crate::{Held, Kind};

/// Of a folder with more files, the first ones say what it is when none has a name of ours.
const LOOKED_AT_MAX: usize = 200;

/// What a folder holds itself, whatever it lies in; nothing when it is empty.
pub(crate) fn held(path: &Path) -> io::Result<Option<Held>> {
    let entries = entries(path)?;
    if let Some(held) = own(path, &entries) {
        return Ok(Some(held));
    }
    let others = || entries.iter().map(|name| path.join(name)).take(LOOKED_AT_MAX);
    let database = others().find_map(|file| {
        let kind = if file.is_file() { marked(&file)? } else { return None };
        Some(Held { kind, path: file })
    });
    if database.is_some() {
        return Ok(database);
    }
    for folder in others().filter(|other| other.is_dir()) {
        // What can't be looked into is something else.
        let inner = self::entries(&folder).ok().and_then(|entries| own(&folder, &entries));
        if inner.is_some() {
            return Ok(inner);
        }
    }
    // Hidden files, and what file systems put into a disk's first folder, are nobody's data.
    let other = entries.iter().find(|name| !name.starts_with('.') && *name != "lost+found");
    Ok(other.map(|name| Held { kind: Kind::SomethingElse, path: path.join(name) }))
}

/// What a folder is by names of ours in it: a store, a queue, a backup, checkpoints.
pub(crate) fn own_of(path: &Path) -> Option<Held> {
    own(path, &entries(path).ok()?)
}

fn own(path: &Path, entries: &[String]) -> Option<Held> {
    let has = |name: &str| entries.iter().any(|entry| entry == name);
    let is = |name: &str, kind: Kind| has(name) && marked(&path.join(name)) == Some(kind);
    let any =
        |of: &dyn Fn(&str) -> bool| entries.iter().find(|entry| of(entry)).map(|entry| path.join(entry));
    let held = |kind, path| Some(Held { kind, path });
    if is("head", Kind::EventStore) {
        return held(Kind::EventStore, path.join("head"));
    }
    // A backup has no head: nothing was ever appended to it.
    for manifest in ["backup", "backup.begun"] {
        if is(manifest, Kind::Backup) {
            return held(Kind::Backup, path.join(manifest));
        }
    }
    // The first segment is named last, after the mark of a restore.
    let first = "00000000000000000001.seg";
    if has("restored") && !has(first) {
        return held(Kind::Unfinished, path.join("restored"));
    }
    if let Some(segment) = any(&|name| is_numbered(name, 20, ".seg")) {
        return held(Kind::EventStore, segment);
    }
    let of_queue = |name: &str| [".seg", ".index", ".state"].iter().any(|end| is_numbered(name, 10, end));
    if let Some(file) = any(&of_queue) {
        return held(Kind::Queue, file);
    }
    if is("numbers", Kind::Queue) {
        return held(Kind::Queue, path.join("numbers"));
    }
    let of_checkpoints =
        |name: &str| [".checkpoint.json", ".checkpoint.new"].iter().any(|end| name.ends_with(end));
    if let Some(file) = any(&of_checkpoints) {
        return held(Kind::Checkpoints, file);
    }
    if let Some(file) = any(&|name| is_numbered(name, 20, ".seg.tmp")) {
        return held(Kind::Unfinished, file);
    }
    let alone = |name: &str| name == "lock" || name == "index" || name.starts_with('.');
    if has("lock") && entries.iter().all(|name| alone(name)) {
        return held(Kind::Lock, path.join("lock"));
    }
    None
}

fn is_numbered(name: &str, digits: usize, end: &str) -> bool {
    name.strip_suffix(end)
        .is_some_and(|number| number.len() == digits && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The names in a folder, in their order, so that the same is named each time.
fn entries(path: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

/// What is reserved beside an event store: the path is that of its checkpoints, snapshots, index of sagas or index of causes.
pub(crate) fn beside_store(path: &Path) -> Option<Held> {
    let kinds = [
        ("checkpoints", Kind::Checkpoints),
        ("snapshots", Kind::Snapshots),
        ("sagas", Kind::SagaIndex),
        ("causes", Kind::CauseIndex),
    ];
    let name = path.to_str()?;
    // With what SQLite keeps beside a file.
    let name = ["-wal", "-shm", "-journal"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let (base, kind) =
        kinds.iter().find_map(|(end, kind)| Some((name.strip_suffix(end)?.strip_suffix('.')?, *kind)))?;
    let store = own_of(&PathBuf::from(base)).filter(|held| held.kind == Kind::EventStore);
    store.map(|_| Held { kind, path: path.to_owned() })
}
