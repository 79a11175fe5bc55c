//! Playing a script on a disk, with the reference beside it, until the disk fails.

use std::sync::Arc;
use std::sync::mpsc::channel;

use trunkline_log::disk::MemoryDisk;
use trunkline_log::{AppendError, Appended, Expected, Log, OpenError, Options};

use crate::check::read_whole;
use crate::draft::{Draft, Stored};
use crate::reference::Reference;
use crate::script::Step;

/// How many records are indexed in memory in these tests: so few that runs, and merges of runs, happen early.
pub(crate) const RECENT_RECORDS: u64 = 4;

/// Options under which everything that happens to a large log happens to a small one.
pub(crate) fn options() -> Options {
    Options { segment_bytes: 16 << 10, recent_records: RECENT_RECORDS, ..Options::default() }
}

pub(crate) fn open(disk: &MemoryDisk) -> Result<Log, OpenError> {
    Log::open(Arc::new(disk.clone()), options())
}

pub(crate) fn open_read_only(disk: &MemoryDisk) -> Result<Log, OpenError> {
    Log::open_read_only_with(Arc::new(disk.clone()), RECENT_RECORDS)
}

/// Appends batches that are judged as one group: the writer is held up until all of them wait.
pub(crate) fn append_together(log: &Log, drafts: &[Draft]) -> Vec<Result<Appended, AppendError>> {
    if let [draft] = drafts {
        return vec![log.append_blocking(draft.encode(log))];
    }
    let (let_go, held) = channel::<()>();
    let (holding, held_up) = channel();
    let refused = Draft::one("gate-1", Expected::At(u64::MAX), u64::MAX, b"");
    log.append(refused.encode(log), move |_| {
        holding.send(()).expect("it is awaited");
        // That the other end is dropped says that all batches wait.
        held.recv().expect_err("nothing is sent");
    });
    held_up.recv().expect("the writer comes to the batch");
    let answers: Vec<_> = drafts
        .iter()
        .map(|draft| {
            let (sender, answer) = channel();
            log.append(draft.encode(log), move |given| sender.send(given).expect("the answer is awaited"));
            answer
        })
        .collect();
    drop(let_go);
    answers.into_iter().map(|answer| answer.recv().expect("every append is answered")).collect()
}

/// Whether the log answered that the disk failed it.
pub(crate) fn is_storage(answer: &Result<Appended, AppendError>) -> bool {
    use AppendError::{Closed, NotStored, Poisoned, Unknown};
    matches!(answer, Err(NotStored(_) | Unknown(_) | Poisoned(_) | Closed))
}

/// What has been played.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// What was acknowledged.
    pub(crate) reference: Reference,
    /// What may be there too, all of it or nothing: its outcome was said to be unknown.
    pub(crate) in_flight: Vec<Stored>,
    /// The most that a reader has seen.
    pub(crate) seen: Vec<Stored>,
    /// The batches that were stored, with the answers.
    pub(crate) answers: Vec<(Draft, Appended)>,
}

impl Played {
    /// Takes the answers to a group of batches, and returns whether the disk failed.
    pub(crate) fn take(&mut self, drafts: &[Draft], answers: Vec<Result<Appended, AppendError>>) -> bool {
        let mut staged = self.reference.clone();
        let expected: Vec<_> = drafts.iter().map(|draft| staged.append(draft)).collect();
        if answers.iter().any(is_storage) {
            for ((draft, answer), expected) in drafts.iter().zip(&answers).zip(&expected) {
                // Only an answer that rests on what was synced before may have been given.
                let before = self.reference.clone().append(draft);
                let stores = matches!(before, Ok(Appended { repeated: false, .. }));
                assert!(
                    is_storage(answer) || !stores && *answer == before && before == *expected,
                    "{answer:?} was answered before the sync it rests on, which failed; {draft:?}"
                );
            }
            if answers.iter().any(|answer| matches!(answer, Err(AppendError::Unknown(_)))) {
                self.in_flight = staged.records.split_off(self.reference.records.len());
            }
            return true;
        }
        assert_eq!(answers, expected, "{drafts:?}");
        for (draft, answer) in drafts.iter().zip(answers) {
            if let Ok(appended @ Appended { repeated: false, .. }) = answer {
                self.answers.push((draft.clone(), appended));
            }
        }
        self.reference = staged;
        false
    }

    /// Takes what a reader sees: all that was acknowledged, or less if it `lags`.
    pub(crate) fn see(&mut self, log: &Log, lags: bool) {
        // What was seen before is read again only when all is over.
        let mut found = self.seen.clone();
        found.truncate(log.head() as usize);
        found.extend(read_whole(log.all(found.len() as u64 + 1..=u64::MAX, true)));
        self.assert_possible(&found, lags);
        if found.len() > self.seen.len() {
            self.seen = found;
        }
    }

    /// Fails unless a log can hold these records now.
    pub(crate) fn assert_possible(&self, found: &[Stored], lags: bool) {
        let acknowledged = &self.reference.records;
        let common = found.len().min(acknowledged.len());
        assert!(found[..common] == acknowledged[..common], "{found:#?} instead of {acknowledged:#?}");
        let lost = &acknowledged[common..];
        assert!(lags || lost.is_empty(), "these were acknowledged and are lost: {lost:#?}");
        let more = &found[common..];
        assert!(more.is_empty() || more == self.in_flight, "{more:#?} is neither acknowledged nor in flight");
    }
}

/// Plays a script until it ends or the disk fails, with a reader in this process and one as in another. What
/// happens then to the disk is the caller's to say: nothing of the log is running any more.
///
/// On a disk that `fails`, the reader as in another process may lag: the head may not have been published.
pub(crate) fn play(disk: &MemoryDisk, script: &[Step], fails: bool) -> Played {
    let mut played = Played::default();
    let Ok(mut log) = open(disk) else { return played };
    let Ok(reader) = open_read_only(disk) else { panic!("a log that is open can be opened for reading") };
    for step in script {
        let failed = match step {
            Step::Append(drafts) => played.take(drafts, append_together(&log, drafts)),
            Step::Reopen => {
                drop(log);
                match open(disk) {
                    Ok(opened) => log = opened,
                    Err(_) => break,
                }
                false
            }
        };
        played.see(&log, false);
        reader.refresh().expect("the head can be read");
        played.see(&reader, fails);
        if failed {
            break;
        }
    }
    // The log is closed by now, or was when opening failed; a reader can still come.
    reader.refresh().expect("the head can be read");
    played.see(&reader, true);
    played.see(&open_read_only(disk).expect("a log can be opened for reading"), true);
    played
}
