//! The file system.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use trunkline_place::{
    FileLock, FolderLock, Held, Kind, in_the_way_beside, in_the_way_of, make_folder, new_file, owner_at,
    take_file, take_folder,
};

use super::{Disk, DiskFile, DiskLock, OpenMode, outside};

/// A folder of the file system.
#[derive(Debug)]
pub struct RealDisk {
    root: PathBuf,
}

impl RealDisk {
    /// The folder at this path, which need not be there yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn path(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }
}

impl Disk for RealDisk {
    fn name(&self) -> String {
        self.root.display().to_string()
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        let path = self.path(path);
        let missing: Vec<&Path> = path.ancestors().take_while(|dir| !dir.exists()).collect();
        make_folder(&path)?;
        // Each new folder's name must survive too, or everything in it is lost with it.
        for parent in missing.iter().filter_map(|dir| dir.parent()) {
            sync_folder(parent)?;
        }
        Ok(())
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.path(path)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.extend(entry.file_name().into_string().ok());
            }
        }
        Ok(names)
    }

    fn open(&self, path: &str, access: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(access == OpenMode::Write).open(self.path(path))?;
        Ok(Arc::new(RealFile { file, map: OnceLock::new() }))
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = new_file().read(true).create(true).truncate(true).open(self.path(path))?;
        Ok(Arc::new(RealFile { file, map: OnceLock::new() }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.path(path))
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        sync_folder(&self.path(path))
    }

    fn lock(&self, path: &str, owner: &str) -> io::Result<Result<Box<dyn DiskLock>, String>> {
        let path = self.path(path);
        // The file says who has the folder, and is all that earlier versions and some systems look at.
        let Some(folder) = take_folder(&self.root)? else { return Ok(Err(owner_at(&path))) };
        let file = match take_file(&path, owner)? {
            Ok(file) => file,
            Err(owner) => return Ok(Err(owner)),
        };
        Ok(Ok(Box::new(RealLock { _file: Some(file), _folder: folder })))
    }

    fn lock_folder(&self) -> io::Result<Option<Box<dyn DiskLock>>> {
        let folder = take_folder(&self.root)?;
        Ok(folder.map(|folder| Box::new(RealLock { _file: None, _folder: folder }) as Box<dyn DiskLock>))
    }

    fn in_the_way_of(&self, kind: Kind, alone: bool) -> io::Result<Option<Held>> {
        if alone { in_the_way_of(kind, &self.root) } else { in_the_way_beside(kind, &self.root) }
    }

    fn boot_id(&self) -> Option<[u8; 16]> {
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(uuid::Uuid::try_parse(text.trim()).ok()?.into_bytes())
    }
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()
}

/// Elsewhere a folder cannot be opened to sync it, and the file system keeps names durable by itself.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// A folder that is locked, and the file that says by whom; when the process ends, the operating system unlocks both.
#[derive(Debug)]
struct RealLock {
    _file: Option<FileLock>,
    _folder: FolderLock,
}

impl DiskLock for RealLock {}

#[derive(Debug)]
struct RealFile {
    file: File,
    map: OnceLock<Bytes>,
}

/// A view of so many bytes is asked of the disk at once, rather than page by page as it is looked at.
const LARGE_VIEW_BYTES: u64 = 64 << 10;

impl RealFile {
    /// The mapping of the whole file, made on first use.
    fn map(&self) -> io::Result<&Bytes> {
        if let Some(map) = self.map.get() {
            return Ok(map);
        }
        let len = self.file.metadata()?.len();
        let bytes = if len == 0 {
            Bytes::new()
        } else {
            #[expect(
                unsafe_code,
                reason = "the file is never truncated while mapped, and viewed bytes are never written to again"
            )]
            // SAFETY: segments keep their length for ever and index runs are immutable once they have their
            // name, so the mapping stays backed by the file. A view is only asked of bytes that were written
            // before and that nobody writes to again, so no `&[u8]` changes under its reader; the one
            // process that may write is kept to that by the lock file.
            let map = unsafe { memmap2::Mmap::map(&self.file)? };
            // Records and keys are scattered: reading megabytes around each would cost far more than it saves.
            // Who reads on and on says so with `will_read`. Advice that isn't taken does no harm.
            #[cfg(unix)]
            drop(map.advise(memmap2::Advice::Random));
            Bytes::from_owner(map)
        };
        Ok(self.map.get_or_init(|| bytes))
    }
}

impl DiskFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn data_end(&self) -> io::Result<u64> {
        platform::data_end(&self.file)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match platform::read_at(&self.file, &mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            match platform::write_at(&self.file, &bytes[done..], offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        // On macOS the standard library asks for F_FULLFSYNC here.
        self.file.sync_data()
    }

    fn try_lock(&self) -> io::Result<bool> {
        Ok(platform::try_lock(&self.file))
    }

    fn unlock(&self) {
        platform::unlock(&self.file);
    }

    fn mapped(&self) -> io::Result<Option<&Bytes>> {
        self.map().map(Some)
    }

    fn is_near(&self, offset: u64) -> bool {
        platform::is_near(&self.file, offset)
    }

    fn will_read(&self, offset: u64, len: u64) {
        platform::will_read(&self.file, offset, len);
    }

    fn view(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        if len as u64 >= LARGE_VIEW_BYTES {
            self.will_read(offset, len as u64);
        }
        let map = self.map()?;
        let start = usize::try_from(offset).map_err(|_| outside(offset, len, map.len() as u64))?;
        match start.checked_add(len) {
            Some(end) if end <= map.len() => Ok(map.slice(start..end)),
            _ => Err(outside(offset, len, map.len() as u64)),
        }
    }
}

#[cfg(unix)]
mod platform {
    use std::os::unix::fs::FileExt;
    use std::{fs::File, io};

    /// Asks the file system where the file's last hole begins.
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    pub(super) fn data_end(file: &File) -> io::Result<u64> {
        use rustix::fs::{SeekFrom, seek};
        use rustix::io::Errno;

        let len = file.metadata()?.len();
        let mut end = 0;
        loop {
            let hole = match seek(file, SeekFrom::Data(end)) {
                Ok(data) => seek(file, SeekFrom::Hole(data)),
                Err(error) => Err(error),
            };
            match hole {
                Ok(hole) if hole > end => end = hole,
                Err(Errno::NXIO) => return Ok(end),
                // A file system that has no answer.
                Ok(_) | Err(Errno::INVAL | Errno::NOTSUP) => return Ok(len),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Asks whether the page is in the system's cache.
    #[cfg(target_os = "linux")]
    pub(super) fn is_near(file: &File, offset: u64) -> bool {
        use rustix::io::{Errno, ReadWriteFlags, preadv2};

        let mut byte = [0];
        let read = preadv2(file, &mut [io::IoSliceMut::new(&mut byte)], offset, ReadWriteFlags::NOWAIT);
        read != Err(Errno::AGAIN)
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn is_near(_file: &File, _offset: u64) -> bool {
        true
    }

    #[cfg(target_os = "linux")]
    pub(super) fn will_read(file: &File, offset: u64, len: u64) {
        use rustix::fs::{Advice, fadvise};

        // Advice that isn't taken does no harm.
        let _ = fadvise(file, offset, std::num::NonZeroU64::new(len), Advice::WillNeed);
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn will_read(_file: &File, _offset: u64, _len: u64) {}

    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    pub(super) fn data_end(file: &File) -> io::Result<u64> {
        Ok(file.metadata()?.len())
    }

    /// A file system without locks has none to be refused by.
    pub(super) fn try_lock(file: &File) -> bool {
        !matches!(file.try_lock(), Err(std::fs::TryLockError::WouldBlock))
    }

    pub(super) fn unlock(file: &File) {
        // What can't be unlocked is when this process ends.
        drop(file.unlock());
    }

    pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(file, buffer, offset)
    }

    pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(file, bytes, offset)
    }
}

#[cfg(windows)]
mod platform {
    use std::os::windows::fs::FileExt;
    use std::{fs::File, io};

    pub(super) fn data_end(file: &File) -> io::Result<u64> {
        Ok(file.metadata()?.len())
    }

    pub(super) fn is_near(_file: &File, _offset: u64) -> bool {
        true
    }

    pub(super) fn will_read(_file: &File, _offset: u64, _len: u64) {}

    /// Locks of this system keep readers out.
    pub(super) fn try_lock(_file: &File) -> bool {
        true
    }

    pub(super) fn unlock(_file: &File) {}

    pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        file.seek_read(buffer, offset)
    }

    pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        file.seek_write(bytes, offset)
    }
}
