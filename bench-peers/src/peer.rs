//! `cqrs-es`: its framework over its store in memory, and over its store that serialises events as every one of its
//! databases has it do, with a map in the database's place.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};

use cqrs_es::event_sink::EventSink;
use cqrs_es::mem_store::MemStore;
use cqrs_es::persist::{
    PersistedEventRepository, PersistedEventStore, PersistenceError, ReplayStream, SerializedEvent,
    SerializedSnapshot,
};
use cqrs_es::{Aggregate, CqrsFramework, DomainEvent, EventStore};
use serde::{Deserialize, Serialize};
use trunkline::{Decider, Event};

use crate::cpu::{computed, each};
use crate::orders::{Asked, COMMANDS};
use crate::typed::{OrderCommand, OrderEvent, Orders, Status};

/// The order as an aggregate of cqrs-es; what it decides is the decider's.
#[derive(Default, Serialize, Deserialize)]
struct PeerOrder {
    /// Nothing until there is an order.
    confirmed: Option<bool>,
}

#[derive(Debug)]
struct Refused(&'static str);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Refused {}

impl DomainEvent for OrderEvent {
    fn event_type(&self) -> String {
        self.shape().event_type.to_owned()
    }

    fn event_version(&self) -> String {
        self.shape().version.to_string()
    }
}

impl PeerOrder {
    fn status(&self) -> Status {
        match self.confirmed {
            None => Status::Absent,
            Some(false) => Status::Pending,
            Some(true) => Status::Confirmed,
        }
    }
}

impl Aggregate for PeerOrder {
    const TYPE: &'static str = "order";
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Error = Refused;
    type Services = ();

    async fn handle(
        &mut self,
        command: OrderCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Refused> {
        for event in Orders::decide(&self.status(), command).map_err(Refused)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: OrderEvent) {
        self.confirmed = Some(matches!(event, OrderEvent::OrderConfirmed { .. }));
    }
}

/// Events as values of Rust, as they are.
pub(crate) async fn in_memory(asked: &Asked) -> Result<f64, Box<dyn Error>> {
    round(CqrsFramework::new(MemStore::<PeerOrder>::default(), Vec::new(), ()), asked).await
}

/// Events as JSON.
pub(crate) async fn serialized(asked: &Asked) -> Result<f64, Box<dyn Error>> {
    let store = PersistedEventStore::<Repository, PeerOrder>::new_event_store(Repository::default());
    round(CqrsFramework::new(store, Vec::new(), ()), asked).await
}

async fn round<S: EventStore<PeerOrder>>(
    framework: CqrsFramework<PeerOrder, S>,
    asked: &Asked,
) -> Result<f64, Box<dyn Error>> {
    for command in asked.before() {
        let id = Orders::id(&command).into_owned();
        framework.execute(&id, command).await?;
    }
    let commands = asked.commands();
    let begun = computed();
    for command in commands {
        let id = Orders::id(&command).into_owned();
        framework.execute(&id, command).await?;
    }
    Ok(each(begun, COMMANDS))
}

/// A map in a database's place.
#[derive(Default)]
struct Repository(Mutex<HashMap<String, Vec<SerializedEvent>>>);

impl PersistedEventRepository for Repository {
    async fn get_events<A: Aggregate>(&self, id: &str) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(events.get(id).cloned().unwrap_or_default())
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        id: &str,
        last: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        Ok(self.get_events::<A>(id).await?.into_iter().filter(|event| event.sequence > last).collect())
    }

    async fn get_snapshot<A: Aggregate>(
        &self,
        _: &str,
    ) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        Ok(None)
    }

    async fn persist<A: Aggregate>(
        &self,
        new: &[SerializedEvent],
        _: Option<(String, serde_json::Value, usize)>,
    ) -> Result<(), PersistenceError> {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for event in new {
            events.entry(event.aggregate_id.clone()).or_default().push(event.clone());
        }
        Ok(())
    }

    async fn stream_events<A: Aggregate>(&self, _: &str) -> Result<ReplayStream, PersistenceError> {
        Ok(ReplayStream::new(1).1)
    }

    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        Ok(ReplayStream::new(1).1)
    }
}
