//! Scripts: what a program does with a log, the same each time it is played.

use trunkline_log::Expected;

use crate::draft::{Draft, New, Selection, id};
use crate::random::Random;
use crate::reference::Reference;

/// One step of a script.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Batches that wait for the writer at the same time, so that they are judged as one group.
    Append(Vec<Draft>),
    /// The log is closed and opened again.
    Reopen,
}

/// The streams of a script.
const STREAMS: [&str; 5] = ["order-1", "order-2", "cart-7", "cart-8", "stock-x"];

/// Makes drafts that mostly may be appended, and knows which ones it made.
pub(crate) struct Author {
    pub(crate) random: Random,
    reference: Reference,
    drafts: Vec<Draft>,
    next_id: u64,
}

impl Author {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), reference: Reference::default(), drafts: Vec::new(), next_id: 1 }
    }

    /// The next draft, as if all those before it had been judged in turn.
    pub(crate) fn draft(&mut self) -> Draft {
        let draft = match self.random.below(10) {
            0 if !self.drafts.is_empty() => self.repeat(),
            1 => self.stale(),
            2 => self.conditional(),
            _ => self.plain(),
        };
        // Its answer follows from the script alone, whatever it is.
        drop(self.reference.append(&draft));
        self.drafts.push(draft.clone());
        draft
    }

    pub(crate) fn stream(&mut self) -> String {
        STREAMS[self.random.below(STREAMS.len() as u64) as usize].to_owned()
    }

    fn body(&mut self) -> Vec<u8> {
        let len = match self.random.below(60) {
            0 => 150_000,
            1 => 20_000,
            2..10 => 3000,
            _ => self.random.below(200),
        };
        // Zeros are the hard case: a frame that is cut off inside of them is whole all the same.
        let byte = if self.random.one_in(3) { 0 } else { self.random.next() as u8 };
        vec![byte; len as usize]
    }

    fn new_record(&mut self) -> New {
        let kind = ["red", "green", "blue"][self.random.below(3) as usize];
        let mut labels = vec![(1, kind.to_owned())];
        if self.random.one_in(3) {
            labels.push((3, format!("tag-{}", self.random.below(6))));
        }
        self.next_id += 1;
        New { id: id(self.next_id), labels, body: self.body() }
    }

    fn plain(&mut self) -> Draft {
        let mut writes: Vec<(String, Expected, Vec<New>)> = Vec::new();
        for _ in 0..=self.random.below(2) {
            let stream = self.stream();
            if writes.iter().any(|(other, ..)| *other == stream) {
                continue;
            }
            let version = self.reference.version(&stream);
            let expected = match self.random.below(3) {
                0 => Expected::Any,
                1 if version > 0 => Expected::Exists,
                _ => Expected::At(version),
            };
            let records = (0..=self.random.below(3)).map(|_| self.new_record()).collect();
            writes.push((stream, expected, records));
        }
        Draft { writes, conditions: Vec::new() }
    }

    /// One whose stream has moved on, or isn't there.
    fn stale(&mut self) -> Draft {
        let mut draft = self.plain();
        let found = self.reference.version(&draft.writes[0].0);
        draft.writes[0].1 = if found == 0 { Expected::Exists } else { Expected::At(found - 1) };
        draft
    }

    fn conditional(&mut self) -> Draft {
        let mut draft = self.plain();
        let tag = (3, format!("tag-{}", self.random.below(6)));
        let colour = (1, "green".to_owned());
        let selection: Selection = vec![vec![vec![colour], vec![tag]]];
        let head = self.reference.records.len() as u64;
        let after = self.random.below(head + 1);
        draft.conditions.push((selection, after));
        draft
    }

    /// An earlier one again, or half of it.
    fn repeat(&mut self) -> Draft {
        let number = self.random.below(self.drafts.len() as u64) as usize;
        let mut draft = self.drafts[number].clone();
        if self.random.one_in(3) {
            let new = self.new_record();
            draft.writes[0].2.push(new);
        }
        draft
    }
}

/// A script with so many steps.
pub(crate) fn script(seed: u64, steps: u64) -> Vec<Step> {
    let mut author = Author::new(seed);
    (0..steps)
        .map(|number| {
            if number % 12 == 11 {
                return Step::Reopen;
            }
            let together = if author.random.one_in(3) { 4 } else { 1 };
            Step::Append((0..together).map(|_| author.draft()).collect())
        })
        .collect()
}
