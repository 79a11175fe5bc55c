//! The machine and the disk that figures are from: without them they say nothing.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::engines::disk::Floor;
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::rounds::Round;
use crate::scratch::Scratch;

/// For how long the disk's syncs are timed.
const SYNCS_FOR: Duration = Duration::from_millis(500);

/// The time; the one place that asks for it.
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// What the figures were measured on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    pub(crate) filesystem: String,
    /// The mean of writing 4 KiB to space that was written before and syncing it.
    pub(crate) sync_us: u64,
    pub(crate) date: String,
}

impl Machine {
    /// Looks at the machine, and at the disk under this folder.
    pub(crate) fn look(scratch: &Scratch, interrupt: &Interrupt) -> Result<Self> {
        let folder = scratch.subfolder("syncs")?;
        let mut floor = Floor::one_page(&folder)?;
        let begun = Instant::now();
        let syncs = floor.run(&Round::begin(SYNCS_FOR, interrupt))?;
        let sync_us = begun.elapsed().as_micros() as u64 / syncs.max(1);
        Scratch::remove(&folder)?;
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let path = fs::canonicalize(scratch.path()).unwrap_or_default();
        Ok(Self {
            cpu: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            memory_gib: kib(&field("/proc/meminfo", "MemTotal")).div_ceil(1 << 20),
            kernel: first_line("/proc/sys/kernel/osrelease"),
            filesystem: filesystem(&mounts, &path).unwrap_or_else(|| "unknown".to_owned()),
            sync_us,
            date: now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
        })
    }

    /// Each thing on a line of its own.
    pub(crate) fn lines(&self) -> Vec<String> {
        vec![
            format!(
                "machine: {}, {} cores, {} GiB, Linux {}",
                self.cpu, self.cores, self.memory_gib, self.kernel
            ),
            format!("disk: {}, 4 KiB written and synced in {} µs on average", self.filesystem, self.sync_us),
            format!("date: {}", self.date),
        ]
    }
}

/// The text after a field's colon, in a file of the kernel's.
fn field(path: &str, name: &str) -> String {
    field_of(&fs::read_to_string(path).unwrap_or_default(), name).unwrap_or_else(|| "unknown".to_owned())
}

fn field_of(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim().to_owned())
    })
}

fn first_line(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

/// The number of a field such as `1234 kB`.
fn kib(text: &str) -> u64 {
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The anonymous memory of this process, in bytes.
pub(crate) fn anonymous_bytes() -> u64 {
    kib(&field("/proc/self/status", "RssAnon")) << 10
}

/// The type and options of the deepest mount above a path.
fn filesystem(mounts: &str, path: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (at, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        path.starts_with(at).then_some((at.len(), format!("{kind} ({options})")))
    });
    mounts.max_by_key(|(depth, _)| *depth).map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_counts() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw,nosuid 0 0\n/dev/b /tm xfs rw 0 0\n";
        let filesystem = |path| filesystem(mounts, Path::new(path));
        assert_eq!(filesystem("/tmp/x").as_deref(), Some("tmpfs (rw,nosuid)"));
        assert_eq!(filesystem("/home").as_deref(), Some("ext4 (rw)"));
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "VmRSS:\t  10 kB\nRssAnon:\t     1024 kB\n";
        assert_eq!(field_of(text, "RssAnon").map(|text| kib(&text)), Some(1024));
        assert_eq!(field_of(text, "Rss"), None);
    }
}
