//! Random operations, compared with the reference after each.
//!
//! Goal: to find what nobody thought of. Method: operations are drawn by a property test, which makes a failing
//! sequence shorter before it shows it, and names the seed that it came from.

use std::ops::RangeInclusive;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use trunkline_log::disk::{CrashChoice, Fault, FaultKind, MemoryDisk};
use trunkline_log::{BackupError, Expected, Log, restore};

use crate::check::{assert_holds, assert_verifies, read_whole};
use crate::draft::{Draft, New, Selection, Stored, id, query};
use crate::format::SEGMENT_HEADER;
use crate::play::{append_together, open, open_read_only};
use crate::random::{Random, seed, slow};
use crate::reference::Reference;

/// What may be done. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Operation {
    Append(Vec<Shape>),
    /// An earlier batch again, or only some of it.
    Repeat {
        number: usize,
        drop_first: bool,
    },
    ReadStream {
        stream: u8,
        from: u64,
        to: u64,
        forward: bool,
    },
    ReadMatching {
        selection: Selection,
        from: u64,
        to: u64,
        forward: bool,
    },
    Reopen,
    OpenReader,
    Refresh,
    Kill,
    Crash(u64),
    Backup,
    /// The backup becomes the log.
    Restore,
}

/// The shape of a batch; what it expects is made to fit, or not, when its turn comes.
#[derive(Clone, Debug)]
struct Shape {
    writes: Vec<(u8, Expecting, Vec<RecordShape>)>,
    conditions: Vec<(Selection, u64)>,
}

/// Which labels a record has, and how many bytes.
type RecordShape = (u8, u16);

#[derive(Clone, Copy, Debug)]
enum Expecting {
    Any,
    Exists,
    /// The version that the stream has, and so many more.
    At(u64),
}

fn stream_name(number: u8) -> String {
    format!("stream-{}", number % 6)
}

fn label(number: u8) -> (u8, String) {
    (1 + number % 2, format!("label-{}", number % 5))
}

fn selection() -> impl Strategy<Value = Selection> {
    let labels = prop::collection::vec(any::<u8>().prop_map(label), 1..3);
    prop::collection::vec(prop::collection::vec(labels, 0..3), 0..3)
}

fn shape() -> impl Strategy<Value = Shape> {
    let expecting = prop_oneof![
        3 => Just(Expecting::Any),
        1 => Just(Expecting::Exists),
        4 => Just(Expecting::At(0)),
        1 => (1_u64..3).prop_map(Expecting::At),
    ];
    let len = prop_oneof![8 => 0_u16..100, 2 => 1000_u16..4000, 1 => 15_000_u16..25_000];
    let records = prop::collection::vec((any::<u8>(), len), 1..4);
    let writes = prop::collection::vec((any::<u8>(), expecting, records), 1..3);
    let conditions = prop::collection::vec((selection(), 0_u64..100), 0..2);
    (writes, conditions).prop_map(|(writes, conditions)| Shape { writes, conditions })
}

fn operation() -> impl Strategy<Value = Operation> {
    let range = || (0_u64..60, 0_u64..60, any::<bool>());
    prop_oneof![
        12 => prop::collection::vec(shape(), 1..4).prop_map(Operation::Append),
        3 => (any::<usize>(), any::<bool>())
            .prop_map(|(number, drop_first)| Operation::Repeat { number, drop_first }),
        4 => (any::<u8>(), range()).prop_map(|(stream, (from, to, forward))| {
            Operation::ReadStream { stream, from, to, forward }
        }),
        4 => (selection(), range()).prop_map(|(selection, (from, to, forward))| {
            Operation::ReadMatching { selection, from, to, forward }
        }),
        1 => Just(Operation::Reopen),
        1 => Just(Operation::OpenReader),
        3 => Just(Operation::Refresh),
        1 => Just(Operation::Kill),
        1 => any::<u64>().prop_map(Operation::Crash),
        1 => Just(Operation::Backup),
        1 => Just(Operation::Restore),
    ]
}

/// A log, a reader beside it, a backup, and what each of them has to hold.
struct World {
    disk: MemoryDisk,
    log: Option<Log>,
    reference: Reference,
    reader: Option<Log>,
    /// The backups' folder, and what the log held when the last one was taken.
    backup: Option<(MemoryDisk, Reference)>,
    drafts: Vec<Draft>,
    next_id: u64,
}

impl World {
    fn new() -> Self {
        let disk = MemoryDisk::new();
        let log = Some(open(&disk).expect("it is new"));
        let reference = Reference::default();
        Self { disk, log, reference, reader: None, backup: None, drafts: Vec::new(), next_id: 0 }
    }

    fn log(&self) -> &Log {
        self.log.as_ref().expect("it is opened again by what closes it")
    }

    fn draft(&mut self, shape: &Shape, staged: &Reference) -> Draft {
        let mut writes: Vec<(String, Expected, Vec<New>)> = Vec::new();
        for (stream, expecting, records) in &shape.writes {
            let stream = stream_name(*stream);
            if writes.iter().any(|(other, ..)| *other == stream) {
                continue;
            }
            let expected = match expecting {
                Expecting::Any => Expected::Any,
                Expecting::Exists => Expected::Exists,
                Expecting::At(more) => Expected::At(staged.version(&stream) + more),
            };
            let records = records.iter().map(|(labels, len)| {
                self.next_id += 1;
                let labels = (0..labels % 4).map(|more| label(labels / 4 + more)).collect();
                New { id: id(self.next_id), labels, body: vec![(*len % 3) as u8; usize::from(*len)] }
            });
            writes.push((stream, expected, records.collect()));
        }
        Draft { writes, conditions: shape.conditions.clone() }
    }

    fn append(&mut self, drafts: Vec<Draft>) {
        let answers = append_together(self.log(), &drafts);
        for (draft, answer) in drafts.iter().zip(answers) {
            assert_eq!(answer, self.reference.append(draft), "{draft:?}");
        }
        self.drafts.extend(drafts);
    }

    /// Ends the process without its closing anything.
    fn stop(&mut self) {
        self.disk.inject(Some(Fault { at: self.disk.operations(), kind: FaultKind::Stop }));
        self.log = None;
        self.reader = None;
    }

    fn reopen(&mut self) {
        self.log = Some(open(&self.disk).expect("it is whole"));
        assert_holds(self.log(), &self.reference, "after it was opened");
    }

    fn perform(&mut self, operation: Operation) {
        match operation {
            Operation::Append(shapes) => {
                let mut staged = self.reference.clone();
                let mut drafts = Vec::new();
                for shape in &shapes {
                    let draft = self.draft(shape, &staged);
                    // What the answer is to be is asked of the reference again when the log has given it.
                    drop(staged.append(&draft));
                    drafts.push(draft);
                }
                self.append(drafts);
            }
            Operation::Repeat { number, drop_first } => {
                let Some(draft) = self.drafts.get(number % self.drafts.len().max(1)) else { return };
                let mut draft = draft.clone();
                if drop_first && draft.writes[0].2.len() > 1 {
                    draft.writes[0].2.remove(0);
                }
                self.append(vec![draft]);
            }
            Operation::ReadStream { stream, from, to, forward } => {
                let (stream, versions) = (stream_name(stream), from..=to);
                let found = read_whole(self.log().stream(stream.as_bytes(), versions.clone(), forward));
                assert_same(&found, &self.reference.stream(&stream, &versions, forward));
            }
            Operation::ReadMatching { selection, from, to, forward } => {
                let positions = from..=to;
                let found = read_whole(self.log().matching(
                    query(self.log(), &selection),
                    positions.clone(),
                    forward,
                ));
                assert_same(&found, &self.reference.matching(&selection, &positions, forward));
            }
            Operation::Reopen => {
                self.log = None;
                self.reopen();
                assert_eq!(self.log().rolled_back_bytes(), 0);
            }
            Operation::OpenReader => {
                let reader = open_read_only(&self.disk).expect("it is whole");
                assert_holds(&reader, &self.reference, "to a reader beside the writer");
                self.reader = Some(reader);
            }
            Operation::Refresh => {
                let Some(reader) = &self.reader else { return };
                let before = reader.head();
                let head = reader.refresh().expect("it is whole");
                assert_eq!(head, self.reference.records.len() as u64);
                let new: RangeInclusive<u64> = before + 1..=u64::MAX;
                assert_same(&read_whole(reader.all(new.clone(), true)), &self.reference.all(&new, true));
                assert_holds(reader, &self.reference, "to a reader that was there before");
            }
            Operation::Kill => {
                self.stop();
                self.disk.kill();
                self.reopen();
            }
            Operation::Crash(seed) => {
                self.stop();
                let mut random = Random::new(seed);
                self.disk.crash(&mut CrashChoice::Each(&mut || random.one_in(2)));
                let reader = open_read_only(&self.disk).expect("it is whole");
                assert_holds(&reader, &self.reference, "to a reader that comes before the writer");
                self.reopen();
            }
            Operation::Backup => self.take_backup(),
            Operation::Restore => self.restore(),
        }
    }

    fn take_backup(&mut self) {
        let (folder, held) = self.backup.take().unwrap_or_default();
        let backup = self.log().backup(&folder, &mut |_, _| {}).expect("it has this log's history");
        let (before, now) = (held.records.len(), self.reference.records.len());
        assert_eq!(backup.position, now as u64);
        // Without new records there is at most a frame that confirms the last one, or a new segment that does.
        let confirming = (SEGMENT_HEADER + 100) as u64;
        assert!(before == 0 || before < now || backup.bytes_copied < confirming, "copied again: {backup:?}");
        self.backup = Some((folder, self.reference.clone()));
    }

    fn restore(&mut self) {
        let Some((folder, held)) = &self.backup else { return };
        let disk = MemoryDisk::new();
        restore(folder, &disk, false, &mut |_, _| {}).expect("the backup is whole");
        let again = restore(folder, &disk, false, &mut |_, _| {});
        assert!(matches!(again, Err(BackupError::NotEmpty { .. })), "{again:?}");
        let reader = open_read_only(&disk).expect("it is whole");
        assert_holds(&reader, held, "to a reader of what was restored");
        (self.disk, self.reference, self.reader) = (disk, held.clone(), None);
        self.reopen();
    }
}

fn assert_same(found: &[Stored], wanted: &[Stored]) {
    assert!(found == wanted, "{found:#?} instead of {wanted:#?}");
}

#[test]
fn random_operations_do_what_the_reference_does() {
    let config = Config {
        cases: if slow() { 5000 } else { 250 },
        rng_seed: RngSeed::Fixed(seed(15)),
        failure_persistence: None,
        ..Config::default()
    };
    let operations = prop::collection::vec(operation(), 1..60);
    let played = TestRunner::new(config).run(&operations, |operations| {
        let mut world = World::new();
        for operation in operations {
            world.perform(operation);
        }
        assert_verifies(world.log(), &world.reference, "in the end");
        world.log = None;
        world.reopen();
        assert_verifies(world.log(), &world.reference, "opened again in the end");
        Ok(())
    });
    played.unwrap_or_else(|failure| panic!("{failure}"));
}
