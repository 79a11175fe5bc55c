//! The numbers of a queue in a file beside it, for other processes to read.

use std::io;
use std::time::Duration;

use trunkline_log::disk::{Disk, OpenMode};

use super::codec::{Decoder, Encoder, Malformed};
use super::journal::read_all;
use super::record::{group_name, topic_name};
use crate::{GroupStats, QueueStats, TopicStats};

/// The name of the file.
pub(crate) const FILE: &str = "numbers";
const MAGIC: [u8; 8] = *b"TRKLQNU2";

/// Puts the numbers in place of those before. They are not synced: after a power cut there may be none.
pub(crate) fn publish(disk: &dyn Disk, stats: &QueueStats) -> io::Result<()> {
    let mut encoder = Encoder::default();
    encoder.fixed(&MAGIC);
    encoder.time(stats.at);
    encoder.number(stats.stored_bytes);
    encoder.list(stats.topics.iter(), encode_topic);
    let crc = crc32fast::hash(&encoder.0);
    encoder.fixed(&crc.to_le_bytes());
    let temporary = "numbers.tmp";
    disk.create(temporary)?.write_at(0, &encoder.0)?;
    disk.rename(temporary, FILE)
}

/// The numbers that were published last, if there are any that can be read.
pub(crate) fn read(disk: &dyn Disk) -> io::Result<Option<QueueStats>> {
    let file = match disk.open(FILE, OpenMode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(decode(&read_all(&*file)?).ok())
}

fn decode(bytes: &[u8]) -> Result<QueueStats, Malformed> {
    let (bytes, crc) = bytes.split_last_chunk().ok_or(Malformed("it ends too early"))?;
    if crc32fast::hash(bytes) != u32::from_le_bytes(*crc) {
        return Err(Malformed("the checksum is wrong"));
    }
    let mut decoder = Decoder(bytes);
    if decoder.array()? != MAGIC {
        return Err(Malformed("these are numbers of another version"));
    }
    Ok(QueueStats {
        at: decoder.time()?,
        stored_bytes: decoder.number()?,
        topics: decoder.list(decode_topic)?,
    })
}

fn encode_topic(encoder: &mut Encoder, topic: &TopicStats) {
    encoder.text(topic.topic.as_str());
    encoder.number(topic.messages);
    encoder.number(topic.bytes);
    encoder.flag(topic.unread);
    encoder.number(topic.dropped);
    encoder.number(topic.published);
    encoder.fixed(&topic.publish_rate.to_le_bytes());
    encoder.list(topic.groups.iter(), encode_group);
}

fn decode_topic(decoder: &mut Decoder<'_>) -> Result<TopicStats, Malformed> {
    Ok(TopicStats {
        topic: topic_name(decoder)?,
        messages: decoder.number()?,
        bytes: decoder.number()?,
        unread: decoder.flag()?,
        dropped: decoder.number()?,
        published: decoder.number()?,
        publish_rate: f64::from_le_bytes(decoder.array()?),
        groups: decoder.list(decode_group)?,
    })
}

fn encode_group(encoder: &mut Encoder, group: &GroupStats) {
    encoder.text(group.group.as_str());
    encoder.flag(group.subscribed);
    encoder.option(group.ordered, |encoder, count| encoder.number(count.into()));
    let numbers = [
        group.waiting,
        group.leased,
        group.delayed,
        group.held,
        group.dead,
        group.delivered,
        group.acked,
        group.retried,
        group.died,
    ];
    for number in numbers {
        encoder.number(number);
    }
    encoder.option(group.oldest_age, |encoder, age| {
        encoder.number(u64::try_from(age.as_micros()).unwrap_or(u64::MAX));
    });
    encoder.fixed(&group.deliver_rate.to_le_bytes());
    encoder.fixed(&group.ack_rate.to_le_bytes());
}

fn decode_group(decoder: &mut Decoder<'_>) -> Result<GroupStats, Malformed> {
    Ok(GroupStats {
        group: group_name(decoder)?,
        subscribed: decoder.flag()?,
        ordered: decoder.option(Decoder::small)?,
        waiting: decoder.number()?,
        leased: decoder.number()?,
        delayed: decoder.number()?,
        held: decoder.number()?,
        next_due: None,
        dead: decoder.number()?,
        delivered: decoder.number()?,
        acked: decoder.number()?,
        retried: decoder.number()?,
        died: decoder.number()?,
        oldest_age: decoder.option(Decoder::number)?.map(Duration::from_micros),
        deliver_rate: f64::from_le_bytes(decoder.array()?),
        ack_rate: f64::from_le_bytes(decoder.array()?),
    })
}
