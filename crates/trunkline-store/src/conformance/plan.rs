//! Random histories, as plans: what to do, relative to what will be stored by then.
//!
//! A plan names streams, types, tags and commands from small pools, so that they meet; and positions,
//! versions and earlier events by a number that is taken modulo what there is when the step is played.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::{Strategy, any, prop_oneof};

use crate::Direction;

/// How many streams the steps choose from.
pub(super) const STREAMS: u8 = 5;
/// How many event types the steps choose from.
pub(super) const TYPES: u8 = 3;
/// How many tags the steps choose from.
pub(super) const TAGS: u8 = 4;
/// How many commands the steps choose from.
pub(super) const COMMANDS: u8 = 3;

/// One step of a history.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// An append.
    Append(AppendPlan),
    /// An append that was played before, once more, expecting something else.
    Again { number: u8, expected: ExpectedPlan },
    /// A read of a stream, by versions.
    Stream { stream: u8, from: u8, to: u8, direction: Direction, limit: Option<u8> },
    /// A read of the store, by places among all events.
    All { query: QueryPlan, from: u8, to: u8, direction: Direction, limit: Option<u8> },
    /// A list of streams.
    List { stream: Option<u8>, after: u8, limit: Option<u8> },
    /// Closing the store, and opening it again.
    Reopen,
}

/// An append.
#[derive(Clone, Debug)]
pub(super) struct AppendPlan {
    pub(super) writes: Vec<(u8, ExpectedPlan, Vec<EventPlan>)>,
    /// Queries, each with the place after which it counts.
    pub(super) conditions: Vec<(QueryPlan, u8)>,
    pub(super) command: Option<u8>,
}

/// What a write expects.
#[derive(Clone, Debug)]
pub(super) enum ExpectedPlan {
    /// Anything.
    Any,
    /// No events.
    NoStream,
    /// Some events.
    Exists,
    /// The version that the stream has.
    Current,
    /// Some version.
    At(u8),
}

/// An event.
#[derive(Clone, Debug)]
pub(super) struct EventPlan {
    /// The earlier event whose id it has; a fresh id if none.
    pub(super) reused: Option<u8>,
    pub(super) event_type: u8,
    /// Tags, one per bit.
    pub(super) tags: u8,
    pub(super) schema_version: u8,
    pub(super) data: Vec<u8>,
    pub(super) occurred_at: Option<i32>,
    pub(super) recorded_at: Option<i32>,
}

/// A query: items of streams whose aggregate types are wanted, types, and tags, one per bit each.
pub(super) type QueryPlan = Vec<(u8, u8, u8)>;

/// Random histories.
pub(super) fn histories(steps_max: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => appends().prop_map(Step::Append),
        2 => (any::<u8>(), expectations()).prop_map(|(number, expected)| Step::Again { number, expected }),
        1 => (0..STREAMS, 0..20_u8, 0..20_u8, directions(), limits()).prop_map(
            |(stream, from, to, direction, limit)| Step::Stream { stream, from, to, direction, limit }
        ),
        2 => (queries(), any::<u8>(), any::<u8>(), directions(), limits()).prop_map(
            |(query, from, to, direction, limit)| Step::All { query, from, to, direction, limit }
        ),
        1 => (option::of(0..STREAMS), any::<u8>(), limits())
            .prop_map(|(stream, after, limit)| Step::List { stream, after, limit }),
        1 => proptest::strategy::Just(Step::Reopen),
    ];
    vec(step, 1..=steps_max)
}

fn appends() -> impl Strategy<Value = AppendPlan> {
    let writes = btree_map(0..STREAMS, (expectations(), vec(events(), 1..4)), 1..4);
    let writes = writes.prop_map(|writes| {
        writes.into_iter().map(|(stream, (expected, events))| (stream, expected, events)).collect::<Vec<_>>()
    });
    // Now and then a batch that makes no sense: without writes, with a write without events, with a stream twice.
    let writes = prop_oneof![
        30 => writes.prop_shuffle(),
        1 => vec((0..STREAMS, expectations(), vec(events(), 0..2)), 0..4),
    ];
    let conditions =
        prop_oneof![1 => proptest::strategy::Just(Vec::new()), 1 => vec((queries(), any::<u8>()), 1..3)];
    let command = prop_oneof![3 => proptest::strategy::Just(None), 1 => (0..COMMANDS).prop_map(Some)];
    (writes, conditions, command).prop_map(|(writes, conditions, command)| AppendPlan {
        writes,
        conditions,
        command,
    })
}

fn expectations() -> impl Strategy<Value = ExpectedPlan> {
    use proptest::strategy::Just;
    prop_oneof![
        4 => Just(ExpectedPlan::Any),
        4 => Just(ExpectedPlan::Current),
        1 => Just(ExpectedPlan::NoStream),
        1 => Just(ExpectedPlan::Exists),
        1 => (0..6_u8).prop_map(ExpectedPlan::At),
    ]
}

fn events() -> impl Strategy<Value = EventPlan> {
    use proptest::strategy::Just;
    (
        prop_oneof![40 => Just(None), 1 => any::<u8>().prop_map(Some)],
        0..TYPES,
        0..1_u8 << TAGS,
        prop_oneof![200 => 1..4_u8, 1 => Just(0)],
        vec(any::<u8>(), 0..20),
        option::of(any::<i32>()),
        option::weighted(0.1, any::<i32>()),
    )
        .prop_map(|(reused, event_type, tags, schema_version, data, occurred_at, recorded_at)| {
            EventPlan { reused, event_type, tags, schema_version, data, occurred_at, recorded_at }
        })
}

fn queries() -> impl Strategy<Value = QueryPlan> {
    // Half of the parts of an item ask for nothing.
    let part = |count: u8| prop_oneof![1 => proptest::strategy::Just(0), 1 => (0..count).prop_map(|bit| 1 << bit), 1 => 0..1_u8 << count];
    vec((part(STREAMS), part(TYPES), part(TAGS)), 0..3)
}

fn directions() -> impl Strategy<Value = Direction> {
    prop_oneof![proptest::strategy::Just(Direction::Forward), proptest::strategy::Just(Direction::Backward)]
}

fn limits() -> impl Strategy<Value = Option<u8>> {
    option::of(0..8_u8)
}
