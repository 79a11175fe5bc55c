//! The file that says what belongs to a backup of all that an application has.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use trunkline::messages::Checkpoint;
use trunkline_place::new_file;
use trunkline_store::MaintainError;

use super::failed;
use crate::OpsError;

/// Its name.
pub(in crate::store) const MANIFEST: &str = "whole";

/// The name under which it is written.
pub(super) const BESIDE: &str = "whole.tmp";

const TITLE: &str = "trunkline whole backup 1";

/// What belongs to a backup.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Counted up with each backup into the folder; 0 before the first is done.
    pub(super) number: u64,
    pub(super) taken_at: String,
    pub(super) checkpoints: BTreeMap<String, Checkpoint>,
    /// The folder of the queue's copy; none where there was no queue.
    pub(super) queue: Option<String>,
    /// The checksum of each file in it; an earlier version wrote none.
    #[serde(default)]
    pub(super) queue_files: BTreeMap<String, String>,
}

impl Manifest {
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, OpsError> {
        let path = folder.join(MANIFEST);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) if error.kind() == ErrorKind::InvalidData => return Err(damaged(&path)),
            Err(source) => return Err(failed("reading", &path)(source)),
        };
        Self::parse(&text).map(Some).ok_or_else(|| damaged(&path))
    }

    fn parse(text: &str) -> Option<Self> {
        let (title, body) = text.split_once('\n')?;
        let (body, sum) = body.strip_suffix('\n')?.rsplit_once('\n')?;
        let is_whole = title == TITLE && sum.strip_prefix("sum ")? == checksum(body.as_bytes());
        is_whole.then(|| serde_json::from_str(body).ok())?
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), OpsError> {
        let (path, beside) = (folder.join(MANIFEST), folder.join(BESIDE));
        let write = || -> io::Result<()> {
            let body = serde_json::to_string(self)?;
            let mut file = new_file().create(true).truncate(true).open(&beside)?;
            write!(file, "{TITLE}\n{body}\nsum {}\n", checksum(body.as_bytes()))?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            File::open(folder)?.sync_all()
        };
        write().map_err(failed("writing", &path))
    }
}

/// What a file of a backup is whose bytes are not those that it had.
pub(super) fn damaged(path: &Path) -> OpsError {
    let what = format!(
        "{} of the backup is damaged; restore another backup, and take the next one into another folder",
        path.display()
    );
    MaintainError::Damaged { what }.into()
}

/// What a flipped bit changes.
pub(super) fn checksum(bytes: &[u8]) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, bytes).simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_back_and_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let files = BTreeMap::from([("1.seg".to_owned(), checksum(b"bytes"))]);
        let written = Manifest { number: 7, queue_files: files.clone(), ..Manifest::default() };
        written.write(folder.path()).unwrap();
        let read = Manifest::read(folder.path()).unwrap().unwrap();
        assert_eq!((read.number, read.queue_files), (7, files));
        let text = fs::read_to_string(folder.path().join(MANIFEST)).unwrap();
        for harmed in [text.replace('7', "8"), text.replace("1.seg", "2.seg"), text[..9].to_owned()] {
            fs::write(folder.path().join(MANIFEST), harmed).unwrap();
            assert!(Manifest::read(folder.path()).unwrap_err().to_string().contains("is damaged"));
        }
    }

    #[test]
    fn one_of_before_there_were_checksums_of_the_queue_is_read() {
        let body = r#"{"number":1,"taken_at":"2026-11-30T12:00:00Z","checkpoints":{},"queue":"queue-1"}"#;
        let text = format!("{TITLE}\n{body}\nsum 7ed6eb7ee2d05035a420f4b1f0a253e6\n");
        let manifest = Manifest::parse(&text).unwrap();
        assert_eq!((manifest.queue.as_deref(), manifest.queue_files.len()), (Some("queue-1"), 0));
    }
}
