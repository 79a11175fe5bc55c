//! Bytes that were once synced change, and files go missing.
//!
//! Goal: damage is never taken for the log's end, never panics, and never gives a wrong record; what was
//! there before it can still be read. Method: one thing is damaged at a time in a copy of a log whose content
//! is known, and whatever the log then does has to be one of the few things it may do.

use std::io::{Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::Arc;

use trunkline_log::disk::{CrashChoice, Disk, Fault, FaultKind, MemoryDisk, OpenMode, RealDisk};
use trunkline_log::{Cursor, Expected, Log, OpenError, Options, Problem, ReadError};

use crate::check::{assert_holds, assert_verifies, labels_of, read, streams_of};
use crate::draft::{Draft, Selection, query};
use crate::format::{Frame, SEGMENT_HEADER, SEGMENT_HEADER_USED, frames};
use crate::play::{open, open_read_only, play};
use crate::random::{Random, seed, slow};
use crate::reference::Reference;
use crate::script::script;

/// A log that was closed, and what it holds.
struct Sample {
    disk: MemoryDisk,
    reference: Reference,
    /// The files of its segments, in order.
    segments: Vec<String>,
}

impl Sample {
    fn new(seed: u64) -> Self {
        let disk = MemoryDisk::new();
        let played = play(&disk, &script(seed, 30), false);
        let mut segments = disk.list("").expect("a memory disk lists its files");
        segments.retain(|file| file.strip_suffix(".seg").is_some());
        segments.sort();
        assert!(segments.len() > 4, "{segments:?}");
        Self { disk, reference: played.reference, segments }
    }

    fn frames(&self, file: &str) -> Vec<Frame> {
        frames(&self.disk.bytes(file))
    }

    fn runs(&self) -> Vec<String> {
        let files = self.disk.list("index").expect("a memory disk lists its files");
        files.into_iter().map(|file| format!("index/{file}")).collect()
    }

    /// Another disk with the same files.
    fn copy(&self, state: State) -> MemoryDisk {
        let copy = MemoryDisk::new();
        let others = self.disk.list("").expect("a memory disk lists its files").into_iter();
        for file in others.chain(self.runs()) {
            overwrite(&copy, &file, &self.disk.bytes(&file));
        }
        match state {
            State::SameBoot => {}
            State::OtherBoot => {
                for folder in ["", "index"] {
                    copy.sync_dir(folder).expect("no fault is set");
                }
                copy.crash(&mut CrashChoice::KeepAll);
            }
            State::NoHead => copy.remove("head").expect("a log has a published head"),
        }
        copy
    }
}

/// What is known of how far the log is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    SameBoot,
    OtherBoot,
    NoHead,
}

const STATES: [State; 3] = [State::SameBoot, State::OtherBoot, State::NoHead];

/// Gives a file other bytes.
fn overwrite(disk: &MemoryDisk, file: &str, bytes: &[u8]) {
    let file = disk.create(file).expect("no fault is set");
    file.write_at(0, bytes).expect("no fault is set");
    file.sync().expect("no fault is set");
}

fn change(disk: &MemoryDisk, file: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = disk.bytes(file);
    change(&mut bytes);
    overwrite(disk, file, &bytes);
}

/// What a log with a damaged segment did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Every record was there.
    Whole,
    /// It was not opened, and said where it is damaged.
    Refused,
    /// What came before the damage was read, and then the damage was reported.
    ReadUpTo(usize),
    /// It ended early without an error.
    Shorter(usize),
}

/// Reads a log that may be damaged in a file; whatever it gives has to be right.
fn outcome_of(opened: Result<Log, OpenError>, damaged: &str, expected: &Reference, when: &str) -> Outcome {
    let log = match opened {
        Ok(log) => log,
        Err(OpenError::Corrupt { file, .. }) => {
            assert_eq!(file, damaged, "it blames another file {when}");
            return Outcome::Refused;
        }
        Err(error) => panic!("{error:?} {when}"),
    };
    let check = |error: Option<ReadError>| match error {
        None => false,
        Some(ReadError::Damaged { file, .. }) => {
            assert_eq!(file, damaged, "it blames another file {when}");
            true
        }
        Some(error) => panic!("{error:?} {when}"),
    };
    let (found, error) = read(log.all(1..=u64::MAX, true));
    assert!(expected.records.starts_with(&found), "wrong records {when}: {found:#?}");
    let damaged = check(error);
    let known = Reference { records: expected.records[..found.len()].to_vec() };
    let (backward, error) = read(log.all(1..=u64::MAX, false));
    let backward_damaged = check(error);
    assert_eq!(backward_damaged, damaged, "forward and backward differ {when}");
    // One that ended early without an error has lost what was at its end.
    let held = if damaged { expected } else { &known };
    let wanted = held.all(&(1..=u64::MAX), false);
    assert!(wanted.starts_with(&backward), "wrong records backward {when}: {backward:#?}");
    assert!(backward_damaged || backward == wanted, "records are left out backward {when}");
    for stream in streams_of(&expected.records) {
        for forward in [true, false] {
            let (found, error) = read(log.stream(stream.as_bytes(), 1..=u64::MAX, forward));
            let wanted = held.stream(stream, &(1..=u64::MAX), forward);
            assert!(wanted.starts_with(&found), "wrong records of {stream} {when}: {found:#?}");
            let complete = found.len() == wanted.len();
            assert!(check(error) || complete, "records of {stream} are left out {when}: {found:#?}");
        }
    }
    for label in labels_of(&expected.records) {
        let selection: Selection = vec![vec![vec![label.clone()]]];
        for forward in [true, false] {
            let (found, error) = read(log.matching(query(&log, &selection), 1..=u64::MAX, forward));
            let wanted = held.matching(&selection, &(1..=u64::MAX), forward);
            assert!(wanted.starts_with(&found), "wrong records with {label:?} {when}: {found:#?}");
            let complete = found.len() == wanted.len();
            assert!(check(error) || complete, "records with {label:?} are left out {when}: {found:#?}");
        }
    }
    match (found.len(), damaged) {
        (count, true) => Outcome::ReadUpTo(count),
        (count, false) if count == expected.records.len() => Outcome::Whole,
        (count, false) => Outcome::Shorter(count),
    }
}

/// Whether recovery may take a last segment that was damaged there for one that ends after so many records: none
/// of what follows the first lost frame has a whole header left to prove that the frame was there.
fn looks_cut_off(frames: &[Frame], damaged: &Range<usize>, records: usize) -> bool {
    let is_first_lost = |frame: &Frame| frame.records > 0 && frame.first_position == records as u64 + 1;
    let Some(first_lost) = frames.iter().position(is_first_lost) else { return false };
    frames[first_lost + 1..].iter().all(|frame| {
        let header = frame.bytes.start..frame.bytes.start + 36;
        header.start < damaged.end && damaged.start < header.end
    })
}

/// Damages some bytes of a segment and checks everything that the log then says. `meant` is whether a checksum
/// covers any of them.
fn check_segment_damage(
    sample: &Sample,
    file: &str,
    damaged: &Range<usize>,
    meant: bool,
    damage: &dyn Fn(&MemoryDisk),
) {
    let at = damaged.start;
    let frames = sample.frames(file);
    let is_last = sample.segments.last().is_some_and(|last| last == file);
    let last_records = frames.iter().rfind(|frame| !frame.confirming);
    for state in STATES {
        for indexed in [true, false] {
            let when = format!("after damage at byte {at} of {file}, {state:?}, indexed: {indexed}");
            let disk = sample.copy(state);
            damage(&disk);
            if !indexed {
                for run in sample.runs() {
                    disk.remove(&run).expect("it was listed");
                }
            }
            let read_only = outcome_of(open_read_only(&disk), file, &sample.reference, &when);
            let problems = |log: &Log| log.verify(&mut |_, _| {}).problems;
            if let (true, Ok(log)) = (meant, open_read_only(&disk))
                && !matches!(read_only, Outcome::Shorter(_))
            {
                let found = problems(&log);
                let damage = found.iter().any(|problem| matches!(problem, Problem::Damage(_)));
                // Damage beyond the last record, in a frame that only confirmed it, costs nothing.
                let harmless = is_last && last_records.is_none_or(|last| last.bytes.end <= at);
                assert!(damage || harmless, "verifying found {found:?} {when}");
            }
            let writing = outcome_of(open(&disk), file, &sample.reference, &when);
            for outcome in [read_only, writing] {
                let Outcome::Shorter(count) = outcome else { continue };
                // And never if the published head proves that there was more.
                let may_be_shorter = is_last && state == State::NoHead;
                let may_be_shorter = may_be_shorter && looks_cut_off(&frames, damaged, count);
                assert!(may_be_shorter, "{count} records and no error {when}");
            }
            if !meant {
                assert_eq!((read_only, writing), (Outcome::Whole, Outcome::Whole), "{when}");
            }
        }
    }
}

#[test]
fn a_flipped_bit_in_a_segment_is_reported_or_harmless() {
    let mut random = Random::new(seed(5));
    let sample = Sample::new(random.next());
    for file in &sample.segments {
        let frames = sample.frames(file);
        let end = frames.last().map_or(SEGMENT_HEADER, |frame| frame.bytes.end);
        for number in 0..if slow() { 400 } else { 9 } {
            let at = match number % 3 {
                0 => random.below(SEGMENT_HEADER_USED as u64) as usize,
                // The headers of frames are few bytes among many.
                1 if !frames.is_empty() => {
                    let frame = &frames[random.below(frames.len() as u64) as usize];
                    frame.bytes.start + random.below(40) as usize
                }
                _ => SEGMENT_HEADER_USED + random.below((end - SEGMENT_HEADER_USED) as u64) as usize,
            };
            let meant = at < SEGMENT_HEADER_USED || frames.iter().any(|frame| frame.covers(at));
            let bit = random.below(8) as u8;
            check_segment_damage(&sample, file, &(at..at + 1), meant, &|disk| {
                disk.flip_bit(file, at as u64, bit);
            });
        }
    }
}

#[test]
fn a_lost_or_foreign_sector_in_a_segment_is_reported() {
    let mut random = Random::new(seed(6));
    let sample = Sample::new(random.next());
    for file in &sample.segments {
        let frames = sample.frames(file);
        let Some(last) = frames.last() else { continue };
        let bytes = sample.disk.bytes(file);
        let sectors = (last.bytes.end - SEGMENT_HEADER).div_ceil(512) as u64;
        for number in 0..if slow() { 60 } else { 3 } {
            let sector = SEGMENT_HEADER + 512 * random.below(sectors) as usize;
            // A segment for one large frame ends where the frame does.
            let end = (sector + 512).min(bytes.len());
            let mut damaged = bytes.clone();
            match number % 3 {
                0 => damaged[sector..end].fill(0),
                1 => damaged[sector..end].fill_with(|| random.next() as u8),
                // What stood in another place of the same file.
                _ => damaged.copy_within(SEGMENT_HEADER..SEGMENT_HEADER + (end - sector), sector),
            }
            let changed = (0..bytes.len()).find(|at| bytes[*at] != damaged[*at]);
            let Some(at) = changed else { continue };
            let meant =
                (at..end).any(|at| bytes[at] != damaged[at] && frames.iter().any(|frame| frame.covers(at)));
            // Something in unused space after the end is rolled back, which loses nothing.
            if meant {
                check_segment_damage(&sample, file, &(at..end), true, &|disk| {
                    overwrite(disk, file, &damaged);
                });
            }
        }
    }
}

#[test]
fn segments_cut_off_swapped_foreign_and_missing_are_reported() {
    let sample = Sample::new(seed(7));
    let other = Sample::new(seed(8));
    let segments = &sample.segments;
    for (number, file) in segments.iter().enumerate() {
        for state in STATES {
            let when = |what: &str| format!("after {file} was {what}, {state:?}");
            for (what, len) in [("cut off", 9000), ("cut off in its header", 50), ("emptied", 0)] {
                let disk = sample.copy(state);
                change(&disk, file, |bytes| bytes.truncate(len));
                for opened in [open(&disk), open_read_only(&disk)] {
                    let outcome = outcome_of(opened, file, &sample.reference, &when(what));
                    assert_eq!(outcome, Outcome::Refused, "{}", when(what));
                }
            }
            let disk = sample.copy(state);
            let foreign = other.segments.get(number).unwrap_or(&other.segments[0]);
            overwrite(&disk, file, &other.disk.bytes(foreign));
            for opened in [open(&disk), open_read_only(&disk)] {
                let error = opened.map(|_| ()).expect_err(&when("replaced by another log's"));
                assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
            }
            let disk = sample.copy(state);
            disk.remove(file).expect("it is there");
            let is_last = number + 1 == segments.len();
            if is_last && state == State::NoHead {
                // Nothing is left that could know of it.
                continue;
            }
            for opened in [open(&disk), open_read_only(&disk)] {
                let error = opened.map(|_| ()).expect_err(&when("removed"));
                let OpenError::Corrupt { what, .. } = &error else { panic!("{error:?}") };
                assert!(what.contains(file.as_str()) && what.contains("missing"), "{what}");
            }
        }
    }
    let disk = sample.copy(State::SameBoot);
    let (one, two) = (disk.bytes(&segments[1]), disk.bytes(&segments[2]));
    overwrite(&disk, &segments[1], &two);
    overwrite(&disk, &segments[2], &one);
    for opened in [open(&disk), open_read_only(&disk)] {
        let outcome = outcome_of(opened, &segments[1], &sample.reference, "after two were swapped");
        assert_eq!(outcome, Outcome::Refused);
    }
    let disk = sample.copy(State::SameBoot);
    for file in segments {
        disk.remove(file).expect("it is there");
    }
    for opened in [open(&disk), open_read_only(&disk)] {
        let outcome = outcome_of(opened, &segments[0], &sample.reference, "after all were removed");
        assert_eq!(outcome, Outcome::Refused, "a head alone is not a new log");
    }
}

#[test]
fn a_damaged_or_missing_head_hides_nothing() {
    let mut random = Random::new(seed(9));
    let sample = Sample::new(random.next());
    let bytes = sample.disk.bytes("head");
    let step = if slow() { 1 } else { 7 };
    let flips = (0..bytes.len()).step_by(step).map(|at| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << random.below(8);
        bytes
    });
    let shorter = [0, 1, 40].map(|len| bytes[..len].to_vec());
    for head in flips.chain(shorter).chain([vec![0; 72]]) {
        let disk = sample.copy(State::SameBoot);
        overwrite(&disk, "head", &head);
        for opened in [open_read_only(&disk), open(&disk)] {
            assert_holds(&opened.expect("a head is only a hint"), &sample.reference, "without a head");
        }
    }
    let disk = sample.copy(State::NoHead);
    for opened in [open_read_only(&disk), open(&disk)] {
        assert_holds(&opened.expect("a head is only a hint"), &sample.reference, "without a head");
    }
}

#[test]
fn damaged_and_missing_runs_change_no_answer_and_are_made_again() {
    let mut random = Random::new(seed(10));
    let sample = Sample::new(random.next());
    let runs = sample.runs();
    assert!(runs.len() > 1, "{runs:?}");
    for number in 0..if slow() { 2000 } else { 40 } {
        let run = &runs[random.below(runs.len() as u64) as usize];
        let len = sample.disk.bytes(run).len();
        let at = random.below(len as u64) as usize;
        let kind = ["flipped", "emptied", "cut off", "zeroed", "removed", "replaced"][number % 6];
        let when = format!("after {run} was {kind} at byte {at}");
        let disk = sample.copy(State::SameBoot);
        match kind {
            "flipped" => disk.flip_bit(run, at as u64, random.below(8) as u8),
            "emptied" => overwrite(&disk, run, &[]),
            "cut off" => change(&disk, run, |bytes| bytes.truncate(at)),
            "zeroed" => change(&disk, run, |bytes| bytes[at..].fill(0)),
            "removed" => disk.remove(run).expect("it was listed"),
            _ => {
                let other = &runs[(random.below(runs.len() as u64 - 1) + 1) as usize];
                overwrite(&disk, run, &sample.disk.bytes(other));
            }
        }
        let reader = open_read_only(&disk).unwrap_or_else(|error| panic!("{error:?} {when}"));
        let problems = reader.verify(&mut |_, _| {}).problems;
        assert!(problems.iter().all(|problem| matches!(problem, Problem::Index(_))), "{problems:?} {when}");
        assert_holds(&reader, &sample.reference, &when);
        drop(reader);
        let log = open(&disk).unwrap_or_else(|error| panic!("{error:?} {when}"));
        assert_holds(&log, &sample.reference, &when);
        drop(log);
        // Whatever was found is made again by now; a block that nobody has looked at is found by verifying.
        let log = open(&disk).unwrap_or_else(|error| panic!("{error:?} {when}"));
        let problems = log.verify(&mut |_, _| {}).problems;
        assert!(problems.iter().all(|problem| matches!(problem, Problem::Index(_))), "{problems:?} {when}");
        drop(log);
        for file in disk.list("index").expect("a memory disk lists its files") {
            disk.remove(&format!("index/{file}")).expect("it was listed");
        }
        let log = open(&disk).unwrap_or_else(|error| panic!("{error:?} {when}"));
        assert_holds(&log, &sample.reference, &when);
        assert_verifies(&log, &sample.reference, &when);
    }
}

/// A run that is damaged while the log is open is found out when it is used, and an append waits until it
/// has been made again.
#[test]
fn a_run_that_is_damaged_under_an_open_log_is_made_again() {
    let mut random = Random::new(seed(11));
    let sample = Sample::new(random.next());
    for run in sample.runs() {
        let len = sample.disk.bytes(&run).len() as u64;
        for _ in 0..if slow() { 50 } else { 2 } {
            let at = 128 + random.below(len - 128);
            let disk = sample.copy(State::SameBoot);
            disk.flip_bit(&run, at, random.below(8) as u8);
            let log = open(&disk).expect("only the header of a run is read on opening");
            let mut reference = sample.reference.clone();
            for stored in &sample.reference.records {
                let draft = Draft {
                    writes: vec![(stored.stream.clone(), Expected::Any, vec![stored.new.clone()])],
                    conditions: Vec::new(),
                };
                assert_eq!(log.append_blocking(draft.encode(&log)), reference.append(&draft), "{run} {at}");
            }
            assert_holds(&log, &sample.reference, &format!("after {run} was damaged at {at}"));
        }
    }
}

#[test]
fn another_version_of_the_format_is_named() {
    let sample = Sample::new(seed(12));
    let disk = sample.copy(State::SameBoot);
    change(&disk, &sample.segments[0], |bytes| {
        bytes[8] = 2;
        let crc = crc32fast::hash(&bytes[..100]);
        bytes[100..104].copy_from_slice(&crc.to_le_bytes());
    });
    for opened in [open(&disk), open_read_only(&disk)] {
        let error = opened.map(|_| ()).expect_err("it cannot be read");
        assert!(
            matches!(&error, OpenError::Version { version: 2, file } if *file == sample.segments[0]),
            "{error:?}"
        );
    }
}

/// An open log, too, answers with an error and not with what the disk makes of it.
#[test]
fn records_damaged_under_an_open_log_are_errors_of_its_reads() {
    let mut random = Random::new(seed(13));
    let sample = Sample::new(random.next());
    let disk = sample.copy(State::SameBoot);
    let log = open(&disk).expect("it is whole");
    let file = &sample.segments[1];
    let frames = sample.frames(file);
    let frame = frames.iter().find(|frame| !frame.confirming).expect("every segment has records");
    let at = frame.bytes.start as u64 + 60;
    disk.flip_bit(file, at, 3);
    let outcome = outcome_of(Ok(log), file, &sample.reference, "damaged while it was open");
    assert_eq!(outcome, Outcome::ReadUpTo(frame.first_position as usize - 1));
}

/// Of a mapped file, a record is verified each time that it is read: it may have left memory since it was right,
/// and come back from the disk as something else.
#[test]
fn a_record_of_a_mapped_file_is_verified_each_time_it_is_handed_out() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(Arc::new(RealDisk::new(folder.path())), Options::default()).unwrap();
    for number in 1..=3 {
        let draft = Draft::one("a-1", Expected::At(number - 1), number, &[5; 300]);
        assert!(log.append_blocking(draft.encode(&log)).is_ok());
    }
    let position = |mut cursor: Cursor| Some(cursor.next()?.ok()?.position());
    for record in 1..=3 {
        assert_eq!(position(log.stream(b"a-1", record..=record, true)), Some(record));
        assert_eq!(position(log.all(record..=record, true)), Some(record));
    }
    let path = folder.path().join("00000000000000000001.seg");
    let frames = frames(&std::fs::read(&path).unwrap());
    let second = frames.iter().find(|frame| frame.first_position == 2).expect("each append is a frame");
    let at = second.bytes.end as u64 - 20;
    assert_eq!(std::fs::read(&path).unwrap()[at as usize], 5, "this is inside the record's body");
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[4]).unwrap();
    for read in [log.stream(b"a-1", 2..=2, true).next(), log.all(2..=2, true).next()] {
        assert!(matches!(read, Some(Err(ReadError::Damaged { .. }))), "{read:?}");
    }
    assert_eq!(position(log.all(3..=3, false)), Some(3));
}

/// Records are read many at a time, and one that is damaged takes none of those before it along, whichever way the
/// read goes.
#[test]
fn all_records_before_a_damaged_one_are_given() {
    let disk = MemoryDisk::new();
    let log = Log::open(Arc::new(disk.clone()), Options::default()).unwrap();
    for number in 1..=60 {
        let draft = Draft::one("a-1", Expected::At(number - 1), number, &[5; 30]);
        assert!(log.append_blocking(draft.encode(&log)).is_ok());
    }
    let file = "00000000000000000001.seg";
    let found = frames(&disk.open(file, OpenMode::Read).unwrap().view(0, 16 << 10).unwrap());
    let damaged = found.iter().find(|frame| frame.first_position == 30).expect("each append is a frame");
    disk.flip_bit(file, damaged.bytes.end as u64 - 20, 3);
    for (forward, before) in [(true, (1..30).collect::<Vec<_>>()), (false, (31..=60).rev().collect())] {
        for mut cursor in [log.all(1..=60, forward), log.stream(b"a-1", 1..=60, forward)] {
            let given: Vec<u64> =
                cursor.by_ref().map_while(Result::ok).map(|record| record.position()).collect();
            assert_eq!(given, before);
            assert!(cursor.next().is_none(), "an error ends a read");
        }
    }
}

/// The last frame of a process that was killed has nothing after it. With the published head there is proof
/// that it was synced; without, its damage cannot be told from a commit that was cut off.
#[test]
fn a_damaged_last_frame_is_rolled_back_only_without_proof_that_it_was_synced() {
    let mut random = Random::new(seed(14));
    let disk = MemoryDisk::new();
    let log = open(&disk).expect("it is new");
    let mut reference = Reference::default();
    for number in 1..=3 {
        let draft = Draft::one("a-1", Expected::At(number - 1), number, &[5; 300]);
        assert_eq!(log.append_blocking(draft.encode(&log)), reference.append(&draft));
    }
    disk.inject(Some(Fault { at: disk.operations(), kind: FaultKind::Stop }));
    drop(log);
    disk.kill();
    let file = "00000000000000000001.seg".to_owned();
    let last = frames(&disk.bytes(&file)).pop().expect("there are frames");
    assert!(!last.confirming && last.first_position == 3, "{last:?}");
    let sample = Sample { disk, reference, segments: vec![file.clone()] };
    for at in last.bytes.clone().filter(|at| last.covers(*at)) {
        if !slow() && !random.one_in(5) {
            continue;
        }
        let bit = random.below(8) as u8;
        for state in STATES {
            let when = format!("after damage at byte {at}, {state:?}");
            let disk = sample.copy(state);
            disk.flip_bit(&file, at as u64, bit);
            let read_only = outcome_of(open_read_only(&disk), &file, &sample.reference, &when);
            let opened = open(&disk);
            if state == State::NoHead {
                let rolled_back = opened.as_ref().map_or(0, Log::rolled_back_bytes);
                assert!(rolled_back > 0, "{opened:?} {when}");
                let writing = outcome_of(opened, &file, &sample.reference, &when);
                assert_eq!((read_only, writing), (Outcome::Shorter(2), Outcome::Shorter(2)), "{when}");
                assert_eq!(open(&disk).expect("it was mended").rolled_back_bytes(), 0, "{when}");
            } else {
                let writing = outcome_of(opened, &file, &sample.reference, &when);
                assert_eq!((read_only, writing), (Outcome::ReadUpTo(2), Outcome::Refused), "{when}");
            }
        }
    }
}
