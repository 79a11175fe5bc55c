//! What stands in the file of a checkpoint: itself, whose it is, and a checksum.

use std::borrow::Cow;
use std::io;

use serde::{Deserialize, Serialize};

use super::Checkpoint;

/// A line of JSON. Files of earlier versions have only what the checkpoint itself says.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    #[serde(flatten)]
    checkpoint: Checkpoint,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checksum: Option<u32>,
}

/// The bytes of a file.
pub(super) fn written(name: &str, checkpoint: &Checkpoint) -> io::Result<Vec<u8>> {
    let checksum = Some(checksum(name, checkpoint));
    let line = Line { checkpoint: *checkpoint, name: Some(Cow::Borrowed(name)), checksum };
    let mut bytes = serde_json::to_vec(&line)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The checkpoint of this name that the bytes are, or what is wrong with them.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Checkpoint, String> {
    let line: Line<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match (line.name, line.checksum) {
        (Some(other), Some(sum)) if sum == checksum(&other, &line.checkpoint) && other != name => {
            Err(format!("it is the one of `{other}`"))
        }
        (Some(named), Some(sum)) if named == name && sum == checksum(name, &line.checkpoint) => {
            Ok(line.checkpoint)
        }
        (None, None) => Ok(line.checkpoint),
        _ => Err("its content is not what was written".to_owned()),
    }
}

fn checksum(name: &str, Checkpoint { store, position, event_id }: &Checkpoint) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    hash.update(&store.into_bytes());
    hash.update(&position.get().to_le_bytes());
    hash.update(&event_id.into_bytes());
    hash.update(name.as_bytes());
    hash.finalize()
}

#[cfg(test)]
mod tests {
    use trunkline_core::{EventId, Position, StoreId};

    use super::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            store: StoreId::from_bytes([7; 16]),
            position: Position::new(168),
            event_id: EventId::from_bytes([9; 16]),
        }
    }

    /// A byte that is flipped is never another place in the log: what was there is lost or what is there is skipped.
    #[test]
    fn a_flipped_bit_is_damage_or_changes_nothing() {
        let bytes = written("$sagas", &checkpoint()).unwrap();
        assert_eq!(read("$sagas", &bytes), Ok(checkpoint()));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                if let Ok(found) = read("$sagas", &flipped) {
                    assert_eq!(
                        found,
                        checkpoint(),
                        "bit {bit} of byte {at}: {}",
                        String::from_utf8_lossy(&flipped)
                    );
                }
            }
        }
        for len in 0..bytes.len() - 1 {
            assert!(read("$sagas", &bytes[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn the_file_of_another_is_told_by_its_name() {
        let bytes = written("out", &checkpoint()).unwrap();
        assert_eq!(read("$sagas", &bytes), Err("it is the one of `out`".to_owned()));
    }

    #[test]
    fn a_file_without_a_checksum_is_read() {
        let bytes = serde_json::to_vec(&checkpoint()).unwrap();
        assert_eq!(read("$sagas", &bytes), Ok(checkpoint()));
    }
}
