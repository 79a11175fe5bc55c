//! Storing batches: in the order of the lines, whatever fails.
//!
//! A batch goes in part by part (see [`plan`](super::plan)). Parts are submitted together, without waiting for
//! each other's sync, and yet none is stored when one before it was not: where a part begins with a stream that
//! the one before has, too, it expects of it the version that it has only when that one, and all before, were
//! stored as new. What fails is then settled one part at a time.

use std::collections::{HashMap, VecDeque};

use futures::future::join_all;
use trunkline_core::{Appended, Expected, StreamName, Version};
use trunkline_store::{AppendError, EventStore, EventStoreExt as _, StorageError};

use super::batch::{BadLine, Batch, Line};
use super::known_lines::take_known;
use super::plan::{append, plan};
use super::refusals::{self, mismatch, reused_at};
use super::rejected::Rejected;
use super::{ImportError, ImportNews, ImportProblem, ImportReport, ImportSoFar, OnBadLine};
use crate::OpsError;

/// How many appends are in flight together: enough that a sync is shared by many, few enough to be repeated
/// when one of them fails.
const IN_FLIGHT_MAX: usize = 256;

/// Stores batches and keeps count.
pub(super) struct Importer<'a, L> {
    store: &'a dyn EventStore,
    on_bad_line: OnBadLine,
    rejected: Rejected,
    listener: L,
    report: ImportReport,
    /// Lines of the current batch that were found to be stored already, and are not counted yet.
    known: Vec<u64>,
    /// The first line of which nothing was stored.
    from_line: u64,
    /// Whether that is certain.
    certain: bool,
}

/// Why an import ends early.
#[derive(Debug)]
pub(super) enum Ended {
    /// A line cannot be imported, and that is to end the import.
    Line { line: u64, reason: String },
    /// The store, or a file, failed.
    Failed(Box<OpsError>),
}

impl<E: Into<OpsError>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error.into()))
    }
}

impl<'a, L: FnMut(ImportNews<'_>)> Importer<'a, L> {
    pub(super) fn new(
        store: &'a dyn EventStore,
        on_bad_line: OnBadLine,
        rejected: Rejected,
        listener: L,
    ) -> Self {
        let report = ImportReport::default();
        Self {
            store,
            on_bad_line,
            rejected,
            listener,
            report,
            known: Vec::new(),
            from_line: 1,
            certain: true,
        }
    }

    /// How far the import has come.
    fn so_far(&self) -> ImportSoFar {
        let mut report = self.report.clone();
        report.already_there += self.known.iter().filter(|line| **line < self.from_line).count() as u64;
        ImportSoFar { report, from_line: self.from_line, certain: self.certain }
    }

    /// The error of an import that ends before its end.
    pub(super) fn ended(&self, problem: ImportProblem) -> OpsError {
        ImportError { problem, so_far: self.so_far() }.into()
    }

    /// Tells how far it has come.
    pub(super) fn tell_stored(&mut self, bytes: u64) {
        let events = self.report.new + self.report.already_there;
        (self.listener)(ImportNews::Stored { bytes, events });
    }

    /// What the import came to.
    pub(super) fn finish(mut self) -> Result<ImportReport, OpsError> {
        self.rejected.finish()?;
        Ok(self.report)
    }

    /// Stores a batch.
    pub(super) async fn batch(&mut self, batch: Batch) -> Result<(), Ended> {
        self.from_line = batch.first_line;
        for bad in batch.bad {
            self.refuse(bad)?;
        }
        let next = batch.last_line + 1;
        let parts = plan(batch.lines);
        if self.on_bad_line == OnBadLine::Stop && parts.len() > 1 {
            let refused = refusals::refused(self.store, parts.iter().flatten()).await?;
            if let Some((line, reason)) = refused {
                return Err(Ended::Line { line, reason });
            }
        }
        self.parts(parts.into()).await?;
        self.report.already_there += self.known.drain(..).count() as u64;
        self.from_line = next;
        Ok(())
    }

    /// Stores parts, as many together as can be.
    async fn parts(&mut self, mut parts: VecDeque<Vec<Line>>) -> Result<(), Ended> {
        while parts.len() > 1 {
            let tied = self.tied(&parts).await?;
            let appends = join_all(tied.into_iter().map(|append| self.store.append(append)));
            // Else a task that has done much is made to wait, and later appends are submitted before earlier ones,
            // which are then refused.
            for result in tokio::task::unconstrained(appends).await {
                let Ok(appended) = result else {
                    // This one and all after it changed nothing, whatever was answered.
                    return self.settle(parts).await;
                };
                let part = parts.pop_front().expect("there is a result for each");
                self.count(&part, &appended);
                self.from_line = parts.front().map_or(self.from_line, |part| part[0].number);
            }
        }
        self.settle(parts).await
    }

    /// The appends of the parts that can be in flight together: each after the first fails unless the one
    /// before it was stored as new.
    async fn tied(&self, parts: &VecDeque<Vec<Line>>) -> Result<Vec<trunkline_core::Append>, OpsError> {
        let mut ties: HashMap<&StreamName, Version> = HashMap::new();
        for part in parts.iter().take(IN_FLIGHT_MAX).skip(1) {
            let stream = &part[0].event.stream;
            if !ties.contains_key(stream) {
                ties.insert(stream, self.store.version(stream).await?);
            }
        }
        let mut appends = Vec::new();
        let mut before: Option<&Vec<Line>> = None;
        for part in parts.iter().take(IN_FLIGHT_MAX) {
            let mut append = append(part);
            let first = &mut append.writes[0];
            if let Some(before) = before.replace(part) {
                let tie = Expected::At(ties[&first.stream]);
                let is_tied = before.iter().any(|line| line.event.stream == first.stream);
                if !is_tied || first.expected != Expected::Any && first.expected != tie {
                    break;
                }
                first.expected = tie;
            }
            for line in part {
                if let Some(version) = ties.get_mut(&line.event.stream) {
                    *version = version.next();
                }
            }
            appends.push(append);
        }
        Ok(appends)
    }

    /// Stores parts one after the other, and finds out what is wrong with those that are refused.
    async fn settle(&mut self, mut parts: VecDeque<Vec<Line>>) -> Result<(), Ended> {
        while let Some(mut part) = parts.pop_front() {
            let Some(first) = part.first() else { continue };
            self.from_line = first.number;
            let error = match self.store.append(append(&part)).await {
                Ok(appended) => {
                    self.count(&part, &appended);
                    continue;
                }
                Err(error) => error,
            };
            let bad = match &error {
                AppendError::EventIdTaken { event_id, position } => {
                    let at = part.iter().position(|line| line.event.event.event_id == *event_id);
                    let holder = self.store.event_at(*position).await?;
                    match (at, holder) {
                        (Some(at), Some(holder)) if holder.stream() != part[at].event.stream.as_str() => {
                            let reason = format!(
                                "event id {event_id} is that of the event at position {position}, \
                                 which belongs to stream `{}`",
                                holder.stream()
                            );
                            Some((at, reason))
                        }
                        (Some(at), Some(holder)) if !part[at].event.event.is_same_as(&holder) => {
                            Some((at, reused_at(&part[at], *position)))
                        }
                        (Some(_), Some(_)) => None,
                        _ => return Err(error.into()),
                    }
                }
                AppendError::EventIdReused { event_id, position } => {
                    let at = part.iter().position(|line| line.event.event.event_id == *event_id);
                    at.map(|at| (at, reused_at(&part[at], *position)))
                }
                AppendError::Conflict { stream, found, .. } => {
                    let at = part.iter().position(|line| line.event.stream == *stream);
                    match at.map(|at| (at, part[at].event.version)) {
                        Some((at, Some(version))) => Some((at, mismatch(stream, version, *found))),
                        _ => return Err(error.into()),
                    }
                }
                _ => {
                    self.certain = !matches!(error, AppendError::Storage(StorageError::Unknown { .. }));
                    return Err(error.into());
                }
            };
            let known = take_known(self.store, &mut part).await?;
            match bad {
                // What was refused for a version may be there already, with all that is known of the stream.
                _ if !known.is_empty() => self.known.extend(known),
                Some((at, reason)) => {
                    let line = part.remove(at);
                    self.refuse(BadLine { number: line.number, text: Some(line.text), reason })?;
                }
                None => return Err(error.into()),
            }
            // Without some of its lines the part may have to be cut elsewhere.
            for part in plan(part).into_iter().rev() {
                parts.push_front(part);
            }
        }
        Ok(())
    }

    fn count(&mut self, part: &[Line], appended: &Appended) {
        let count = if appended.repeated { &mut self.report.already_there } else { &mut self.report.new };
        *count += part.len() as u64;
    }

    /// Ends the import for this line, or passes over it.
    fn refuse(&mut self, bad: BadLine) -> Result<(), Ended> {
        match self.on_bad_line {
            OnBadLine::Stop => Err(Ended::Line { line: bad.number, reason: bad.reason }),
            OnBadLine::Skip => {
                self.rejected.put(&bad)?;
                let (before, line, reason) = (self.report.rejected, bad.number, &*bad.reason);
                (self.listener)(ImportNews::Rejected { before, line, reason });
                self.report.rejected += 1;
                self.report.rejected_file = self.rejected.path();
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;
    use proptest::prelude::*;
    use trunkline_core::EventId;
    use trunkline_store::{AllRead, MemoryStore};

    use super::super::plan::expected;
    use super::super::plan::testing::lines;
    use super::*;

    /// Runs a future that never waits, which is so with a store in memory.
    fn now<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    /// Imports lines, so many a batch; the outcome in words, the rejected lines included.
    fn import(store: &MemoryStore, lines: &[Line], batch: usize, on_bad_line: OnBadLine) -> String {
        let folder = tempfile::tempdir().unwrap();
        let mut rejected = Vec::new();
        let mut tell = |news: ImportNews<'_>| {
            if let ImportNews::Rejected { line, reason, .. } = news {
                rejected.push(format!("{line}: {reason}"));
            }
        };
        let file = Rejected::to(folder.path().join("rejected"));
        let mut importer = Importer::new(store, on_bad_line, file, &mut tell);
        let mut stopped = String::new();
        for lines in lines.chunks(batch) {
            let (first_line, last_line) = (lines[0].number, lines[lines.len() - 1].number);
            let batch = Batch { first_line, last_line, ends_at: 0, lines: lines.to_vec(), bad: Vec::new() };
            match now(importer.batch(batch)) {
                Ok(()) => {}
                Err(Ended::Line { line, reason }) => {
                    stopped = format!("; stopped at {line}: {reason}; from {}", importer.from_line);
                    break;
                }
                Err(Ended::Failed(failure)) => panic!("{failure}"),
            }
        }
        let ImportReport { new, already_there, .. } = importer.so_far().report;
        format!(
            "{new} new, {already_there} there, {} rejected: {}{stopped}",
            rejected.len(),
            rejected.join("; ")
        )
    }

    /// What is stored, in the words that lines are made of.
    fn stored(store: &MemoryStore) -> String {
        let events: Vec<_> = now(store.read_all(AllRead::default()).try_collect()).unwrap();
        let word = |event: &trunkline_core::RecordedEvent| {
            let id = event.event_id().into_bytes()[0];
            format!("{}@{}={id}", event.stream().replace('-', ""), event.version())
        };
        events.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    fn check(before: &str, words: &str, on_bad_line: OnBadLine, outcome: &str, after: &str) {
        let store = MemoryStore::new();
        import(&store, &lines(before), 100, OnBadLine::Stop);
        assert_eq!(import(&store, &lines(words), 100, on_bad_line), outcome, "{words}");
        assert_eq!(stored(&store), after, "{words}");
    }

    #[test]
    fn what_is_there_is_not_added_again() {
        let words = "a1=1 b1=2 a1=3 a1=4 b1=5";
        let all = "a1@1=1 b1@1=2 a1@2=3 a1@3=4 b1@2=5";
        check("", words, OnBadLine::Stop, "5 new, 0 there, 0 rejected: ", all);
        check(words, words, OnBadLine::Stop, "0 new, 5 there, 0 rejected: ", all);
        check("a1=1 b1=2 a1=3", words, OnBadLine::Stop, "2 new, 3 there, 0 rejected: ", all);
        check("", "a1=1 b1=2 a1=1 a1=1", OnBadLine::Stop, "2 new, 2 there, 0 rejected: ", "a1@1=1 b1@1=2");
    }

    #[test]
    fn versions_come_out_as_the_lines_say() {
        let words = "a1@1=1 b1@1=2 a1@2=3";
        check("", words, OnBadLine::Stop, "3 new, 0 there, 0 rejected: ", words);
        check(words, words, OnBadLine::Stop, "0 new, 3 there, 0 rejected: ", words);
        let outcome = "0 new, 0 there, 0 rejected: ; stopped at 2: \
                       version 2 would come out as 1: stream `b-1` is at version 0; from 1";
        check("", "a1@1=1 b1@2=2", OnBadLine::Stop, outcome, "");
        check("", "a1@1=1 b1@2=2 a1@2=3", OnBadLine::Stop, outcome, "");
        check(
            "",
            "a1@1=1 a1@3=2 a1@2=3",
            OnBadLine::Skip,
            "2 new, 0 there, 1 rejected: 2: version 3 would come out as 2: stream `a-1` is at version 1",
            "a1@1=1 a1@2=3",
        );
    }

    #[test]
    fn an_id_of_another_stream_is_refused() {
        let id = EventId::from_bytes([1; 16]);
        let reason =
            format!("event id {id} is that of the event at position 1, which belongs to stream `b-1`");
        let stop = format!("0 new, 0 there, 0 rejected: ; stopped at 2: {reason}; from 1");
        check("b1=1", "a1=2 a1=1 c1=3", OnBadLine::Stop, &stop, "b1@1=1");
        let skip = format!("2 new, 0 there, 1 rejected: 2: {reason}");
        check("b1=1", "a1=2 a1=1 c1=3", OnBadLine::Skip, &skip, "b1@1=1 a1@1=2 c1@1=3");
        let reason = format!("event id {id} is that of line 1, which belongs to stream `b-1`");
        let stop = format!("0 new, 0 there, 0 rejected: ; stopped at 2: {reason}; from 1");
        check("", "b1=1 a1=1", OnBadLine::Stop, &stop, "");
    }

    #[test]
    fn an_id_with_other_data_is_refused_wherever_the_first_one_is() {
        let other = |mut lines: Vec<Line>| {
            let last = lines.last_mut().unwrap();
            last.event.event.data = "2".into();
            lines
        };
        let id = EventId::from_bytes([1; 16]);
        let at =
            |holder: &str| format!("event id {id} is that of {holder}, which has another type or other data");
        let stored_first = "the event at position 1";
        for (before, words, line, holder) in [
            ("a1=1", "a1=1", 1, stored_first),
            ("a1=1", "b1=2 a1=3 a1=1", 3, stored_first),
            ("a1=1 a1=2", "a1=2 a1=1", 2, stored_first),
            ("a1@1=1", "b1=5 a1@1=1", 2, stored_first),
            ("", "a1=1 b1=2 a1=1", 3, "line 1"),
        ] {
            let [stopping, skipping] = [MemoryStore::new(), MemoryStore::new()];
            for store in [&stopping, &skipping] {
                import(store, &lines(before), 100, OnBadLine::Stop);
            }
            let stopped = import(&stopping, &other(lines(words)), 100, OnBadLine::Stop);
            let wanted = format!("; stopped at {line}: {}; from ", at(holder));
            assert!(stopped.contains(&wanted), "{words}: {stopped}");
            let skipped = import(&skipping, &other(lines(words)), 100, OnBadLine::Skip);
            assert!(
                skipped.contains(&format!("1 rejected: {line}: {}", at(stored_first))),
                "{words}: {skipped}"
            );
        }
    }

    /// What an import comes to when each line is appended by itself, which is slow and plain.
    fn one_by_one(store: &MemoryStore, lines: &[Line]) -> (u64, u64, u64) {
        let (mut new, mut there, mut rejected) = (0, 0, 0);
        for line in lines {
            let append = trunkline_core::Append::to(line.event.stream.clone(), expected(line.event.version))
                .event(line.event.event.clone());
            match now(store.append(append)) {
                Ok(appended) if appended.repeated => there += 1,
                Ok(_) => new += 1,
                Err(AppendError::Conflict { .. } | AppendError::EventIdTaken { .. }) => rejected += 1,
                Err(error) => panic!("{error}"),
            }
        }
        (new, there, rejected)
    }

    fn some_lines() -> impl Strategy<Value = String> {
        let word = (0..4_u8, prop::option::of(1..6_u8), 1..40_u8).prop_map(|(stream, version, id)| {
            let version = version.map(|version| format!("@{version}")).unwrap_or_default();
            format!("a{stream}{version}={id}")
        });
        prop::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
    }

    proptest! {
        #[test]
        fn batches_come_to_the_same_as_lines_one_by_one(
            before in some_lines(),
            words in some_lines(),
            batch in 1..50_usize,
        ) {
            let [plain, store] = [MemoryStore::new(), MemoryStore::new()];
            for store in [&plain, &store] {
                one_by_one(store, &lines(&before));
            }
            let (new, there, rejected) = one_by_one(&plain, &lines(&words));
            let outcome = import(&store, &lines(&words), batch, OnBadLine::Skip);
            let counts = format!("{new} new, {there} there, {rejected} rejected: ");
            prop_assert!(outcome.starts_with(&counts), "{outcome}, one by one {counts}");
            prop_assert_eq!(stored(&store), stored(&plain));
        }

        #[test]
        fn an_import_that_stops_kept_every_line_before_the_batch_and_none_after(
            before in some_lines(),
            words in some_lines(),
            batch in 1..50_usize,
        ) {
            let [plain, store] = [MemoryStore::new(), MemoryStore::new()];
            for store in [&plain, &store] {
                one_by_one(store, &lines(&before));
            }
            let outcome = import(&store, &lines(&words), batch, OnBadLine::Stop);
            let lines = lines(&words);
            let kept = match outcome.rsplit_once("; from ") {
                Some((_, from)) => from.parse::<usize>().unwrap() - 1,
                None => lines.len(),
            };
            let (new, there, rejected) = one_by_one(&plain, &lines[..kept]);
            let counts = format!("{new} new, {there} there, 0 rejected: ");
            prop_assert!(outcome.starts_with(&counts) && rejected == 0, "{outcome}, one by one {counts}");
            prop_assert_eq!(stored(&store), stored(&plain));
        }
    }
}
