//! What bars a process from writing somewhere, for messages: databases and libraries often say only that it didn't work.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use crate::new_file;

/// What is written to see that there is room: what a database takes for its smallest file beside another.
const TRIAL_BYTES: usize = 64 << 10;

/// What bars this process from writing a file, or making it: the disk is full or read-only, a right is missing, the folder
/// is not there, or a folder has that name. Nothing when it can be written.
///
/// The file itself is not opened: closing it would end the locks that the process has on it.
///
/// ```
/// use std::io::ErrorKind;
///
/// let folder = tempfile::tempdir()?;
/// assert!(trunkline_place::barred_from_writing(&folder.path().join("read.db")).is_none());
/// let missing = trunkline_place::barred_from_writing(&folder.path().join("none/read.db"));
/// assert_eq!(missing.map(|error| error.kind()), Some(ErrorKind::NotFound));
/// let folder = trunkline_place::barred_from_writing(folder.path());
/// assert_eq!(folder.map(|error| error.kind()), Some(ErrorKind::IsADirectory));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn barred_from_writing(path: &Path) -> Option<io::Error> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Some(ErrorKind::IsADirectory.into()),
        Err(error) if error.kind() != ErrorKind::NotFound => return Some(error),
        Ok(_) | Err(_) => {}
    }
    let mut trial = path.as_os_str().to_owned();
    trial.push(format!(".trial-{}", std::process::id()));
    let trial = Path::new(&trial);
    let written = new_file().create_new(true).open(trial).and_then(|mut file| {
        let written = file.write_all(&vec![0; TRIAL_BYTES]);
        drop(file);
        // One that can't be removed is none of what was asked.
        let _ = fs::remove_file(trial);
        written
    });
    // Somebody else of this process tries the same.
    written.err().filter(|error| error.kind() != ErrorKind::AlreadyExists)
}
