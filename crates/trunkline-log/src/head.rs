//! The published head: how far the log is synced, in a small file that other processes read.

use std::io;

use crate::bytes_at::{id_at, put, u32_at, u64_at};
use crate::disk::{Disk, DiskFile, OpenMode};

/// The file's name.
pub(crate) const FILE: &str = "head";

const MAGIC: [u8; 8] = *b"TKLHEAD1";
const LEN: usize = 72;
const CRC_AT: usize = 68;

/// How often a head is read again when it was being written at that moment.
const READS_MAX: usize = 100;

/// How far a log is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) store_id: [u8; 16],
    /// Zero where the system has none.
    pub(crate) boot_id: [u8; 16],
    pub(crate) segment: u64,
    pub(crate) end: u64,
    pub(crate) position: u64,
    pub(crate) chain: u32,
}

impl Head {
    pub(crate) fn encode(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        put(&mut bytes, 0, &MAGIC);
        put(&mut bytes, 8, &self.store_id);
        put(&mut bytes, 24, &self.boot_id);
        put(&mut bytes, 40, &self.segment.to_le_bytes());
        put(&mut bytes, 48, &self.end.to_le_bytes());
        put(&mut bytes, 56, &self.position.to_le_bytes());
        put(&mut bytes, 64, &self.chain.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..CRC_AT]);
        put(&mut bytes, CRC_AT, &crc.to_le_bytes());
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != LEN
            || bytes[..8] != MAGIC
            || crc32fast::hash(&bytes[..CRC_AT]) != u32_at(bytes, CRC_AT)
        {
            return None;
        }
        Some(Self {
            store_id: id_at(bytes, 8),
            boot_id: id_at(bytes, 24),
            segment: u64_at(bytes, 40),
            end: u64_at(bytes, 48),
            position: u64_at(bytes, 56),
            chain: u32_at(bytes, 64),
        })
    }

    /// The head in this file; `None` when there is none that is whole.
    pub(crate) fn read(file: &dyn DiskFile) -> io::Result<Option<Self>> {
        for _ in 0..READS_MAX {
            let mut bytes = [0; LEN];
            let count = file.read_at(0, &mut bytes)?;
            if let Some(head) = Self::parse(&bytes[..count]) {
                return Ok(Some(head));
            }
            std::thread::yield_now();
        }
        Ok(None)
    }

    /// The head of the store on this disk; `None` when there is none that is whole.
    pub(crate) fn of(disk: &dyn Disk) -> io::Result<Option<Self>> {
        match disk.open(FILE, OpenMode::Read) {
            Ok(file) => Self::read(&*file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_back_and_damage_is_seen() {
        let head = Head { store_id: [1; 16], boot_id: [2; 16], segment: 3, end: 4, position: 5, chain: 6 };
        let mut bytes = head.encode();
        assert_eq!(Head::parse(&bytes), Some(head));
        bytes[50] ^= 1;
        assert_eq!(Head::parse(&bytes), None);
        assert_eq!(Head::parse(&bytes[..70]), None);
    }
}
