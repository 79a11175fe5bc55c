//! What can be done where a disk is full or read-only, or files are another user's, wherever that was met.

use std::error::Error;
use std::io::{self, ErrorKind};

use trunkline::{OpenQueueError, Origin, Place, Role};

use crate::doctor::word;
use crate::{OpsError, QueueError};

/// What only reads, and so needs no right to write.
const READING: &str = "what only reads works there all the same: read, tail, streams, export, verify, stats, state, saga list, \
    saga show, doctor, projection status, and query and sql with --stale";

pub(super) fn hints(error: &OpsError) -> Vec<String> {
    match (cause(error), place(error)) {
        (Some(kind), Some(place)) => of_place(kind, place),
        (Some(kind), None) => of_folder(kind),
        (None, _) => Vec::new(),
    }
}

/// The kind of what the system said, when it is of these.
fn cause(error: &OpsError) -> Option<ErrorKind> {
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind()).filter(|kind| {
                matches!(
                    kind,
                    ErrorKind::StorageFull
                        | ErrorKind::QuotaExceeded
                        | ErrorKind::FileTooLarge
                        | ErrorKind::ReadOnlyFilesystem
                        | ErrorKind::PermissionDenied
                )
            });
        }
        cause = error.source();
    }
    None
}

/// The store or the queue that could not be opened.
fn place(error: &OpsError) -> Option<&Place> {
    match error {
        OpsError::Open { place, .. }
        | OpsError::Queue(QueueError::Open(OpenQueueError::Open { place, .. })) => Some(place),
        _ => None,
    }
}

fn of_place(kind: ErrorKind, place: &Place) -> Vec<String> {
    let path = place.dsn.path();
    // What belongs to a store or a queue stands beside it, and in the default folder nothing else does.
    let parent = path.parent().filter(|_| place.origin == Origin::Default);
    let folder = parent.unwrap_or(path).display().to_string();
    let folder = word(&folder);
    let copy = if parent.is_some() {
        format!("`cp -a {folder} OTHER`, then TRUNKLINE_DATA=OTHER")
    } else {
        let name = path.file_name().unwrap_or_default().display();
        let elsewhere = place.elsewhere(&format!("OTHER/{name}"));
        format!("`mkdir OTHER && cp -a {folder}* OTHER`, then {elsewhere}")
    };
    match kind {
        ErrorKind::ReadOnlyFilesystem => vec![
            format!("have the disk mounted for writing, or go on with a copy on another one: {copy}"),
            READING.to_owned(),
        ],
        ErrorKind::PermissionDenied => vec![format!(
            "run it as the user that owns the files, whom `ls -ld {folder}` shows, or give them to this one: \
             `sudo chown -R \"$(id -un)\" {folder}`"
        )],
        ErrorKind::FileTooLarge => vec![limit()],
        _ if place.role == Role::Messages => vec![format!(
            "make room on the disk of {folder}: a queue takes it in pieces of 16 MiB; then run the same again: nothing was \
             lost; or go on with a copy on another one: {copy}"
        )],
        _ => vec![format!(
            "make room on the disk of {folder}, then run the same again: nothing was lost; or go on with a copy on another \
             one: {copy}"
        )],
    }
}

fn of_folder(kind: ErrorKind) -> Vec<String> {
    vec![match kind {
        ErrorKind::ReadOnlyFilesystem => {
            "name a place on another disk, or have this one mounted for writing".to_owned()
        }
        ErrorKind::PermissionDenied => {
            "run it as a user that may, whom `ls -l` shows, or name a place where this one may".to_owned()
        }
        ErrorKind::FileTooLarge => limit(),
        _ => "make room there, or name a place on another disk, then run the same again".to_owned(),
    }]
}

fn limit() -> String {
    "the size of files is limited: raise that, see `ulimit -f`, then run the same again".to_owned()
}
