//! Backups: interrupted, of another history, damaged.

use std::sync::Arc;

use trunkline_log::disk::{CrashChoice, Disk, Fault, FaultKind, MemoryDisk, OpenMode};
use trunkline_log::{BackupError, Expected, Log, restore, verify_backup};

use crate::check::{all, assert_holds, assert_verifies};
use crate::draft::Draft;
use crate::play::open;
use crate::random::{Random, seed, slow};
use crate::reference::Reference;

fn append(log: &Log, reference: &mut Reference, ids: std::ops::Range<u64>) {
    for number in ids {
        let draft = Draft::one("a-1", Expected::Any, number, &[3; 1500]);
        assert_eq!(log.append_blocking(draft.encode(log)), reference.append(&draft));
    }
}

fn quietly(_: u64, _: u64) {}

fn copy_of(folder: &MemoryDisk) -> MemoryDisk {
    let copy = MemoryDisk::new();
    for name in folder.list("").expect("a memory disk lists its files") {
        let file = copy.create(&name).expect("no fault is set");
        file.write_at(0, &folder.bytes(&name)).expect("no fault is set");
        file.sync().expect("no fault is set");
    }
    copy.sync_dir("").expect("no fault is set");
    copy
}

#[test]
fn one_that_is_interrupted_at_any_operation_is_the_one_before() {
    let disk = MemoryDisk::new();
    let log = open(&disk).unwrap();
    let mut reference = Reference::default();
    append(&log, &mut reference, 1..13);
    let first = MemoryDisk::new();
    log.backup(&first, &mut quietly).unwrap();
    let held = reference.clone();
    append(&log, &mut reference, 13..25);
    for at in 0.. {
        let folder = copy_of(&first);
        folder.inject(Some(Fault { at: folder.operations() + at, kind: FaultKind::Stop }));
        let complete = log.backup(&folder, &mut quietly).is_ok();
        let mut random = Random::new(at);
        folder.crash(&mut CrashChoice::Each(&mut || random.one_in(2)));
        for again in [false, true] {
            if again {
                log.backup(&folder, &mut quietly).unwrap();
            }
            let restored = MemoryDisk::new();
            let backup = restore(&folder, &restored, false, &mut quietly).unwrap();
            let whole = backup.position == reference.records.len() as u64;
            assert!(whole || !again && !complete, "stopped at operation {at}: {backup:?}");
            let wanted = if whole { &reference } else { &held };
            let log = Log::open_read_only(Arc::new(restored)).unwrap();
            assert_holds(&log, wanted, "after a backup was interrupted");
        }
        if complete {
            assert!(at > 5, "a backup takes more than {at} operations");
            return;
        }
    }
}

#[test]
fn a_restore_that_is_interrupted_at_any_operation_leaves_no_half_log() {
    let disk = MemoryDisk::new();
    let log = open(&disk).unwrap();
    let mut reference = Reference::default();
    append(&log, &mut reference, 1..25);
    let folder = MemoryDisk::new();
    log.backup(&folder, &mut quietly).unwrap();
    let mut random = Random::new(seed(16));
    for at in 0.. {
        let to = MemoryDisk::new();
        to.inject(Some(Fault { at, kind: FaultKind::Stop }));
        let complete = restore(&folder, &to, false, &mut quietly).is_ok();
        to.crash(&mut CrashChoice::Each(&mut || random.one_in(2)));
        // A log that opens is the whole one.
        match Log::open_read_only(Arc::new(to.clone())) {
            Ok(log) => {
                assert_holds(&log, &reference, "after a restore was interrupted");
                let mark = log.restored().unwrap().expect("no log is there without the mark");
                assert_eq!((mark.position, mark.whole), (24, false));
            }
            Err(error) => {
                assert!(!complete, "{error:?}");
                restore(&folder, &to, true, &mut quietly).expect("it can be done again");
                assert!(
                    Log::open_read_only(Arc::new(to.clone())).unwrap().restored().unwrap().unwrap().whole
                );
            }
        }
        if complete {
            assert!(at > 5, "a restore takes more than {at} operations");
            let log = open(&to).unwrap();
            assert_holds(&log, &reference, "restored");
            assert_verifies(&log, &reference, "restored");
            assert!(log.restored().unwrap().is_some(), "opening it reconciles nothing");
            log.mark_reconciled().unwrap();
            log.mark_reconciled().expect("it can be done again");
            assert_eq!(log.restored().unwrap(), None);
            return;
        }
    }
}

/// A log that was restored has the same segments as the one that the backup was taken of, and they go on
/// differently.
#[test]
fn a_backup_of_another_history_is_not_gone_on_with() {
    for (before, after) in [(3, 1), (3, 5), (12, 1), (12, 20)] {
        let disk = MemoryDisk::new();
        let log = open(&disk).unwrap();
        let mut reference = Reference::default();
        append(&log, &mut reference, 0..before);
        let (early, late) = (MemoryDisk::new(), MemoryDisk::new());
        log.backup(&early, &mut quietly).unwrap();
        append(&log, &mut reference, 100..101);
        log.backup(&late, &mut quietly).unwrap();
        let disk = MemoryDisk::new();
        restore(&early, &disk, false, &mut quietly).unwrap();
        let other = open(&disk).unwrap();
        let mut reference = Reference { records: all(&other) };
        append(&other, &mut reference, 200..200 + after);
        let refused = other.backup(&late, &mut quietly);
        assert!(matches!(refused, Err(BackupError::OtherStore { .. })), "{refused:?}");
        assert_eq!(other.backup(&early, &mut quietly).unwrap().position, reference.records.len() as u64);
        let stranger = open(&MemoryDisk::new()).unwrap().backup(&late, &mut quietly);
        assert!(matches!(stranger, Err(BackupError::OtherStore { .. })), "{stranger:?}");
    }
}

#[test]
fn a_damaged_backup_is_not_restored() {
    let mut random = Random::new(seed(17));
    let disk = MemoryDisk::new();
    let log = open(&disk).unwrap();
    let mut reference = Reference::default();
    append(&log, &mut reference, 1..25);
    let folder = MemoryDisk::new();
    log.backup(&folder, &mut quietly).unwrap();
    for number in 0..if slow() { 2000 } else { 60 } {
        let damaged = copy_of(&folder);
        let files = damaged.list("").unwrap();
        let name = &files[random.below(files.len() as u64) as usize];
        let len = damaged.bytes(name).len() as u64;
        let at = random.below(len);
        match number % 3 {
            0 => damaged.flip_bit(name, at, random.below(8) as u8),
            1 => damaged.remove(name).unwrap(),
            _ => damaged.open(name, OpenMode::Write).unwrap().set_len(at).unwrap(),
        }
        let to = MemoryDisk::new();
        let verified = verify_backup(&damaged, &mut quietly).is_ok();
        let restored = restore(&damaged, &to, false, &mut quietly);
        assert_eq!(
            verified,
            restored.is_ok(),
            "what is verified is restored, and nothing else: {restored:?}"
        );
        // Some bits of a segment mean nothing; those may be wrong, nothing else may.
        match restored {
            Ok(_) => assert_holds(&open(&to).unwrap(), &reference, "from a backup with a harmless flaw"),
            Err(BackupError::Damaged { .. } | BackupError::NotFound { .. } | BackupError::Io { .. }) => {
                let left = to.list("").unwrap();
                assert!(left.iter().all(|file| file.strip_suffix(".tmp").is_some()), "{left:?} was left");
            }
            Err(error) => panic!("{error:?} after damage to byte {at} of {name}"),
        }
    }
}

#[test]
fn nothing_is_restored_over_a_log() {
    let disk = MemoryDisk::new();
    let log = open(&disk).unwrap();
    append(&log, &mut Reference::default(), 1..3);
    let folder = MemoryDisk::new();
    log.backup(&folder, &mut quietly).unwrap();
    for left in ["head", "00000000000000000002.seg", "index/00000000000000000001-00000000000000000004-0.run"]
    {
        let to = MemoryDisk::new();
        to.create(left).unwrap();
        let refused = restore(&folder, &to, false, &mut quietly);
        assert!(matches!(refused, Err(BackupError::NotEmpty { .. })), "{left}: {refused:?}");
    }
    let refused = restore(&folder, &disk, false, &mut quietly);
    assert!(matches!(refused, Err(BackupError::InUse { .. })), "its writer has it: {refused:?}");
    log.close();
    let refused = restore(&folder, &disk, false, &mut quietly);
    assert!(matches!(refused, Err(BackupError::NotEmpty { .. })), "{refused:?}");
}
