//! The state as a file: everything but the messages, which the segments have.
//!
//! A state is that before the first frame of the segment of its number.
//! Of segments before that only the messages count; the changes in them are in the state, which lists the segments
//! that have some.

use std::io;

use trunkline_core::Timestamp;
use trunkline_log::disk::{Disk, OpenMode};

use super::OpenError;
use super::codec::{Decoder, Encoder, Malformed};
use super::journal::read_all;
use super::missing::{Listed, Owned};
use super::record::{
    decode_kind, decode_token, encode_kind, encode_token, group_name, message_id, topic_name,
};
use crate::engine::{At, Body, Died, Engine, Former, Group, Past, Rate, Topic, Touched};
use crate::limits::PARTITIONS_MAX;
use crate::{DeadLetterId, DecisionOutcome, DecisionRecord, OnDead, Try};

const MAGIC: [u8; 8] = *b"TRKLQST3";

/// What a state began with before it listed segments.
const OLD_MAGIC: [u8; 8] = *b"TRKLQST2";

/// The name of a state's file.
pub(crate) fn state_name(number: u32) -> String {
    format!("{number:010}.state")
}

/// The number in a state's name.
pub(crate) fn state_number(name: &str) -> Option<u32> {
    name.strip_suffix(".state")?.parse().ok()
}

/// Writes a state and then removes the one before; how many bytes it has.
pub(crate) fn write<B: Body>(
    disk: &dyn Disk,
    engine: &Engine<B>,
    number: u32,
    owned: &Owned,
) -> io::Result<u64> {
    let bytes = encode(engine, owned);
    let temporary = "state.tmp";
    let file = disk.create(temporary)?;
    let written = file.write_at(0, &bytes).and_then(|()| file.sync());
    if let Err(error) = written.and_then(|()| disk.rename(temporary, &state_name(number))) {
        let _ = disk.remove(temporary);
        return Err(error);
    }
    disk.sync_dir("")?;
    for name in disk.list("")? {
        if state_number(&name).is_some_and(|other| other < number) {
            disk.remove(&name)?;
        }
    }
    Ok(bytes.len() as u64)
}

/// Reads a state into an engine that has none: how many bytes it has, and which segments, if it says so.
pub(crate) fn read<B: Body>(
    disk: &dyn Disk,
    engine: &mut Engine<B>,
    number: u32,
) -> Result<(u64, Option<Owned>), OpenError> {
    let name = state_name(number);
    let read = disk.open(&name, OpenMode::Read).and_then(|file| read_all(&*file));
    let bytes = read.map_err(OpenError::io(format!("read {name}")))?;
    OpenError::other_version(&name, &bytes, MAGIC, OLD_MAGIC)?;
    let owned = decode(engine, &bytes).map_err(|Malformed(what)| OpenError::corrupt(&name, 0, what))?;
    Ok((bytes.len() as u64, owned))
}

fn encode<B: Body>(engine: &Engine<B>, owned: &Owned) -> Vec<u8> {
    let mut encoder = Encoder::default();
    encoder.fixed(&MAGIC);
    encoder.fixed(&owned.queue);
    encoder.list(owned.segments.iter(), |encoder, listed| {
        encoder.number(listed.number.into());
        encoder.fixed(&listed.id);
        encoder.number(listed.live);
    });
    encoder.number(engine.next_dead);
    encoder.number(engine.next_decision);
    encoder.list(engine.decisions.iter(), encode_decision);
    encoder.list(engine.topics.iter(), encode_topic);
    encode_former(&mut encoder, engine);
    let crc = crc32fast::hash(&encoder.0);
    encoder.fixed(&crc.to_le_bytes());
    encoder.0
}

fn decode<B: Body>(engine: &mut Engine<B>, bytes: &[u8]) -> Result<Option<Owned>, Malformed> {
    let (bytes, crc) = bytes.split_last_chunk().ok_or(Malformed("it ends too early"))?;
    if crc32fast::hash(bytes) != u32::from_le_bytes(*crc) {
        return Err(Malformed("the checksum is wrong"));
    }
    let mut decoder = Decoder(bytes);
    let owned = match decoder.array()? {
        OLD_MAGIC => None,
        MAGIC => Some(Owned {
            queue: decoder.array()?,
            segments: decoder.list(|decoder| {
                let (number, id) = (decoder.small()?, decoder.array()?);
                Ok(Listed { number, id, live: decoder.number()? })
            })?,
        }),
        _ => return Err(Malformed("it is no state of a queue")),
    };
    engine.next_dead = decoder.number()?;
    engine.next_decision = decoder.number()?;
    let old = owned.is_none();
    engine.decisions = decoder.list(|decoder| decode_decision(decoder, old))?.into();
    engine.topics = decoder.list(|decoder| decode_topic(decoder, old))?;
    decode_former(&mut decoder, engine)?;
    decoder.end()?;
    for (number, topic) in (0..).zip(&engine.topics) {
        engine.names.insert(topic.name.clone(), number);
        for (group, found) in (0..).zip(&topic.groups) {
            for (place, died) in found.iter().flat_map(|group| &group.died) {
                engine.dead.insert(died.number, (number, group, *place));
            }
        }
    }
    Ok(owned)
}

/// Which groups have adopted messages; nothing, where none has.
fn encode_former<B: Body>(encoder: &mut Encoder, engine: &Engine<B>) {
    let of_topic = |(topic, found): (u64, &Topic<B>)| {
        let groups: Vec<_> = (0_u64..).zip(&found.groups).collect();
        let groups = groups.into_iter().filter_map(|(number, group)| {
            let former = &group.as_ref()?.former;
            (!former.is_empty()).then(|| (topic, number, former.clone()))
        });
        groups.collect::<Vec<_>>()
    };
    let adopted: Vec<_> = (0..).zip(&engine.topics).flat_map(of_topic).collect();
    if adopted.is_empty() {
        return;
    }
    encoder.list(adopted.iter(), |encoder, (topic, group, former)| {
        encoder.number(*topic);
        encoder.number(*group);
        encoder.list(former.iter(), |encoder, former| {
            encoder.text(&former.name);
            encoder.number(former.before);
        });
    });
}

fn decode_former<B: Body>(decoder: &mut Decoder<'_>, engine: &mut Engine<B>) -> Result<(), Malformed> {
    if decoder.0.is_empty() {
        return Ok(());
    }
    let adopted = decoder.list(|decoder| {
        let (topic, group): (u32, u32) = (decoder.small()?, decoder.small()?);
        let former = decoder
            .list(|decoder| Ok(Former { name: decoder.text()?.to_owned(), before: decoder.number()? }))?;
        Ok((topic, group, former))
    })?;
    for (topic, group, former) in adopted {
        let found = engine.topics.get_mut(topic as usize).and_then(|topic| topic.group_mut(group));
        found.ok_or(Malformed("a group that adopted messages is not there"))?.former = former;
    }
    Ok(())
}

fn encode_topic<B: Body>(encoder: &mut Encoder, topic: &Topic<B>) {
    encoder.text(topic.name.as_str());
    for number in [topic.next, topic.floor, topic.published.total, topic.dropped] {
        encoder.number(number);
    }
    encoder.list(topic.remembered(), |encoder, id| {
        for part in id {
            encoder.fixed(&part.to_le_bytes());
        }
        encoder.fixed(&[0; 4]);
    });
    encoder.list(topic.groups.iter(), |encoder, group| encoder.option(group.as_ref(), encode_group));
}

fn decode_topic<B: Body>(decoder: &mut Decoder<'_>, old: bool) -> Result<Topic<B>, Malformed> {
    let mut topic = Topic::new(topic_name(decoder)?);
    topic.next = decoder.number()?;
    topic.floor = decoder.number()?;
    topic.published = Rate::new(decoder.number()?);
    topic.dropped = decoder.number()?;
    let ids = decoder.list(|decoder| {
        let id = [decoder.array()?, decoder.array()?, decoder.array()?].map(u32::from_le_bytes);
        decoder.array::<4>()?;
        Ok(id)
    })?;
    for id in ids {
        topic.remember(id);
    }
    topic.groups = decoder.list(|decoder| decoder.option(|decoder| decode_group(decoder, old)))?;
    for (number, group) in (0..).zip(&topic.groups) {
        if let Some(group) = group {
            topic.names.insert(group.name.clone(), number);
        }
    }
    Ok(topic)
}

fn encode_group(encoder: &mut Encoder, group: &Group) {
    encoder.text(group.name.as_str());
    encoder.flag(group.subscribed);
    encoder.flag(group.on_dead == OnDead::Hold);
    encoder.number(group.cursor);
    encoder.list(group.partitions.iter(), |encoder, partition| encoder.number(partition.cursor));
    for number in [group.delivered.total, group.acked.total, group.retried, group.dead_total] {
        encoder.number(number);
    }
    encoder.list(group.touched.iter(), |encoder, (place, touched)| {
        encoder.number(*place);
        let (kind, time) = match touched.at {
            At::Ready => (0, 0),
            At::Delayed(due) => (1, due),
            At::Leased(until) => (2, until),
        };
        encoder.number(kind);
        encoder.time(Timestamp::from_micros(time));
        let none = Past::default();
        let past = touched.past().unwrap_or(&none);
        encoder.number(past.attempts.into());
        encoder.option(past.token, encode_token);
        encoder.time(past.started_at);
        encoder.text(&past.consumer);
        encoder.list(past.tries.iter(), encode_try);
        encoder.option(past.action, Encoder::number);
        encoder.option(past.instead, Encoder::number);
    });
    encoder.list(group.died.iter(), |encoder, (place, died)| {
        encoder.number(*place);
        encoder.number(died.number);
        encoder.time(died.at);
        encoder.number(died.attempts.into());
        encoder.list(died.tries.iter(), encode_try);
        encoder.option(died.action, Encoder::number);
        encoder.number(died.order);
        encoder.flag(died.holds);
    });
}

fn decode_group(decoder: &mut Decoder<'_>, old: bool) -> Result<Group, Malformed> {
    let name = group_name(decoder)?;
    let subscribed = decoder.flag()?;
    // An older version had no dead letter hold its key.
    let hold = !old && decoder.flag()?;
    let cursor = decoder.number()?;
    let cursors = decoder.list(Decoder::number)?;
    let count = u16::try_from(cursors.len()).ok().filter(|count| *count <= PARTITIONS_MAX);
    let count = count.ok_or(Malformed("a group has too many partitions"))?;
    let mut group = Group::new(name, Some(count).filter(|count| *count > 0));
    group.subscribed = subscribed;
    group.on_dead = if hold { OnDead::Hold } else { OnDead::Pass };
    group.cursor = cursor;
    for (partition, cursor) in group.partitions.iter_mut().zip(cursors) {
        partition.cursor = cursor;
    }
    group.delivered = Rate::new(decoder.number()?);
    group.acked = Rate::new(decoder.number()?);
    group.retried = decoder.number()?;
    group.dead_total = decoder.number()?;
    let touched = decoder.list(|decoder| {
        let place = decoder.number()?;
        let kind = decoder.number()?;
        let time = decoder.time()?.as_micros();
        let at = match kind {
            0 => At::Ready,
            1 => At::Delayed(time),
            2 => At::Leased(time),
            _ => return Err(Malformed("a message is in an unknown state")),
        };
        let past = Past {
            attempts: decoder.small()?,
            token: decoder.option(decode_token)?,
            started_at: decoder.time()?,
            consumer: decoder.text()?.to_owned(),
            tries: decoder.list(decode_try)?,
            action: decoder.option(Decoder::number)?,
            instead: if old { None } else { decoder.option(Decoder::number)? },
        };
        let fresh = past == Past::default();
        Ok((place, if fresh { Touched::new(at) } else { Touched::with(past, at) }))
    })?;
    for (place, touched) in touched {
        group.recall(place, touched);
    }
    let died = decoder.list(|decoder| {
        let place = decoder.number()?;
        let died = Died {
            number: decoder.number()?,
            at: decoder.time()?,
            attempts: decoder.small()?,
            tries: decoder.list(decode_try)?,
            action: decoder.option(Decoder::number)?,
            order: if old { place } else { decoder.number()? },
            holds: !old && decoder.flag()?,
        };
        Ok((place, died))
    })?;
    group.died.extend(died);
    Ok(group)
}

fn encode_try(encoder: &mut Encoder, one: &Try) {
    encoder.number(one.attempt.into());
    encoder.time(one.started_at);
    encoder.time(one.failed_at);
    encoder.text(&one.consumer);
    encoder.text(&one.error);
}

fn decode_try(decoder: &mut Decoder<'_>) -> Result<Try, Malformed> {
    Ok(Try {
        attempt: decoder.small()?,
        started_at: decoder.time()?,
        failed_at: decoder.time()?,
        consumer: decoder.text()?.to_owned(),
        error: decoder.text()?.to_owned(),
    })
}

fn encode_decision(encoder: &mut Encoder, action: &DecisionRecord) {
    encoder.number(action.number);
    encoder.time(action.at);
    encoder.text(&action.by);
    encode_kind(encoder, action.kind);
    encoder.text(&action.dead_letter.0);
    encoder.text(action.topic.as_str());
    encoder.text(action.group.as_str());
    encoder.text(action.message_id.as_str());
    encoder.option(action.new_message_id.as_ref(), |encoder, id| encoder.text(id.as_str()));
    encoder.number(action.released);
    match &action.outcome {
        DecisionOutcome::Waiting => encoder.number(0),
        DecisionOutcome::Done { at } => {
            encoder.number(1);
            encoder.time(*at);
        }
        DecisionOutcome::DeadAgain { at, dead_letter } => {
            encoder.number(2);
            encoder.time(*at);
            encoder.text(&dead_letter.0);
        }
        DecisionOutcome::Gone => encoder.number(3),
    }
}

fn decode_decision(decoder: &mut Decoder<'_>, old: bool) -> Result<DecisionRecord, Malformed> {
    Ok(DecisionRecord {
        number: decoder.number()?,
        at: decoder.time()?,
        by: decoder.text()?.to_owned(),
        kind: decode_kind(decoder)?,
        dead_letter: DeadLetterId(decoder.text()?.to_owned()),
        topic: topic_name(decoder)?,
        group: group_name(decoder)?,
        message_id: message_id(decoder)?,
        new_message_id: decoder.option(message_id)?,
        released: if old { 0 } else { decoder.number()? },
        outcome: match decoder.number()? {
            0 => DecisionOutcome::Waiting,
            1 => DecisionOutcome::Done { at: decoder.time()? },
            2 => DecisionOutcome::DeadAgain {
                at: decoder.time()?,
                dead_letter: DeadLetterId(decoder.text()?.to_owned()),
            },
            3 => DecisionOutcome::Gone,
            _ => return Err(Malformed("an outcome is of an unknown kind")),
        },
    })
}
