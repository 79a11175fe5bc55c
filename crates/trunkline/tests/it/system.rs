//! A whole application at work: when it is at rest, and what ends it.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Notify;
use tokio::time::timeout;
use trunkline::messages::{Consumer, ConsumerAction, MemoryCheckpoints, MessageError, MessageHandler};
use trunkline::queue::{
    Delivery, GroupName, GroupOptions, MemoryQueue, MessageQueue, NewMessage, OperateQueue as _, Receive,
};
use trunkline::{
    App, Append, CommandRequest, EventStore, Expected, MemoryStore, NewEvent, System, SystemError,
};

use crate::world::{Meddle, Meddling, with_file};

const LIMIT: Duration = Duration::from_secs(20);

const COUNTER: &str = r#"
[aggregates.counter]
on { Counted: "{'n': event.data.n}" }

[commands.Count]
stream: "'counter-' + command.id"
emit: [{ type: "Counted", data: "{'n': default(state.n, 0) + 1}" }]
"#;

fn count() -> CommandRequest {
    CommandRequest::new("Count", r#"{"id":"a"}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_without_sagas_consumers_and_projections_comes_to_rest() {
    let app = with_file(App::builder().store(MemoryStore::new()).queue(MemoryQueue::new()), COUNTER);
    let app = app.build().await.unwrap();
    let mut system = System::start(&app).await.unwrap();
    for counted in 1..=3 {
        app.send(count()).await.unwrap();
        let head = timeout(LIMIT, system.at_rest()).await.expect("nothing is left to do").unwrap();
        assert_eq!(head.get(), counted);
    }
    timeout(LIMIT, system.stop()).await.expect("nothing is to be finished").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rest_is_when_every_message_was_handled_and_what_it_caused_is_there() {
    let text = format!("{COUNTER}\n[consumers.work]\ntopics: [\"work\"]\ndispatch: \"command\"\n");
    let queue = MemoryQueue::new();
    let app = with_file(App::builder().store(MemoryStore::new()).queue(queue.clone()), &text);
    let app = app.build().await.unwrap();
    let mut system = System::start(&app).await.unwrap();
    for round in 1..=5 {
        let messages = (0..20).map(|_| NewMessage::new("Count", r#"{"id":"a"}"#)).collect();
        queue.publish("work".parse().unwrap(), messages).await.unwrap();
        let head = timeout(LIMIT, system.at_rest()).await.expect("messages are handled").unwrap();
        assert_eq!(head.get(), round * 20);
    }
    system.stop().await.unwrap();
    // What is stopped takes no more.
    queue.publish("work".parse().unwrap(), vec![NewMessage::new("Count", r#"{"id":"a"}"#)]).await.unwrap();
    let group: GroupName = "work".parse().unwrap();
    queue.subscribe("work".parse().unwrap(), group.clone(), GroupOptions::default()).await.unwrap();
    let left = queue.receive(Receive::new("work".parse().unwrap(), group).now()).await.unwrap();
    assert_eq!(left.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_can_not_go_on_is_told_to_who_waits_for_rest() {
    let text = "[relay.out]\nevents: [\"Counted\"]\ntopic: \"out\"\nkey: \"event.data.who\"\n";
    let store = MemoryStore::new();
    let append = Append::to("counter-a".parse().unwrap(), Expected::Any);
    store.append(append.event(NewEvent::json("Counted", r#"{"n":1}"#).unwrap())).await.unwrap();
    let builder = App::builder().store(store).queue(MemoryQueue::new());
    let app = with_file(builder.checkpoints(MemoryCheckpoints::default()), text).build().await.unwrap();
    let mut system = System::start(&app).await.unwrap();
    let rested = timeout(LIMIT, system.at_rest()).await.expect("it is said at once");
    assert!(matches!(rested, Err(SystemError::Run(_))), "{rested:?}");
}

const WORK: &str = r#"
[consumers.work]
topics: ["work"]
dispatch: "command"
retry: { max_attempts: 2, initial_delay: "1ms" }
"#;

/// A system whose store has no room for that many appends, with a message for its consumer.
async fn without_room(appends: u32) -> (System, MemoryQueue) {
    let (store, queue) = (Meddling::new(Meddle::Refuse, appends), MemoryQueue::new());
    let builder = App::builder().shared_store(store).queue(queue.clone());
    let app = with_file(builder, &format!("{COUNTER}{WORK}")).build().await.unwrap();
    let system = System::start(&app).await.unwrap();
    queue.publish("work".parse().unwrap(), vec![NewMessage::new("Count", r#"{"id":"a"}"#)]).await.unwrap();
    (system, queue)
}

#[tokio::test(start_paused = true)]
async fn a_message_outlasts_a_full_disk_however_few_attempts_it_has() {
    let (mut system, queue) = without_room(8).await;
    let head = timeout(LIMIT, system.at_rest()).await.expect("there is room again").unwrap();
    assert_eq!(head.get(), 1);
    let stats = queue.stats().await.unwrap();
    let group = &stats.topics[0].groups[0];
    assert_eq!((group.delivered, group.retried, group.died), (1, 0, 0));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_rest_is_told_what_does_not_pass() {
    let (mut system, queue) = without_room(u32::MAX).await;
    let rested = timeout(LIMIT, system.at_rest()).await.expect("it is said after some seconds");
    let Err(error @ SystemError::HeldUp { .. }) = rested else { panic!("{rested:?}") };
    let said = error.to_string();
    assert!(said.starts_with("consumer `work` has been waiting for 1"), "{said}");
    assert!(said.ends_with("the disk is full"), "{said}");
    timeout(LIMIT, system.stop()).await.expect("it waits no longer").unwrap();
    // It was handed back, and is nobody's dead letter.
    let stats = queue.stats().await.unwrap();
    let group = &stats.topics[0].groups[0];
    assert_eq!((group.waiting, group.leased, group.dead), (1, 0, 0));
}

/// Goal: an application whose read models have seen all, while its sagas and relays haven't, comes to rest: as after
/// commands that were dispatched while nothing else ran.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_seen_all_keeps_nobody_from_catching_up() {
    let text = format!(
        "[read_db]\ndsn: \"memory:\"\n{COUNTER}\n\
         [projections.counts]\nschema: \"CREATE TABLE counts (n INTEGER)\"\n\
         on {{ Counted: \"INSERT INTO counts VALUES (:data.n)\" }}\n\
         [relay.out]\nevents: [\"Counted\"]\ntopic: \"out\"\n"
    );
    let builder = App::builder().store(MemoryStore::new()).queue(MemoryQueue::new());
    let app = with_file(builder, &text).build().await.unwrap();
    for _ in 0..3 {
        app.send(count()).await.unwrap();
    }
    app.projections().start().await.unwrap();
    let head = app.store().head().await.unwrap();
    app.projections().wait_for(head, LIMIT).await.unwrap();
    app.projections().stop().await;
    let mut system = System::start(&app).await.unwrap();
    assert_eq!(timeout(LIMIT, system.at_rest()).await.expect("all catch up").unwrap(), head);
    system.stop().await.unwrap();
}

/// Goal: rest is waited for when another application over the same store and queue has the last message, of which
/// nobody tells this one.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_another_process_of_the_application_handles_is_waited_for() {
    struct Slow(App, Arc<Notify>);
    impl MessageHandler for Slow {
        fn handle<'a>(&'a self, _: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
            async move {
                self.1.notified().await;
                self.0.send(count()).await.map_err(|error| MessageError::retry(error.to_string()))?;
                Ok(())
            }
            .boxed()
        }
    }
    let (store, queue) = (MemoryStore::new(), MemoryQueue::new());
    let app = || with_file(App::builder().store(store.clone()).queue(queue.clone()), COUNTER);
    let goes_on = Arc::new(Notify::new());
    let commands = app().build().await.unwrap();
    let process = || {
        let work = Consumer::new("work", vec!["work".parse().unwrap()], "work".parse().unwrap());
        let slow = ConsumerAction::Handle(Arc::new(Slow(commands.clone(), Arc::clone(&goes_on))));
        app().consumer(work, slow).build()
    };
    // Either may get the message: it is in the queue until what it causes is in the log.
    let (here, there) = (process().await.unwrap(), process().await.unwrap());
    let (mut waits, works) = (System::start(&here).await.unwrap(), System::start(&there).await.unwrap());
    for round in 1..=3 {
        queue.publish("work".parse().unwrap(), vec![NewMessage::new("Work", "1")]).await.unwrap();
        let head = {
            let mut rest = std::pin::pin!(waits.at_rest());
            for _ in 0..100 {
                assert!(futures::poll!(rest.as_mut()).is_pending(), "nobody has handled it");
                tokio::task::yield_now().await;
            }
            goes_on.notify_one();
            timeout(LIMIT, rest).await.expect("one of them handles it").unwrap()
        };
        assert_eq!(head.get(), round);
        timeout(LIMIT, waits.wait_for_capacity()).await.expect("there is room").unwrap();
    }
    works.stop().await.unwrap();
    waits.stop().await.unwrap();
}
