//! A reader that opens the log while another process does something to it.
//!
//! Goal: whatever the moment, the reader gets a whole log and nothing that is not synced. Method: what the other
//! process does is done between two of the reader's own calls to the disk, for each two of them in turn.

use std::sync::{Arc, Mutex};

use trunkline_log::disk::{CrashChoice, Fault, FaultKind, MemoryDisk};
use trunkline_log::{Expected, Log};

use crate::check::{all, assert_holds};
use crate::draft::Draft;
use crate::format::frames;
use crate::play::{RECENT_RECORDS, open};
use crate::reference::Reference;
use crate::wrapped::Wrapped;

/// Opens the log for reading and does something after so many of the calls that this takes; returns also whether
/// it came to that.
fn open_and_meanwhile(disk: &MemoryDisk, after: usize, act: impl FnOnce() + Send + 'static) -> (Log, bool) {
    let left = Arc::new(Mutex::new((after, Some(act))));
    let counted = Arc::clone(&left);
    let wrapped = Wrapped::new(disk, move |_| {
        let mut left = counted.lock().expect("a test that panicked has failed already");
        let due = left.0 == 0;
        left.0 = left.0.saturating_sub(1);
        let act = if due { left.1.take() } else { None };
        drop(left);
        if let Some(act) = act {
            act();
        }
        Ok(())
    });
    let reader = Log::open_read_only_with(Arc::new(wrapped), RECENT_RECORDS)
        .unwrap_or_else(|error| panic!("{error:?} when something happened after {after} calls"));
    // What has not happened by now is not to happen later.
    let came_to_it = left.lock().expect("a test that panicked has failed already").1.take().is_none();
    (reader, came_to_it)
}

fn append(log: &Log, reference: &mut Reference, count: u64) {
    for _ in 0..count {
        let draft = Draft::one("a-1", Expected::Any, reference.records.len() as u64, &[8; 4000]);
        assert_eq!(log.append_blocking(draft.encode(log)), reference.append(&draft));
    }
}

#[test]
fn a_reader_that_opens_while_segments_and_runs_begin_is_not_misled() {
    for after in 0.. {
        let disk = MemoryDisk::new();
        let log = Arc::new(open(&disk).unwrap());
        let mut reference = Reference::default();
        append(&log, &mut reference, 6);
        let grown = Arc::new(Mutex::new(reference.clone()));
        let (writer, growing) = (Arc::clone(&log), Arc::clone(&grown));
        let (reader, came_to_it) =
            open_and_meanwhile(&disk, after, move || append(&writer, &mut growing.lock().unwrap(), 12));
        let grown = grown.lock().unwrap();
        let seen = all(&reader);
        assert!(grown.records.starts_with(&seen) && seen.len() >= reference.records.len(), "{seen:#?}");
        assert_eq!(reader.verify(&mut |_, _| {}).problems, [], "after {after} calls");
        reader.refresh().unwrap();
        assert_holds(&reader, &grown, &format!("after {after} calls"));
        if !came_to_it {
            assert!(after > 4, "opening takes more than {after} calls");
            return;
        }
    }
}

/// After a restart every whole frame counts, as long as nobody writes: the writer that starts meanwhile may have
/// written one that it has not synced.
#[test]
fn a_reader_that_opens_while_a_writer_starts_sees_nothing_that_is_not_synced() {
    for after in 0.. {
        let disk = MemoryDisk::new();
        let log = open(&disk).unwrap();
        let mut reference = Reference::default();
        append(&log, &mut reference, 1);
        drop(log);
        disk.crash(&mut CrashChoice::KeepAll);
        let starting = disk.clone();
        let (reader, came_to_it) = open_and_meanwhile(&disk, after, move || {
            let log = open(&starting).unwrap();
            // Space is zeroed and the frame is written; the machine stops at its sync.
            starting.inject(Some(Fault { at: starting.operations() + 2, kind: FaultKind::Stop }));
            let draft = Draft::one("a-1", Expected::Any, 100, &[8; 4000]);
            log.append_blocking(draft.encode(&log)).unwrap_err();
            let last = frames(&starting.bytes("00000000000000000001.seg")).pop().unwrap();
            assert_eq!((last.first_position, last.records), (2, 1), "it is there");
        });
        let seen = all(&reader);
        assert!(seen == reference.records, "{seen:#?} after {after} calls");
        if !came_to_it {
            assert!(after > 4, "opening takes more than {after} calls");
            return;
        }
    }
}
