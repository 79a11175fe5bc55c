//! Writing a generation's write-ahead log back into its file, beside its owner.
//!
//! By itself, `SQLite` has the commit that fills the log write all of it back: hundreds of pages and two syncs, some ten
//! milliseconds in which events that come aren't visible, several times a second under load. So a thread with a
//! connection of its own does it while the owner goes on. The log begins anew once all of it is written back, which the
//! thread achieves alone as soon as the owner pauses for a moment; an owner that never does writes the little that is
//! left by itself, every few seconds.

use std::ffi::c_int;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::files::{Durability, Files};

/// So many pages are written back at once, as `SQLite` does it by itself: 4 MiB.
const PAGES: c_int = 1_000;

/// From so many on, the owner helps where no more than [`LEFT_MAX`] are left: 32 MiB.
const HELPED: c_int = 8_000;

/// So few that writing them back is two syncs, and little else.
const LEFT_MAX: c_int = 100;

/// From so many on, the owner does it whatever is left, so that the log doesn't grow for ever: 64 MiB.
const PAGES_MAX: c_int = 16_000;

/// The thread beside an owner; it ends with this.
#[derive(Debug)]
pub(super) struct WriteBack {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    // Held for a few instructions, never while something is written.
    state: Mutex<Standing>,
    changed: Condvar,
}

#[derive(Debug)]
struct Standing {
    /// Pages of the log after the last commit.
    pages: c_int,
    /// How many the log has when the thread is asked next.
    next: c_int,
    /// How many the thread has written back; 0 when that isn't known.
    done: c_int,
    asked: bool,
    stopped: bool,
}

impl Default for Standing {
    fn default() -> Self {
        Self { pages: 0, next: PAGES, done: 0, asked: false, stopped: false }
    }
}

impl Standing {
    /// After a commit: whether the owner is to write back what is left.
    fn committed(&mut self, pages: c_int) -> bool {
        if pages < self.pages {
            // The log has begun anew.
            (self.next, self.done) = (PAGES, 0);
        }
        self.pages = pages;
        let little_is_left = pages >= HELPED && self.done > 0 && pages - self.done <= LEFT_MAX;
        if little_is_left || pages >= PAGES_MAX.max(self.next) {
            // A reader may keep the log from beginning anew: then it isn't tried at every commit.
            (self.next, self.done) = (pages + PAGES, 0);
            return true;
        }
        if pages >= self.next {
            (self.next, self.done, self.asked) = (pages + PAGES, 0, true);
        }
        false
    }
}

impl Shared {
    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn committed(&self, wal: &mut Wal, pages: c_int) {
        let (writes_back, asks) = {
            let mut standing = self.standing();
            (standing.committed(pages), standing.asked)
        };
        if writes_back {
            // The commit has taken place; the log stays longer, and the next one tries again.
            drop(wal.checkpoint());
        } else if asks {
            self.changed.notify_one();
        }
    }

    /// Waits until there is something to do; whether there is.
    fn is_asked(&self) -> bool {
        let waits = |standing: &mut Standing| !standing.asked && !standing.stopped;
        let mut standing =
            self.changed.wait_while(self.standing(), waits).unwrap_or_else(PoisonError::into_inner);
        standing.asked = false;
        !standing.stopped
    }
}

impl WriteBack {
    /// Has the log of this owner's connection written back.
    pub(super) fn begin(connection: &mut Connection, files: &Files, path: PathBuf) -> rusqlite::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (told, files) = (Arc::clone(&shared), files.clone());
        connection.wal_hook(Some(move |wal: &mut Wal, pages| {
            told.committed(wal, pages);
            Ok(())
        }))?;
        let asked = Arc::clone(&shared);
        let spawned = std::thread::Builder::new()
            .name("write back".to_owned())
            .spawn(move || write_back(&asked, &files, &path));
        // Without the thread, the owner does it alone, later.
        Ok(Self { shared, thread: spawned.ok() })
    }
}

fn write_back(shared: &Shared, files: &Files, path: &Path) {
    let mut opened = None;
    while shared.is_asked() {
        // What fails here leaves the log longer, and the owner meets the same fault and says it.
        if opened.is_none() {
            opened = files.open(path, false, Durability::Derived).ok();
        }
        let Some(connection) = &opened else { continue };
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(2)?));
        let written: rusqlite::Result<(bool, c_int)> =
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], read);
        if let Ok((false, done)) = written {
            let mut standing = shared.standing();
            // Unless the log has begun anew meanwhile.
            if done <= standing.pages {
                standing.done = done;
            }
        }
    }
}

impl Drop for WriteBack {
    fn drop(&mut self) {
        self.shared.standing().stopped = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there was reported to its caller, and has no effect here.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_is_asked_for_much_and_the_owner_for_little() {
        let mut standing = Standing::default();
        assert!(!standing.committed(PAGES - 1));
        assert!(!standing.asked);
        assert!(!standing.committed(PAGES));
        assert!(std::mem::take(&mut standing.asked));
        assert!(!standing.committed(PAGES + 4) && !standing.asked, "it is at work");
        standing.done = PAGES;
        assert!(!standing.committed(PAGES + 8), "the owner may pause yet");
        assert!(!standing.committed(HELPED));
        assert!(std::mem::take(&mut standing.asked));
        standing.done = HELPED;
        assert!(standing.committed(HELPED + 8), "it doesn't, and what is left is little");
        assert!(!standing.committed(HELPED + 12), "a reader kept the log from beginning anew");
        assert!(!standing.committed(4) && !standing.asked, "it has begun anew");
        assert!(!standing.committed(PAGES));
        assert!(standing.asked);
    }

    #[test]
    fn a_log_that_only_grows_is_written_back_by_its_owner() {
        let mut standing = Standing::default();
        let mut times = 0;
        for pages in (0..PAGES_MAX + 10 * PAGES).step_by(400) {
            times += u32::from(standing.committed(pages));
        }
        assert!((8..=11).contains(&times), "{times}");
    }
}
