//! Many threads append and read at the same time, on a real disk.
//!
//! Goal: no position is skipped or shown twice, versions have no gaps, and of several that want the same
//! place exactly one gets it. Method: threads race for versions and for a label that only one record may
//! have; readers in this process, and one as in another, follow meanwhile and check each record they get.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use trunkline_log::disk::RealDisk;
use trunkline_log::{AppendError, Expected, Log};

use crate::check::{all, assert_holds, assert_verifies};
use crate::draft::{Draft, New, Selection, id};
use crate::play::{RECENT_RECORDS, options};
use crate::random::{Random, seed, slow};
use crate::reference::Reference;

const WRITERS: u64 = 8;
const STREAMS: u64 = 3;

/// Reads on from where it was, and fails if a position or a version is left out.
#[derive(Default)]
struct Follower {
    position: u64,
    versions: HashMap<Vec<u8>, u64>,
}

impl Follower {
    fn follow(&mut self, log: &Log) {
        for record in log.all(self.position + 1..=u64::MAX, true) {
            let record = record.expect("a log that is written to can be read");
            self.position += 1;
            assert_eq!(record.position(), self.position, "a position is left out");
            let version = self.versions.entry(record.stream().to_vec()).or_default();
            *version += 1;
            assert_eq!(record.version(), *version, "a version is left out");
        }
    }
}

/// Appends until it has stored so many records, or claims; returns the claims that it was given.
fn write(log: &Log, writer: u64, wanted: u64, next_id: &AtomicU64, mut random: Random) -> Vec<String> {
    let mut claims = Vec::new();
    let mut stored = 0;
    while stored < wanted {
        let stream = format!("stream-{}", random.below(STREAMS));
        let last = log.stream(stream.as_bytes(), 1..=u64::MAX, false).next();
        let version = last.map_or(0, |record| record.expect("it can be read").version());
        let claim = format!("claim-{}", random.below(40));
        let claims_it = random.one_in(2);
        let mut labels = vec![(1, format!("writer-{writer}"))];
        labels.extend(claims_it.then(|| (2, claim.clone())));
        let new = New { id: id(next_id.fetch_add(1, Ordering::Relaxed)), labels, body: vec![1; 300] };
        let selection: Selection = vec![vec![vec![(2, claim.clone())]]];
        let draft = Draft {
            writes: vec![(stream, Expected::At(version), vec![new])],
            conditions: claims_it.then_some((selection, 0)).into_iter().collect(),
        };
        match log.append_blocking(draft.encode(log)) {
            Ok(appended) => {
                assert_eq!(appended.versions, [version + 1]);
                assert!(log.head() >= appended.position, "what is acknowledged is seen");
                stored += 1;
                claims.extend(claims_it.then_some(claim));
            }
            Err(AppendError::Conflict { found, .. }) => assert!(found > version, "nobody was faster"),
            Err(AppendError::ConditionFailed { .. }) => assert!(claims_it),
            Err(error) => panic!("{error:?}"),
        }
    }
    claims
}

struct SetInTheEnd<'a>(&'a AtomicBool);

impl Drop for SetInTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn threads_that_race_leave_no_gap_and_no_double() {
    let mut random = Random::new(seed(18));
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(Arc::new(RealDisk::new(folder.path())), options()).unwrap();
    let done = AtomicBool::new(false);
    let next_id = AtomicU64::new(1);
    let wanted = if slow() { 2000 } else { 40 };
    let claims = std::thread::scope(|scope| {
        // Also when a writer panics: then nobody waits for it to be done.
        let done_in_the_end = SetInTheEnd(&done);
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut follower = Follower::default();
                    while !done.load(Ordering::Acquire) {
                        follower.follow(&log);
                    }
                    follower.follow(&log);
                    follower.position
                })
            })
            .collect();
        let outside = scope.spawn(|| {
            let disk = Arc::new(RealDisk::new(folder.path()));
            let other = Log::open_read_only_with(disk, RECENT_RECORDS).unwrap();
            let mut follower = Follower::default();
            while !done.load(Ordering::Acquire) {
                other.refresh().unwrap();
                follower.follow(&other);
                // Opened anew, at whatever moment it is for the writer.
                let disk = Arc::new(RealDisk::new(folder.path()));
                let newer = Log::open_read_only_with(disk, RECENT_RECORDS).unwrap();
                assert!(newer.head() >= other.head(), "a reader that comes later sees less");
                assert_eq!(newer.verify(&mut |_, _| {}).problems, []);
            }
            other.refresh().unwrap();
            follower.follow(&other);
            follower.position
        });
        let verifier = scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                assert_eq!(log.verify(&mut |_, _| {}).problems, []);
            }
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (log, next_id) = (&log, &next_id);
                let random = Random::new(random.next());
                scope.spawn(move || write(log, writer, wanted, next_id, random))
            })
            .collect();
        let claims: Vec<String> =
            writers.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect();
        drop(done_in_the_end);
        for reader in readers.into_iter().chain([outside]) {
            assert_eq!(reader.join().expect("a reader"), WRITERS * wanted, "a reader has not seen all");
        }
        verifier.join().expect("the verifier");
        claims
    });
    let mut distinct = claims.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), claims.len(), "two were given the same: {claims:?}");
    let reference = Reference { records: all(&log) };
    assert_eq!(reference.records.len() as u64, WRITERS * wanted);
    let claimed = reference.records.iter().flat_map(|record| &record.new.labels).filter(|label| label.0 == 2);
    assert_eq!(claimed.count(), claims.len());
    drop(log);
    let log = Log::open(Arc::new(RealDisk::new(folder.path())), options()).unwrap();
    assert_holds(&log, &reference, "opened again");
    assert_verifies(&log, &reference, "opened again");
}

#[test]
fn a_second_writer_is_told_who_the_first_is() {
    let folder = tempfile::tempdir().unwrap();
    let options = || trunkline_log::Options { owner: "process 1 (import)".to_owned(), ..options() };
    let log = Log::open(Arc::new(RealDisk::new(folder.path())), options()).unwrap();
    let second = Log::open(Arc::new(RealDisk::new(folder.path())), options());
    let message = second.map(|_| ()).unwrap_err().to_string();
    assert_eq!(message, format!("the log in {} is in use by process 1 (import)", folder.path().display()));
    log.close();
    Log::open(Arc::new(RealDisk::new(folder.path())), options()).unwrap();
}

/// A log that nobody appends to is not opened as if it were an empty one.
#[test]
fn there_is_no_log_in_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let error = Log::open_read_only(Arc::new(RealDisk::new(folder.path()))).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), format!("there is no log in {}", folder.path().display()));
}
