//! Which sagas an event of the log is for, and what it is to each.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use trunkline_core::saga::{
    self, Answer, Behaviour, BehaviourProblem, Definition, MessageName, Recorded, Reply,
};
use trunkline_core::upcast::{UpcastError, Upcasters};
use trunkline_core::{CommandId, MetadataView, RecordedEvent};

use crate::command::inbox::{self, KeptOutcome};
use crate::messages::DEAD_LETTERED;

/// All sagas of an application, and which of them name which events.
pub(crate) struct Routes {
    sagas: BTreeMap<String, Definition>,
    /// What sagas are called today that were begun under an older name.
    renamed: BTreeMap<String, String>,
    /// The names of the sagas that name a type of event.
    by_type: BTreeMap<String, Vec<String>>,
    /// The types that are stored today, or were, and lead to one of those.
    sources: BTreeSet<String>,
    upcasters: Upcasters,
}

/// An event of the log, for one saga.
#[derive(Debug)]
pub(crate) struct Routed {
    pub(crate) name: String,
    pub(crate) id: String,
    /// Under which name it was begun, where the event says so: it answers a message of that saga's.
    pub(crate) begun_as: Option<String>,
    pub(crate) recorded: Recorded,
}

/// What an event of the log is for.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    pub(crate) routed: Vec<Routed>,
    /// Sagas whose rule for the event fails, and why: it finds no saga of theirs.
    pub(crate) problems: Vec<(String, BehaviourProblem)>,
}

impl Routes {
    /// All of these sagas, what those are called today that had another name, in an application that handles these
    /// commands.
    pub(crate) fn new(
        sagas: BTreeMap<String, Arc<dyn Behaviour>>,
        renamed: BTreeMap<String, String>,
        upcasters: Upcasters,
        handled: &BTreeSet<String>,
    ) -> Self {
        let mut by_type: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, behaviour) in &sagas {
            for event_type in behaviour.events() {
                let names = by_type.entry(event_type).or_default();
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        let sources = upcasters.sources(by_type.keys().map(String::as_str));
        let sources = sources.into_iter().map(str::to_owned).collect();
        let define = |behaviour| Definition::new(behaviour).handled(handled.iter().map(String::as_str));
        let sagas = sagas.into_iter().map(|(name, behaviour)| (name, define(behaviour))).collect();
        Self { sagas, renamed, by_type, sources, upcasters }
    }

    /// The definition of a saga of this name, which it may have had before.
    pub(crate) fn definition(&self, name: &str) -> Option<&Definition> {
        self.sagas.get(self.today(name))
    }

    /// What a saga is called today that has, or had, this name.
    pub(crate) fn today<'a>(&'a self, name: &'a str) -> &'a str {
        self.renamed.get(name).map_or(name, String::as_str)
    }

    /// The names under which sagas of a name may have been begun before, sorted.
    pub(crate) fn before<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.renamed.iter().filter_map(move |(was, today)| (today == name).then_some(was.as_str()))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.sagas.keys().map(String::as_str)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sagas.is_empty()
    }

    /// Which sagas an event is for; what is Trunkline's own is for those alone whose messages it answers.
    pub(crate) fn deliver(&self, event: &RecordedEvent) -> Result<Delivered, UpcastError> {
        let mut delivered = Delivered::default();
        let mut asked = asked(event);
        if asked.is_some() || self.sources.contains(event.event_type()) {
            for present in self.upcasters.upcast(event.clone())? {
                self.name_it(event, &present, &mut delivered);
                if let Some(asked) = asked.take() {
                    let today = self.today(&asked.name).to_owned();
                    delivered.answer(event, &today, asked, reply(&present));
                }
            }
        }
        if let Some(asked) = asked {
            // The command was accepted, although what it caused is no event any more.
            let event_of = Box::new(inbox::without_reply(event));
            let today = self.today(&asked.name).to_owned();
            delivered.answer(event, &today, asked, Reply::Accepted { event: event_of, nothing: false });
        }
        Ok(delivered)
    }

    fn name_it(&self, stored: &RecordedEvent, present: &RecordedEvent, delivered: &mut Delivered) {
        for name in self.by_type.get(present.event_type()).into_iter().flatten() {
            match self.sagas[name].behaviour.key(present) {
                Ok(Some(id)) if saga::stream(name, &id).is_ok() => {
                    delivered.find(stored, name, &id).recorded.events.push(present.clone());
                }
                Ok(Some(id)) => {
                    let problem =
                        BehaviourProblem(format!("its key {id:?} can't be part of a stream's name"));
                    delivered.problems.push((name.clone(), problem));
                }
                Ok(None) => {}
                Err(problem) => delivered.problems.push((name.clone(), problem)),
            }
        }
    }
}

impl Delivered {
    /// What an event is to one saga; nothing, at first.
    fn find(&mut self, event: &RecordedEvent, name: &str, id: &str) -> &mut Routed {
        let there = self.routed.iter().position(|routed| routed.name == name && routed.id == id);
        let at = there.unwrap_or_else(|| {
            let recorded = Recorded {
                position: event.position(),
                event_id: event.event_id(),
                event_type: event.event_type().to_owned(),
                correlation_id: MetadataView::of(event.metadata())
                    .text(MetadataView::CORRELATION_ID)
                    .map(Cow::into_owned),
                events: Vec::new(),
                answer: None,
            };
            let (name, id) = (name.to_owned(), id.to_owned());
            self.routed.push(Routed { name, id, begun_as: None, recorded });
            self.routed.len() - 1
        });
        &mut self.routed[at]
    }

    /// Adds the answer to what the saga hears of an event.
    fn answer(&mut self, event: &RecordedEvent, today: &str, asked: Asked, reply: Reply) {
        let Asked { name, id, message } = asked;
        let routed = self.find(event, today, &id);
        routed.begun_as = Some(name);
        let recorded = &mut routed.recorded;
        recorded.answer = Some(Answer { message, after: recorded.events.len(), reply });
    }
}

/// A message of a saga's, that an event answers.
struct Asked {
    name: String,
    id: String,
    message: MessageName,
}

/// The saga whose message an event answers, and the message.
///
/// What answers is what came of a command with an id, which its tag says, or that a consumer gave the message up: the
/// metadata of other events is not looked at.
fn asked(event: &RecordedEvent) -> Option<Asked> {
    let is_of_a_command = event.tags().any(|tag| tag.starts_with(CommandId::TAG));
    if !is_of_a_command && event.event_type() != DEAD_LETTERED {
        return None;
    }
    let [saga, message] =
        MetadataView::of(event.metadata()).texts([MetadataView::SAGA, MetadataView::SAGA_MESSAGE]);
    let saga = saga?;
    let (name, id) = saga.split_once('-')?;
    let message: MessageName = message?.parse().ok()?;
    Some(Asked { name: name.to_owned(), id: id.to_owned(), message })
}

fn reply(event: &RecordedEvent) -> Reply {
    if event.event_type() == DEAD_LETTERED {
        #[derive(Deserialize)]
        struct Dead {
            reason: String,
        }
        let dead = serde_json::from_slice::<Dead>(event.data());
        let error = dead.map_or_else(|_| "given up".to_owned(), |dead| dead.reason);
        return Reply::Dead { error };
    }
    match inbox::kept_outcome(event) {
        Some(KeptOutcome::Rejected(reason)) => Reply::Rejected { reason },
        // Its own events are gone, and with them what the reply was made of.
        Some(KeptOutcome::Accepted { events: 1.. }) => {
            Reply::Accepted { event: Box::new(inbox::without_reply(event)), nothing: false }
        }
        kept => Reply::Accepted { event: Box::new(event.clone()), nothing: kept.is_some() },
    }
}
