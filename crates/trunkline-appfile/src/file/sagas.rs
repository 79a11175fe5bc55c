//! `[sagas.NAME]`: what is done step by step, and undone when a step fails.

use std::time::Duration;

use indexmap::IndexMap;
use trunkline_cel::{Expression, Scope};
use trunkline_config::read::Field;
use trunkline_config::{Diagnostic, Span, nearest};
use trunkline_core::EventType;
use trunkline_core::saga::Retry;
use trunkline_queue::TopicName;
use trunkline_runtime::saga::{InvalidStartFrom, StartFrom};

use super::aggregates::EVENT_FIELDS;
use super::messages::{checked, within};
use super::reading::{event_type, event_type_named};
use super::was::{self, WasName};
use super::{Reading, codes};

/// A saga, and who says what it does.
#[derive(Debug)]
pub struct SagaDefinition {
    /// Who says what it does.
    pub action: SagaAction,
    /// Names that it had before.
    pub was: Vec<WasName>,
    /// From where on in the log sagas of this name are started, when it is new.
    pub start_from: StartFrom,
    /// Where it stands.
    pub span: Span,
}

/// Who says what a saga does.
#[derive(Debug)]
pub enum SagaAction {
    /// Code that the program registered under this name.
    Class(String),
    /// The file.
    Steps(Box<StepsDefinition>),
}

/// A saga's steps, and what else happens in its life.
#[derive(Clone, Debug)]
pub struct StepsDefinition {
    /// The event that starts one.
    pub start: EventDefinitionName,
    /// When it does; always when not said.
    pub start_when: Option<Expression>,
    /// The key by which events find their saga.
    pub correlate: Expression,
    /// The steps, in order.
    pub steps: Vec<StepDefinition>,
    /// What events outside of the steps make of it, by event type.
    pub on: IndexMap<String, OnDefinition>,
    /// What is sent after the last step.
    pub completed: Option<LastDefinition>,
    /// What is sent after the compensation.
    pub failed: Option<LastDefinition>,
    /// How long it may take as a whole.
    pub timeout: Option<Duration>,
}

/// The name of an event, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDefinitionName {
    /// The event's type.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// A step.
#[derive(Clone, Debug)]
pub struct StepDefinition {
    /// Its name.
    pub name: String,
    /// Names that it had before.
    pub was: Vec<WasName>,
    /// What it sends, and what it waits for.
    pub last: LastDefinition,
    /// The events that say it was not done.
    pub failed: Vec<EventDefinitionName>,
    /// What undoes it.
    pub compensate: Compensate,
    /// What is remembered of the event that says it was done.
    pub remember: Option<Expression>,
    /// When it is taken; always when not said.
    pub when: Option<Expression>,
}

/// What undoes a step.
#[derive(Clone, Debug)]
pub enum Compensate {
    /// It isn't said.
    Unsaid,
    /// Nothing: `"none"`.
    Nothing,
    /// This.
    Send(Box<LastDefinition>),
}

/// What is sent, and what is waited for then.
#[derive(Clone, Debug)]
pub struct LastDefinition {
    /// What is sent.
    pub send: SendDefinition,
    /// The events that say it was done.
    pub done: Vec<EventDefinitionName>,
    /// How long to wait.
    pub timeout: Option<Duration>,
    /// How often it is sent again after a timeout.
    pub retry: Retry,
    /// Where it stands.
    pub span: Span,
}

/// A message that is sent.
#[derive(Clone, Debug)]
pub struct SendDefinition {
    /// Where it goes.
    pub topic: TopicName,
    /// Where the topic stands.
    pub topic_span: Span,
    /// The command's name.
    pub command: String,
    /// Where the command stands.
    pub command_span: Span,
    /// The command's data.
    pub data: Expression,
    /// What ordered consumers order it by; the saga's id when not said.
    pub key: Option<Expression>,
    /// How long it is kept from consumers.
    pub delay: Duration,
}

/// What an event outside of the steps makes of a saga.
#[derive(Clone, Debug)]
pub struct OnDefinition {
    /// When; always when not said.
    pub when: Option<Expression>,
    /// What.
    pub then: EventTurn,
    /// The reason of the compensation; the event's type when not said.
    pub reason: Option<Expression>,
    /// Where it stands.
    pub span: Span,
}

/// Where an event leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventTurn {
    /// To compensation.
    Fail,
    /// To the end.
    Complete,
}

impl StepsDefinition {
    /// The types of all events that it names.
    pub fn events(&self) -> impl Iterator<Item = EventDefinitionName> + '_ {
        let step = |step: &StepDefinition| {
            let undo = match &step.compensate {
                Compensate::Send(undo) => undo.done.clone(),
                Compensate::Unsaid | Compensate::Nothing => Vec::new(),
            };
            step.last.done.iter().chain(&step.failed).cloned().chain(undo).collect::<Vec<_>>()
        };
        let on = self.on.iter().map(|(name, on)| EventDefinitionName { name: name.clone(), span: on.span });
        let last = self.completed.iter().chain(&self.failed).flat_map(|last| last.done.iter().cloned());
        std::iter::once(self.start.clone()).chain(self.steps.iter().flat_map(step)).chain(on).chain(last)
    }
}

pub(super) fn read(field: &Field<'_>, reading: &Reading<'_>) -> IndexMap<String, SagaDefinition> {
    let mut section = field.section();
    let sagas = section.each().into_iter().filter_map(|(name, field)| {
        check_name(name, &field);
        Some((name.to_owned(), saga(&field, reading)?))
    });
    let sagas: IndexMap<String, SagaDefinition> = sagas.collect();
    was::check(field, "saga", sagas.iter().map(|(name, saga)| (name.as_str(), &*saga.was)));
    sagas
}

/// A saga's stream is named `$saga.NAME-ID`, and split at the first `-`.
fn check_name(name: &str, field: &Field<'_>) {
    if name.contains('-') || name.starts_with(super::SYSTEM_NAMES) {
        let message = format!("\"{name}\" can't be a saga's name, which has no `-` and no `$` in front");
        let wrong = Diagnostic::error(codes::BAD_NAME, field.span(), message);
        field.reader().report(wrong.note("its streams are named $saga.NAME-ID and split at the first `-`"));
    }
}

fn saga(field: &Field<'_>, reading: &Reading<'_>) -> Option<SagaDefinition> {
    let span = field.span();
    let mut section = field.section();
    let was = was::read(&section.key("was"));
    let start_from = start_from(&section.key("start_from"));
    let class = section.key("class");
    if let Some(name) = class.read::<String>() {
        section.finish();
        let known = || reading.registered.sagas.iter().map(String::as_str);
        if !known().any(|known| known == name) {
            let message = format!("no saga named \"{name}\" is registered");
            let near = nearest(&name, known());
            field.reader().report(reading.unresolved(class.span(), message).did_you_mean(near));
        }
        return Some(SagaDefinition { action: SagaAction::Class(name), was, start_from, span });
    }
    let read = Scopes::new(reading);
    let (start, start_when) = start(&section.key("start"), &read);
    let correlate = reading.required_expression(&section.key("correlate"), &read.event);
    let steps_field = section.key("steps");
    let steps: Vec<Option<StepDefinition>> =
        steps_field.items().iter().map(|item| step(item, &read)).collect();
    if steps.is_empty() {
        let wrong = Diagnostic::error(codes::NO_STEPS, steps_field.span(), "this saga has no steps");
        field.reader().report(wrong.fix("write steps: [{ name: \"…\", send: { … } }]"));
    }
    check_twice(&steps_field, &steps);
    let on = section.key("on").section().each().into_iter().filter_map(|(name, field)| {
        event_type_named(name, field.span(), &field);
        Some((name.to_owned(), on(&field, &read)?))
    });
    let on: IndexMap<String, OnDefinition> = on.collect();
    let completed = ending(&section.key("completed"), &read);
    let failed = ending(&section.key("failed"), &read);
    let timeout = section.key("timeout").read();
    section.finish();
    let steps = steps.into_iter().collect::<Option<Vec<_>>>()?;
    let (start, correlate) = (start?, correlate?);
    let definition = StepsDefinition { start, start_when, correlate, steps, on, completed, failed, timeout };
    Some(SagaDefinition { action: SagaAction::Steps(Box::new(definition)), was, start_from, span })
}

/// `"now"`, `"beginning"`, a time, or a position, as a number too.
fn start_from(field: &Field<'_>) -> StartFrom {
    let Some(node) = field.node().filter(|_| field.is_present()) else { return StartFrom::Now };
    let text = match &node.value {
        trunkline_config::Value::Integer(number) => Some(number.to_string()),
        _ => field.read::<String>(),
    };
    let Some(text) = text else { return StartFrom::Now };
    text.parse().unwrap_or_else(|error: InvalidStartFrom| {
        let message = format!("{text:?} is no place to start from");
        field
            .reader()
            .report(Diagnostic::error(codes::BAD_START, field.span(), message).fix(error.to_string()));
        StartFrom::Now
    })
}

/// What expressions may name, and what reading them takes.
struct Scopes<'a> {
    reading: &'a Reading<'a>,
    /// Where there is an event alone.
    event: Scope,
    /// Where there is the saga alone.
    saga: Scope,
    /// Where there are both.
    both: Scope,
}

impl<'a> Scopes<'a> {
    fn new(reading: &'a Reading<'a>) -> Self {
        const SAGA_FIELDS: [&str; 5] = ["id", "start", "state", "step", "reason"];
        let event = Scope::default().fields("event", EVENT_FIELDS);
        let saga = Scope::default().fields("saga", SAGA_FIELDS);
        let both = event.clone().fields("saga", SAGA_FIELDS);
        Self { reading, event, saga, both }
    }
}

/// `start: EVENT`, or `{event, when}`.
fn start(field: &Field<'_>, read: &Scopes<'_>) -> (Option<EventDefinitionName>, Option<Expression>) {
    let is_object = field.node().is_some_and(|node| matches!(node.value, trunkline_config::Value::Object(_)));
    if !is_object {
        return (event_name(field), None);
    }
    let mut section = field.section();
    let event = event_name(&section.key("event"));
    let when = read.reading.expression(&section.key("when"), &read.event);
    section.finish();
    (event, when)
}

fn step(field: &Field<'_>, read: &Scopes<'_>) -> Option<StepDefinition> {
    let mut section = field.section();
    let name: Option<String> = section.key("name").required();
    let was = was::read(&section.key("was"));
    let failed: Vec<Option<EventDefinitionName>> =
        section.key("failed").item_or_items().iter().map(event_name).collect();
    let compensate = compensate(&section.key("compensate"), read);
    let remember = read.reading.expression(&section.key("remember"), &read.both);
    let when = read.reading.expression(&section.key("when"), &read.saga);
    let last = last(&mut section, field.span(), read);
    section.finish();
    let failed = failed.into_iter().collect::<Option<Vec<_>>>()?;
    Some(StepDefinition { name: name?, was, last: last?, failed, compensate: compensate?, remember, when })
}

/// `{send, done, timeout, retry}`, or `"none"`.
fn compensate(field: &Field<'_>, read: &Scopes<'_>) -> Option<Compensate> {
    match field.node().map(|node| &node.value).filter(|_| field.is_present()) {
        None => Some(Compensate::Unsaid),
        Some(trunkline_config::Value::Text(_)) => field.one_of(&[("none", Compensate::Nothing)]),
        Some(_) => ending(field, read).map(|undo| Compensate::Send(Box::new(undo))),
    }
}

/// `{send, done, timeout, retry}`, where there may be one.
fn ending(field: &Field<'_>, read: &Scopes<'_>) -> Option<LastDefinition> {
    field.is_present().then_some(())?;
    let mut section = field.section();
    let last = last(&mut section, field.span(), read);
    section.finish();
    last
}

fn last(
    section: &mut trunkline_config::read::Section<'_>,
    span: Span,
    read: &Scopes<'_>,
) -> Option<LastDefinition> {
    let send = send(&section.key("send"), read);
    let done: Vec<Option<EventDefinitionName>> =
        section.key("done").item_or_items().iter().map(event_name).collect();
    let timeout = section.key("timeout").read();
    let retry = retry(&section.key("retry"));
    let done = done.into_iter().collect::<Option<Vec<_>>>()?;
    Some(LastDefinition { send: send?, done, timeout, retry, span })
}

/// `{topic, command, data, key, delay}`.
fn send(field: &Field<'_>, read: &Scopes<'_>) -> Option<SendDefinition> {
    let mut section = field.required_section();
    let topic_field = section.key("topic");
    let topic: Option<String> = topic_field.required();
    let topic = topic.and_then(|topic| checked(&topic_field, &topic, TopicName::new));
    let command_field = section.key("command");
    let command: Option<String> = command_field.required();
    let data = read.reading.required_expression(&section.key("data"), &read.saga);
    let key = read.reading.expression(&section.key("key"), &read.saga);
    let delay = section.key("delay").or(Duration::ZERO);
    section.finish();
    Some(SendDefinition {
        topic: topic?,
        topic_span: topic_field.span(),
        command: command?,
        command_span: command_field.span(),
        data: data?,
        key,
        delay,
    })
}

/// `{attempts, delay, factor}`.
fn retry(field: &Field<'_>) -> Retry {
    let usual = Retry::default();
    if !field.is_present() {
        return usual;
    }
    let mut section = field.section();
    let attempts = section.key("attempts").integer_within(1, 1_000);
    let attempts = attempts.and_then(|attempts| attempts.try_into().ok()).unwrap_or(3);
    let delay = section.key("delay").or(usual.delay);
    let factor = within(&section.key("factor"), 1.0, f64::MAX, usual.factor);
    section.finish();
    Retry { attempts, delay, factor }
}

/// `{when, then, reason}`.
fn on(field: &Field<'_>, read: &Scopes<'_>) -> Option<OnDefinition> {
    let mut section = field.section();
    let when = read.reading.expression(&section.key("when"), &read.both);
    let then_field = section.key("then");
    let then = then_field.one_of(&[("fail", EventTurn::Fail), ("complete", EventTurn::Complete)]);
    if !then_field.is_present() {
        then_field.required::<String>();
    }
    let reason = read.reading.expression(&section.key("reason"), &read.both);
    section.finish();
    Some(OnDefinition { when, then: then?, reason, span: field.span() })
}

fn event_name(field: &Field<'_>) -> Option<EventDefinitionName> {
    let name: EventType = event_type(field)?;
    Some(EventDefinitionName { name: name.as_str().to_owned(), span: field.span() })
}

/// A step is known by its name.
fn check_twice(field: &Field<'_>, steps: &[Option<StepDefinition>]) {
    let mut names: Vec<&str> = vec!["completed", "failed"];
    for step in steps.iter().flatten() {
        if names.contains(&step.name.as_str()) {
            let message = format!("there is another step \"{}\"", step.name);
            let wrong = Diagnostic::error(codes::STEP_TWICE, step.last.span, message);
            let fix = "give each step a name of its own; the last sends are \"completed\" and \"failed\"";
            field.reader().report(wrong.fix(fix));
        }
        names.push(&step.name);
    }
    let steps = steps.iter().flatten().map(|step| (step.name.as_str(), &*step.was));
    was::check(field, "step", steps.chain([("completed", [].as_slice()), ("failed", [].as_slice())]));
}
