//! Comparing a log with what it has to hold, in every way in which it can be read.

use std::collections::BTreeSet;

use trunkline_log::{Cursor, Log, ReadError, Verified};

use crate::draft::{Selection, Stored, query};
use crate::reference::Reference;

/// What a cursor gives up to its end or its error.
pub(crate) fn read(cursor: Cursor) -> (Vec<Stored>, Option<ReadError>) {
    let mut found = Vec::new();
    for record in cursor {
        match record {
            Ok(record) => found.push(Stored::from(&record)),
            Err(error) => return (found, Some(error)),
        }
    }
    (found, None)
}

/// What a cursor gives, where nothing may go wrong.
pub(crate) fn read_whole(cursor: Cursor) -> Vec<Stored> {
    let (found, error) = read(cursor);
    assert!(error.is_none(), "after {} records: {error:?}", found.len());
    found
}

/// What a cursor gives when parts of it are split off, and what lies between them is read from itself.
fn read_in_parts(mut cursor: Cursor, positions: u64) -> Vec<Stored> {
    let mut found = Vec::new();
    loop {
        found.extend(cursor.next().map(|record| Stored::from(&record.expect("it can be read"))));
        let Some(part) = cursor.split_off(positions) else { break };
        found.extend(read_whole(part));
    }
    found.extend(read_whole(cursor));
    found
}

/// All records of a log.
pub(crate) fn all(log: &Log) -> Vec<Stored> {
    read_whole(log.all(1..=u64::MAX, true))
}

pub(crate) fn streams_of(records: &[Stored]) -> BTreeSet<&str> {
    records.iter().map(|record| record.stream.as_str()).collect()
}

pub(crate) fn labels_of(records: &[Stored]) -> BTreeSet<&(u8, String)> {
    records.iter().flat_map(|record| &record.new.labels).collect()
}

/// Fails unless the log holds exactly these records, found by position, by stream and by label, in both
/// directions.
pub(crate) fn assert_holds(log: &Log, expected: &Reference, when: &str) {
    assert_eq!(log.head(), expected.records.len() as u64, "the head {when}");
    for forward in [true, false] {
        let found = read_whole(log.all(1..=u64::MAX, forward));
        assert!(found == expected.all(&(1..=u64::MAX), forward), "all {when}: {found:#?}");
        let positions = 1 + found.len() as u64 / 3;
        let parts = read_in_parts(log.all(1..=u64::MAX, forward), positions);
        assert!(parts == found, "in parts of {positions} {when}: {parts:#?}");
        for stream in streams_of(&expected.records) {
            let versions = [1..=u64::MAX, 2..=expected.version(stream).max(2) - 1];
            for versions in versions {
                let found = read_whole(log.stream(stream.as_bytes(), versions.clone(), forward));
                let wanted = expected.stream(stream, &versions, forward);
                assert!(
                    found == wanted,
                    "stream {stream} {versions:?} {when}: {found:?} instead of {wanted:?}"
                );
            }
        }
        for label in labels_of(&expected.records) {
            let selection: Selection = vec![vec![vec![label.clone()]]];
            let positions = 2..=expected.records.len() as u64;
            let found = read_whole(log.matching(query(log, &selection), positions.clone(), forward));
            let wanted = expected.matching(&selection, &positions, forward);
            assert!(found == wanted, "label {label:?} {when}: {found:?} instead of {wanted:?}");
        }
    }
    assert_eq!(
        read_whole(log.stream(b"nobody-1", 1..=u64::MAX, true)),
        [],
        "a stream that isn't there {when}"
    );
}

/// Fails unless a verification finds nothing wrong, and nothing behind the last frame.
pub(crate) fn assert_verifies(log: &Log, expected: &Reference, when: &str) {
    let found = log.verify(&mut |_, _| {});
    let wanted = Verified {
        records: expected.records.len() as u64,
        streams: streams_of(&expected.records).len() as u64,
        segments: log.stats().segments,
        unconfirmed_bytes: 0,
        problems: Vec::new(),
    };
    assert_eq!(found, wanted, "verified {when}");
}
