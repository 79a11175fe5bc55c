//! What a saga does next: steps, what they send, and what they wait for.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Json;
use crate::Command;

/// A message to send: a command for a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Where it goes.
    pub topic: String,
    /// The name of the command.
    pub command: String,
    /// The command's data.
    pub data: Json,
    /// What ordered consumers order it by; the saga's id by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How long it is kept from consumers.
    #[serde(default, skip_serializing_if = "Duration::is_zero", with = "millis", rename = "delay_ms")]
    pub delay: Duration,
}

impl Outgoing {
    /// A command by its name, with its data.
    pub fn new(topic: impl Into<String>, command: impl Into<String>, data: Json) -> Self {
        let (topic, command) = (topic.into(), command.into());
        Self { topic, command, data, key: None, delay: Duration::ZERO }
    }

    /// A command that is a Rust value.
    ///
    /// # Panics
    ///
    /// When serde can't write the command as JSON.
    pub fn command<C: Command>(topic: impl Into<String>, command: &C) -> Self {
        let data = command.to_data().map(|data| Json::parse(&data));
        let data = data.and_then(|data| data).expect("a command is written as JSON");
        Self::new(topic, command.name(), data)
    }

    /// Says what ordered consumers order it by.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Keeps it from consumers for so long.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// What is waited for after a message was sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// The events that say it was done; with none, it is done when the command was accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<String>,
    /// The events that say it was not done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
    /// How long to wait.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "millis_option", rename = "timeout_ms")]
    pub timeout: Option<Duration>,
    /// How often it is sent again after a timeout.
    #[serde(default, skip_serializing_if = "Retry::is_none")]
    pub retry: Retry,
}

impl Wait {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How often a message is sent, and with which pauses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// How often it is sent at most, the first time counted.
    pub attempts: u32,
    /// The pause between the first timeout and the second sending.
    #[serde(default, with = "millis", rename = "delay_ms")]
    pub delay: Duration,
    /// How much longer each further pause is.
    pub factor: f64,
}

/// Up to where a factor makes pauses grow, so that they don't grow beyond any time.
const PAUSE_MAX: Duration = Duration::from_secs(24 * 3600);

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 1, delay: Duration::ZERO, factor: 2.0 }
    }
}

impl Retry {
    /// Whether nothing is sent a second time.
    pub fn is_none(&self) -> bool {
        self.attempts <= 1
    }

    /// The pause after so many sendings, in milliseconds.
    pub(super) fn pause_ms(&self, sent: u32) -> u64 {
        u64::try_from(self.pause(sent).as_millis()).unwrap_or(u64::MAX)
    }

    /// The pause after so many sendings. Its factor makes it grow up to a day; a delay that is longer stays as it is.
    pub fn pause(&self, sent: u32) -> Duration {
        let exponent = i32::try_from(sent.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.delay.as_secs_f64() * self.factor.powi(exponent);
        let longest = PAUSE_MAX.max(self.delay);
        Duration::try_from_secs_f64(seconds).unwrap_or(longest).min(longest)
    }
}

/// What undoes a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compensation {
    /// What is sent.
    pub send: Outgoing,
    /// What is waited for.
    #[serde(default, skip_serializing_if = "Wait::is_default")]
    pub wait: Wait,
}

/// What a saga sends at its end.
pub type LastSend = Compensation;

/// A step, everything in it evaluated.
///
/// ```
/// use std::time::Duration;
/// use trunkline_core::saga::{Compensation, Json, Outgoing, Step};
///
/// let send = |command| Outgoing::new("inventory", command, Json::parse(br#"{"order_id":"7"}"#).unwrap());
/// let reserve = Step::new("reserve", send("ReserveInventory"))
///     .done("InventoryReserved")
///     .failed("InventoryReservationFailed")
///     .timeout(Duration::from_secs(30))
///     .compensate(Compensation::new(send("ReleaseInventory")).done("InventoryReleased"));
/// assert_eq!(reserve.name, "reserve");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// What is sent.
    pub send: Outgoing,
    /// What is waited for.
    pub wait: Wait,
    /// What undoes it; nothing when there is nothing to undo.
    pub compensate: Option<Compensation>,
}

impl Step {
    /// A step that sends this, and is done when the command was accepted.
    pub fn new(name: impl Into<String>, send: Outgoing) -> Self {
        Self { name: name.into(), send, wait: Wait::default(), compensate: None }
    }

    /// An event that says it was done.
    #[must_use]
    pub fn done(mut self, event_type: impl Into<String>) -> Self {
        self.wait.done.push(event_type.into());
        self
    }

    /// An event that says it was not done.
    #[must_use]
    pub fn failed(mut self, event_type: impl Into<String>) -> Self {
        self.wait.failed.push(event_type.into());
        self
    }

    /// How long it may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.wait.timeout = Some(timeout);
        self
    }

    /// How often it is sent again after a timeout.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.wait.retry = retry;
        self
    }

    /// What undoes it.
    #[must_use]
    pub fn compensate(mut self, compensation: Compensation) -> Self {
        self.compensate = Some(compensation);
        self
    }
}

impl Compensation {
    /// What is sent, and done when the command was accepted.
    pub fn new(send: Outgoing) -> Self {
        Self { send, wait: Wait::default() }
    }

    /// An event that says it was done.
    #[must_use]
    pub fn done(mut self, event_type: impl Into<String>) -> Self {
        self.wait.done.push(event_type.into());
        self
    }

    /// How long it may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.wait.timeout = Some(timeout);
        self
    }

    /// How often it is sent again after a timeout.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.wait.retry = retry;
        self
    }
}

/// What comes after a step, or first.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// This step.
    Step(Box<Step>),
    /// A step of this name is passed over; then what comes after it.
    Skip(String),
    /// Nothing: all is done.
    End,
}

impl From<Step> for Next {
    fn from(step: Step) -> Self {
        Self::Step(Box::new(step))
    }
}

/// What an event outside of the steps makes of a running saga.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The way back begins, for this reason.
    Fail(String),
    /// It is complete, whatever is left.
    Complete,
}

/// Durations as milliseconds.
mod millis {
    use super::{Deserialize, Deserializer, Duration, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

/// The same, where there may be none.
mod millis_option {
    use super::{Deserialize, Deserializer, Duration, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub(super) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
    }
}
