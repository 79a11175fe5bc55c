//! What is in an event: JSON of a fixed size.

use bytes::Bytes;
use serde::Deserialize;

use crate::random::Random;

/// Bytes of an event's data.
pub(crate) const DATA_BYTES: usize = 256;

/// Bytes of an event's metadata.
pub(crate) const METADATA_BYTES: usize = 100;

/// How many different bodies there are.
pub(super) const COUNT: usize = 1024;

/// What one event says.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) data: Bytes,
    pub(crate) metadata: Bytes,
}

/// What `replay-json` reads out of an event's data.
#[derive(Debug, Deserialize)]
pub(crate) struct OrderLine<'a> {
    pub(crate) article: &'a str,
    pub(crate) quantity: u32,
    pub(crate) price_cents: u64,
    pub(crate) paid: bool,
}

/// The bodies of all events.
pub(crate) fn bodies() -> Vec<Body> {
    let mut random = Random::new(2);
    (0..COUNT).map(|_| Body { data: data(&mut random), metadata: metadata(&mut random) }).collect()
}

fn data(random: &mut Random) -> Bytes {
    let begin = format!(
        r#"{{"article":"A-{:06}","quantity":{},"price_cents":{},"currency":"EUR","paid":{},"note":""#,
        random.below(1_000_000),
        1 + random.below(9),
        100 + random.below(100_000),
        random.below(2) == 0,
    );
    padded(&begin, DATA_BYTES, random)
}

fn metadata(random: &mut Random) -> Bytes {
    let begin = format!(
        r#"{{"correlation_id":"{:016x}{:016x}","actor":"user-{:04}","tenant":""#,
        random.next(),
        random.next(),
        random.below(10_000),
    );
    padded(&begin, METADATA_BYTES, random)
}

/// The JSON object that `begin` begins, ended with text up to this length.
fn padded(begin: &str, len: usize, random: &mut Random) -> Bytes {
    let mut text = begin.to_owned();
    while text.len() < len - 2 {
        text.push(char::from(b'a' + random.below(26) as u8));
    }
    text.push_str(r#""}"#);
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_json_of_the_promised_size() {
        for body in bodies() {
            assert_eq!((body.data.len(), body.metadata.len()), (DATA_BYTES, METADATA_BYTES));
            let line: OrderLine<'_> = serde_json::from_slice(&body.data).unwrap();
            assert!(line.article.starts_with("A-") && line.quantity > 0 && line.price_cents >= 100);
            serde_json::from_slice::<serde::de::IgnoredAny>(&body.metadata).unwrap();
        }
    }
}
