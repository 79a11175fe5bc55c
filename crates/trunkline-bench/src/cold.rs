//! Making a store cold: its files out of the page cache.

use std::fs::File;
use std::path::Path;

use rustix::fs::{Advice, fadvise};

use crate::disk_usage;
use crate::failure::{Failure, Result};

/// Writes every file of a folder back and asks the system to forget its pages (`posix_fadvise`, `DONTNEED`).
///
/// Pages that some process has mapped and touched stay, so a store is made cold while it is closed. What the
/// machine under a virtual one keeps in its memory stays too.
pub(crate) fn make_cold(folder: &Path) -> Result<()> {
    for path in disk_usage::files(folder)? {
        // A file may be gone again: engines tidy up while we look.
        let Ok(file) = File::open(&path) else { continue };
        let act = || format!("write back {}", path.display());
        file.sync_all().map_err(Failure::io(act()))?;
        fadvise(&file, 0, None, Advice::DontNeed).map_err(|error| Failure::io(act())(error.into()))?;
    }
    Ok(())
}
