//! The copy of a queue in a backup: what is in it, whether it is whole, and how it is put in its place.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use trunkline_place::{look, make_folder};

use super::failed;
use super::manifest::{Manifest, checksum, damaged};
use crate::OpsError;

/// The folder of the queue's copy in the backup of this number.
pub(super) fn name(number: u64) -> String {
    format!("queue-{number}")
}

/// Whether a folder of a backup has that of a copy, whichever.
fn is_copy(name: &str) -> bool {
    name.strip_prefix("queue-").is_some_and(|number| number.parse::<u64>().is_ok())
}

/// The checksums of the files of a copy.
pub(super) fn checksums(copy: &Path) -> Result<BTreeMap<String, String>, OpsError> {
    let read = || -> io::Result<_> {
        let sums = files(copy)?.into_iter().map(|(name, path)| Ok((name, checksum(&fs::read(path)?))));
        sums.collect()
    };
    read().map_err(failed("reading", copy))
}

/// Whether the copy is the one that the manifest names, bit for bit.
pub(super) fn verify(from: &Path, manifest: &Manifest) -> Result<(), OpsError> {
    let Some(copy) = manifest.queue.as_ref().map(|name| from.join(name)) else { return Ok(()) };
    for (name, sum) in &manifest.queue_files {
        let path = copy.join(name);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(damaged(&path)),
            bytes => bytes.map_err(failed("reading", &path))?,
        };
        if checksum(&bytes) != *sum {
            return Err(damaged(&path));
        }
    }
    Ok(())
}

/// Removes the copies that belong to no backup: the one before, and what backups have left that were interrupted.
pub(super) fn remove_others(folder: &Path, of_backup: Option<&str>) {
    // What can't be removed takes room, and belongs to nothing.
    for (name, path) in files(folder).unwrap_or_default() {
        if is_copy(&name) && of_backup != Some(&*name) {
            drop(fs::remove_dir_all(path));
        }
    }
}

/// Puts the copy of a queue in its place, where nothing is, or the same is already.
pub(super) fn restore(from: Option<PathBuf>, to: &Path) -> Result<(), OpsError> {
    let held = look(to).map_err(failed("looking at", to))?;
    match (from, held) {
        (None, None) => Ok(()),
        (Some(from), None) => place(&from, to).map_err(failed("restoring", to)),
        // What an interrupted restore has put there.
        (Some(from), Some(_)) if is_same(&from, to).map_err(failed("comparing", to))? => Ok(()),
        (_, Some(held)) => Err(OpsError::Occupied { path: to.to_owned(), held }),
    }
}

fn place(from: &Path, to: &Path) -> io::Result<()> {
    let mut beside = to.as_os_str().to_owned();
    beside.push(".restoring");
    let beside = PathBuf::from(beside);
    if beside.exists() {
        fs::remove_dir_all(&beside)?;
    }
    make_folder(&beside)?;
    for (name, path) in files(from)? {
        fs::copy(path, beside.join(&name))?;
        File::open(beside.join(name))?.sync_all()?;
    }
    File::open(&beside)?.sync_all()?;
    if to.exists() {
        fs::remove_dir(to)?;
    }
    fs::rename(&beside, to)?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// What is in a folder, by name.
pub(super) fn files(folder: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let named = |entry: fs::DirEntry| (entry.file_name().to_string_lossy().into_owned(), entry.path());
    fs::read_dir(folder)?.map(|entry| entry.map(named)).collect()
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
