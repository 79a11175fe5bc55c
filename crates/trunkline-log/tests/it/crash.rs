//! The machine stops, or the process is killed, at every single operation on the disk.
//!
//! Goal: nothing acknowledged is lost, nothing else is half there, and nothing that any reader has seen
//! disappears. Method: a script is played once to count the operations that change something; then it is
//! played again for each of them, stopping there, and what was synced by then survives, with or without what
//! was not. The log is opened again and compared with the reference; it has to go on working.

use trunkline_log::disk::{CrashChoice, Disk, Fault, FaultKind, MemoryDisk};
use trunkline_log::{Appended, Expected, Log};

use crate::check::{all, assert_holds, assert_verifies};
use crate::draft::Draft;
use crate::format::frames;
use crate::play::{Played, open, open_read_only, play};
use crate::random::{Random, seed, slow};
use crate::reference::Reference;
use crate::script::{Step, script};

/// How the power is cut.
#[derive(Clone, Copy, Debug)]
enum Cut {
    KeepAll,
    LoseAll,
    /// Each sector and name by chance.
    Each,
}

/// How long a script is at least: most are long enough for several segments, runs and a merge of runs.
const STEPS: u64 = 30;

/// What all scripts have more segments than.
const SEGMENTS: u64 = 4;

fn cut(disk: &MemoryDisk, how: Cut, random: &mut Random) {
    match how {
        Cut::KeepAll => disk.crash(&mut CrashChoice::KeepAll),
        Cut::LoseAll => disk.crash(&mut CrashChoice::LoseAll),
        Cut::Each => disk.crash(&mut CrashChoice::Each(&mut || random.one_in(2))),
    }
}

/// Opens the log and compares it with what was played; returns what it holds.
fn assert_survived(disk: &MemoryDisk, played: &Played, when: &str) -> (Log, Reference) {
    let before = open_read_only(disk).ok().map(|reader| all(&reader));
    let log = open(disk).unwrap_or_else(|error| panic!("{error:?} {when}"));
    let found = all(&log);
    played.assert_possible(&found, false);
    for seen in [Some(&played.seen), before.as_ref()].into_iter().flatten() {
        let still = found.get(..seen.len()) == Some(&seen[..]);
        assert!(still, "a reader had seen more than there is {when}: {seen:#?}, now {found:#?}");
    }
    let reference = Reference { records: found };
    assert_holds(&log, &reference, when);
    (log, reference)
}

/// Fails unless the log works as if nothing had happened.
fn assert_goes_on(disk: &MemoryDisk, log: Log, mut reference: Reference, played: &Played, when: &str) {
    for (draft, first) in &played.answers {
        let again = log.append_blocking(draft.encode(&log));
        assert_eq!(again, Ok(Appended { repeated: true, ..first.clone() }), "repeated {when}: {draft:?}");
    }
    for number in 0..3 {
        let stream = ["order-1", "new-1"][number as usize % 2];
        let expected = Expected::At(reference.version(stream));
        let draft = Draft::one(stream, expected, 1_000_000 + number, &[7; 2000]);
        let answer = log.append_blocking(draft.encode(&log));
        assert_eq!(answer, reference.append(&draft), "appended {when}");
    }
    drop(log);
    let log = open(disk).unwrap_or_else(|error| panic!("{error:?} after closing {when}"));
    assert_eq!(log.rolled_back_bytes(), 0, "after closing {when}");
    assert_holds(&log, &reference, when);
    assert_verifies(&log, &reference, when);
}

fn stop_at(disk: &MemoryDisk, at: u64) {
    disk.inject(Some(Fault { at, kind: FaultKind::Stop }));
}

/// A script that is as long as it takes until enough segments are begun, and how many operations it has.
fn long_script(seed: u64) -> (Vec<Step>, u64) {
    let mut scripts = (STEPS..4 * STEPS).step_by(5).map(|steps| script(seed, steps));
    let long = scripts.find_map(|script| operations_of(&script).map(|operations| (script, operations)));
    long.expect("a long script begins segments")
}

/// How many operations a script has, once it begins enough segments.
fn operations_of(script: &[Step]) -> Option<u64> {
    let disk = MemoryDisk::new();
    let played = play(&disk, script, false);
    assert!(played.reference.records.len() > 40, "the script stores something");
    let log = open(&disk).expect("what was played is opened");
    if log.stats().segments <= SEGMENTS {
        return None;
    }
    let runs = disk.list("index").expect("a memory disk lists its files");
    assert!(runs.iter().any(|file| file.ends_with("-1.run")), "runs are merged: {runs:?}");
    Some(disk.operations())
}

#[test]
fn a_power_cut_at_any_operation_loses_nothing() {
    let mut random = Random::new(seed(1));
    for round in 0..if slow() { 20 } else { 1 } {
        let (script, operations) = long_script(random.next());
        let cuts = [Cut::Each, Cut::LoseAll, Cut::KeepAll];
        for at in 0..operations {
            // By default one way at each operation, in turn.
            let ways: &[Cut] = if slow() { &cuts } else { &cuts[at as usize % cuts.len()..][..1] };
            for &how in ways {
                let when = format!("after a power cut ({how:?}) at operation {at} of script {round}");
                let disk = MemoryDisk::new();
                stop_at(&disk, at);
                let played = play(&disk, &script, true);
                cut(&disk, how, &mut random);
                if random.one_in(4) {
                    // Once more, while the log is being opened.
                    stop_at(&disk, disk.operations() + random.below(12));
                    drop(open(&disk));
                    cut(&disk, how, &mut random);
                }
                let (log, reference) = assert_survived(&disk, &played, &when);
                assert_goes_on(&disk, log, reference, &played, &when);
            }
        }
    }
}

/// What a killed process had written is still there for the next one, synced or not. What that one shows has
/// to stay, also when the power is cut before it has written anything of its own; and so has what it appends.
#[test]
fn what_is_shown_after_a_kill_survives_a_power_cut() {
    let mut random = Random::new(seed(2));
    for round in 0..if slow() { 20 } else { 1 } {
        let (script, operations) = long_script(random.next());
        for at in 0..operations {
            let when = format!("after a kill at operation {at} of script {round}");
            for append in [false, true] {
                if !slow() && append != at.is_multiple_of(2) {
                    continue;
                }
                let disk = MemoryDisk::new();
                stop_at(&disk, at);
                let mut played = play(&disk, &script, true);
                disk.kill();
                let (log, mut reference) = assert_survived(&disk, &played, &when);
                if append {
                    let draft = Draft::one("new-2", Expected::At(0), 2_000_000, b"appended after the kill");
                    let answer = log.append_blocking(draft.encode(&log));
                    assert_eq!(answer, reference.append(&draft), "{when}");
                }
                // This process is stopped too, so that closing the log writes nothing.
                stop_at(&disk, disk.operations());
                drop(log);
                played = Played { seen: reference.records.clone(), reference, ..played };
                played.in_flight.clear();
                cut(&disk, Cut::LoseAll, &mut random);
                let (log, reference) = assert_survived(&disk, &played, &format!("{when}, and a power cut"));
                assert_goes_on(&disk, log, reference, &played, &when);
            }
        }
    }
}

/// What is left of a commit that was cut off is made zeros, on the disk too: the next one is shorter, perhaps,
/// and what follows a frame has to be nothing or a frame.
#[test]
fn a_tail_that_was_rolled_back_is_gone_for_good() {
    let disk = MemoryDisk::new();
    let log = open(&disk).unwrap();
    let first = Draft::one("a-1", Expected::At(0), 1, b"acknowledged");
    log.append_blocking(first.encode(&log)).unwrap();
    // The frame is written and not synced.
    stop_at(&disk, disk.operations() + 1);
    let cut_off = Draft::one("a-1", Expected::At(1), 2, &[9; 6000]);
    log.append_blocking(cut_off.encode(&log)).unwrap_err();
    drop(log);
    let mut sector = 0;
    disk.crash(&mut CrashChoice::Each(&mut || {
        sector += 1;
        sector % 2 == 0
    }));
    for (opening, rolled_back) in [(1, true), (2, false)] {
        let log = open(&disk).unwrap();
        assert_eq!((log.head(), log.rolled_back_bytes() > 0), (1, rolled_back), "opening {opening}");
        let bytes = disk.bytes("00000000000000000001.seg");
        let end = frames(&bytes).last().expect("there is a frame").bytes.end;
        assert!(bytes[end..].iter().all(|byte| *byte == 0), "opening {opening} left something");
        stop_at(&disk, disk.operations());
        drop(log);
        disk.crash(&mut CrashChoice::LoseAll);
    }
}

/// Until something follows it, an acknowledged frame could be damaged without anybody noticing; a crash before
/// the confirming frame must not leave it like that.
#[test]
fn a_frame_that_a_crash_left_unconfirmed_is_confirmed_by_the_next_process() {
    let disk = MemoryDisk::new();
    let log = open(&disk).unwrap();
    let draft = Draft::one("a-1", Expected::At(0), 1, b"the last before the crash");
    log.append_blocking(draft.encode(&log)).unwrap();
    stop_at(&disk, disk.operations());
    drop(log);
    disk.crash(&mut CrashChoice::LoseAll);
    let last_confirms = |disk: &MemoryDisk| {
        let frames = frames(&disk.bytes("00000000000000000001.seg"));
        frames.last().expect("there is a frame").confirming
    };
    assert!(!last_confirms(&disk));
    drop(open(&disk).unwrap());
    assert!(last_confirms(&disk));
}
