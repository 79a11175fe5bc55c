//! A history, played against a store and against the model.

use trunkline_core::{
    Append, EventId, Expected, NewEvent, Position, Query, QueryItem, StreamWrite, Timestamp, Version,
};

use super::Fixture;
use super::model::Model;
use super::plan::{AppendPlan, EventPlan, ExpectedPlan, QueryPlan, STREAMS, Step, TAGS, TYPES};
use super::sample::{command, facts, head, kind, list, stream, tag};
use super::seen::{collect, everything};
use crate::{AllRead, EventStore, StreamRead, StreamsRead};

/// Plays one history against a fresh store.
pub(super) async fn play(mut fixture: Fixture, steps: &[Step]) {
    let mut game = Game { model: Model::new(fixture.limits()), played: Vec::new(), ids: 0 };
    let mut store = fixture.store();
    for step in steps {
        if let Step::Reopen = step {
            drop(store);
            store = fixture.reopen().await;
            assert_eq!(everything(&*store).await, game.model.events());
        } else {
            game.step(&*store, step).await;
        }
        assert_eq!(head(&*store).await, game.model.head());
    }
    game.compare(&*store).await;
}

struct Game {
    model: Model,
    /// Every append that was tried.
    played: Vec<Append>,
    /// How many ids were made.
    ids: u128,
}

impl Game {
    async fn step(&mut self, store: &dyn EventStore, step: &Step) {
        match step {
            Step::Append(plan) => {
                let append = self.append(plan);
                self.play(store, append).await;
            }
            Step::Again { number, expected } => {
                let Some(mut append) = choose(*number, &self.played).cloned() else { return };
                for write in &mut append.writes {
                    write.expected = self.expected(expected, write.stream.as_str());
                }
                self.play(store, append).await;
            }
            Step::Stream { stream: number, from, to, direction, limit } => {
                let read = StreamRead {
                    from: Version::new(u64::from(*from)),
                    to: Version::new(u64::from(*to)),
                    direction: *direction,
                    limit: limit.map(u64::from),
                };
                let name = stream_name(*number);
                let seen = collect(store.read_stream(&stream(name), read)).await;
                assert_eq!(seen, self.model.read_stream(name, &read), "{read:?} of {name}");
            }
            Step::All { query: plan, from, to, direction, limit } => {
                let read = AllRead {
                    query: query(plan),
                    from: self.position(*from),
                    to: self.position(*to),
                    direction: *direction,
                    limit: limit.map(u64::from),
                };
                let seen = collect(store.read_all(read.clone())).await;
                assert_eq!(seen, self.model.read_all(&read), "{read:?}");
            }
            Step::List { stream, after, limit } => {
                let read = StreamsRead {
                    aggregate_type: stream.map(|number| aggregate_type(number).to_owned()),
                    after: self.position(*after),
                    limit: limit.map(u64::from),
                };
                assert_eq!(list(store, read.clone()).await, self.model.streams(&read), "{read:?}");
            }
            Step::Reopen => unreachable!("who plays the steps reopens the store"),
        }
    }

    /// Appends to the store, and compares with what the model says.
    async fn play(&mut self, store: &dyn EventStore, append: Append) {
        let wanted = self.model.judge(&append);
        match (store.append(append.clone()).await, wanted) {
            (Ok(appended), Ok(Some(repeated))) => assert_eq!(appended, repeated, "{append:?}"),
            (Ok(appended), Ok(None)) => {
                let stored = collect(store.read_all(AllRead::after(self.model.head()))).await;
                self.model.store(&append, &appended, &stored);
            }
            (Err(error), Err(wanted)) => assert_eq!(facts(&error), facts(&wanted), "{append:?}"),
            (found, wanted) => {
                let wanted = wanted
                    .map(|repeated| repeated.map_or_else(|| "stored".to_owned(), |it| format!("{it:?}")));
                panic!("the store says {found:?}, the model {wanted:?}: {append:?}")
            }
        }
        self.played.push(append);
    }

    /// Compares everything that can be read.
    async fn compare(&self, store: &dyn EventStore) {
        assert_eq!(everything(store).await, self.model.events());
        let all = StreamsRead::default();
        assert_eq!(list(store, all.clone()).await, self.model.streams(&all));
        for name in (0..STREAMS).map(stream_name) {
            let all = StreamRead::default();
            let seen = collect(store.read_stream(&stream(name), all)).await;
            assert_eq!(seen, self.model.read_stream(name, &all));
        }
    }

    fn append(&mut self, plan: &AppendPlan) -> Append {
        let mut writes: Vec<StreamWrite> = Vec::new();
        for (number, expected, events) in &plan.writes {
            let name = stream_name(*number);
            let expected = self.expected(expected, name);
            let events = events.iter().map(|event| self.event(event)).collect();
            writes.push(StreamWrite { stream: stream(name), expected, events });
        }
        let mut append = Append { writes, ..Append::default() };
        for (number, (plan, after)) in plan.conditions.iter().enumerate() {
            append = append.unless(&format!("condition {number}"), query(plan), self.position(*after));
        }
        append.command = plan.command.map(|number| command(&format!("command {number}")));
        append
    }

    fn event(&mut self, plan: &EventPlan) -> NewEvent {
        let reused = plan.reused.and_then(|number| choose(number, self.model.events()));
        let event_id = reused.map_or_else(
            || {
                self.ids += 1;
                EventId::from_bytes(self.ids.to_be_bytes())
            },
            |event| event.event_id,
        );
        NewEvent {
            event_id,
            event_type: kind(event_type(plan.event_type)),
            schema_version: u32::from(plan.schema_version),
            data: plan.data.clone().into(),
            tags: bits(plan.tags, TAGS).map(|number| tag(tag_text(number))).collect(),
            occurred_at: plan.occurred_at.map(|micros| Timestamp::from_micros(micros.into())),
            recorded_at: plan.recorded_at.map(|micros| Timestamp::from_micros(micros.into())),
            ..super::sample::event("Happened")
        }
    }

    fn expected(&self, plan: &ExpectedPlan, stream: &str) -> Expected {
        match plan {
            ExpectedPlan::Any => Expected::Any,
            ExpectedPlan::NoStream => Expected::NoStream,
            ExpectedPlan::Exists => Expected::Exists,
            ExpectedPlan::Current => Expected::At(self.model.version(stream)),
            ExpectedPlan::At(version) => Expected::At(Version::new(u64::from(*version))),
        }
    }

    /// The start, or where an event stands, or one beyond the head, or the last position there is.
    fn position(&self, number: u8) -> Position {
        let events = self.model.events();
        let mut places = vec![Position::START, self.model.head().next(), Position::MAX];
        places.extend(events.iter().map(|event| event.position));
        *choose(number, &places).expect("there are at least three")
    }
}

fn choose<T>(number: u8, things: &[T]) -> Option<&T> {
    things.get(usize::from(number).checked_rem(things.len())?)
}

fn bits(bits: u8, count: u8) -> impl Iterator<Item = u8> {
    (0..count).filter(move |bit| bits >> bit & 1 == 1)
}

fn query(plan: &QueryPlan) -> Query {
    let items = plan.iter().map(|&(streams, types, tags)| QueryItem {
        aggregate_types: bits(streams, STREAMS).map(|number| aggregate_type(number).to_owned()).collect(),
        event_types: bits(types, TYPES).map(|number| kind(event_type(number))).collect(),
        tags: bits(tags, TAGS).map(|number| tag(tag_text(number))).collect(),
    });
    Query { items: items.collect() }
}

fn stream_name(number: u8) -> &'static str {
    ["order-1", "order-2", "orders-1", "cart-1", "$saga.order-1"][usize::from(number)]
}

fn aggregate_type(number: u8) -> &'static str {
    ["order", "unknown", "orders", "cart", "$saga.order"][usize::from(number)]
}

fn event_type(number: u8) -> &'static str {
    ["Created", "Changed", "Closed"][usize::from(number)]
}

fn tag_text(number: u8) -> &'static str {
    ["sku:1", "sku:2", "color:red", "$command:command 0"][usize::from(number)]
}
