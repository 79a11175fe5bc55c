//! Checkpoints in a folder, a small file each.

mod file;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use trunkline_place::{FolderLock, make_folder, new_file, take_folder};

use super::{Checkpoint, CheckpointError, Checkpoints};

/// How long a writer waits for one of another process, and how often it looks.
const LOCKED_MAX: Duration = Duration::from_secs(10);
const LOOKED_AGAIN: Duration = Duration::from_millis(2);

/// Checkpoints in a folder, a small file each: written beside, synced, and renamed.
///
/// In a tokio runtime, files are written on its threads for what blocks, since each sync takes milliseconds;
/// elsewhere the caller waits for them.
#[derive(Debug)]
pub struct FileCheckpoints {
    folder: PathBuf,
    /// Held by who writes, in the order of the calls, also when the caller is gone before.
    writing: Arc<tokio::sync::Mutex<()>>,
}

impl FileCheckpoints {
    /// Checkpoints in this folder, which is made when something is kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), writing: Arc::default() }
    }

    /// Writes something about a name, after all that was asked earlier.
    async fn write(
        &self,
        name: &str,
        done: &'static str,
        write: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
    ) -> Result<(), CheckpointError> {
        let turn = Arc::clone(&self.writing).lock_owned().await;
        let folder = self.folder.clone();
        let written = blocking(move || {
            let written = write(&folder);
            drop(turn);
            written
        });
        written.await.map_err(failed(name, done))
    }
}

impl Checkpoints for FileCheckpoints {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Checkpoint>, CheckpointError>> {
        let (folder, named) = (self.folder.clone(), name.to_owned());
        async move { blocking(move || Ok(read(&folder, &named))).await.map_err(failed(name, "read"))? }
            .boxed()
    }

    fn save<'a>(
        &'a self,
        name: &'a str,
        checkpoint: &'a Checkpoint,
    ) -> BoxFuture<'a, Result<(), CheckpointError>> {
        let (named, checkpoint) = (name.to_owned(), *checkpoint);
        self.write(name, "written", move |folder| replace(folder, &named, &checkpoint)).boxed()
    }

    fn forget<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), CheckpointError>> {
        let named = name.to_owned();
        self.write(name, "removed", move |folder| remove(folder, &named)).boxed()
    }

    fn all(&self) -> BoxFuture<'_, Result<BTreeMap<String, Checkpoint>, CheckpointError>> {
        let folder = self.folder.clone();
        async move {
            let read = blocking(move || Ok(read_all(&folder))).await;
            read.map_err(failed(&self.folder.display().to_string(), "read"))?
        }
        .boxed()
    }
}

/// Does what may block on a thread where no task waits behind it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    let Ok(runtime) = Handle::try_current() else { return work() };
    match runtime.spawn_blocking(work).await {
        Ok(done) => done,
        // The runtime is going down before it was done, and the caller most likely with it.
        Err(error) => Err(io::Error::other(error)),
    }
}

fn failed(name: &str, done: &'static str) -> impl FnOnce(io::Error) -> CheckpointError + use<> {
    let name = name.to_owned();
    move |error| {
        let passes = matches!(
            error.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ResourceBusy
        );
        CheckpointError::Storage { name, done, passes, source: Box::new(error) }
    }
}

fn path(folder: &Path, name: &str, kind: &str) -> PathBuf {
    folder.join(format!("{}.checkpoint.{kind}", file_name(name)))
}

fn read(folder: &Path, name: &str) -> Result<Option<Checkpoint>, CheckpointError> {
    let path = path(folder, name, "json");
    match fs::read(&path) {
        Ok(bytes) => file::read(name, &bytes).map(Some).map_err(|what| CheckpointError::Damaged {
            name: name.to_owned(),
            file: path.display().to_string(),
            what,
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(name, "read")(error)),
    }
}

fn read_all(folder: &Path) -> Result<BTreeMap<String, Checkpoint>, CheckpointError> {
    let of_folder = || failed(&folder.display().to_string(), "read");
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(of_folder()(error)),
    };
    let mut all = BTreeMap::new();
    for file in files {
        let file = file.map_err(of_folder())?.file_name();
        let name = file.to_str().and_then(|file| name_of(file.strip_suffix(".checkpoint.json")?));
        if let Some(name) = name
            && let Some(checkpoint) = read(folder, &name)?
        {
            all.insert(name, checkpoint);
        }
    }
    Ok(all)
}

fn replace(folder: &Path, name: &str, checkpoint: &Checkpoint) -> io::Result<()> {
    make_folder(folder)?;
    let _turn = wait_for_folder(folder, LOCKED_MAX)?;
    let beside = path(folder, name, "new");
    let mut file = new_file().create(true).truncate(true).open(&beside)?;
    file.write_all(&file::written(name, checkpoint)?)?;
    file.sync_all()?;
    fs::rename(beside, path(folder, name, "json"))?;
    File::open(folder)?.sync_all()
}

fn remove(folder: &Path, name: &str) -> io::Result<()> {
    let _turn = match wait_for_folder(folder, LOCKED_MAX) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        turn => turn?,
    };
    match fs::remove_file(path(folder, name, "json")) {
        Ok(()) => File::open(folder)?.sync_all(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Locks the folder while a file in it is replaced or removed, so that two processes don't write into one file: who comes
/// second waits, for no longer than that takes, unless the other was stopped in the midst of it.
#[expect(clippy::disallowed_methods, reason = "no system waits for a lock with a limit")]
fn wait_for_folder(folder: &Path, at_most: Duration) -> io::Result<FolderLock> {
    let end = Instant::now() + at_most;
    loop {
        match take_folder(folder)? {
            Some(lock) => return Ok(lock),
            None if Instant::now() > end => {
                let what = format!("{} is locked by another process", folder.display());
                return Err(io::Error::new(ErrorKind::ResourceBusy, what));
            }
            None => std::thread::sleep(LOOKED_AGAIN),
        }
    }
}

/// A name as part of a file's: what has a meaning there is written as `%` and its bytes.
fn file_name(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"$-_.".contains(&byte);
    let written = |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") };
    name.bytes().map(written).collect()
}

/// The name that is written like that, if it is one.
fn name_of(file: &str) -> Option<String> {
    let mut parts = file.split('%');
    let mut name = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (byte, plain) = part.split_at_checked(2)?;
        name.push(u8::from_str_radix(byte, 16).ok()?);
        name.extend(plain.as_bytes());
    }
    String::from_utf8(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_another_writer_keeps_locked_is_an_error_that_passes() {
        let folder = tempfile::tempdir().unwrap();
        let other = take_folder(folder.path()).unwrap();
        let error = wait_for_folder(folder.path(), Duration::ZERO).unwrap_err();
        assert!(failed("out", "written")(error).passes());
        drop(other);
        wait_for_folder(folder.path(), Duration::ZERO).unwrap();
    }
}
