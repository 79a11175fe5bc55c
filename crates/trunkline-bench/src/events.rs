//! The events that every engine is given: 256 bytes of data, 100 of metadata, one tag.
//!
//! They are a shop's. *Orders* live for a while: their 100 events each are scattered over 100,000 events of the
//! store. *Accounts* live long: their 100 events are scattered over a whole block (a million events; all of a
//! small store). A customer's tag is on about 100 events, scattered over a block too. *Carts* are what the
//! append workloads write to. Everything follows from an event's number, so every engine gets the same.

mod body;

pub(crate) use body::{Body, DATA_BYTES, METADATA_BYTES, OrderLine, bodies};

use crate::random::{Random, mix};

/// The event types; every tenth event has a given one.
pub(crate) const TYPES: [&str; 10] = [
    "OrderPlaced",
    "ItemAdded",
    "ItemRemoved",
    "PaymentReceived",
    "PaymentRefused",
    "AddressChanged",
    "NoteAdded",
    "ParcelPacked",
    "ParcelSent",
    "ParcelReceived",
];

/// How many events an order and an account have.
pub(crate) const EVENTS_A_STREAM: u64 = 100;

/// Over how many events of the store the orders of one time are scattered.
const COHORT: u64 = 100_000;

/// One event in so many is an account's.
const ACCOUNT_EVERY: u64 = 100;

/// How many of a cohort's events are orders', and how many orders have them.
const COHORT_EVENTS: u64 = COHORT - COHORT / ACCOUNT_EVERY;
const COHORT_ORDERS: u64 = COHORT_EVENTS / EVENTS_A_STREAM;

/// On how many events a customer's tag is, on average.
const EVENTS_A_CUSTOMER: u64 = 100;

/// How many customers the append workloads have.
const CART_CUSTOMERS: u64 = 10_000;

/// A stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Stream {
    Order(u64),
    Account(u64),
    Cart(u64),
}

impl Stream {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Order(number) => format!("order-{number:08}"),
            Self::Account(number) => format!("account-{number:06}"),
            Self::Cart(number) => format!("cart-{number:09}"),
        }
    }
}

/// The tag of a customer.
pub(crate) fn customer_tag(customer: u64) -> String {
    format!("customer:{customer:07}")
}

/// An event, without its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: [u8; 16],
    /// Which of [`TYPES`].
    pub(crate) type_index: usize,
    pub(crate) customer: u64,
    /// Which of the [`bodies`].
    pub(crate) body: usize,
}

impl Event {
    fn new(number: u64, customer: u64) -> Self {
        let mixed = mix(number);
        let mut id = [0; 16];
        id[..8].copy_from_slice(&mixed.to_be_bytes());
        id[8..].copy_from_slice(&number.to_be_bytes());
        Self { id, type_index: (mixed % 10) as usize, customer, body: number as usize % body::COUNT }
    }

    /// An event of an append workload; `number` must be new in the store.
    pub(crate) fn of_cart(number: u64, random: &mut Random) -> Self {
        // Numbers of the data set are far below.
        Self::new(number | 1 << 63, random.below(CART_CUSTOMERS))
    }
}

/// The events that reads are measured on, and that growth is measured at.
#[derive(Debug)]
pub(crate) struct DataSet {
    block: u64,
    /// Which order of its time each event belongs to.
    orders: Vec<u16>,
}

impl DataSet {
    /// Of so many events, a multiple of 100,000.
    pub(crate) fn of(events: u64) -> Self {
        assert!(events > 0 && events.is_multiple_of(COHORT), "{events} events are not a data set");
        let block = if events.is_multiple_of(1_000_000) { 1_000_000 } else { events };
        let mut orders: Vec<u16> = (0..COHORT_EVENTS).map(|event| (event % COHORT_ORDERS) as u16).collect();
        let mut random = Random::new(1);
        for at in (1..orders.len()).rev() {
            orders.swap(at, random.below(at as u64 + 1) as usize);
        }
        Self { block, orders }
    }

    /// The event with this number, from 0.
    pub(crate) fn event(&self, number: u64) -> (Stream, Event) {
        let (block, at) = (number / self.block, number % self.block);
        let customers = self.block / EVENTS_A_CUSTOMER;
        let event = Event::new(number, block * customers + mix(!number) % customers);
        let stream = if at % ACCOUNT_EVERY == ACCOUNT_EVERY - 1 {
            let accounts = self.block / ACCOUNT_EVERY / EVENTS_A_STREAM;
            Stream::Account(block * accounts + at / ACCOUNT_EVERY % accounts)
        } else {
            let (cohort, at) = (number / COHORT, number % COHORT);
            let order = self.orders[(at - at / ACCOUNT_EVERY) as usize];
            Stream::Order(cohort * COHORT_ORDERS + u64::from(order))
        };
        (stream, event)
    }

    /// The events with these numbers as one commit: by stream, in the order in which the streams come.
    pub(crate) fn commit(&self, numbers: std::ops::Range<u64>) -> Vec<(Stream, Vec<Event>)> {
        let mut commit: Vec<(Stream, Vec<Event>)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for number in numbers {
            let (stream, event) = self.event(number);
            let place = *places.entry(stream).or_insert(commit.len());
            if place == commit.len() {
                commit.push((stream, Vec::new()));
            }
            commit[place].1.push(event);
        }
        commit
    }

    /// An order, all of whose events are among the first `events`.
    pub(crate) fn any_order(events: u64, random: &mut Random) -> Stream {
        Stream::Order(random.below(events / COHORT * COHORT_ORDERS))
    }

    /// An account, all of whose events are among the first `events`.
    pub(crate) fn any_account(events: u64, random: &mut Random) -> Stream {
        Stream::Account(random.below(events / ACCOUNT_EVERY / EVENTS_A_STREAM))
    }

    /// A customer who is tagged among the first `events`.
    pub(crate) fn any_customer(events: u64, random: &mut Random) -> u64 {
        random.below(events / EVENTS_A_CUSTOMER)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_order_and_account_has_100_events() {
        let set = DataSet::of(200_000);
        let mut counts: BTreeMap<Stream, u64> = BTreeMap::new();
        for number in 0..200_000 {
            *counts.entry(set.event(number).0).or_default() += 1;
        }
        assert_eq!(counts.len(), 2000);
        assert!(counts.values().all(|count| *count == EVENTS_A_STREAM));
        let mut random = Random::new(1);
        assert!(counts.contains_key(&DataSet::any_order(200_000, &mut random)));
        assert!(counts.contains_key(&DataSet::any_account(200_000, &mut random)));
    }

    #[test]
    fn a_commit_holds_each_event_once_and_each_stream_once() {
        let set = DataSet::of(100_000);
        let commit = set.commit(500..1500);
        let mut streams: Vec<Stream> = commit.iter().map(|(stream, _)| *stream).collect();
        streams.sort();
        streams.dedup();
        assert_eq!(streams.len(), commit.len());
        let mut ids: Vec<[u8; 16]> =
            commit.iter().flat_map(|(_, events)| events).map(|event| event.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 1000);
    }

    #[test]
    fn a_larger_set_begins_with_the_smaller_one() {
        let (small, large) = (DataSet::of(1_000_000), DataSet::of(5_000_000));
        assert!((0..1_000_000).step_by(997).all(|number| small.event(number) == large.event(number)));
    }
}
