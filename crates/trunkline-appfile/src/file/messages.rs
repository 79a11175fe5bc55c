//! `[message_queue]`, `[consumers.NAME]` and `[relay.NAME]`: where messages wait, who takes them, and which events
//! become some.

use std::time::Duration;

use indexmap::IndexMap;
use trunkline_cel::Scope;
use trunkline_config::read::Field;
use trunkline_config::{Diagnostic, Secret, nearest};
use trunkline_core::EventType;
use trunkline_queue::{GroupName, OnDead, RetryPolicy, TopicName};

use super::aggregates::EVENT_FIELDS;
use super::was::{self, WasName};
use super::{Reading, codes};
use crate::declared::relay_key;
use trunkline_runtime::Role;
use trunkline_runtime::messages::{Consumer, OnReject, Relay, is_the_log, topic_of};

/// Where messages wait.
#[derive(Debug, Default)]
pub struct QueueDefinition {
    /// The DSN, when the file says one.
    pub dsn: Option<String>,
    /// The user, for servers.
    pub username: Option<String>,
    /// The password, for servers.
    pub password: Option<Secret>,
    /// When consumers try again that don't say it themselves.
    pub retry: RetryPolicy,
    /// How long dead letters are kept, when the file says it.
    pub dead_letter_ttl: Option<Duration>,
    /// Topics from which other programs take the messages.
    pub external: Vec<TopicName>,
}

/// Who takes messages, and what is done with them.
#[derive(Debug)]
pub struct ConsumerDefinition {
    /// Which messages, and how.
    pub consumer: Consumer,
    /// What is done with them.
    pub action: DeclaredAction,
}

/// What a consumer does with its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeclaredAction {
    /// They are commands.
    Dispatch(OnReject),
    /// A handler that the program registered takes them.
    Class(String),
    /// They are posted to this address.
    Webhook(String),
}

pub(super) fn queue(field: &Field<'_>, reading: &Reading<'_>) -> QueueDefinition {
    let mut section = field.section();
    let dsn = section.key("dsn");
    let mut dead_letter = section.key("dead_letter").section();
    let dead_letter_ttl = dead_letter.key("ttl").read();
    dead_letter.finish();
    let external = section.key("external").item_or_items();
    let external = external.iter().filter_map(|item| checked(item, &item.read::<String>()?, TopicName::new));
    let definition = QueueDefinition {
        dsn: reading.dsn(&dsn, Role::Messages).and_then(|_| dsn.read()),
        username: section.key("username").read(),
        password: section.key("password").read(),
        retry: retry(&section.key("retry"), RetryPolicy::default()),
        dead_letter_ttl,
        external: external.collect(),
    };
    section.finish();
    definition
}

/// `retry {…}`; what it doesn't say is as in `usual`.
fn retry(field: &Field<'_>, usual: RetryPolicy) -> RetryPolicy {
    let mut section = field.section();
    let attempts = section.key("max_attempts").integer_within(1, i64::from(u32::MAX));
    let initial_delay = section.key("initial_delay").or(usual.initial_delay);
    let policy = RetryPolicy {
        max_attempts: attempts.and_then(|attempts| attempts.try_into().ok()).unwrap_or(usual.max_attempts),
        initial_delay,
        backoff_multiplier: within(
            &section.key("backoff_multiplier"),
            1.0,
            f64::MAX,
            usual.backoff_multiplier,
        ),
        // The usual longest delay cuts no first one that is said.
        max_delay: section.key("max_delay").or(usual.max_delay.max(initial_delay)),
        jitter: within(&section.key("jitter"), 0.0, 1.0, usual.jitter),
    };
    section.finish();
    policy
}

/// A number in a range, or the usual one.
pub(super) fn within(field: &Field<'_>, min: f64, max: f64, usual: f64) -> f64 {
    let number = field.or(usual);
    if (min..=max).contains(&number) {
        return number;
    }
    let message = if max < f64::MAX {
        format!("{number} is not between {min} and {max}")
    } else {
        format!("{number} is less than {min}")
    };
    let code = trunkline_config::codes::OUT_OF_RANGE;
    field.reader().report(Diagnostic::error(code, field.span(), message));
    usual
}

pub(super) fn consumers(
    field: &Field<'_>,
    reading: &Reading<'_>,
    usual: RetryPolicy,
) -> IndexMap<String, ConsumerDefinition> {
    let mut section = field.section();
    let consumers = section
        .each()
        .into_iter()
        .filter_map(|(name, field)| Some((name.to_owned(), one(name, &field, reading, usual)?)));
    let consumers: IndexMap<String, ConsumerDefinition> = consumers.collect();
    check_was(field, "consumer", |name, older| {
        let of_another = |(other, it): (&String, &ConsumerDefinition)| {
            (other != name && it.consumer.group.as_str() == older).then(|| other.clone())
        };
        consumers.iter().find_map(of_another)
    });
    consumers
}

fn one(
    name: &str,
    field: &Field<'_>,
    reading: &Reading<'_>,
    usual: RetryPolicy,
) -> Option<ConsumerDefinition> {
    let mut section = field.section();
    let topics_field = section.key("topics");
    let topics: Vec<Option<TopicName>> = topics_field
        .item_or_items()
        .iter()
        .map(|item| checked(item, &item.read::<String>()?, TopicName::new))
        .collect();
    if topics.is_empty() {
        let message = format!("the consumer \"{name}\" has no topics");
        let wrong = Diagnostic::error(codes::NO_TOPICS, topics_field.span(), message);
        field.reader().report(wrong.fix("write topics: [\"orders\"]"));
    }
    let group_field = section.key("group");
    let group = checked(&group_field, &group_field.or(name.to_owned()), GroupName::new);
    if topics.iter().flatten().any(is_the_log)
        && let Some(Err(error)) = group.as_ref().map(topic_of)
    {
        // What it waits in has the group's name in its own.
        field.reader().report(Diagnostic::error(codes::BAD_NAME, group_field.span(), error.to_string()));
    }
    let was = was::read(&section.key("was")).into_iter().map(|was| was.name).collect();
    let concurrency = section.key("concurrency").integer_within(1, 10_000);
    let time_limit = section.key("time_limit").or(Duration::from_secs(30));
    let rate_field = section.key("rate");
    let rate = rate_field.is_present().then(|| within(&rate_field, 0.001, f64::MAX, 1.0));
    let ordered = section.key("ordered").or(false);
    let on_dead_field = section.key("on_dead");
    let on_dead = on_dead_field.one_of(&[("hold", OnDead::Hold), ("pass", OnDead::Pass)]);
    if on_dead_field.is_present() && !ordered {
        let message = format!("the consumer \"{name}\" is not ordered, so its dead letters hold nothing");
        let wrong = Diagnostic::error(codes::HOLDS_NOTHING, on_dead_field.span(), message);
        field.reader().report(wrong.fix("write ordered: true, or leave on_dead out"));
    }
    let on_dead = on_dead.unwrap_or_default();
    let retry = retry(&section.key("retry"), usual);
    let on_reject = section.key("on_reject");
    let rejected = on_reject.one_of(&[("ack", OnReject::Ack), ("dead", OnReject::Dead)]);
    let dispatch = section.key("dispatch").one_of(&[("command", ())]);
    let class = class(&section.key("class"), reading);
    let webhook_field = section.key("webhook");
    let webhook: Option<String> = webhook_field.read();
    if let Some(Err(error)) = webhook.as_deref().map(check_webhook) {
        let wrong = Diagnostic::error(codes::BAD_WEBHOOK, webhook_field.span(), error);
        field.reader().report(wrong);
    }
    let action = match (dispatch, class, webhook) {
        (Some(()), None, None) => Some(DeclaredAction::Dispatch(rejected.unwrap_or_default())),
        (None, Some(class), None) => Some(DeclaredAction::Class(class)),
        (None, None, Some(url)) => Some(DeclaredAction::Webhook(url)),
        _ => {
            let message =
                format!("the consumer \"{name}\" does not say, in one way, what becomes of its messages");
            let wrong = Diagnostic::error(codes::NO_ACTION, field.span(), message);
            field
                .reader()
                .report(wrong.fix("write one of dispatch: \"command\", class: \"…\" and webhook: \"…\""));
            None
        }
    };
    section.finish();
    let topics = topics.into_iter().collect::<Option<Vec<_>>>()?;
    let usual = Consumer::new(name, topics, group?);
    let concurrency = concurrency.and_then(|hands| hands.try_into().ok()).unwrap_or(usual.concurrency);
    let consumer = Consumer { was, concurrency, time_limit, rate, ordered, on_dead, retry, ..usual };
    Some(ConsumerDefinition { consumer, action: action? })
}

/// That what consumers or relays say they were called before is nobody's still; `group_of` finds the consumer whose group
/// an older name is, by the name of the one that says it.
fn check_was(field: &Field<'_>, what: &str, group_of: impl Fn(&str, &str) -> Option<String>) {
    let mut section = field.section();
    let names = |(name, field): (&str, Field<'_>)| (name.to_owned(), was::read(&field.section().key("was")));
    let all: Vec<(String, Vec<WasName>)> = section.each().into_iter().map(names).collect();
    was::check(field, what, all.iter().map(|(name, was)| (name.as_str(), was.as_slice())));
    for (name, was) in all.iter().flat_map(|(name, was)| was.iter().map(move |was| (name, was))) {
        if let Some(other) = group_of(name, &was.name)
            .filter(|other| all.iter().all(|(name, _)| *name != was.name || name == other))
        {
            let message = format!(
                "\"{}\" is the group of \"{other}\", so \"{name}\" can't take its messages over",
                was.name
            );
            let wrong = Diagnostic::error(codes::BAD_WAS, was.span, message);
            field.reader().report(wrong.fix("give the other consumer a group of another name"));
        }
    }
}

/// What is wrong with the address of a webhook.
#[cfg(feature = "webhook")]
fn check_webhook(url: &str) -> Result<(), String> {
    trunkline_runtime::messages::Webhook::new(url).map(drop).map_err(|error| error.to_string())
}

#[cfg(not(feature = "webhook"))]
fn check_webhook(_: &str) -> Result<(), String> {
    Err("webhooks come with the feature `webhook`, which this program was built without".to_owned())
}

/// A name that the program registered a handler under.
fn class(field: &Field<'_>, reading: &Reading<'_>) -> Option<String> {
    let class: String = field.read()?;
    let known = &reading.registered.message_handlers;
    if !known.contains(&class) {
        let message = format!("no message handler named \"{class}\" is registered");
        let near = nearest(&class, known.iter().map(String::as_str));
        let unresolved = reading.unresolved(field.span(), message).did_you_mean(near);
        field.reader().report(unresolved);
    }
    Some(class)
}

pub(super) fn relays(field: &Field<'_>, reading: &Reading<'_>) -> IndexMap<String, Relay> {
    let mut section = field.section();
    let relays = section.each().into_iter().filter_map(|(name, field)| {
        let mut section = field.section();
        let events_field = section.key("events");
        let items = events_field.item_or_items();
        let all = items.is_empty() || items.iter().any(|item| item.read::<String>().as_deref() == Some("*"));
        let events: Option<Vec<EventType>> = if all {
            Some(Vec::new())
        } else {
            items.iter().map(|item| checked(item, &item.read::<String>()?, EventType::new)).collect()
        };
        let topic_field = section.key("topic");
        let topic = topic_field.required::<String>();
        let topic = topic.and_then(|topic| checked(&topic_field, &topic, TopicName::new));
        let scope = Scope::default().fields("event", EVENT_FIELDS);
        let key = reading.expression(&section.key("key"), &scope);
        let was = was::read(&section.key("was")).into_iter().map(|was| was.name).collect();
        section.finish();
        let key = key.map(relay_key);
        Some((name.to_owned(), Relay { was, events: events?, key, ..Relay::new(name, topic?) }))
    });
    let relays = relays.collect();
    check_was(field, "relay", |_, _| None);
    relays
}

/// A text that must be a name.
pub(super) fn checked<T>(
    field: &Field<'_>,
    text: &str,
    name: impl Fn(&str) -> Result<T, trunkline_core::InvalidName>,
) -> Option<T> {
    let wrong = |error: trunkline_core::InvalidName| {
        field.reader().report(Diagnostic::error(codes::BAD_NAME, field.span(), error.to_string()));
    };
    name(text).map_err(wrong).ok()
}
