//! Backups of all that a running application has, and applications that are made of them.
//!
//! The checkpoints are taken first, then the queue with its decisions, and the log last: so no checkpoint is ahead of the
//! queue, and the log has the cause of each message. The manifest is replaced last of all, so a folder holds the backup
//! before until it holds the next. The form is described in `docs/format/backup-v1.md`; `manifest` is that file, and `queue`
//! the copy of the queue.

mod manifest;
mod queue;

use std::io;
use std::path::{Path, PathBuf};

use trunkline::{Access, Backends, Dsn, OpenStoreOptions, Place};
use trunkline_core::{Clock as _, SystemClock};
use trunkline_place::{FolderLock, Kind, look, make_folder, take_folder};
use trunkline_queue::copy_queue;
use trunkline_store::{LogStore, MaintainError};

pub(super) use manifest::MANIFEST;
use manifest::Manifest;

use super::copies::{BackupDone, RestoreDone};
use crate::OpsError;

/// The folder of the events in a backup.
const EVENTS: &str = "events";

/// Where an application keeps what is backed up.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// Its events, and its checkpoints beside them.
    pub events: &'a Place,
    /// Its messages.
    pub messages: &'a Place,
}

/// Backs up all that an application has which nothing else could make again, also while a process runs it; `progress`
/// hears how many bytes of the events are done of how many. The folder is locked meanwhile.
pub async fn backup_whole(
    places: Places<'_>,
    to: &Path,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<BackupDone, OpsError> {
    let (lock, before) = begin(to)?;
    let checkpoints = Backends::standard().home(&places.events.dsn, Access::Read).checkpoints;
    let checkpoints = checkpoints.all().await.map_err(trunkline::ReconcileError::from)?;
    let taken_at = SystemClock.now().to_string();
    let mut manifest = Manifest { number: before.number + 1, taken_at, checkpoints, ..Manifest::default() };
    let mut queue_bytes = 0;
    if let Some(folder) = queue_folder(&places.messages.dsn).filter(|folder| folder.exists()) {
        let name = queue::name(manifest.number);
        let copied =
            copy_queue(&folder, &to.join(&name)).map_err(|source| queue_error(places.messages, source))?;
        queue_bytes = copied.bytes;
        manifest.queue_files = queue::checksums(&to.join(&name))?;
        manifest.queue = Some(name);
    }
    // Opened after all the others were taken: it shows what is synced by now.
    let options = OpenStoreOptions { access: Access::Read, ..OpenStoreOptions::default() };
    let opened = Backends::standard().open_events(places.events, options).await?;
    let report = opened.maintain.backup(&to.join(EVENTS), progress);
    opened.close().await;
    let report = report?;
    manifest.write(to)?;
    queue::remove_others(to, manifest.queue.as_deref());
    drop(lock);
    Ok(BackupDone {
        position: report.position,
        bytes_copied: report.bytes_copied + queue_bytes,
        bytes: report.bytes + queue_bytes,
        segments: report.segments,
        to: to.to_owned(),
        leaves_out: &[],
    })
}

/// Locks a folder for a backup, and gives the one that it has; the folder is new, empty, or has one.
fn begin(to: &Path) -> Result<(FolderLock, Manifest), OpsError> {
    refuse_others(to)?;
    make_folder(to).map_err(failed("making", to))?;
    let lock = lock(to)?;
    // Whoever made something in it meanwhile had it locked.
    refuse_others(to)?;
    if let Some(before) = Manifest::read(to)? {
        return Ok((lock, before));
    }
    let begun = Manifest::default();
    begun.write(to)?;
    Ok((lock, begun))
}

/// Refuses a folder that has anything but a backup of this kind, or one that was just begun.
fn refuse_others(to: &Path) -> Result<(), OpsError> {
    let is_begun = || queue::files(to).is_ok_and(|files| files.keys().eq([manifest::BESIDE]));
    if Manifest::read(to)?.is_some() || is_begun() {
        return Ok(());
    }
    match look(to).map_err(failed("looking at", to))? {
        Some(held) => Err(OpsError::Occupied { path: to.to_owned(), held }),
        None => Ok(()),
    }
}

/// Locks the folder of a backup, which is there.
fn lock(folder: &Path) -> Result<FolderLock, OpsError> {
    let lock = take_folder(folder).map_err(failed("locking", folder))?;
    lock.ok_or_else(|| MaintainError::InUse { folder: folder.display().to_string() }.into())
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
/// All of the backup is verified before anything is put in its place, and its folder is locked until all is. Interrupted,
/// it is done again.
pub async fn restore_whole(
    from: &Path,
    places: Places<'_>,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<RestoreDone, OpsError> {
    let not_there = || MaintainError::NotFound { folder: from.display().to_string() };
    if !is_whole(from)? {
        return Err(not_there().into());
    }
    let lock = lock(from)?;
    let manifest = Manifest::read(from)?.filter(|manifest| manifest.number > 0);
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
    let events = from.join(EVENTS);
    queue::verify(from, &manifest)?;
    // Each byte is read twice.
    LogStore::verify_backup(&events, &mut |done, total| progress(done, 2 * total))?;
    if let Some(folder) = queue_folder(&places.messages.dsn) {
        queue::restore(manifest.queue.as_ref().map(|name| from.join(name)), &folder)?;
    }
    for (name, checkpoint) in &manifest.checkpoints {
        home.save(name, checkpoint).await.map_err(trunkline::ReconcileError::from)?;
    }
    let mut progressed = |done, total| progress(total + done, 2 * total);
    let report = LogStore::restore(&events, target, true, &mut progressed)?;
    drop(lock);
    Ok(RestoreDone { leaves_out: &[], ..RestoreDone::from(report) })
}

/// The folder of a queue that is kept in one.
fn queue_folder(dsn: &Dsn) -> Option<PathBuf> {
    (!dsn.is_memory()).then(|| dsn.path().to_owned())
}

fn queue_error(place: &Place, source: trunkline_queue::OpenError) -> OpsError {
    trunkline::OpenQueueError::Open { place: Box::new(place.clone()), source }.into()
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpsError + use<> {
    let what = format!("{doing} {}", path.display());
    move |source| OpsError::File { what, source }
}
