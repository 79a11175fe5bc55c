//! The queue of an application is the one that its file names, opened once and closed with it.

use std::time::Duration;

use trunkline::{App, MemoryStore, OpenQueueError, QueueDsn, QueuePlace, Registered};
use trunkline_queue::{
    EmbeddedOptions, EmbeddedQueue, MessageQueueExt as _, NewMessage, OpenError, OperateQueue as _, Peek,
};

use crate::world::{mistakes, read, with_file};

#[tokio::test]
async fn the_files_queue_is_opened_once_and_closed_with_the_application() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q");
    let text = format!("[message_queue]\ndsn: \"embedded:{}\"\n", path.display());
    let build = || with_file(App::builder().store(MemoryStore::new()).owner("the shop"), &text).build();
    let app = build().unwrap();
    let place = app.queue_place().unwrap().unwrap();
    assert_eq!(place.to_string(), format!("embedded:{} (the application file)", path.display()));
    assert!(!path.exists(), "it is opened when it is needed");
    app.queue().unwrap().publish_one("a".parse().unwrap(), NewMessage::new("Ping", "{}")).await.unwrap();
    app.queue().unwrap().publish_one("a".parse().unwrap(), NewMessage::new("Ping", "{}")).await.unwrap();
    let other = build().unwrap();
    let error = other.queue().unwrap_err();
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
    let place = QueuePlace { dsn: QueueDsn::Memory, origin: trunkline::Origin::QueueFlag };
    let builder = App::builder().store(MemoryStore::new()).queue_place(place);
    let app = with_file(builder, "[message_queue]\ndsn: \"embedded:q\"\n").build().unwrap();
    assert_eq!(app.queue_place().unwrap().unwrap().to_string(), "memory: (--queue)");
    app.queue().unwrap().publish_one("a".parse().unwrap(), NewMessage::new("Ping", "{}")).await.unwrap();
    assert_eq!(
        app.queue().unwrap().operate().unwrap().stats().await.unwrap().topics.len(),
        1,
        "one queue, not one a call"
    );
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
