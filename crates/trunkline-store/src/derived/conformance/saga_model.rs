//! The model test of [`SagaIndex`]: random histories come out as in a list of rows.

use trunkline_core::saga::Status;

use super::TestPlace;
use super::saga_index::{at, checkpoint, saga, with};
use crate::conformance::seed;
use crate::derived::{Checkpoint, IndexedSaga, SagaIndex, SagaQuery, SagaRow};

/// How many things happen in a history.
const STEPS: usize = 300;

/// Puts, clearings and openings, and whatever is asked between them; a failure says the seed, which `TRUNKLINE_SEED`
/// repeats.
pub async fn random_histories_of_sagas_come_out_as_in_the_model(place: TestPlace<dyn SagaIndex>) {
    let seed = seed();
    let mut random = Random(seed);
    let (mut index, mut model) = (place.open(), Model::default());
    for step in 0..STEPS {
        match random.below(20) {
            0 => {
                index.clear().await.expect("it is cleared");
                model = Model::default();
            }
            1 => {
                drop(index);
                index = place.open();
                let lost = index.read_to().await.expect("how far was read is said") != model.read_to;
                if lost {
                    // It is older, and made again here rather than read from the log.
                    index.clear().await.expect("it is cleared");
                    index.put(model.sagas.clone(), model.read_to).await.expect("rows are put");
                }
            }
            2..8 => {
                let sagas: Vec<IndexedSaga> = (0..random.below(5)).map(|_| random.saga()).collect();
                let read_to = (random.below(2) == 0).then(|| checkpoint(step as u64));
                model.put(&sagas, read_to);
                index.put(sagas, read_to).await.expect("rows are put");
            }
            _ => model.compare(&*index, &mut random, &format!("seed {seed}, step {step}")).await,
        }
    }
}

/// What an index has to say.
#[derive(Default)]
struct Model {
    sagas: Vec<IndexedSaga>,
    read_to: Option<Checkpoint>,
}

impl Model {
    fn put(&mut self, sagas: &[IndexedSaga], read_to: Option<Checkpoint>) {
        for saga in sagas {
            let is_same =
                |other: &&mut IndexedSaga| (&other.row.name, &other.row.id) == (&saga.row.name, &saga.row.id);
            match self.sagas.iter_mut().find(is_same) {
                Some(before) if before.version > saga.version => {}
                Some(before) => before.clone_from(saga),
                None => self.sagas.push(saga.clone()),
            }
        }
        self.read_to = read_to.or(self.read_to);
    }

    async fn compare(&self, index: &dyn SagaIndex, random: &mut Random, when: &str) {
        assert_eq!(index.read_to().await, Ok(self.read_to), "{when}");
        let mut rows: Vec<&SagaRow> = self.sagas.iter().map(|saga| &saga.row).collect();
        rows.sort_by_key(|row| (&row.name, &row.id));
        let mut times: Vec<_> = rows.iter().filter_map(|row| row.due).collect();
        times.sort_unstable();
        assert_eq!(index.next_due().await, Ok(times.first().copied()), "{when}");
        let (now, max) = (at(random.below(10).cast_signed()), 1 + random.below(4) as usize);
        let due = index.due(now, max as u32).await.expect("what is due is found");
        let of = |key: &(String, String)| rows.iter().find(|row| (&row.name, &row.id) == (&key.0, &key.1));
        let found: Vec<_> = due.iter().map(|key| of(key).and_then(|row| row.due)).collect();
        let expected = times.iter().filter(|time| **time <= now).take(max);
        assert_eq!(found, expected.map(|time| Some(*time)).collect::<Vec<_>>(), "{when}");
        let query = random.query();
        let selected = rows.iter().filter(|row| query.selects(row));
        assert_eq!(index.count(&query).await, Ok(selected.clone().count() as u64), "{when}: {query:?}");
        let limit = query.limit.map_or(usize::MAX, |limit| limit as usize);
        let selected: Vec<SagaRow> = selected.take(limit).map(|row| (*row).clone()).collect();
        assert_eq!(index.list(&query).await, Ok(selected), "{when}: {query:?}");
        let counts = index.counts().await.expect("sagas are counted");
        let count = |name: &str, status| {
            rows.iter().filter(|row| row.name == name && row.status == status).count() as u64
        };
        assert!(counts.iter().all(|(name, status, counted)| count(name, *status) == *counted), "{when}");
        assert_eq!(counts.iter().map(|(_, _, count)| count).sum::<u64>(), rows.len() as u64, "{when}");
    }
}

/// Numbers that follow from a seed (the generator `SplitMix64`).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.below(3) == 0 { Some(make(self)) } else { None }
    }

    fn name(&mut self) -> String {
        ["order", "trip"][self.below(2) as usize].to_owned()
    }

    fn status(&mut self) -> Status {
        Status::ALL[self.below(Status::ALL.len() as u64) as usize]
    }

    fn saga(&mut self) -> IndexedSaga {
        let (name, id, version) = (self.name(), self.below(6).to_string(), 1 + self.below(9));
        let (status, changed) = (self.status(), self.below(10));
        let due = self.maybe(|random| random.below(10));
        with(saga(&name, &id, version), |row| {
            row.status = status;
            row.changed_at = at(changed.cast_signed());
            row.due = due.map(|due| at(due.cast_signed()));
        })
    }

    fn query(&mut self) -> SagaQuery {
        SagaQuery {
            name: self.maybe(Self::name),
            id: self.maybe(|random| random.below(6).to_string()),
            statuses: (0..self.below(3)).map(|_| self.status()).collect(),
            unchanged_since: self.maybe(|random| at(random.below(10).cast_signed())),
            after: self.maybe(|random| (random.name(), random.below(6).to_string())),
            limit: self.maybe(|random| random.below(4) as u32),
        }
    }
}
