//! Backups of all that a running application has, and applications that are made of them.
//!
//! The checkpoints are taken first, then the queue with its decisions, and the log last: so no checkpoint is ahead of the
//! queue, and the log has the cause of each message. The manifest is replaced last of all, so a folder holds the backup
//! before until it holds the next. The form is described in `docs/format/backup-v1.md`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use trunkline::messages::Checkpoint;
use trunkline::{Access, Backends, Dsn, OpenStoreOptions, Place};
use trunkline_core::{Clock as _, SystemClock};
use trunkline_place::{Kind, look};
use trunkline_queue::copy_queue;
use trunkline_store::{LogStore, MaintainError};

use super::copies::{BackupDone, RestoreDone};
use crate::OpsError;

/// The file that says what belongs to a backup.
pub(super) const MANIFEST: &str = "whole";

const TITLE: &str = "trunkline whole backup 1";
const EVENTS: &str = "events";

/// Where an application keeps what is backed up.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// Its events, and its checkpoints beside them.
    pub events: &'a Place,
    /// Its messages.
    pub messages: &'a Place,
}

/// What belongs to a backup.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    /// Counted up with each backup into the folder; 0 before the first is done.
    number: u64,
    taken_at: String,
    checkpoints: BTreeMap<String, Checkpoint>,
    /// The folder of the queue's copy; none where there was no queue.
    queue: Option<String>,
}

impl Manifest {
    fn read(folder: &Path) -> Result<Option<Self>, OpsError> {
        let path = folder.join(MANIFEST);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(source) => return Err(failed("reading", &path)(source)),
        };
        let parse = || {
            let (title, body) = text.split_once('\n')?;
            let (body, sum) = body.strip_suffix('\n')?.rsplit_once('\n')?;
            let is_whole = title == TITLE && sum.strip_prefix("sum ")? == checksum(body);
            is_whole.then(|| serde_json::from_str(body).ok())?
        };
        let damaged = || MaintainError::Damaged { what: format!("{} is damaged", path.display()) };
        parse().map(Some).ok_or_else(|| damaged().into())
    }

    fn write(&self, folder: &Path) -> Result<(), OpsError> {
        let (path, beside) = (folder.join(MANIFEST), folder.join("whole.tmp"));
        let write = || -> io::Result<()> {
            let body = serde_json::to_string(self)?;
            let mut file = File::create(&beside)?;
            write!(file, "{TITLE}\n{body}\nsum {}\n", checksum(&body))?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            File::open(folder)?.sync_all()
        };
        write().map_err(failed("writing", &path))
    }
}

/// Backs up all that an application has which nothing else could make again, also while a process runs it; `progress`
/// hears how many bytes of the events are done of how many.
pub async fn backup_whole(
    places: Places<'_>,
    to: &Path,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<BackupDone, OpsError> {
    let before = begin(to)?;
    let checkpoints = Backends::standard().home(&places.events.dsn, Access::Read).checkpoints;
    let checkpoints = checkpoints.all().await.map_err(trunkline::ReconcileError::from)?;
    let number = before.number + 1;
    let queue = queue_folder(&places.messages.dsn).filter(|folder| folder.exists());
    let mut queue_bytes = 0;
    let queue = if let Some(folder) = queue {
        let name = format!("queue-{number}");
        let copied =
            copy_queue(&folder, &to.join(&name)).map_err(|source| queue_error(places.messages, source))?;
        queue_bytes = copied.bytes;
        Some(name)
    } else {
        None
    };
    // Opened after all the others were taken: it shows what is synced by now.
    let options = OpenStoreOptions { access: Access::Read, ..OpenStoreOptions::default() };
    let opened = Backends::standard().open_events(places.events, options).await?;
    let report = opened.maintain.backup(&to.join(EVENTS), progress);
    opened.close().await;
    let report = report?;
    let taken_at = SystemClock.now().to_string();
    Manifest { number, taken_at, checkpoints, queue }.write(to)?;
    if let Some(old) = before.queue {
        // With the next manifest beside it, it belongs to nothing.
        drop(fs::remove_dir_all(to.join(old)));
    }
    Ok(BackupDone {
        position: report.position,
        bytes_copied: report.bytes_copied + queue_bytes,
        bytes: report.bytes + queue_bytes,
        segments: report.segments,
        to: to.to_owned(),
        leaves_out: &[],
    })
}

/// The backup that a folder has; the folder is new, empty, or has one.
fn begin(to: &Path) -> Result<Manifest, OpsError> {
    if let Some(before) = Manifest::read(to)? {
        return Ok(before);
    }
    if let Some(held) = look(to).map_err(failed("looking at", to))? {
        return Err(OpsError::Occupied { path: to.to_owned(), held });
    }
    fs::create_dir_all(to).map_err(failed("making", to))?;
    let begun = Manifest::default();
    begun.write(to)?;
    Ok(begun)
}

/// Whether a folder holds a backup of more than events.
pub fn is_whole(from: &Path) -> Result<bool, OpsError> {
    Ok(Manifest::read(from)?.is_some())
}

/// The folder of the events in a backup.
pub fn events_of(from: &Path) -> Result<PathBuf, OpsError> {
    Ok(if is_whole(from)? { from.join(EVENTS) } else { from.to_owned() })
}

/// Makes queue, checkpoints and store of a backup, none of which may be there; the store comes last, with its mark.
///
/// Interrupted, it is done again.
pub async fn restore_whole(
    from: &Path,
    places: Places<'_>,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<RestoreDone, OpsError> {
    let manifest = Manifest::read(from)?.filter(|manifest| manifest.number > 0);
    let not_there = || MaintainError::NotFound { folder: from.display().to_string() };
    let manifest = manifest.ok_or_else(not_there)?;
    let target = places.events.dsn.path();
    if let Some(held) = look(target).map_err(failed("looking at", target))?
        && held.kind != Kind::Unfinished
    {
        return Err(OpsError::Occupied { path: target.to_owned(), held });
    }
    let home = Backends::standard().home(&places.events.dsn, Access::Append).checkpoints;
    let there = home.all().await.map_err(trunkline::ReconcileError::from)?;
    if there.iter().any(|(name, checkpoint)| manifest.checkpoints.get(name) != Some(checkpoint)) {
        let mut path = target.as_os_str().to_owned();
        path.push(".checkpoints");
        let path = PathBuf::from(path);
        let held = trunkline_place::Held { kind: Kind::Checkpoints, path: path.clone() };
        return Err(OpsError::Occupied { path, held });
    }
    if let Some(folder) = queue_folder(&places.messages.dsn) {
        restore_queue(manifest.queue.as_ref().map(|name| from.join(name)), &folder)?;
    }
    for (name, checkpoint) in &manifest.checkpoints {
        home.save(name, checkpoint).await.map_err(trunkline::ReconcileError::from)?;
    }
    let report = LogStore::restore(&from.join(EVENTS), target, true, progress)?;
    Ok(RestoreDone { leaves_out: &[], ..RestoreDone::from(report) })
}

/// Puts the copy of a queue in its place, where nothing is, or the same is already.
fn restore_queue(from: Option<PathBuf>, to: &Path) -> Result<(), OpsError> {
    let held = look(to).map_err(failed("looking at", to))?;
    match (from, held) {
        (None, None) => Ok(()),
        (Some(from), None) => {
            let mut beside = to.as_os_str().to_owned();
            beside.push(".restoring");
            let beside = PathBuf::from(beside);
            let place = || -> io::Result<()> {
                if beside.exists() {
                    fs::remove_dir_all(&beside)?;
                }
                fs::create_dir_all(&beside)?;
                for (name, path) in files(&from)? {
                    fs::copy(path, beside.join(&name))?;
                    File::open(beside.join(name))?.sync_all()?;
                }
                File::open(&beside)?.sync_all()?;
                if to.exists() {
                    fs::remove_dir(to)?;
                }
                fs::rename(&beside, to)?;
                File::open(
                    to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")),
                )?
                .sync_all()
            };
            place().map_err(failed("restoring", to))
        }
        // What an interrupted restore has put there.
        (Some(from), Some(_)) if is_same(&from, to).map_err(failed("comparing", to))? => Ok(()),
        (_, Some(held)) => Err(OpsError::Occupied { path: to.to_owned(), held }),
    }
}

fn files(folder: &Path) -> io::Result<BTreeMap<std::ffi::OsString, PathBuf>> {
    fs::read_dir(folder)?.map(|entry| entry.map(|entry| (entry.file_name(), entry.path()))).collect()
}

fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (files(one)?, files(other)?);
    if !one.keys().eq(other.keys()) {
        return Ok(false);
    }
    for (one, other) in one.values().zip(other.values()) {
        if fs::read(one)? != fs::read(other)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The folder of a queue that is kept in one.
fn queue_folder(dsn: &Dsn) -> Option<PathBuf> {
    (!dsn.is_memory()).then(|| dsn.path().to_owned())
}

fn queue_error(place: &Place, source: trunkline_queue::OpenError) -> OpsError {
    trunkline::OpenQueueError::Open { place: Box::new(place.clone()), source }.into()
}

/// What a flipped bit changes.
fn checksum(text: &str) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, text.as_bytes()).simple().to_string()
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpsError + use<> {
    let what = format!("{doing} {}", path.display());
    move |source| OpsError::File { what, source }
}
