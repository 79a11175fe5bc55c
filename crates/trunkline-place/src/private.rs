//! What is made is its owner's alone: events, messages and rows are nobody else's business, whatever the umask says.
//!
//! Only what is made gets these rights; what is there keeps its own, so that an operator may open it to a group.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a folder, and those above it that are missing: nobody but their owner may enter them.
///
/// ```
/// let place = tempfile::tempdir()?;
/// let folder = place.path().join("data/events");
/// trunkline_place::make_folder(&folder)?;
/// # #[cfg(unix)]
/// # {
/// use std::os::unix::fs::PermissionsExt as _;
/// assert_eq!(folder.metadata()?.permissions().mode() & 0o777, 0o700);
/// assert_eq!(folder.parent().unwrap().metadata()?.permissions().mode() & 0o777, 0o700);
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// How a file is opened for writing; one that is made can be read by its owner alone.
///
/// ```
/// let place = tempfile::tempdir()?;
/// let path = place.path().join("a");
/// let file = trunkline_place::new_file().create(true).open(&path)?;
/// # #[cfg(unix)]
/// # {
/// use std::os::unix::fs::PermissionsExt as _;
/// assert_eq!(file.metadata()?.permissions().mode() & 0o777, 0o600);
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true);
    options
}
