//! The disk fails: once, at every single operation and in every way, or by being full from some operation on.
//!
//! Goal: every error says truly what became of the batch; the log goes on where nothing was stored, refuses
//! where nobody knows, and is whole after it was opened again. Method: as for crashes, but the program goes on
//! after the failure, as a user of the log would.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use trunkline_log::disk::{CrashChoice, Fault, FaultKind, MemoryDisk};
use trunkline_log::{AppendError, Appended, Expected, Log, OpenError, Options};

use crate::check::{all, assert_holds, assert_verifies};
use crate::draft::{Draft, Selection};
use crate::play::{Played, append_together, is_storage, open, open_read_only, options};
use crate::random::{Random, seed, slow};
use crate::reference::Reference;
use crate::script::{Step, script};
use crate::wrapped::{Call, Wrapped};

/// Opens the log again after a failure whose outcome is unknown, and takes what it holds for what is so.
fn reopen(disk: &MemoryDisk, played: &mut Played, when: &str) -> Log {
    let log = open(disk).or_else(|_| open(disk)).unwrap_or_else(|error| panic!("{error:?} {when}"));
    let found = all(&log);
    played.assert_possible(&found, false);
    assert!(found.starts_with(&played.seen), "a reader had seen more {when}");
    played.reference = Reference { records: found };
    played.in_flight.clear();
    log
}

/// Plays a script to its end on a disk that fails once, and returns how often that was noticed.
fn play_on(disk: &MemoryDisk, script: &[Step], when: &str) -> (Played, u32) {
    let mut played = Played::default();
    let mut log = open(disk).or_else(|_| open(disk)).unwrap_or_else(|error| panic!("{error:?} {when}"));
    let mut failures = 0;
    for step in script {
        match step {
            Step::Append(drafts) => {
                let answers = append_together(&log, drafts);
                if played.take(drafts, answers.clone()) {
                    failures += 1;
                    let unknown = answers.iter().any(|answer| matches!(answer, Err(AppendError::Unknown(_))));
                    if unknown {
                        let refused = log.append_blocking(drafts[0].encode(&log));
                        assert!(matches!(refused, Err(AppendError::Poisoned(_))), "{refused:?} {when}");
                        played.see(&log, false);
                        drop(log);
                        log = reopen(disk, &mut played, when);
                    }
                    // Again, and now it has to work: nothing was stored, or the log was opened again.
                    let answers = append_together(&log, drafts);
                    assert!(!played.take(drafts, answers), "a second failure {when}");
                }
            }
            Step::Reopen => {
                drop(log);
                log = open(disk).or_else(|_| open(disk)).unwrap_or_else(|error| panic!("{error:?} {when}"));
            }
        }
        played.see(&log, false);
    }
    assert_holds(&log, &played.reference, when);
    drop(log);
    (played, failures)
}

#[test]
fn one_failure_at_any_operation_is_told_truly_and_got_over() {
    let mut random = Random::new(seed(3));
    let mut noticed = 0;
    for round in 0..if slow() { 10 } else { 1 } {
        let script = script(random.next(), 24);
        let disk = MemoryDisk::new();
        play_on(&disk, &script, "without a failure");
        let kinds = [FaultKind::Error, FaultKind::Short];
        for at in 0..disk.operations() {
            for kind in kinds {
                if !slow() && kind != kinds[at as usize % kinds.len()] {
                    continue;
                }
                let when = format!("after {kind:?} at operation {at} of script {round}");
                let disk = MemoryDisk::new();
                disk.inject(Some(Fault { at, kind }));
                let (played, failures) = play_on(&disk, &script, &when);
                noticed += failures;
                // What was acknowledged after the failure has to be as safe as what was before.
                match random.below(3) {
                    0 => disk.crash(&mut CrashChoice::LoseAll),
                    1 => disk.crash(&mut CrashChoice::KeepAll),
                    _ => disk.crash(&mut CrashChoice::Each(&mut || random.one_in(2))),
                }
                let log = open(&disk).unwrap_or_else(|error| panic!("{error:?} {when}"));
                assert_holds(&log, &played.reference, &when);
                assert_verifies(&log, &played.reference, &when);
            }
        }
    }
    assert!(noticed > 50, "only {noticed} failures reached an append");
}

#[test]
fn a_full_disk_refuses_appends_until_there_is_room() {
    let mut random = Random::new(seed(4));
    let script = script(random.next(), 24);
    let disk = MemoryDisk::new();
    play_on(&disk, &script, "without a failure");
    let mut refused = 0;
    for at in (1..disk.operations()).step_by(if slow() { 1 } else { 3 }) {
        let when = format!("when the disk was full from operation {at} on");
        let disk = MemoryDisk::new();
        let mut played = Played::default();
        // A log cannot be made on a full disk; that it was refused leaves nothing behind that is in the way.
        disk.inject(Some(Fault { at, kind: FaultKind::Full }));
        let mut log = open_with_room(&disk, &when);
        for step in &script {
            let Step::Append(drafts) = step else {
                drop(log);
                log = open_with_room(&disk, &when);
                continue;
            };
            let answers = append_together(&log, drafts);
            if played.take(drafts, answers.clone()) {
                refused += 1;
                for answer in answers.iter().filter(|answer| is_storage(answer)) {
                    let Err(AppendError::NotStored(reason)) = answer else { panic!("{answer:?} {when}") };
                    assert!(reason.contains("full") && reason.contains("free some space"), "{reason} {when}");
                }
                assert_holds(&log, &played.reference, &when);
                let reader = open_read_only(&disk).unwrap_or_else(|error| panic!("{error:?} {when}"));
                // It may lag, since there was no room to publish the head.
                played.see(&reader, true);
                disk.inject(None);
                let answers = append_together(&log, drafts);
                assert!(!played.take(drafts, answers), "there is room, and yet it fails {when}");
            }
            played.see(&log, false);
        }
        assert_holds(&log, &played.reference, &when);
        // Closing takes room for a confirming frame.
        disk.inject(None);
        drop(log);
        disk.crash(&mut CrashChoice::Each(&mut || random.one_in(2)));
        let log = open(&disk).unwrap_or_else(|error| panic!("{error:?} {when}"));
        assert_holds(&log, &played.reference, &when);
        assert_verifies(&log, &played.reference, &when);
    }
    assert!(refused > 20, "only {refused} appends were refused");
}

/// Opens the log, after making room if there is none.
fn open_with_room(disk: &MemoryDisk, when: &str) -> Log {
    match open(disk) {
        Ok(log) => log,
        Err(OpenError::Io { .. }) => {
            disk.inject(None);
            open(disk).unwrap_or_else(|error| panic!("{error:?} {when}"))
        }
        Err(error) => panic!("{error:?} {when}"),
    }
}

/// What an append has to answer when one of the operations that it consists of fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Stored,
    NotStored,
    Unknown,
}

#[test]
fn each_operation_of_an_append_fails_in_its_own_way() {
    use FaultKind::{Error, Full, Short, Stop};
    // Zeroing space, writing the frame, syncing it, publishing the head.
    let cases = [
        (0, Error, Answer::NotStored),
        (0, Short, Answer::NotStored),
        (0, Full, Answer::NotStored),
        (1, Error, Answer::NotStored),
        (1, Short, Answer::NotStored),
        (1, Full, Answer::NotStored),
        // Nor can it be taken back.
        (1, Stop, Answer::Unknown),
        (2, Error, Answer::Unknown),
        (2, Full, Answer::Stored),
        (3, Error, Answer::Stored),
        (3, Short, Answer::Stored),
        (3, Full, Answer::Stored),
        (3, Stop, Answer::Stored),
    ];
    for (operation, kind, expected) in cases {
        let when = format!("when operation {operation} fails with {kind:?}");
        let disk = MemoryDisk::new();
        // One table, so that the indexer has nothing to do in between.
        let log = Log::open(Arc::new(disk.clone()), Options { recent_records: 1000, ..options() }).unwrap();
        disk.inject(Some(Fault { at: disk.operations() + operation, kind }));
        let draft = Draft::one("a-1", Expected::At(0), 1, &[9; 3000]);
        let answer = log.append_blocking(draft.encode(&log));
        let kind_of_answer = match &answer {
            Ok(Appended { position: 1, repeated: false, .. }) => Answer::Stored,
            Err(AppendError::NotStored(_)) => Answer::NotStored,
            Err(AppendError::Unknown(_)) => Answer::Unknown,
            _ => panic!("{answer:?} {when}"),
        };
        assert_eq!(kind_of_answer, expected, "{answer:?} {when}");
        disk.inject(None);
        let again = log.append_blocking(draft.encode(&log));
        match expected {
            Answer::Stored | Answer::NotStored => {
                let Ok(Appended { position: 1, repeated, .. }) = again else { panic!("{again:?} {when}") };
                assert_eq!(repeated, expected == Answer::Stored, "{when}");
            }
            Answer::Unknown => {
                assert!(matches!(again, Err(AppendError::Poisoned(_))), "{again:?} {when}");
                assert_eq!(log.head(), 0, "nothing is shown {when}");
            }
        }
    }
}

/// Every answer that would be another one without the batches before it in the group has to wait for their sync:
/// repeats and refusals, also one that names a synced record but was come to only because of a staged one.
#[test]
fn an_answer_that_rests_on_what_is_not_synced_is_not_given() {
    let disk = MemoryDisk::new();
    let log = Log::open(Arc::new(disk.clone()), Options { recent_records: 1000, ..options() }).unwrap();
    let mut played = Played::default();
    let first = [Draft::one("a-1", Expected::At(0), 1, b"synced")];
    assert!(!played.take(&first, append_together(&log, &first)));
    let any: Selection = vec![vec![vec![(1, "plain".to_owned())]]];
    let unless = |after, draft: Draft| Draft { conditions: vec![(any.clone(), after)], ..draft };
    let staged = Draft::one("a-1", Expected::At(1), 2, b"staged");
    let group = [
        staged.clone(),
        staged,
        Draft::one("a-1", Expected::At(1), 3, b"its stream has moved on in the group"),
        unless(1, Draft::one("b-1", Expected::Any, 4, b"excluded by what is staged")),
        unless(
            0,
            Draft::one("a-1", Expected::At(2), 5, b"excluded by the first, after its version was right"),
        ),
        unless(0, Draft::one("b-1", Expected::Any, 6, b"excluded by the first, whatever else there is")),
    ];
    disk.inject(Some(Fault { at: disk.operations() + 1, kind: FaultKind::Error }));
    let answers = append_together(&log, &group);
    let given: Vec<bool> = answers.iter().map(|answer| !is_storage(answer)).collect();
    assert_eq!(given, [false, false, false, false, false, true], "{answers:?}");
    assert!(played.take(&group, answers));
}

/// A frame whose second half is zeros is whole although only its first half was written. The log said that it
/// was not stored, so it must not be there later, not even after a power cut that keeps every write.
#[test]
fn a_write_that_failed_half_way_is_taken_back() {
    for choice in [CrashChoice::KeepAll, CrashChoice::LoseAll] {
        let disk = MemoryDisk::new();
        let log = Log::open(Arc::new(disk.clone()), Options { recent_records: 1000, ..options() }).unwrap();
        disk.inject(Some(Fault { at: disk.operations() + 1, kind: FaultKind::Short }));
        let draft = Draft::one("a-1", Expected::At(0), 1, &[0; 6000]);
        let answer = log.append_blocking(draft.encode(&log));
        assert!(matches!(answer, Err(AppendError::NotStored(_))), "{answer:?}");
        assert_eq!(log.verify(&mut |_, _| {}).unconfirmed_bytes, 0, "it was taken back");
        disk.inject(Some(Fault { at: disk.operations(), kind: FaultKind::Stop }));
        drop(log);
        let mut choice = choice;
        disk.crash(&mut choice);
        let log = open(&disk).unwrap();
        assert_eq!((log.head(), log.rolled_back_bytes()), (0, 0), "{choice:?}");
    }
}

#[test]
fn index_files_that_cannot_be_written_hold_appends_up_and_lose_nothing() {
    let disk = MemoryDisk::new();
    let refuses = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&refuses);
    let wrapped = Wrapped::new(&disk, move |call| match call {
        Call::Create(path) if path.starts_with("index/") && asked.load(Ordering::Relaxed) => {
            Err(io::Error::other("this folder is read-only"))
        }
        _ => Ok(()),
    });
    let log = Log::open(Arc::new(wrapped), options()).unwrap();
    let mut reference = Reference::default();
    refuses.store(true, Ordering::Relaxed);
    let draft = |number| Draft::one(&format!("a-{}", number % 3), Expected::Any, number, b"");
    // As many as are kept in memory are taken.
    let mut number = 0;
    let reason = loop {
        number += 1;
        match log.append_blocking(draft(number).encode(&log)) {
            Err(AppendError::NotStored(reason)) => break reason,
            answer => assert_eq!(answer, reference.append(&draft(number))),
        }
        assert!(number < 1000, "memory grows without a bound");
    };
    assert!(reason.contains("index file") && reason.contains("this folder is read-only"), "{reason}");
    assert!(number > 30, "refused already at {number}");
    assert_holds(&log, &reference, "while the index is behind");
    refuses.store(false, Ordering::Relaxed);
    for number in number..number + 30 {
        let answer = log.append_blocking(draft(number).encode(&log));
        assert_eq!(answer, reference.append(&draft(number)));
    }
    assert_holds(&log, &reference, "with the index made up for");
    drop(log);
    let log = open(&disk).unwrap();
    assert_holds(&log, &reference, "opened again");
    assert_verifies(&log, &reference, "opened again");
}
