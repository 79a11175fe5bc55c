//! The mark of a log that was made of a backup: its history is an older one, and what stands beside it may know a later one.
//!
//! It is written before the log has a segment by name, and stays until somebody has brought all beside it back to that
//! history. It is described in `docs/format/backup-v1.md`.

use std::io;

use crate::Log;
use crate::disk::{Disk, OpenMode};

/// The file's name in the log's folder.
pub(crate) const FILE: &str = "restored";

const TITLE: &str = "trunkline restored 1";

/// What is known of a log that was made of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoredMark {
    /// Random: this restore, and no other.
    pub id: [u8; 16],
    /// The position of the last record of the backup; 0 when it has none.
    pub position: u64,
    /// Whether what stands beside the log was restored with it, as of the same moment.
    pub whole: bool,
}

impl RestoredMark {
    /// The mark of a restore that is done now.
    pub fn new(position: u64, whole: bool) -> Self {
        Self { id: uuid::Uuid::new_v4().into_bytes(), position, whole }
    }

    fn encode(&self) -> String {
        let id = uuid::Uuid::from_bytes(self.id).simple();
        let beside = if self.whole { "restored" } else { "left" };
        let body = format!("{TITLE}\nid {id}\nposition {}\nbeside {beside}\n", self.position);
        format!("{body}crc {:08x}\n", crc32fast::hash(body.as_bytes()))
    }

    fn parse(text: &str) -> Option<Self> {
        let (body, crc) = text.split_at_checked(text.rfind("crc ")?)?;
        let crc = u32::from_str_radix(crc.strip_prefix("crc ")?.strip_suffix('\n')?, 16).ok()?;
        let mut lines = body.lines().filter(|_| crc32fast::hash(body.as_bytes()) == crc);
        if lines.next()? != TITLE {
            return None;
        }
        let id = uuid::Uuid::try_parse(lines.next()?.strip_prefix("id ")?).ok()?.into_bytes();
        let position = lines.next()?.strip_prefix("position ")?.parse().ok()?;
        let whole = lines.next()?.strip_prefix("beside ")? == "restored";
        Some(Self { id, position, whole })
    }

    /// Writes the mark into the folder of a log.
    pub(crate) fn write(&self, disk: &dyn Disk) -> io::Result<()> {
        let temporary = format!("{FILE}.tmp");
        let file = disk.create(&temporary)?;
        file.write_at(0, self.encode().as_bytes())?;
        file.sync()?;
        disk.rename(&temporary, FILE)?;
        disk.sync_dir("")
    }

    fn read(disk: &dyn Disk) -> io::Result<Option<Self>> {
        let file = match disk.open(FILE, OpenMode::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut text = vec![0; usize::try_from(file.len()?).unwrap_or(usize::MAX).min(4096)];
        let len = file.read_at(0, &mut text)?;
        let mark = std::str::from_utf8(&text[..len]).ok().and_then(Self::parse);
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it is damaged");
        mark.map(Some).ok_or_else(damaged)
    }
}

impl Log {
    /// The mark that the log has when it was made of a backup, until it is [reconciled](Self::mark_reconciled).
    ///
    /// A mark that is damaged is an error of the kind [`io::ErrorKind::InvalidData`].
    pub fn restored(&self) -> io::Result<Option<RestoredMark>> {
        RestoredMark::read(&*self.shared().disk)
    }

    /// Marks a log that was put into its place by other means than [`restore`](crate::restore).
    pub fn mark_restored(&self, mark: &RestoredMark) -> io::Result<()> {
        mark.write(&*self.shared().disk)
    }

    /// Takes the mark away: all beside the log is of its history.
    pub fn mark_reconciled(&self) -> io::Result<()> {
        let disk = &*self.shared().disk;
        match disk.remove(FILE) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.and_then(|()| disk.sync_dir("")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back_and_damage_is_seen() {
        for whole in [true, false] {
            let mark = RestoredMark::new(7, whole);
            assert_eq!(RestoredMark::parse(&mark.encode()), Some(mark));
            assert_eq!(RestoredMark::parse(&mark.encode().replace("position 7", "position 8")), None);
        }
        assert_eq!(RestoredMark::parse(""), None);
        assert_eq!(RestoredMark::parse("crc 0\n"), None);
    }
}
