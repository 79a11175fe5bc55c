//! From where on events start sagas whose name is new: the same for the first and for another one, whatever runs first
//! and wherever it is killed.

use std::sync::Arc;

use futures::TryStreamExt as _;
use trunkline::{
    Append, EventId, EventStore, EventType, Expected, MemoryStore, Metadata, NewEvent, Position,
};
use trunkline_core::Tag;
use trunkline_store::AllRead;
use trunkline_store::derived::{Checkpoint, Checkpoints as _, FileCheckpoints};

use crate::saga_held::Shop;

const COMMANDS: &str = r#"
[commands.Place]
stream: "'order-' + command.id"
emit: [{ type: "Placed", data: "command" }]
[commands.Ship]
stream: "'parcel-' + command.id"
emit: [{ type: "Shipped", data: "command" }]
[commands.Mail]
stream: "'letter-' + command.id"
emit: [{ type: "Mailed", data: "command" }]
[consumers.work]
topics: ["w"]
dispatch: "command"
"#;

/// A saga of this name that sends this command.
fn saga(name: &str, command: &str, more: &str) -> String {
    format!(
        r#"
[sagas.{name}]
start: "Placed"
correlate: "event.data.id"
{more}
steps: [{{ name: "go", send: {{ topic: "w", command: "{command}", data: "{{'id': saga.id}}" }}, timeout: "1h", compensate: "none" }}]
"#
    )
}

/// Which of the letters of orders were mailed, and that every parcel was sent once where there are any.
async fn mailed(shop: &Shop, orders: &[&str], parcels: usize) -> Vec<String> {
    let mut mailed = Vec::new();
    for id in orders {
        match shop.events(&format!("letter-{id}")).await {
            0 => {}
            1 => mailed.push((*id).to_owned()),
            several => panic!("{several} letters of {id}"),
        }
        assert_eq!(shop.events(&format!("parcel-{id}")).await, parcels);
    }
    mailed
}

#[tokio::test]
async fn a_saga_that_is_added_starts_from_where_it_says_alone_or_beside_another() {
    for beside in [false, true] {
        let before =
            if beside { COMMANDS.to_owned() + &saga("ship", "Ship", "") } else { COMMANDS.to_owned() };
        for (more, wanted) in [
            ("", &["3"][..]),
            (r#"start_from: "now""#, &["3"]),
            (r#"start_from: "beginning""#, &["1", "2", "3"]),
            (r#"start_from: "1970-01-01T00:00:00Z""#, &["1", "2", "3"]),
            (r#"start_from: "9999-01-01T00:00:00Z""#, &[]),
            ("start_from: SECOND", &["2", "3"]),
        ] {
            let shop = Shop::of(&before, Arc::new(MemoryStore::new())).await;
            shop.place("1").await;
            shop.settle().await;
            let second = shop.store.head().await.unwrap().get() + 1;
            shop.place("2").await;
            shop.settle().await;
            let more = more.replace("SECOND", &second.to_string());
            let added = before.clone() + &saga("mail", "Mail", &more);
            // It is opened for writing, as `dispatch` does, and killed before its sagas run.
            let shop = shop.with(&added).await;
            shop.place("3").await;
            let shop = shop.with(&added).await;
            let to_come = shop.problems().await;
            assert!(to_come.iter().all(|it| it.contains("it does when sagas run")), "{to_come:?}");
            shop.settle().await;
            let parcels = usize::from(beside);
            let all = ["1", "2", "3"];
            assert_eq!(mailed(&shop, &all, parcels).await, wanted, "{more}, beside another: {beside}");
            assert_eq!(shop.problems().await, [""; 0], "{more}");
            // What was recorded counts, whatever the file says later.
            let later = before.clone() + &saga("mail", "Mail", r#"start_from: "beginning""#);
            let shop = shop.with(&later).await;
            shop.settle().await;
            assert_eq!(mailed(&shop, &all, parcels).await, wanted, "{more}");
            assert_eq!(shop.problems().await, [""; 0], "{more}");
        }
    }
}

/// The log with what is recorded of starts taken out of it, and all else where it was: as it was written before.
async fn as_before(store: &dyn EventStore) -> Arc<dyn EventStore> {
    let copy = MemoryStore::new();
    let all: Vec<_> = store.read_all(AllRead::default()).try_collect().await.unwrap();
    for event in all {
        let (stream, event_type) = match event.stream() {
            "$sagas-starts" => ("other-1".parse().unwrap(), "Other"),
            _ => (event.stream_name(), event.event_type()),
        };
        let mut new = NewEvent::new(EventType::system(event_type).unwrap(), event.data().to_vec())
            .id(event.event_id())
            .metadata(Metadata::parse(event.metadata().to_vec()).unwrap())
            .occurred_at(event.occurred_at());
        new.tags = event.tags().map(|tag| Tag::system(tag).unwrap()).collect();
        copy.append(Append::to(stream, Expected::Any).event(new)).await.unwrap();
    }
    Arc::new(copy)
}

/// A log that has no record of starts goes on from where its sagas were.
#[tokio::test]
async fn sagas_of_an_older_log_go_on_from_where_they_were() {
    let file = COMMANDS.to_owned() + &saga("ship", "Ship", "");
    for settled in [false, true] {
        let shop = Shop::of(&file, Arc::new(MemoryStore::new())).await;
        if settled {
            shop.place("1").await;
            shop.settle().await;
        }
        shop.place("2").await;
        // Nothing ran since: by the checkpoint, if there is one, the second order is still to come.
        let store = as_before(&*shop.store).await;
        let checkpoints = FileCheckpoints::new(shop.checkpoints.path());
        let kept = checkpoints.load("$sagas").await.unwrap();
        assert_eq!(kept.is_some(), settled);
        if let Some(kept) = kept {
            checkpoints.save("$sagas", &Checkpoint { store: store.id(), ..kept }).await.unwrap();
        }
        let added = file.clone() + &saga("mail", "Mail", "");
        let shop = Shop { store, ..shop }.with(&added).await;
        shop.place("3").await;
        shop.settle().await;
        let ids = if settled { &["1", "2", "3"][..] } else { &["3"] };
        for id in ids {
            assert_eq!(shop.events(&format!("parcel-{id}")).await, 1, "{id}, {settled}");
        }
        // One that is added at the same time can't be told from one that had nothing to do yet.
        let letters = mailed(&shop, &["3"], 1).await;
        assert_eq!(letters, ["3"]);
        assert_eq!(shop.problems().await, [""; 0]);
    }
}

/// A saga that is renamed is not new.
#[tokio::test]
async fn a_renamed_saga_goes_on_from_where_it_was() {
    let file = COMMANDS.to_owned() + &saga("ship", "Ship", "");
    let shop = Shop::of(&file, Arc::new(MemoryStore::new())).await;
    shop.place("1").await;
    // Sagas have not run yet.
    let renamed = COMMANDS.to_owned() + &saga("send", "Ship", r#"was: "ship""#);
    let shop = shop.with(&renamed).await;
    shop.settle().await;
    assert_eq!(shop.events("parcel-1").await, 1);
    assert_eq!(shop.problems().await, [""; 0]);
}

/// A checkpoint may be of a later history than the log: what comes next was read by none all the same.
#[tokio::test]
async fn a_checkpoint_that_is_ahead_of_an_older_log_keeps_no_event_from_starting_a_saga() {
    let file = COMMANDS.to_owned() + &saga("ship", "Ship", "");
    let shop = Shop::of(COMMANDS, Arc::new(MemoryStore::new())).await;
    shop.place("1").await;
    let ahead = Checkpoint {
        store: shop.store.id(),
        position: Position::new(1_000),
        event_id: EventId::from_bytes([7; 16]),
    };
    let checkpoints = FileCheckpoints::new(shop.checkpoints.path());
    checkpoints.save("$sagas", &ahead).await.unwrap();
    let shop = shop.with(&file).await;
    // As a reconcile does.
    checkpoints.forget("$sagas").await.unwrap();
    shop.place("2").await;
    shop.settle().await;
    assert_eq!((shop.events("parcel-1").await, shop.events("parcel-2").await), (0, 1));
    assert_eq!(shop.problems().await, [""; 0]);
}
