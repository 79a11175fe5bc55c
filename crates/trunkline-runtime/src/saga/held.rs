//! Sagas under way whose definition has changed: held when it doesn't name what they wait for, and freed when it does.

use std::collections::BTreeMap;
use std::fmt;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use indexmap::IndexMap;
use serde::Serialize;
use trunkline_core::Position;
use trunkline_core::saga::{Input, Missing, SagaState, Status};
use trunkline_store::AllRead;
use trunkline_store::derived::{SagaIndex, SagaKey, SagaQuery};

use super::advance::advance;
use super::route::Routed;
use super::{SagaError, Sagas};

/// How many sagas are looked at in one go.
const PAGE: u32 = 1_000;

/// How many held sagas are freed with one reading of the log: what each has not heard of is in memory then.
const FREED_MAX: usize = 16_384;

/// How many are looked at at the same time, so that their appends share syncs.
const AT_ONCE: usize = 64;

/// Sagas under way that need the same thing, which their definition doesn't name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lacking {
    /// The name under which they were begun.
    pub saga: String,
    /// What they need, and what that means for them.
    pub what: String,
    /// What can be done about it.
    pub remedy: String,
    /// How many there are.
    pub sagas: u64,
    /// How many of them are held already; the others will be when sagas run.
    pub held: u64,
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { saga, what, sagas, held, .. } = self;
        let verb = if *sagas == 1 { "is" } else { "are" };
        write!(f, "{sagas} of saga {saga} {verb} under way, of which each says: {what}; ")?;
        match sagas - held {
            0 => f.write_str("held"),
            left if left == *sagas => f.write_str("they will be held when sagas run"),
            left => write!(f, "{held} held, {left} will be when sagas run"),
        }
    }
}

/// What is looked at of a saga under way.
struct Look {
    key: SagaKey,
    missing: Option<Missing>,
    is_held: bool,
    read_to: Position,
}

impl Sagas {
    /// What a saga under way needs and no definition names.
    pub(super) fn missing(&self, state: &SagaState) -> Option<Missing> {
        if state.status.is_none_or(Status::is_ended) {
            return None;
        }
        match self.routes.definition(&state.name) {
            Some(definition) => definition.names.missing(state),
            None => Some(Missing::Saga(state.name.clone())),
        }
    }

    /// Which sagas under way need what no definition names: those are held when sagas run, until it is named again.
    ///
    /// Nothing is written, so this works beside the process that runs the sagas.
    pub async fn lacking(&self) -> Result<Vec<Lacking>, SagaError> {
        let index = self.refresh().await?;
        let mut found: BTreeMap<(String, Missing), (u64, u64)> = BTreeMap::new();
        let mut after = None;
        loop {
            let keys = under_way(index, &mut after).await?;
            if keys.is_empty() {
                break;
            }
            for Look { key, missing, is_held, .. } in self.looks(keys).await? {
                let Some(missing) = missing else { continue };
                let (sagas, held) = found.entry((key.0, missing)).or_default();
                *sagas += 1;
                *held += u64::from(is_held);
            }
        }
        let lacking = found.into_iter().map(|((saga, missing), (sagas, held))| {
            let (what, remedy) = (missing.to_string(), missing.remedy());
            Lacking { saga, what, remedy, sagas, held }
        });
        Ok(lacking.collect())
    }

    /// Holds and frees sagas under way; up to a position the log has had its effect on all that are not held.
    pub(super) async fn look(&self, done: Position) -> Result<(), SagaError> {
        let mut freed: BTreeMap<SagaKey, Position> = BTreeMap::new();
        let mut after = None;
        loop {
            let keys = under_way(&*self.index, &mut after).await?;
            if keys.is_empty() {
                break;
            }
            let mut held: IndexMap<SagaKey, Vec<Input>> = IndexMap::new();
            for Look { key, missing, is_held, read_to } in self.looks(keys).await? {
                match (missing, is_held) {
                    (None, true) => drop(freed.insert(key, read_to)),
                    (Some(_), false) => drop(held.insert(key, vec![Input::Definition])),
                    (Some(_), true) | (None, false) => {}
                }
            }
            self.told(held).await?;
            if freed.len() >= FREED_MAX {
                self.free(std::mem::take(&mut freed), done).await?;
            }
        }
        self.free(freed, done).await
    }

    /// How sagas are seen by the definitions, as their streams say, in the same order.
    async fn looks(&self, keys: Vec<SagaKey>) -> Result<Vec<Look>, SagaError> {
        let look = |key: SagaKey| async move {
            let state = self.states.load(&key).await?;
            let (missing, is_held) = (self.missing(&state), state.held.is_some());
            Ok(Look { key, missing, is_held, read_to: state.read_to })
        };
        stream::iter(keys).map(look).buffered(AT_ONCE).try_collect().await
    }

    /// Frees held sagas, with what they have not heard of up to a position.
    async fn free(&self, freed: BTreeMap<SagaKey, Position>, done: Position) -> Result<(), SagaError> {
        let mut unheard = self.unheard(&freed, done).await?;
        let inputs = freed.into_keys().map(|key| {
            let heard = unheard.swap_remove(&key).into_iter().flatten();
            let inputs = std::iter::once(Input::Definition).chain(heard).collect();
            (key, inputs)
        });
        self.told(inputs.collect()).await
    }

    async fn told(&self, inputs: IndexMap<SagaKey, Vec<Input>>) -> Result<(), SagaError> {
        let one = |(key, inputs): (SagaKey, Vec<Input>)| async move {
            advance(self, &key, &inputs, None).await.map(drop)
        };
        stream::iter(inputs).map(one).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// What held sagas have not heard of, up to a position: of each all that came after its own.
    pub(super) async fn unheard(
        &self,
        of: &BTreeMap<SagaKey, Position>,
        to: Position,
    ) -> Result<IndexMap<SagaKey, Vec<Input>>, SagaError> {
        let mut unheard: IndexMap<SagaKey, Vec<Input>> = IndexMap::new();
        let Some(after) = of.values().min().copied().filter(|after| *after < to) else { return Ok(unheard) };
        let mut events = self.store.read_all(AllRead { to, ..AllRead::after(after) });
        while let Some(event) = events.next().await.transpose()? {
            if trunkline_core::saga::of_stream(event.stream()).is_some() {
                continue;
            }
            for Routed { name, id, begun_as, recorded } in self.routes.deliver(&event)?.routed {
                let key = self.begun(name, id, begun_as).await?;
                if of.get(&key).is_some_and(|after| *after < event.position()) {
                    unheard.entry(key).or_default().push(Input::Recorded(recorded));
                }
            }
        }
        Ok(unheard)
    }
}

/// The next sagas that have not ended, by name and id.
async fn under_way(index: &dyn SagaIndex, after: &mut Option<SagaKey>) -> Result<Vec<SagaKey>, SagaError> {
    let query = SagaQuery {
        statuses: vec![Status::Running, Status::Compensating, Status::Stuck],
        after: after.clone(),
        limit: Some(PAGE),
        ..SagaQuery::default()
    };
    let rows = index.list(&query).await?;
    let keys: Vec<SagaKey> = rows.into_iter().map(|row| (row.name, row.id)).collect();
    if let Some(last) = keys.last() {
        *after = Some(last.clone());
    }
    Ok(keys)
}
