//! Every byte of a small log is flipped, and every kind of read is tried.
//!
//! Goal: a read never leaves a record out in silence, whatever it reads by, whichever way it goes and however much of it
//! is wanted. Method: what a read gives from the damaged log is the beginning of what it gives from the whole one, and
//! it ends only where that ends or with an error.

use std::ops::RangeInclusive;

use trunkline_log::disk::{CrashChoice, Disk, MemoryDisk};
use trunkline_log::{Cursor, Expected, Log, OpenError, Problem, ReadError, Verified};

use crate::draft::{Draft, New, Selection, Stored, id, query};
use crate::play::{open, open_read_only, options};
use crate::random::slow;
use crate::reference::Reference;

const STREAMS: [&str; 3] = ["a-1", "b-1", "c-1"];

/// Only these records have a long body, so that the log has several segments and still not many bytes.
const LONG: [u64; 3] = [3, 6, 9];

/// How often is looked whether the index files are there, before the test says that they are not.
const TURNS_MAX: u32 = 5_000_000;

/// A log of a few records, closed, with index files of some of them.
fn sample() -> (MemoryDisk, Reference) {
    let disk = MemoryDisk::new();
    let log = open(&disk).expect("it is new");
    let mut reference = Reference::default();
    for number in 1..=10 {
        let labels = vec![(1, ["red", "green"][number as usize % 2].to_owned())];
        let body = vec![7; if LONG.contains(&number) { 9000 } else { 20 }];
        let stream = STREAMS[number as usize % STREAMS.len()].to_owned();
        let new = New { id: id(number), labels, body };
        let draft = Draft { writes: vec![(stream, Expected::Any, vec![new])], conditions: Vec::new() };
        assert_eq!(log.append_blocking(draft.encode(&log)), reference.append(&draft));
    }
    // They are written by a thread of their own, which a busy machine may let wait; closing gives up what it has not begun.
    let mut turns = 0;
    while files(&disk).len() <= 5 && turns < TURNS_MAX {
        std::thread::yield_now();
        turns += 1;
    }
    drop(log);
    (disk, reference)
}

fn files(disk: &MemoryDisk) -> Vec<String> {
    let listed = |folder: &str| disk.list(folder).expect("a memory disk lists its files");
    let runs = listed("index").into_iter().map(|file| format!("index/{file}"));
    listed("").into_iter().chain(runs).collect()
}

fn copy(disk: &MemoryDisk, head: Head) -> MemoryDisk {
    let copy = MemoryDisk::new();
    for path in files(disk) {
        let file = copy.create(&path).expect("no fault is set");
        file.write_at(0, &disk.bytes(&path)).expect("no fault is set");
        file.sync().expect("no fault is set");
    }
    match head {
        Head::Published => {}
        Head::OfAnotherBoot => {
            for folder in ["", "index"] {
                copy.sync_dir(folder).expect("no fault is set");
            }
            copy.crash(&mut CrashChoice::KeepAll);
        }
        Head::Removed => copy.remove("head").expect("a log has a published head"),
    }
    copy
}

/// What is known of how far the log is synced.
#[derive(Clone, Copy, Debug)]
enum Head {
    Published,
    OfAnotherBoot,
    Removed,
}

/// A read: what it gives from a log, and what it has to give.
struct Read {
    what: String,
    cursor: Box<dyn Fn(&Log) -> Cursor>,
    wanted: Vec<Stored>,
}

fn ranges(last: u64) -> Vec<RangeInclusive<u64>> {
    vec![1..=u64::MAX, 1..=last, 1..=last / 2, last..=last, last / 2..=u64::MAX, last + 1..=u64::MAX]
}

/// Every kind of read.
fn reads(reference: &Reference) -> Vec<Read> {
    let mut reads = Vec::new();
    for forward in [true, false] {
        for positions in ranges(reference.records.len() as u64) {
            reads.push(Read {
                what: format!("all {positions:?} forward: {forward}"),
                wanted: reference.all(&positions, forward),
                cursor: {
                    let positions = positions.clone();
                    Box::new(move |log| log.all(positions.clone(), forward))
                },
            });
            for colour in ["red", "green", "blue"] {
                let selection: Selection = vec![vec![vec![(1, colour.to_owned())]]];
                reads.push(Read {
                    what: format!("{colour} {positions:?} forward: {forward}"),
                    wanted: reference.matching(&selection, &positions, forward),
                    cursor: {
                        let positions = positions.clone();
                        Box::new(move |log| log.matching(query(log, &selection), positions.clone(), forward))
                    },
                });
            }
        }
        for stream in STREAMS.into_iter().chain(["nobody-1"]) {
            for versions in ranges(reference.version(stream).max(1)) {
                reads.push(Read {
                    what: format!("{stream} {versions:?} forward: {forward}"),
                    wanted: reference.stream(stream, &versions, forward),
                    cursor: Box::new(move |log| log.stream(stream.as_bytes(), versions.clone(), forward)),
                });
            }
        }
    }
    reads
}

/// What a read gives up to its end or its error, of which only so many are wanted.
fn taken(cursor: Cursor, limit: usize) -> (Vec<Stored>, Option<ReadError>) {
    let mut found = Vec::new();
    for record in cursor.take(limit) {
        match record {
            Ok(record) => found.push(Stored::from(&record)),
            Err(error) => return (found, Some(error)),
        }
    }
    (found, None)
}

/// Fails unless each read gives what it has to, or ends with an error that names this file. Gives whether one did.
fn assert_reads(log: &Log, reads: &[Read], file: &str, when: &str) -> bool {
    let mut any_error = false;
    for Read { what, cursor, wanted } in reads {
        for limit in [1, 2, usize::MAX] {
            let (found, error) = taken(cursor(log), limit);
            let wanted = &wanted[..wanted.len().min(limit)];
            assert!(wanted.starts_with(&found), "{what} gave {found:?} instead of {wanted:?} {when}");
            match error {
                None => assert_eq!(found.len(), wanted.len(), "{what} is incomplete and no error {when}"),
                Some(ReadError::Damaged { file: named, .. }) => {
                    assert_eq!(named, file, "{what} {when}");
                    any_error = true;
                }
                Some(error) => panic!("{error:?} {what} {when}"),
            }
        }
    }
    any_error
}

/// The bytes of a file to flip: all, or some of them, and of what is only zeros or a long body few.
fn places(bytes: &[u8]) -> Vec<usize> {
    let steps = if slow() { 1..=16 } else { 23..=700 };
    let mut places = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        places.push(at);
        let dull = bytes[at..].iter().take(64).all(|byte| *byte == bytes[at]);
        at += if dull { *steps.end() } else { *steps.start() };
    }
    places
}

#[test]
fn no_read_of_a_log_with_a_flipped_byte_is_incomplete_in_silence() {
    let (disk, reference) = sample();
    let reads = reads(&reference);
    let files = files(&disk);
    assert!(files.len() > 5, "{files:?}");
    let mut errors = 0;
    for file in &files {
        for at in places(&disk.bytes(file)) {
            for head in [Head::Published, Head::OfAnotherBoot, Head::Removed] {
                if matches!(head, Head::Removed) && file == "head" {
                    continue;
                }
                let when = format!("with byte {at} of {file} flipped, head: {head:?}");
                let damaged = copy(&disk, head);
                damaged.flip_bit(file, at as u64, (at % 8) as u8);
                for (how, opened) in [("to read", open_read_only(&damaged)), ("to append", open(&damaged))] {
                    let when = format!("{when}, opened {how}");
                    match opened {
                        Ok(log) => errors += u32::from(assert_reads(&log, &reads, file, &when)),
                        Err(OpenError::Corrupt { file: named, .. }) => assert_eq!(&named, file, "{when}"),
                        // A flipped bit in a header that says so by its checksum is damage, not a version.
                        Err(error) => panic!("{error:?} {when}"),
                    }
                }
            }
        }
    }
    assert!(errors > 10, "{errors}");
}

/// Whoever looks at the newest segments only finds what is wrong there, and reads no others.
#[test]
fn verifying_the_newest_segments_finds_what_is_wrong_in_them() {
    let (disk, reference) = sample();
    let log = open_read_only(&disk).expect("it is whole");
    let whole = log.verify(&mut |_, _| {});
    let (records, segments) = (reference.records.len() as u64, whole.segments);
    assert!(segments > 2, "{whole:?}");
    assert_eq!(log.verify_newest(u64::MAX, &mut |_, _| {}), whole);
    let newest = log.verify_newest(0, &mut |_, _| {});
    assert_eq!((newest.segments, newest.problems.clone()), (1, Vec::new()));
    assert!((1..records).contains(&newest.records), "{newest:?}");
    let mut progress = (0, 0);
    let Verified { records, segments, problems, .. } =
        log.verify_newest(2 * options().segment_bytes, &mut |done, total| progress = (done, total));
    assert_eq!((segments, problems), (2, Vec::new()));
    assert_eq!(progress, (records, records));
    let segments: Vec<_> =
        files(&disk).into_iter().filter(|file| file.strip_suffix(".seg").is_some()).collect();
    let (first, last) = (&segments[0], &segments[segments.len() - 1]);
    for (file, found) in [(first, false), (last, true)] {
        let damaged = copy(&disk, Head::Published);
        let at = damaged.bytes(file).windows(20).position(|bytes| bytes == [7; 20]).expect("a record's body");
        damaged.flip_bit(file, at as u64, 1);
        let Ok(log) = open_read_only(&damaged) else { panic!("it can be opened for reading") };
        let problems = log.verify_newest(0, &mut |_, _| {}).problems;
        let is_damage =
            |problem: &Problem| matches!(problem, Problem::Damage(what) if what.contains(file.as_str()));
        assert_eq!(problems.iter().any(is_damage), found, "{file}: {problems:?}");
    }
}
