//! Files that are written beside a store: looked at first, so that nothing else is written over, and whole files, which
//! appear under their names once they are whole: who looks sees all of it, or what was there before.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use trunkline_place::{Held, in_the_way_of_lines, look, resolved};

use crate::OpsError;

/// A file that is being written. Dropped before it is put in place, it leaves nothing.
#[derive(Debug)]
pub(crate) struct WholeFile {
    file: NamedTempFile,
    path: PathBuf,
    /// What was there when it was begun is replaced; what comes there meanwhile is not.
    replaces: bool,
}

impl WholeFile {
    /// A file without its name yet, in the folder where it will be, which may be read by whoever may read the
    /// user's new files.
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        #[cfg(unix)]
        builder.permissions(permissions);
        let replaces = path.symlink_metadata().is_ok();
        Ok(Self { file: builder.tempfile_in(folder(path))?, path: path.to_owned(), replaces })
    }

    /// Gives the finished file its name, once its bytes are on the disk.
    pub(crate) fn put_in_place(self) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        let placed = if self.replaces {
            self.file.persist(&self.path)
        } else {
            self.file.persist_noclobber(&self.path)
        };
        placed.map_err(|error| error.error)?;
        #[cfg(unix)]
        File::open(folder(&self.path))?.sync_all()?;
        Ok(())
    }
}

impl io::Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The folder of a file.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Sees to it that a file of lines may be written to a path: nothing is there, or earlier lines.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("orders.tsk");
/// assert!(trunkline_ops::may_hold_lines(&path).is_ok());
/// std::fs::write(&path, "[events.OrderCreated]")?;
/// assert!(trunkline_ops::may_hold_lines(&path).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn may_hold_lines(path: &Path) -> Result<(), OpsError> {
    refused(path, in_the_way_of_lines(path))
}

/// Sees to it that a new file may be made at a path, which is not in a folder that belongs to something.
pub fn may_be_new(path: &Path) -> Result<(), OpsError> {
    let held = look(path).map(|held| held.filter(|held| resolved(path).ok().as_deref() != Some(&*held.path)));
    // A file that is there is refused by who makes it.
    refused(path, held)
}

fn refused(path: &Path, held: io::Result<Option<Held>>) -> Result<(), OpsError> {
    match held {
        Ok(None) => Ok(()),
        Ok(Some(held)) => Err(OpsError::Occupied { path: path.to_owned(), held }),
        Err(source) => Err(OpsError::File { what: format!("looking what {} holds", path.display()), source }),
    }
}
