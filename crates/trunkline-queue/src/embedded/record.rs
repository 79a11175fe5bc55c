//! The records in a journal's frames: messages, and changes of the state.

use std::num::NonZeroU32;

use bytes::Bytes;
use trunkline_core::{EventId, Position, Timestamp};

use super::codec::{Decoder, Encoder, Malformed};
use super::frame::ALIGN;
use super::index::Indexed;
use crate::check::{IdHasher, bytes, key_hash, key_hash_text};
use crate::engine::{Addressed, Change, IdHash};
use crate::{Cause, DecisionKind, GroupName, LeaseToken, Message, MessageId, TopicName};

/// Where a message's own bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: NonZeroU32,
    /// Of its bytes, which its checksum stands before.
    pub(crate) offset: u32,
    pub(crate) len: u32,
}

impl crate::engine::Body for Place {
    fn bytes(&self) -> u32 {
        self.len
    }
}

/// How many bytes a message's record has besides the message, at most.
pub(crate) const MESSAGE_OVERHEAD: usize = 64;

/// A message, encoded by the task that publishes it.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) id: IdHash,
    pub(crate) key: u32,
    pub(crate) enqueued_at: i64,
    pub(crate) due: Option<i64>,
    pub(crate) encoded: Vec<u8>,
}

impl Draft {
    pub(crate) fn new(message: &Message, hasher: IdHasher) -> Self {
        Self {
            id: hasher.hash(&message.id),
            key: key_hash(message),
            enqueued_at: message.enqueued_at.as_micros(),
            due: message.not_before.map(Timestamp::as_micros),
            encoded: encode_message(message),
        }
    }
}

/// What a record says of a message besides the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framed {
    pub(crate) topic: u32,
    pub(crate) place: u64,
    pub(crate) to: Option<Addressed>,
    /// It was written before, elsewhere.
    pub(crate) moved: bool,
}

/// A record that was read.
#[derive(Debug)]
pub(crate) enum Record<'a> {
    /// A message: its own bytes, and where they begin in the frame's payload.
    Message {
        framed: Framed,
        encoded: &'a [u8],
        at: usize,
    },
    Change(Change),
}

const MESSAGE: u8 = 1;
const MOVED: u8 = 2;
const CHANGE: u8 = 3;

/// Appends a message's record to a payload; where its own bytes begin.
pub(crate) fn put_message(payload: &mut Vec<u8>, framed: &Framed, encoded: &[u8]) -> usize {
    let mut into = Encoder(std::mem::take(payload));
    into.0.push(if framed.moved { MOVED } else { MESSAGE });
    into.number(framed.topic.into());
    into.number(framed.place);
    into.option(framed.to, |into, to| {
        into.number(to.group.into());
        into.number(to.action);
    });
    into.number(encoded.len() as u64);
    into.fixed(&crc32fast::hash(encoded).to_le_bytes());
    let at = into.0.len();
    into.fixed(encoded);
    *payload = into.0;
    at
}

/// Appends a change's record to a payload.
pub(crate) fn put_change(payload: &mut Vec<u8>, change: &Change) {
    payload.push(CHANGE);
    let mut encoder = Encoder::default();
    encode_change(&mut encoder, change);
    let mut whole = Encoder(std::mem::take(payload));
    whole.bytes(&encoder.0);
    *payload = whole.0;
}

/// Reads the records of a payload, and hands each to `each`.
pub(crate) fn read(
    payload: &[u8],
    mut each: impl FnMut(Record<'_>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut decoder = Decoder(payload);
    while !decoder.0.is_empty() {
        match next(payload, &mut decoder)? {
            Some(record) => each(record)?,
            None => return Err(Malformed("a message's checksum is wrong")),
        }
    }
    Ok(())
}

/// Reads the messages of a payload that is damaged somewhere, as far as it can be read: each message has a
/// checksum of its own. How many can't be.
pub(crate) fn read_messages(
    payload: &[u8],
    mut each: impl FnMut(Framed, &[u8], usize) -> Result<(), Malformed>,
) -> u64 {
    let mut decoder = Decoder(payload);
    let mut damaged = 0;
    while !decoder.0.is_empty() {
        match next(payload, &mut decoder) {
            Ok(Some(Record::Message { framed, encoded, at })) => {
                damaged += u64::from(each(framed, encoded, at).is_err());
            }
            Ok(Some(Record::Change(_))) => {}
            Ok(None) => damaged += 1,
            Err(_) => break,
        }
    }
    damaged
}

/// Whether a payload that is damaged somewhere, with the zeros after it, may have had a change on which the numbers of
/// topics and groups rest: it has one, or can't be read to its end.
pub(crate) fn may_number(payload: &[u8]) -> bool {
    let mut decoder = Decoder(payload);
    let is_filling = |rest: &[u8]| rest.len() < ALIGN as usize && rest.iter().all(|byte| *byte == 0);
    while !is_filling(decoder.0) {
        match next(payload, &mut decoder) {
            Ok(Some(Record::Change(change))) if change.numbers() => return true,
            Ok(_) => {}
            Err(_) => return true,
        }
    }
    false
}

/// The next record of a payload; none when it is a message whose checksum is wrong.
fn next<'a>(payload: &'a [u8], decoder: &mut Decoder<'a>) -> Result<Option<Record<'a>>, Malformed> {
    let [kind] = decoder.array()?;
    match kind {
        MESSAGE | MOVED => {
            let (topic, place) = (decoder.small()?, decoder.number()?);
            let to = decoder
                .option(|decoder| Ok(Addressed { group: decoder.small()?, action: decoder.number()? }))?;
            let len: usize = decoder.small()?;
            let crc = u32::from_le_bytes(decoder.array()?);
            let at = payload.len() - decoder.0.len();
            let split = decoder.0.split_at_checked(len);
            let (encoded, rest) = split.ok_or(Malformed("a message ends too early"))?;
            decoder.0 = rest;
            let framed = Framed { topic, place, to, moved: kind == MOVED };
            let whole = crc32fast::hash(encoded) == crc;
            Ok(whole.then_some(Record::Message { framed, encoded, at }))
        }
        CHANGE => {
            let mut change = Decoder(decoder.bytes()?);
            let whole = decode_change(&mut change)?;
            change.end()?;
            Ok(Some(Record::Change(whole)))
        }
        _ => Err(Malformed("a record is of an unknown kind")),
    }
}

fn encode_message(message: &Message) -> Vec<u8> {
    let mut encoder = Encoder(Vec::with_capacity(bytes(message) as usize + 64));
    encoder.time(message.enqueued_at);
    encoder.option(message.not_before, Encoder::time);
    encoder.text(message.id.as_str());
    encoder.option(message.key.as_deref(), Encoder::text);
    encoder.text(&message.message_type);
    encoder.list(message.headers.iter(), |encoder, (name, value)| {
        encoder.text(name);
        encoder.text(value);
    });
    encoder.option(message.cause, |encoder, cause| {
        encoder.fixed(&cause.event_id.into_bytes());
        encoder.number(cause.position.get());
    });
    encoder.option(message.edited_from.as_ref(), |encoder, id| encoder.text(id.as_str()));
    encoder.bytes(&message.payload);
    encoder.0
}

/// The message of a topic that was encoded so.
pub(crate) fn decode_message(topic: &TopicName, encoded: &[u8]) -> Result<Message, Malformed> {
    let mut decoder = Decoder(encoded);
    let message = Message {
        topic: topic.clone(),
        enqueued_at: decoder.time()?,
        not_before: decoder.option(Decoder::time)?,
        id: message_id(&mut decoder)?,
        key: decoder.option(|decoder| decoder.text().map(str::to_owned))?,
        message_type: decoder.text()?.to_owned(),
        headers: decoder
            .list(|decoder| Ok((decoder.text()?.to_owned(), decoder.text()?.to_owned())))?
            .into_iter()
            .collect(),
        cause: decoder.option(|decoder| {
            let event_id = EventId::from_bytes(decoder.array()?);
            Ok(Cause { event_id, position: Position::new(decoder.number()?) })
        })?,
        edited_from: decoder.option(message_id)?,
        payload: Bytes::copy_from_slice(decoder.bytes()?),
    };
    decoder.end()?;
    Ok(message)
}

/// What an index says of a message that was encoded so and stands there.
pub(crate) fn index_message(
    hasher: IdHasher,
    framed: Framed,
    body: Place,
    encoded: &[u8],
) -> Result<Indexed, Malformed> {
    let mut decoder = Decoder(encoded);
    let enqueued_at = decoder.time()?.as_micros();
    let due = decoder.option(Decoder::time)?.map(Timestamp::as_micros);
    let id = decoder.text()?;
    let key = key_hash_text(decoder.option(Decoder::text)?.unwrap_or(id));
    Ok(Indexed { framed, body, id: hasher.hash_text(id), key, enqueued_at, due })
}

pub(crate) fn message_id(decoder: &mut Decoder<'_>) -> Result<MessageId, Malformed> {
    MessageId::written(decoder.text()?).map_err(|_| Malformed("a message's id is none"))
}

pub(crate) fn topic_name(decoder: &mut Decoder<'_>) -> Result<TopicName, Malformed> {
    TopicName::written(decoder.text()?).map_err(|_| Malformed("a topic's name is none"))
}

pub(crate) fn group_name(decoder: &mut Decoder<'_>) -> Result<GroupName, Malformed> {
    GroupName::written(decoder.text()?).map_err(|_| Malformed("a group's name is none"))
}

pub(crate) fn encode_token(encoder: &mut Encoder, token: LeaseToken) {
    encoder.fixed(&token.0.to_le_bytes());
}

pub(crate) fn decode_token(decoder: &mut Decoder<'_>) -> Result<LeaseToken, Malformed> {
    Ok(LeaseToken(u128::from_le_bytes(decoder.array()?)))
}

pub(crate) fn encode_kind(encoder: &mut Encoder, kind: DecisionKind) {
    encoder.number(match kind {
        DecisionKind::Replay => 0,
        DecisionKind::Edit => 1,
        DecisionKind::Discard => 2,
    });
}

pub(crate) fn decode_kind(decoder: &mut Decoder<'_>) -> Result<DecisionKind, Malformed> {
    match decoder.number()? {
        0 => Ok(DecisionKind::Replay),
        1 => Ok(DecisionKind::Edit),
        2 => Ok(DecisionKind::Discard),
        _ => Err(Malformed("a decision is of an unknown kind")),
    }
}

fn encode_change(encoder: &mut Encoder, change: &Change) {
    let mut begin = |kind: u8, numbers: &[u64]| {
        encoder.0.push(kind);
        for number in numbers {
            encoder.number(*number);
        }
    };
    match change {
        Change::Topic { name } => {
            begin(1, &[]);
            encoder.text(name.as_str());
        }
        Change::Subscribe { topic, name, ordered } => {
            begin(2, &[(*topic).into()]);
            encoder.text(name.as_str());
            encoder.number(ordered.unwrap_or(0).into());
        }
        Change::Unsubscribe { topic, group } => begin(3, &[(*topic).into(), (*group).into()]),
        Change::Forget { topic, group } => begin(4, &[(*topic).into(), (*group).into()]),
        Change::Lease { topic, group, place, token, until, at, consumer } => {
            begin(5, &[(*topic).into(), (*group).into(), *place]);
            encode_token(encoder, *token);
            encoder.time(*until);
            encoder.time(*at);
            encoder.text(consumer);
        }
        Change::Extend { topic, group, place, until } => {
            begin(6, &[(*topic).into(), (*group).into(), *place]);
            encoder.time(*until);
        }
        Change::Ack { topic, group, place, at } => {
            begin(7, &[(*topic).into(), (*group).into(), *place]);
            encoder.time(*at);
        }
        Change::Retry { topic, group, place, due, at, error } => {
            begin(8, &[(*topic).into(), (*group).into(), *place]);
            encoder.time(*due);
            encoder.time(*at);
            encoder.text(error);
        }
        Change::Dead { topic, group, place, number, at, error, holds } => {
            begin(if *holds { 16 } else { 9 }, &[(*topic).into(), (*group).into(), *place, *number]);
            encoder.time(*at);
            encoder.text(error);
        }
        Change::RetryNow { topic, group, place, at } => {
            begin(10, &[(*topic).into(), (*group).into()]);
            encoder.option(*place, Encoder::number);
            encoder.time(*at);
        }
        Change::Purge { topic, group, at } => {
            begin(11, &[(*topic).into()]);
            encoder.option(*group, |encoder, group| encoder.number(group.into()));
            encoder.time(*at);
        }
        Change::Trim { topic, before } => begin(12, &[(*topic).into(), *before]),
        Change::Decide { action, dead, kind, at, by, message_id, new_message_id } => {
            begin(13, &[*action, *dead]);
            encode_kind(encoder, *kind);
            encoder.time(*at);
            encoder.text(by);
            encoder.text(message_id.as_str());
            encoder.option(new_message_id.as_ref(), |encoder, id| encoder.text(id.as_str()));
        }
        Change::Lapse { dead } => begin(14, &[*dead]),
        Change::Reopened => begin(15, &[]),
        Change::OnDead { topic, group, holding } => {
            begin(17, &[(*topic).into(), (*group).into()]);
            encoder.option(holding.as_ref(), |encoder, holding| {
                encoder.list(holding.iter(), |encoder, number| encoder.number(*number));
            });
        }
        Change::Adopt { topic, from, to, name } => {
            begin(20, &[(*topic).into(), (*from).into()]);
            encoder.text(to.as_str());
            encoder.text(name);
        }
        Change::RenameTopic { topic, name } => {
            begin(21, &[(*topic).into()]);
            encoder.text(name.as_str());
        }
    }
}

fn decode_change(decoder: &mut Decoder<'_>) -> Result<Change, Malformed> {
    let [kind] = decoder.array()?;
    Ok(match kind {
        1 => Change::Topic { name: topic_name(decoder)? },
        2 => {
            let (topic, name) = (decoder.small()?, group_name(decoder)?);
            Change::Subscribe { topic, name, ordered: Some(decoder.small()?).filter(|count| *count > 0) }
        }
        3 => Change::Unsubscribe { topic: decoder.small()?, group: decoder.small()? },
        4 => Change::Forget { topic: decoder.small()?, group: decoder.small()? },
        5 => Change::Lease {
            topic: decoder.small()?,
            group: decoder.small()?,
            place: decoder.number()?,
            token: decode_token(decoder)?,
            until: decoder.time()?,
            at: decoder.time()?,
            consumer: decoder.text()?.to_owned(),
        },
        6 => Change::Extend {
            topic: decoder.small()?,
            group: decoder.small()?,
            place: decoder.number()?,
            until: decoder.time()?,
        },
        7 => Change::Ack {
            topic: decoder.small()?,
            group: decoder.small()?,
            place: decoder.number()?,
            at: decoder.time()?,
        },
        8 => Change::Retry {
            topic: decoder.small()?,
            group: decoder.small()?,
            place: decoder.number()?,
            due: decoder.time()?,
            at: decoder.time()?,
            error: decoder.text()?.to_owned(),
        },
        kind @ (9 | 16) => Change::Dead {
            topic: decoder.small()?,
            group: decoder.small()?,
            place: decoder.number()?,
            number: decoder.number()?,
            at: decoder.time()?,
            error: decoder.text()?.to_owned(),
            holds: kind == 16,
        },
        10 => Change::RetryNow {
            topic: decoder.small()?,
            group: decoder.small()?,
            place: decoder.option(Decoder::number)?,
            at: decoder.time()?,
        },
        11 => Change::Purge {
            topic: decoder.small()?,
            group: decoder.option(Decoder::small)?,
            at: decoder.time()?,
        },
        12 => Change::Trim { topic: decoder.small()?, before: decoder.number()? },
        13 => Change::Decide {
            action: decoder.number()?,
            dead: decoder.number()?,
            kind: decode_kind(decoder)?,
            at: decoder.time()?,
            by: decoder.text()?.to_owned(),
            message_id: message_id(decoder)?,
            new_message_id: decoder.option(message_id)?,
        },
        14 => Change::Lapse { dead: decoder.number()? },
        15 => Change::Reopened,
        17 => Change::OnDead {
            topic: decoder.small()?,
            group: decoder.small()?,
            holding: decoder.option(|decoder| decoder.list(Decoder::number))?,
        },
        20 => Change::Adopt {
            topic: decoder.small()?,
            from: decoder.small()?,
            to: group_name(decoder)?,
            name: decoder.text()?.to_owned(),
        },
        21 => Change::RenameTopic { topic: decoder.small()?, name: topic_name(decoder)? },
        _ => return Err(Malformed("a change is of an unknown kind")),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trunkline_core::Timestamp;

    use super::*;

    fn sample() -> Message {
        Message {
            topic: "orders".parse().unwrap(),
            id: "m1".parse().unwrap(),
            key: Some("order-1".to_owned()),
            message_type: "Ping".to_owned(),
            payload: Bytes::from_static(b"\0\xff"),
            headers: [("a".to_owned(), "b".to_owned())].into(),
            cause: Some(Cause { event_id: EventId::from_bytes([7; 16]), position: Position::new(9) }),
            enqueued_at: Timestamp::from_micros(-5),
            not_before: Some(Timestamp::from_micros(1 << 50)),
            edited_from: Some("m0".parse().unwrap()),
        }
    }

    fn changes() -> Vec<Change> {
        let (topic, group, place, at) = (1, 2, u64::MAX, Timestamp::from_micros(77));
        let error = "refused".to_owned();
        let id: MessageId = "m1".parse().unwrap();
        vec![
            Change::Topic { name: "orders".parse().unwrap() },
            Change::Subscribe { topic, name: "mail".parse().unwrap(), ordered: None },
            Change::Subscribe { topic, name: "mail".parse().unwrap(), ordered: Some(7) },
            Change::Unsubscribe { topic, group },
            Change::Forget { topic, group },
            Change::Lease {
                topic,
                group,
                place,
                token: LeaseToken(u128::MAX),
                until: at,
                at,
                consumer: error.clone(),
            },
            Change::Extend { topic, group, place, until: at },
            Change::Ack { topic, group, place, at },
            Change::Retry { topic, group, place, due: at, at, error: error.clone() },
            Change::Dead { topic, group, place, number: 3, at, error: error.clone(), holds: false },
            Change::Dead { topic, group, place, number: 3, at, error: error.clone(), holds: true },
            Change::OnDead { topic, group, holding: None },
            Change::OnDead { topic, group, holding: Some(vec![3, 400]) },
            Change::RetryNow { topic, group, place: Some(place), at },
            Change::Purge { topic, group: None, at },
            Change::Trim { topic, before: 4 },
            Change::Decide {
                action: 1,
                dead: 2,
                kind: DecisionKind::Edit,
                at,
                by: error,
                message_id: id.clone(),
                new_message_id: Some(id),
            },
            Change::Lapse { dead: 5 },
            Change::Reopened,
            Change::Adopt { topic, from: group, to: "post".parse().unwrap(), name: "mail".to_owned() },
            Change::RenameTopic { topic, name: "trades".parse().unwrap() },
        ]
    }

    #[test]
    fn every_record_is_read_back() {
        let mut payload = Vec::new();
        let encoded = encode_message(&sample());
        let framed =
            Framed { topic: 1, place: 300, to: Some(Addressed { group: 2, action: 3 }), moved: true };
        let begins = put_message(&mut payload, &framed, &encoded);
        for change in changes() {
            put_change(&mut payload, &change);
        }
        let mut read_changes = Vec::new();
        let mut messages = Vec::new();
        read(&payload, |record| {
            match record {
                Record::Message { framed, encoded, at } => {
                    messages.push((framed, decode_message(&"orders".parse().unwrap(), encoded)?, at));
                }
                Record::Change(change) => read_changes.push(change),
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(messages, [(framed, sample(), begins)]);
        assert_eq!(read_changes, changes());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = read(&bytes, |_| Ok(()));
            let _ = decode_message(&"orders".parse().unwrap(), &bytes);
        }
    }
}
