//! The queue of an application is the one that its file names, opened once and closed with it.

use std::time::Duration;

use futures::FutureExt as _;
use trunkline::{App, Dsn, MemoryStore, OpenQueueError, Opening, Origin, Place, Registered, Role};
use trunkline_queue::{
    EmbeddedOptions, EmbeddedQueue, MessageQueueExt as _, NewMessage, OpenError, OperateQueue as _, Peek,
};

use crate::world::{mistakes, read, with_file};

#[tokio::test]
async fn the_files_queue_is_opened_once_and_closed_with_the_application() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q");
    let text = format!("[message_queue]\ndsn: \"embedded:{}\"\n", path.display());
    let opening = Opening { owner: Some("the shop".to_owned()), ..Opening::default() };
    let build =
        || with_file(App::builder().store(MemoryStore::new()).opening(opening.clone()), &text).build();
    let app = build().await.unwrap();
    let place = app.queue_place().unwrap().unwrap();
    assert_eq!(place.to_string(), format!("embedded:{} (the application file)", path.display()));
    assert!(!path.exists(), "it is opened when it is needed");
    app.queue()
        .await
        .unwrap()
        .publish_one("a".parse().unwrap(), NewMessage::new("Ping", "{}"))
        .await
        .unwrap();
    app.queue()
        .await
        .unwrap()
        .publish_one("a".parse().unwrap(), NewMessage::new("Ping", "{}"))
        .await
        .unwrap();
    let other = build().await.unwrap();
    let error = other.queue().await.unwrap_err();
    assert!(
        matches!(&error, OpenQueueError::Open { source: OpenError::InUse { owner, .. }, .. } if owner == "the shop"),
        "{error}"
    );
    app.close().await;
    let queue = EmbeddedQueue::open(&path, EmbeddedOptions::default()).unwrap();
    assert_eq!(queue.peek(Peek::new("a".parse().unwrap())).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_place_that_the_program_names_goes_before_the_files() {
    let place = Place { role: Role::Messages, dsn: Dsn::memory(), origin: Origin::Flag("--queue") };
    let opening = Opening { messages: Some(place), ..Opening::default() };
    let builder = App::builder().store(MemoryStore::new()).opening(opening);
    let app = with_file(builder, "[message_queue]\ndsn: \"embedded:q\"\n").build().await.unwrap();
    assert_eq!(app.queue_place().unwrap().unwrap().to_string(), "memory: (--queue)");
    app.queue()
        .await
        .unwrap()
        .publish_one("a".parse().unwrap(), NewMessage::new("Ping", "{}"))
        .await
        .unwrap();
    assert_eq!(
        app.queue().await.unwrap().operate().unwrap().stats().await.unwrap().topics.len(),
        1,
        "one queue, not one a call"
    );
}

/// Goal: those who need the queue first at the same time get one queue, not one error after the other.
#[tokio::test(flavor = "multi_thread")]
async fn those_who_need_the_queue_first_share_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("[message_queue]\ndsn: \"embedded:{}\"\n", folder.path().join("q").display());
    let app = with_file(App::builder().store(MemoryStore::new()), &text).build().await.unwrap();
    let opening: Vec<_> = (0..8)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(async move { app.queue().await.map(drop) })
        })
        .collect();
    for opened in opening {
        opened.await.unwrap().unwrap();
    }
    app.close().await;
}

/// Goal: who gives up waiting for the queue to be opened keeps nobody else from having it.
#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_the_queue_and_goes_away_leaves_it_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..20 {
        let path = folder.path().join(number.to_string());
        let text = format!("[message_queue]\ndsn: \"embedded:{}\"\n", path.display());
        let app = with_file(App::builder().store(MemoryStore::new()), &text).build().await.unwrap();
        for _ in 0..3 {
            assert!(app.queue().now_or_never().is_none(), "it takes a while");
        }
        // Also when nobody needs it any more, it is closed with the application.
        if number % 2 == 0 {
            app.queue().await.unwrap();
        }
        app.close().await;
        EmbeddedQueue::open(&path, EmbeddedOptions::default()).unwrap();
    }
}

#[test]
fn what_the_file_says_of_the_queue_is_read_and_judged() {
    let text = "[message_queue]\ndsn: \"memory:\"\ndead_letter { ttl: \"7d\" }\n";
    let file = read(text, &Registered::default());
    assert_eq!(file.mistakes().count(), 0);
    let ttl = file.definition.message_queue.dead_letter_ttl;
    assert_eq!(ttl, Some(Duration::from_secs(7 * 24 * 3600)));
    let text = "[message_queue]\ndsn: \"redis://host\"\ndead_letter { tll: \"7d\" }\n";
    assert_eq!(
        mistakes(text, &Registered::default()),
        [
            "line 2 col 6: `redis:` queues are not in this version of trunkline, which has only the embedded one",
            "line 3 col 15: nothing in \"message_queue.dead_letter\" reads the key \"tll\"; did you mean \"ttl\"?",
        ]
    );
}
