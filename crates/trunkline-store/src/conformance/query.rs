//! What queries select.

use trunkline_core::{Expected, Position, Query, QueryItem};

use super::Fixture;
use super::sample::{append, event, kind, tag, to};
use super::seen::{collect, cut, everything};
use crate::{AllRead, Direction, EventStore};

/// A query without items, or with one that asks for nothing, selects everything.
pub async fn a_query_without_demands_selects_everything(fixture: Fixture) {
    let store = fixture.store();
    few(&*store).await;
    for query in [Query::all(), Query::from(QueryItem::default())] {
        assert_eq!(selected(&*store, query).await, ["A1", "B2", "A3", "C4"]);
    }
    let either = Query::from(QueryItem::default().tag(tag("color:none"))).or(QueryItem::default());
    assert_eq!(selected(&*store, either).await, ["A1", "B2", "A3", "C4"]);
}

/// Of the event types of an item, one must match.
pub async fn an_item_selects_any_of_its_event_types(fixture: Fixture) {
    let store = fixture.store();
    few(&*store).await;
    let item = QueryItem::default().event_type(kind("A1"));
    assert_eq!(selected(&*store, item.clone().into()).await, ["A1"]);
    assert_eq!(selected(&*store, item.clone().event_type(kind("C4")).into()).await, ["A1", "C4"]);
    assert_eq!(selected(&*store, item.event_type(kind("Unknown")).into()).await, ["A1"]);
    for other in ["A", "a1", "A11", "Unknown"] {
        assert_eq!(selected(&*store, QueryItem::default().event_type(kind(other)).into()).await, [""; 0]);
    }
}

/// Of the aggregate types of an item, one must match, as a whole.
pub async fn an_item_selects_any_of_its_aggregate_types(fixture: Fixture) {
    let store = fixture.store();
    few(&*store).await;
    let item = QueryItem::default().aggregate_type("order");
    assert_eq!(selected(&*store, item.clone().into()).await, ["A1", "B2"]);
    assert_eq!(selected(&*store, item.aggregate_type("orders").into()).await, ["A1", "B2", "A3"]);
    for other in ["ord", "order-1", "Order", ""] {
        assert_eq!(selected(&*store, QueryItem::default().aggregate_type(other).into()).await, [""; 0]);
    }
}

/// Of the tags of an item, all must match.
pub async fn an_item_selects_what_has_all_of_its_tags(fixture: Fixture) {
    let store = fixture.store();
    few(&*store).await;
    let red = QueryItem::default().tag(tag("color:red"));
    assert_eq!(selected(&*store, red.clone().into()).await, ["A1", "B2", "A3"]);
    assert_eq!(selected(&*store, red.clone().tag(tag("size:1")).into()).await, ["A1", "A3"]);
    assert_eq!(selected(&*store, red.clone().tag(tag("color:red")).into()).await, ["A1", "B2", "A3"]);
    assert_eq!(selected(&*store, red.tag(tag("color:none")).into()).await, [""; 0]);
    for other in ["color:", "color:re", "colo:red", "color:RED", "size:11"] {
        assert_eq!(selected(&*store, QueryItem::default().tag(tag(other)).into()).await, [""; 0]);
    }
}

/// What an item asks of types and of tags must match together.
pub async fn an_item_demands_all_of_its_parts(fixture: Fixture) {
    let store = fixture.store();
    few(&*store).await;
    let item = QueryItem::default().aggregate_type("order").tag(tag("size:1"));
    assert_eq!(selected(&*store, item.clone().into()).await, ["A1"]);
    assert_eq!(selected(&*store, item.clone().event_type(kind("B2")).into()).await, [""; 0]);
    assert_eq!(selected(&*store, item.event_type(kind("B2")).event_type(kind("A1")).into()).await, ["A1"]);
}

/// An event that matches any item of a query is selected, once.
pub async fn the_items_of_a_query_are_alternatives(fixture: Fixture) {
    let store = fixture.store();
    few(&*store).await;
    let query = Query::from(QueryItem::default().event_type(kind("C4")))
        .or(QueryItem::default().aggregate_type("order").tag(tag("size:1")));
    assert_eq!(selected(&*store, query.clone()).await, ["A1", "C4"]);
    assert_eq!(
        selected(&*store, query.or(QueryItem::default().tag(tag("size:1")))).await,
        ["A1", "A3", "C4"]
    );
}

/// Every query, within every bounds, either way, with every limit, yields what the full read has of it.
pub async fn a_filtered_read_is_the_filter_of_the_full_read(fixture: Fixture) {
    let store = fixture.store();
    fill(&*store).await;
    let all = everything(&*store).await;
    let recorded = recorded(&*store).await;
    let bounds = [
        (Position::START, Position::MAX),
        (all[7].position, all[40].position),
        (all[30].position, Position::MAX),
        (all[40].position, all[7].position),
    ];
    for query in queries() {
        for (from, to) in bounds {
            for direction in [Direction::Forward, Direction::Backward] {
                for limit in [None, Some(0), Some(1), Some(5), Some(1000)] {
                    let within = all.iter().zip(&recorded).filter(|(seen, recorded)| {
                        from <= seen.position && seen.position <= to && query.matches(recorded)
                    });
                    let wanted = cut(within.map(|(seen, _)| seen.clone()), direction, limit);
                    let read = AllRead { query: query.clone(), from, to, direction, limit };
                    assert_eq!(collect(store.read_all(read.clone())).await, wanted, "{read:?}");
                }
            }
        }
    }
}

/// A few selected events among very many others are found, however far apart they stand.
pub async fn a_filtered_read_finds_what_stands_far_apart(fixture: Fixture) {
    let store = fixture.store();
    let rare = || to("rare-1", Expected::Any).event(event("Rare").tag(tag("how:rare")));
    let mut ids = Vec::new();
    for _ in 0..4 {
        let batch = rare();
        ids.extend(batch.events().map(|event| event.event_id));
        append(&*store, batch).await;
        append(&*store, super::sample::several("common-1", 700)).await;
    }
    for item in [
        QueryItem::default().event_type(kind("Rare")),
        QueryItem::default().tag(tag("how:rare")),
        QueryItem::default().aggregate_type("rare"),
    ] {
        for direction in [Direction::Forward, Direction::Backward] {
            let read = AllRead { direction, limit: Some(3), ..AllRead::default() };
            let seen = collect(store.read_all(read.matching(item.clone().into()))).await;
            let seen: Vec<_> = seen.iter().map(|event| event.event_id).collect();
            let wanted = cut_ids(&ids, direction);
            assert_eq!(seen, wanted);
        }
    }
}

fn cut_ids(ids: &[trunkline_core::EventId], direction: Direction) -> Vec<trunkline_core::EventId> {
    match direction {
        Direction::Forward => ids[..3].to_vec(),
        Direction::Backward => ids[1..].iter().rev().copied().collect(),
    }
}

/// Queries of every form.
pub(super) fn queries() -> Vec<Query> {
    let item = QueryItem::default;
    let types = |names: &[&str]| QueryItem {
        event_types: names.iter().map(|name| kind(name)).collect(),
        ..QueryItem::default()
    };
    vec![
        Query::all(),
        item().into(),
        types(&["A"]).into(),
        types(&["A", "B"]).into(),
        types(&["A", "Unknown"]).into(),
        types(&["Unknown"]).into(),
        item().tag(tag("x:1")).into(),
        item().tag(tag("x:1")).tag(tag("y:1")).into(),
        item().tag(tag("x:1")).tag(tag("y:1")).tag(tag("z:1")).into(),
        item().tag(tag("x:2")).into(),
        item().aggregate_type("order").into(),
        item().aggregate_type("order").aggregate_type("$saga.order").into(),
        item().aggregate_type("unknown").into(),
        types(&["A", "C"]).tag(tag("x:1")).into(),
        types(&["B"]).aggregate_type("orders").tag(tag("z:1")).into(),
        types(&["B"]).aggregate_type("order").into(),
        Query::from(types(&["A"]).tag(tag("x:1"))).or(item().aggregate_type("cart").tag(tag("y:1"))),
        Query::from(types(&["A"])).or(types(&["A"]).tag(tag("x:1"))).or(types(&["Unknown"])),
        Query::from(types(&["A"])).or(item()),
    ]
}

/// Sixty events in which aggregate types, types and tags come in every combination.
pub(super) async fn fill(store: &dyn EventStore) {
    let names = ["order-1", "orders-1", "cart-1", "$saga.order-1", "order-2"];
    for number in 0..60 {
        let mut event = event(["A", "B", "C"][number % 3]);
        for (bit, text) in ["x:1", "y:1", "z:1"].iter().enumerate() {
            if (number / 3) >> bit & 1 == 1 {
                event = event.tag(tag(text));
            }
        }
        append(store, to(names[(number / 7) % 5], Expected::Any).event(event)).await;
    }
}

/// Four events, each of a type of its own.
async fn few(store: &dyn EventStore) {
    for (name, event_type, tags) in [
        ("order-1", "A1", &["color:red", "size:1"][..]),
        ("order-2", "B2", &["size:2", "color:red"]),
        ("orders-1", "A3", &["size:1", "color:red"]),
        ("cart-1", "C4", &[]),
    ] {
        let event = tags.iter().fold(event(event_type), |event, text| event.tag(tag(text)));
        append(store, to(name, Expected::Any).event(event)).await;
    }
}

/// The types of the selected events.
async fn selected(store: &dyn EventStore, query: Query) -> Vec<String> {
    let seen = collect(store.read_all(AllRead::default().matching(query))).await;
    seen.into_iter().map(|event| event.event_type).collect()
}

async fn recorded(store: &dyn EventStore) -> Vec<trunkline_core::RecordedEvent> {
    use futures::TryStreamExt;
    let read = store.read_all(AllRead::default());
    read.try_collect().await.expect("a read of a sound store succeeds")
}
