//! The head, and waiting for it.

use std::sync::Arc;

use futures::future::join_all;
use futures::poll;
use trunkline_core::Position;

use super::Fixture;
use super::sample::{append, head, one, several, soon};

/// The head is where the last event stands, and before the first event it is the start.
pub async fn the_head_is_the_position_of_the_last_event(fixture: Fixture) {
    let store = fixture.store();
    assert_eq!(head(&*store).await, Position::START);
    for name in ["order-1", "order-2", "order-1"] {
        let position = append(&*store, several(name, 2)).await.position;
        assert_eq!(head(&*store).await, position);
        let last = super::seen::everything(&*store).await.pop();
        assert_eq!(last.map(|event| event.position), Some(position));
    }
}

/// Who waits for what is there already is answered at once, with the head.
pub async fn waiting_for_what_has_come_is_answered_at_once(fixture: Fixture) {
    let store = fixture.store();
    let first = append(&*store, one("order-1")).await.position;
    let last = append(&*store, one("order-1")).await.position;
    for position in [Position::START, first] {
        assert_eq!(soon(store.wait_beyond(position)).await.expect("a sound store can be waited for"), last);
    }
}

/// Who waits is woken by an append, every one of them, and not before there is something beyond.
pub async fn who_waits_is_woken_by_an_append(fixture: Fixture) {
    let store = fixture.store();
    for _ in 0..20 {
        let before = head(&*store).await;
        let mut waiting = Vec::new();
        for _ in 0..4 {
            let store = Arc::clone(&store);
            waiting.push(tokio::spawn(async move { store.wait_beyond(before).await }));
        }
        // One that has certainly begun to wait.
        let mut begun = store.wait_beyond(before);
        assert!(poll!(&mut begun).is_pending(), "there is nothing beyond {before} yet");
        let position = append(&*store, several("order-1", 2)).await.position;
        waiting.push(tokio::spawn(std::future::ready(soon(begun).await)));
        for woken in soon(join_all(waiting)).await {
            let head = woken.expect("waiting doesn't panic").expect("a sound store can be waited for");
            assert_eq!(head, position);
        }
    }
}

/// Who waits for something further off is not content with less.
pub async fn who_waits_for_more_goes_on_waiting(fixture: Fixture) {
    let store = fixture.store();
    let first = append(&*store, one("order-1")).await.position;
    let far = first.plus(1);
    let mut waiting = store.wait_beyond(far);
    assert!(poll!(&mut waiting).is_pending(), "the head is at {first}");
    let mut position = first;
    while position <= far {
        assert!(poll!(&mut waiting).is_pending(), "the head is at {position}, not beyond {far}");
        position = append(&*store, one("order-1")).await.position;
    }
    assert_eq!(soon(waiting).await.expect("a sound store can be waited for"), position);
}
