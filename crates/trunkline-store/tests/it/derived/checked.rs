//! Whether a log is the one that a checkpoint saw.

use trunkline_core::{Append, EventId, Expected, NewEvent, Position, StoreId};
use trunkline_store::derived::{Checkpoint, CheckpointError};
use trunkline_store::{EventStore, EventStoreExt as _, MemoryStore};

#[tokio::test]
async fn a_checkpoint_is_used_where_the_log_has_its_event_and_nowhere_else() {
    let store = MemoryStore::new();
    let event = NewEvent::json("Counted", "1").unwrap();
    store.append(Append::to("count-1".parse().unwrap(), Expected::Any).event(event)).await.unwrap();
    let last = store.event_at(Position::new(1)).await.unwrap().unwrap();
    let seen = Checkpoint { store: store.id(), position: last.position(), event_id: last.event_id() };
    seen.check("out", &store).await.unwrap();
    for (checkpoint, said) in [
        (Checkpoint { position: Position::new(2), ..seen }, "no event"),
        (Checkpoint { event_id: EventId::from_bytes([9; 16]), ..seen }, "another event"),
        (Checkpoint { store: StoreId::from_bytes([9; 16]), ..seen }, "the events of another store"),
    ] {
        let error = checkpoint.check("out", &store).await.unwrap_err();
        let CheckpointError::AheadOfLog { name, position, found } = error else { panic!("{said}: {error}") };
        assert_eq!((name.as_str(), position, found), ("out", checkpoint.position, said));
    }
}
