//! Backups: copies of the synced part of a log, taken while it is in use, and made into a log again.
//!
//! A backup is a folder with the log's segment files, each only as long as what it holds, and a manifest that
//! says how much of them belongs to the backup. The manifest is replaced last, so a backup that was
//! interrupted is the one before it. It is described in `docs/format/backup-v1.md`.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile, DiskLock, Kind, OpenMode};
use crate::index;
use crate::restored::{self, RestoredMark};
use crate::segment::{self, Segment};
use crate::walk::Frames;
use crate::{Log, ReadError};

/// The file that says what belongs to a backup.
const MANIFEST: &str = "backup";

/// The file that says whose first backup was begun in a folder: a manifest of nothing, until there is one.
const BEGUN: &str = "backup.begun";

const TITLE: &str = "trunkline backup 1";

/// Bytes that are copied at once.
const COPY_BYTES: u64 = 4 << 20;

/// What a backup holds after it was taken, or a log after it was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The position of its last record.
    pub position: u64,
    /// How many segments it has.
    pub segments: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many of them were copied this time.
    pub bytes_copied: u64,
}

/// Why a backup was not taken or not restored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The folder has a backup of another store, or of another history of this one.
    #[error("{folder} holds a backup of another store; back up into an empty folder")]
    OtherStore {
        /// The folder.
        folder: String,
    },
    /// There is no backup in the folder.
    #[error("there is no backup in {folder}")]
    NotFound {
        /// The folder.
        folder: String,
    },
    /// The folder is something else, or lies in it; nothing was changed.
    #[error("{folder} holds {held}; name an empty or a new folder")]
    Occupied {
        /// The folder.
        folder: String,
        /// What it holds, and the file that shows it.
        held: String,
    },
    /// Something else is being done with the folder.
    #[error("{folder} is in use by another process; try again when it has ended")]
    InUse {
        /// The folder.
        folder: String,
    },
    /// The folder to restore into is not empty.
    #[error("{folder} is not empty; restore into an empty or a new folder")]
    NotEmpty {
        /// The folder.
        folder: String,
    },
    /// The backup is damaged.
    #[error("the backup in {folder} is damaged: {what}")]
    Damaged {
        /// The folder.
        folder: String,
        /// What is wrong with it.
        what: String,
    },
    /// The log is damaged, and damage is not copied.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A disk failed.
    #[error("could not {act}")]
    Io {
        /// What was being done.
        act: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

fn io_error(act: impl Into<String>) -> impl FnOnce(io::Error) -> BackupError {
    let act = act.into();
    move |source| BackupError::Io { act, source }
}

/// What belongs to a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Manifest {
    store_id: [u8; 16],
    position: u64,
    segments: Vec<Held>,
}

/// How much of a segment belongs to a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    segment_id: [u8; 16],
    bytes: u64,
    chain: u32,
}

impl Manifest {
    fn encode(&self) -> String {
        let mut text = format!("{TITLE}\nstore {}\nposition {}\n", hex(&self.store_id), self.position);
        for Held { segment_id, bytes, chain } in &self.segments {
            writeln!(text, "segment {} {bytes} {chain:08x}", hex(segment_id)).expect("a string takes all");
        }
        let crc = crc32fast::hash(text.as_bytes());
        writeln!(text, "crc {crc:08x}").expect("a string takes all");
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let (body, crc) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        let body = &text[..=body.len()];
        let crc = u32::from_str_radix(crc.strip_prefix("crc ")?, 16).ok()?;
        if crc32fast::hash(body.as_bytes()) != crc {
            return None;
        }
        let mut lines = body.lines();
        if lines.next()? != TITLE {
            return None;
        }
        let store_id = unhex(lines.next()?.strip_prefix("store ")?)?;
        let position = lines.next()?.strip_prefix("position ")?.parse().ok()?;
        let segment = |line: &str| {
            let mut words = line.strip_prefix("segment ")?.split(' ');
            Some(Held {
                segment_id: unhex(words.next()?)?,
                bytes: words.next()?.parse().ok()?,
                chain: u32::from_str_radix(words.next()?, 16).ok()?,
            })
        };
        Some(Self { store_id, position, segments: lines.map(segment).collect::<Option<_>>()? })
    }

    fn read(disk: &dyn Disk, name: &str) -> Result<Option<Self>, BackupError> {
        let file = match disk.open(name, OpenMode::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("open the backup's manifest")(error)),
        };
        let failed = || io_error("read the backup's manifest");
        let mut text = vec![0; file.len().map_err(failed())? as usize];
        file.read_at(0, &mut text).map_err(failed())?;
        let manifest = std::str::from_utf8(&text).ok().and_then(Self::parse);
        let damaged =
            || BackupError::Damaged { folder: disk.name(), what: "its manifest is damaged".to_owned() };
        manifest.map(Some).ok_or_else(damaged)
    }

    fn bytes(&self) -> u64 {
        self.segments.iter().map(|held| held.bytes).sum()
    }
}

fn hex(bytes: &[u8; 16]) -> String {
    uuid::Uuid::from_bytes(*bytes).simple().to_string()
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    uuid::Uuid::try_parse(text).ok().map(uuid::Uuid::into_bytes)
}

impl Log {
    /// Copies what is synced to another folder, while the log is in use. A folder with an earlier backup of
    /// this log receives what has come since. What is copied is verified on the way.
    ///
    /// `progress` is called with how many bytes were copied and how many there are to copy.
    pub fn backup(&self, to: &dyn Disk, progress: &mut dyn FnMut(u64, u64)) -> Result<Backup, BackupError> {
        let shared = self.shared();
        let synced = shared.synced();
        let view = shared.view();
        let lock = lock_target(to, Kind::Backup)?;
        let before = match Manifest::read(to, MANIFEST)? {
            Some(before) => Some(before),
            // What cannot be read says nothing; it was being written when its process ended.
            None => Manifest::read(to, BEGUN).ok().flatten(),
        };
        if before.is_none() {
            let begun = Manifest { store_id: shared.store_id, ..Manifest::default() };
            write_manifest(to, BEGUN, &begun).map_err(io_error("write that the backup was begun"))?;
        }
        let other_store = || BackupError::OtherStore { folder: to.name() };
        let segments = view.segments.iter().take(synced.segment as usize);
        let ids: Vec<_> = segments.clone().map(|segment| segment.header.segment_id).collect();
        let before = before.unwrap_or_else(|| Manifest { store_id: shared.store_id, ..Manifest::default() });
        let same_history = before.store_id == shared.store_id
            && before.position <= synced.position
            && before.segments.len() <= ids.len()
            && before.segments.iter().zip(&ids).all(|(held, id)| held.segment_id == *id);
        if !same_history {
            return Err(other_store());
        }
        let ends: Vec<u64> = (1..=ids.len())
            .map(|next| {
                view.segments
                    .get(next)
                    .filter(|_| next < ids.len())
                    .map_or(synced.end, |next| next.header.previous_end)
            })
            .collect();
        let total = ends.iter().sum::<u64>() - before.bytes().min(ends.iter().sum());
        let mut manifest =
            Manifest { store_id: shared.store_id, position: synced.position, segments: Vec::new() };
        let mut copied = 0;
        for (number, (segment, end)) in segments.zip(ends).enumerate() {
            let held = before.segments.get(number).copied();
            let sealed_with = view.segments.get(number + 1).filter(|_| number + 1 < ids.len());
            if let Some(held) = held.filter(|held| held.bytes == end) {
                let chain = sealed_with.map_or(synced.chain, |next| next.header.previous_chain);
                if held.chain != chain {
                    return Err(other_store());
                }
                manifest.segments.push(held);
                continue;
            }
            let mut frames = Frames::new(segment);
            // A log that was restored and went on otherwise has the same segments, up to where it was restored.
            let held_end = held.map_or((0, 0), |held| (held.bytes, held.chain));
            let mut same_history = held.is_none() || held_end == (frames.offset(), frames.chain());
            while frames.offset() < end {
                frames.next_frame(0, |_, _| {})?;
                same_history |= held_end == (frames.offset(), frames.chain());
            }
            if !same_history {
                return Err(other_store());
            }
            let known = held.map_or(0, |held| held.bytes);
            copy(segment, to, known, end, &mut |bytes| {
                copied += bytes;
                progress(copied, total);
            })?;
            let segment_id = segment.header.segment_id;
            manifest.segments.push(Held { segment_id, bytes: end, chain: frames.chain() });
        }
        to.sync_dir("").map_err(io_error("sync the backup's folder"))?;
        write_manifest(to, MANIFEST, &manifest).map_err(io_error("write the backup's manifest"))?;
        if let Err(error) = to.remove(BEGUN)
            && error.kind() != io::ErrorKind::NotFound
        {
            // With a manifest beside it, it says nothing any more.
            tracing::debug!(%error, "what said that a backup was begun could not be removed");
        }
        drop(lock);
        Ok(Backup {
            position: manifest.position,
            segments: manifest.segments.len() as u64,
            bytes: manifest.bytes(),
            bytes_copied: copied,
        })
    }
}

/// Copies a segment's bytes from `known`, where an earlier copy ends, to `end`.
fn copy(
    segment: &Segment,
    to: &dyn Disk,
    known: u64,
    end: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<(), BackupError> {
    let name = segment.name();
    let file = match known {
        0 => to.create(&name),
        _ => to.open(&name, OpenMode::Write),
    };
    let file = file.map_err(io_error(format!("open {name} of the backup")))?;
    // An interrupted backup may have left more than its manifest says.
    file.set_len(known).map_err(io_error(format!("shorten {name} of the backup")))?;
    let mut at = known;
    while at < end {
        let len = COPY_BYTES.min(end - at);
        let bytes = segment.file.view(at, len as usize).map_err(io_error(format!("read {name}")))?;
        file.write_at(at, &bytes).map_err(io_error(format!("write {name} of the backup")))?;
        at += len;
        progress(len);
    }
    file.sync().map_err(io_error(format!("sync {name} of the backup")))
}

/// Locks the folder of a backup or a restore, after a look at what it holds.
///
/// It is looked at again once it is locked: whoever made something in it meanwhile had it locked.
fn lock_target(to: &dyn Disk, kind: Kind) -> Result<Box<dyn DiskLock>, BackupError> {
    let refuse = || {
        let held = to.in_the_way_of(kind, true);
        match held.map_err(io_error(format!("look what {} holds", to.name())))? {
            Some(held) => Err(BackupError::Occupied { folder: to.name(), held: held.to_string() }),
            None => Ok(()),
        }
    };
    refuse()?;
    to.create_dir("").map_err(io_error(format!("make the folder {}", to.name())))?;
    let lock = to.lock_folder().map_err(io_error(format!("lock {}", to.name())))?;
    let lock = lock.ok_or_else(|| BackupError::InUse { folder: to.name() })?;
    refuse()?;
    Ok(lock)
}

fn write_manifest(disk: &dyn Disk, name: &str, manifest: &Manifest) -> io::Result<()> {
    let temporary = format!("{MANIFEST}.tmp");
    let file = disk.create(&temporary)?;
    file.write_at(0, manifest.encode().as_bytes())?;
    file.sync()?;
    disk.rename(&temporary, name)?;
    disk.sync_dir("")
}

/// Makes a log of a backup, in an empty or a new folder. Every byte is verified; nothing has a log's name before
/// all of it is there and synced.
///
/// It has a mark from the first moment on, [`Log::restored`]; `whole` says whether what stands beside it is restored with
/// it. `progress` is called with how many bytes were restored and how many there are.
pub fn restore(
    from: &dyn Disk,
    to: &dyn Disk,
    whole: bool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Backup, BackupError> {
    let manifest =
        Manifest::read(from, MANIFEST)?.ok_or_else(|| BackupError::NotFound { folder: from.name() })?;
    let lock = lock_target(to, Kind::Unfinished)?;
    let files = to.list("").map_err(io_error(format!("list the files of {}", to.name())))?;
    let runs = to.list(index::FOLDER).map_err(io_error(format!("list the index of {}", to.name())))?;
    // What an interrupted restore has left is written again; a head or an index of another log would be believed.
    let of_restore = |file: &String| {
        let named = segment::number_of(file).is_some_and(|number| number > 1);
        file.strip_suffix(".tmp").is_some()
            || file == restored::FILE
            || (named && files.contains(&restored::FILE.to_owned()))
    };
    if !runs.is_empty() || !files.iter().all(of_restore) {
        return Err(BackupError::NotEmpty { folder: to.name() });
    }
    let total = manifest.bytes();
    let mut done = 0;
    read_all(from, &manifest, &mut |source, held| {
        restore_segment(source, to, held.bytes, &mut |bytes| {
            done += bytes;
            progress(done, total);
        })
    })?;
    let mark = RestoredMark::new(manifest.position, whole);
    mark.write(to).map_err(io_error("write that the log was restored"))?;
    // The first segment is named last: without it there is no log.
    for number in (1..=manifest.segments.len() as u64).rev() {
        let name = segment::file_name(number);
        to.rename(&temporary(number), &name).map_err(io_error(format!("name {name}")))?;
        to.sync_dir("").map_err(io_error("sync the folder"))?;
    }
    drop(lock);
    let Manifest { position, segments, .. } = manifest;
    Ok(Backup { position, segments: segments.len() as u64, bytes: total, bytes_copied: total })
}

/// Reads every byte of a backup and verifies it, as [`restore`] does, and writes nothing.
///
/// `progress` is called with how many bytes were read and how many there are.
pub fn verify_backup(from: &dyn Disk, progress: &mut dyn FnMut(u64, u64)) -> Result<(), BackupError> {
    let manifest =
        Manifest::read(from, MANIFEST)?.ok_or_else(|| BackupError::NotFound { folder: from.name() })?;
    let total = manifest.bytes();
    let mut done = 0;
    read_all(from, &manifest, &mut |_, held| {
        done += held.bytes;
        progress(done, total);
        Ok(())
    })
}

/// Reads all segments of a backup, and hands each on that is whole; then sees that they end as the manifest says.
fn read_all(
    from: &dyn Disk,
    manifest: &Manifest,
    each: &mut dyn FnMut(&Segment, &Held) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let folder = from.name();
    let damaged = |what: String| BackupError::Damaged { folder: folder.clone(), what };
    let mut position = 0;
    for (number, held) in (1..).zip(&manifest.segments) {
        let name = segment::file_name(number);
        let file =
            from.open(&name, OpenMode::Read).map_err(io_error(format!("open {name} of the backup")))?;
        let failed = || io_error(format!("read {name} of the backup"));
        if file.len().map_err(failed())? < held.bytes {
            return Err(damaged(format!("{name} is shorter than the manifest says")));
        }
        let bytes = file.view(0, segment::HEADER_LEN).map_err(failed())?;
        let header = segment::Header::parse(&bytes).map_err(|_| damaged(format!("the header of {name}")))?;
        let fits = header.store_id == manifest.store_id
            && header.segment_id == held.segment_id
            && header.number == number
            && header.capacity >= held.bytes;
        if !fits {
            return Err(damaged(format!("{name} is not the file that the manifest names")));
        }
        let source = Segment { header, file: Arc::clone(&file) };
        let mut frames = Frames::new(&source);
        while frames.offset() < held.bytes {
            let frame = frames.next_frame(0, |_, _| {});
            frame.map_err(|error| damaged(error.to_string()))?;
        }
        if frames.offset() != held.bytes || frames.chain() != held.chain {
            return Err(damaged(format!("{name} doesn't end as the manifest says")));
        }
        position = frames.next_position() - 1;
        each(&source, held)?;
    }
    if position != manifest.position {
        return Err(damaged("its last event is not the one that the manifest names".to_owned()));
    }
    Ok(())
}

fn temporary(number: u64) -> String {
    format!("{}.tmp", segment::file_name(number))
}

fn restore_segment(
    source: &Segment,
    to: &dyn Disk,
    end: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<(), BackupError> {
    let name = source.name();
    let failed = || io_error(format!("write {name}"));
    let file: Arc<dyn DiskFile> = to.create(&temporary(source.header.number)).map_err(failed())?;
    file.set_len(source.header.capacity).map_err(failed())?;
    let mut at = 0;
    while at < end {
        let len = COPY_BYTES.min(end - at);
        let bytes =
            source.file.view(at, len as usize).map_err(io_error(format!("read {name} of the backup")))?;
        file.write_at(at, &bytes).map_err(failed())?;
        at += len;
        progress(len);
    }
    file.sync().map_err(failed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_back_and_damage_is_seen() {
        let held = Held { segment_id: [2; 16], bytes: 5000, chain: 0xAB };
        let manifest = Manifest { store_id: [1; 16], position: 7, segments: vec![held, held] };
        let text = manifest.encode();
        assert_eq!(Manifest::parse(&text), Some(manifest));
        assert_eq!(Manifest::parse(&text.replace("5000", "5001")), None);
        assert_eq!(Manifest::parse(""), None);
        assert_eq!(Manifest::parse("crc 0\n"), None);
    }
}
