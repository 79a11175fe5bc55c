//! What a folder takes on the disk, and which files are in it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// Every file in a folder and its subfolders.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let act = || format!("list the folder {}", folder.display());
        for entry in fs::read_dir(&folder).map_err(Failure::io(act()))? {
            let entry = entry.map_err(Failure::io(act()))?;
            if entry.file_type().map_err(Failure::io(act()))?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}

/// Bytes that a folder takes on the disk; holes in files take none.
pub(crate) fn bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for file in files(folder)? {
        // A file may be gone again: engines tidy up while we look.
        bytes += fs::metadata(&file).map_or(0, |metadata| metadata.blocks() * 512);
    }
    Ok(bytes)
}
