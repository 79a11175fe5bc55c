//! Sagas in a migrated store: they go on as they would have in the old one with upcasters, and send the same.
//!
//! Histories and links are random: jobs whose commands cause events in any order, none, or a rejection, and events that
//! are split, dropped or changed since. Some messages were handled and some not, some of what came of them was read by
//! the sagas and some not, when the application is stopped and the store is migrated.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use futures::TryStreamExt as _;
use trunkline::messages::{
    Checkpoints as _, CommandDispatcher, MemoryCheckpoints, MessageHandler as _, OnReject,
};
use trunkline::saga::Transition;
use trunkline::{
    App, Clock as _, CommandRequest, EventStore as _, ManualClock, MemoryStore, Registered, StreamName,
};
use trunkline_ops::migrate::Migration;
use trunkline_queue::{Delivery, GroupOptions, MemoryQueue, Message, MessageQueue as _, NewMessage, Receive};
use trunkline_store::StreamRead;

use crate::world::{read, seed, with_file};

/// What was always so.
const JOBS: &str = r#"
[commands.Begin]
stream: "'job-' + command.id"
emit: [{ type: "Begun", data: "command" }]

[commands.Do]
stream: "'work-' + command.id"
require: [{ that: "command.how != 5", else: "not today" }]
emit: [
  { type: "Noted",   data: "command", when: "command.how in [1, 3, 7]" }
  { type: "Ready",   data: "command", when: "command.how in [0, 1, 2]" }
  { type: "Refused", data: "command", when: "command.how in [6, 7]" }
  { type: "Noted",   data: "command", when: "command.how == 2" }
]

[commands.Undo]
stream: "'work-' + command.id"
emit: [{ type: "Undone", data: "command", when: "command.how != 1" }]

[sagas.job]
start: "Begun"
correlate: "event.data.id"
steps: [
  { name: "a", send: { topic: "t", command: "Do", data: "{'id': saga.id, 'how': saga.start.a}" }
    done: "Ready", failed: "Refused", timeout: "30s", remember: SEEN
    compensate: { send: { topic: "t", command: "Undo", data: "{'id': saga.id, 'how': saga.start.a}" }, done: "Undone" } }
  { name: "b", send: { topic: "t", command: "Do", data: "{'id': saga.id, 'how': saga.start.b}" }
    timeout: "30s", retry: { attempts: 2 }, remember: SEEN
    compensate: { send: { topic: "t", command: "Undo", data: "{'id': saga.id, 'how': saga.start.b}" } } }
  { name: "c", send: { topic: "t", command: "Do", data: "{'id': saga.id, 'how': saga.start.c}" }
    done: ["Ready", "Noted"], failed: "Refused", timeout: "30s", compensate: "none" }
]
ON
failed: { send: { topic: "t", command: "Undo", data: "{'id': saga.id, 'how': 0}" }, timeout: "30s" }

[consumers.work]
topics: ["t"]
dispatch: "command"
"#;

/// The file of a time; `links` are what it makes of older events.
fn text(links: &str, on: &str) -> String {
    let seen = r#""{'seen': default(saga.state.seen, []) + [[event.type, event.data]]}""#;
    JOBS.replace("SEEN", seen).replace("ON\n", &format!("{on}\n")) + links
}

/// What becomes of events that were stored before.
fn links(random: &mut Rng) -> String {
    let mut links = String::from("[events.Other]\n");
    for name in ["Begun", "Ready", "Noted", "Refused", "Undone"] {
        let itself = format!("{{ type: \"{name}\", version: 2 }}");
        let others =
            ["{ type: \"Other\" }", "{ type: \"Noted\", version: 2 }", "{ type: \"Ready\", version: 2 }"];
        let other = others[random.usize(..others.len())];
        let how = random.u8(..8);
        let step = match random.u8(..8) {
            0 | 1 => "{ remove: \"absent\" }".to_owned(),
            2 => "{ add: { added: 1 } }".to_owned(),
            3 => format!("{{ drop: \"event.data.how == {how}\" }}"),
            4 if ["Noted", "Undone"].contains(&name) => "{ drop: \"true\" }".to_owned(),
            4 | 5 => format!("{{ split: [{other}, {itself}] }}"),
            6 => format!("{{ split: [{itself}, {other}] }}"),
            _ => format!("{{ split: [{{ type: \"Other\", when: \"event.data.id == '1'\" }}, {itself}] }}"),
        };
        // The start has no `how`, and is always there.
        if name == "Begun" && step.contains("drop") {
            continue;
        }
        write!(links, "[events.{name}]\nversion: 2\nupcast: [{{ from: 1, steps: [{step}] }}]\n").unwrap();
    }
    links
}

/// An application of a file over a log and a queue, whose time stands still until it is moved.
struct Shop {
    app: App,
    store: MemoryStore,
    queue: MemoryQueue,
    clock: ManualClock,
}

impl Shop {
    async fn open(
        store: &MemoryStore,
        queue: &MemoryQueue,
        checkpoint: Option<trunkline::messages::Checkpoint>,
        clock: &ManualClock,
        text: &str,
    ) -> Self {
        let checkpoints = MemoryCheckpoints::default();
        if let Some(checkpoint) = checkpoint {
            checkpoints.save("$sagas", &checkpoint).await.unwrap();
        }
        let builder = App::builder()
            .store(store.clone())
            .queue(queue.clone())
            .checkpoints(checkpoints)
            .clock(Arc::new(clock.clone()));
        let app = with_file(builder, text).build().await.unwrap();
        queue
            .subscribe("t".parse().unwrap(), "work".parse().unwrap(), GroupOptions::default())
            .await
            .unwrap();
        Self { app, store: store.clone(), queue: queue.clone(), clock: clock.clone() }
    }

    async fn begin(&self, id: u32, hows: [u8; 3]) {
        let [a, b, c] = hows;
        let data = format!(r#"{{"id":"{id}","a":{a},"b":{b},"c":{c}}}"#);
        self.app.send(CommandRequest::new("Begin", data)).await.unwrap();
    }

    async fn sagas(&self) {
        self.app.sagas().catch_up(&self.queue).await.unwrap();
    }

    async fn held(&self) -> Vec<Delivery> {
        let receive = Receive::new("t".parse().unwrap(), "work".parse().unwrap()).max(1_000).now();
        self.queue.receive(receive).await.unwrap()
    }

    async fn handle(&self, delivery: &Delivery) {
        let (app, consumer) = (self.app.clone(), "work".to_owned());
        let dispatcher = CommandDispatcher { app, consumer, on_reject: OnReject::Ack };
        dispatcher.handle(delivery).await.unwrap();
        self.queue.ack(&delivery.lease).await.unwrap();
    }

    /// All that is left, timeouts too; gives the messages that came, each once.
    async fn finish(&self) -> Vec<String> {
        let mut came = BTreeMap::new();
        for _ in 0..8 {
            loop {
                self.sagas().await;
                let held = self.held().await;
                for delivery in &held {
                    self.handle(delivery).await;
                    let Message { id, message_type, payload, .. } = &delivery.message;
                    let said = format!("{message_type} {}", String::from_utf8_lossy(payload));
                    came.insert(id.as_str().to_owned(), said);
                }
                if held.is_empty() {
                    break;
                }
            }
            self.clock.advance(Duration::from_secs(31));
        }
        // What is recorded without effect is not the same, and so ids of what is sent from now on aren't either.
        let mut came: Vec<String> = came.into_values().collect();
        came.sort_unstable();
        came
    }

    /// All that can be told of a job: how it stands, what its saga recorded, and what happened, in today's shape.
    async fn told(&self, id: u32) -> Vec<String> {
        let detail = self.app.sagas().show("job", &id.to_string()).await.unwrap();
        let mut told = vec![format!("{:?} {}", detail.state.status, detail.state.state.as_str())];
        told.extend(detail.history.iter().filter_map(|recording| match &recording.transition {
            Transition::Sent(sent) => Some(format!("{} {:?} {:?}", sent.step, sent.part, sent.send)),
            Transition::Resent(resent) => Some(format!("{} again {}", resent.step, resent.attempt)),
            Transition::StepDone(done) => Some(format!("done {} {:?} {:?}", done.step, done.by, done.reason)),
            Transition::Failing(failing) => Some(format!("failing {}", failing.reason)),
            Transition::Stuck(stuck) => Some(format!("stuck {}", stuck.reason)),
            // How often something is told that has no effect depends on where it stands.
            Transition::Ignored(_) => None,
            other => Some(other.name().to_owned()),
        }));
        for stream in ["job", "work"] {
            let stream: StreamName = format!("{stream}-{id}").parse().unwrap();
            let events: Vec<_> =
                self.store.read_stream(&stream, StreamRead::default()).try_collect().await.unwrap();
            for event in events {
                let today = self.app.upcasters().upcast(event).unwrap();
                told.extend(today.into_iter().map(|event| {
                    format!("{} {}", event.event_type(), String::from_utf8_lossy(event.data()))
                }));
            }
        }
        told
    }
}

/// The message as it was published.
fn anew(message: &Message) -> NewMessage {
    let new = NewMessage::new(message.message_type.as_str(), message.payload.clone()).id(message.id.clone());
    let new = message.key.iter().fold(new, |new, key| new.key(key.as_str()));
    message.headers.iter().fold(new, |new, (name, value)| {
        if name.starts_with('$') {
            new.system_header(name, value.as_str())
        } else {
            new.header(name, value.as_str())
        }
    })
}

/// What a random history has seen to be worth its name.
#[derive(Debug, Default)]
struct Seen {
    moved: u32,
    ends: BTreeMap<String, u32>,
}

async fn one(random: &mut Rng, seen: &mut Seen, case: u64) {
    let (store, queue, clock) = (MemoryStore::new(), MemoryQueue::new(), ManualClock::default());
    let on = if random.bool() { "on { Other: { then: \"fail\", reason: \"'other'\" } }" } else { "" };
    let today = text(&links(random), on);
    let file = read(&today, &Registered::default());
    let mistakes: Vec<&str> = file.mistakes().map(|found| &*found.message).collect();
    assert!(mistakes.is_empty(), "{mistakes:?} in {today}");
    let migrated = MemoryStore::new();

    let before = Shop::open(&store, &queue, None, &clock, &text("", "")).await;
    let mut jobs = 0;
    let (mut on_the_way, mut held_at) = (Vec::new(), Vec::new());
    for _ in 0..random.u8(5..25) {
        match random.u8(..8) {
            0..3 => {
                jobs += 1;
                before.begin(jobs, [0; 3].map(|_| random.u8(..8))).await;
            }
            3 => before.sagas().await,
            4 => drop(Migration::new(&file.definition).run(&store, &migrated, |_| ()).await.unwrap()),
            5 => clock.advance(Duration::from_micros(random.u64(0..20_000_000))),
            _ => {
                for delivery in before.held().await {
                    match random.u8(..4) {
                        0 => held_at.push(delivery),
                        _ => before.handle(&delivery).await,
                    }
                }
            }
        }
    }
    // Much was handled that no saga has heard of when the application is stopped.
    for _ in 0..random.u8(..6) {
        before.sagas().await;
        for delivery in before.held().await {
            match random.u8(..4) {
                0 => held_at.push(delivery),
                _ => before.handle(&delivery).await,
            }
        }
    }
    on_the_way.extend(held_at.iter().chain(&before.held().await).map(|delivery| anew(&delivery.message)));

    let checkpoint = before.app.checkpoints().load("$sagas").await.unwrap().filter(|_| random.u8(..4) > 0);
    let migration =
        Migration::new(&file.definition).checkpoints(checkpoint.map(|at| ("$sagas".to_owned(), at)));
    let report = migration.run(&store, &migrated, |_| ()).await.unwrap();
    let moved_to = MemoryCheckpoints::default();
    report.keep_checkpoints(&moved_to).await.unwrap();
    let moved_to = moved_to.load("$sagas").await.unwrap();
    assert_eq!(moved_to.is_some(), checkpoint.is_some());
    seen.moved +=
        u32::from(report.shapes.iter().any(|line| line.event_type.starts_with("$Saga") && line.changed > 0));

    let mut ends = Vec::new();
    for (store, checkpoint) in [(&store, checkpoint), (&migrated, moved_to)] {
        let (queue, clock) = (MemoryQueue::new(), ManualClock::at(clock.now()));
        let shop = Shop::open(store, &queue, checkpoint, &clock, &today).await;
        let mut random = Rng::with_seed(case);
        queue.publish("t".parse().unwrap(), on_the_way.clone()).await.unwrap();
        for job in jobs + 1..=jobs + 2 {
            shop.begin(job, [0; 3].map(|_| random.u8(..8))).await;
        }
        let check = shop.app.sagas().verify().await.unwrap();
        let late = |problem: &str| problem.ends_with("it does when sagas run, which have not come so far");
        assert!(check.problems.iter().all(|problem| late(&problem.what)), "case {case}: {check:?}");
        let messages = shop.finish().await;
        let check = shop.app.sagas().verify().await.unwrap();
        assert!(check.is_whole(), "case {case}: {check:?}");
        let mut told = Vec::new();
        for job in 1..=jobs + 2 {
            told.push(shop.told(job).await);
        }
        told.push(messages);
        ends.push(told);
    }
    for told in ends[0].iter().take(jobs as usize) {
        *seen.ends.entry(told[0].split(' ').next().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(ends[0].len(), ends[1].len());
    for (old, new) in ends[0].iter().zip(&ends[1]) {
        assert!(old == new, "case {case}\n{today}\nold: {old:#?}\nnew: {new:#?}");
    }
}

#[tokio::test]
async fn sagas_go_on_in_a_migrated_store_as_in_the_old_one() {
    let slow = std::env::var("TRUNKLINE_SLOW").is_ok_and(|text| text == "1");
    let first = seed();
    let mut seen = Seen::default();
    for case in 0..if slow { 2_000 } else { 30 } {
        let case = first.wrapping_add(case);
        one(&mut Rng::with_seed(case), &mut seen, case).await;
    }
    assert!(seen.moved > 5, "sagas' events name other places now: {seen:?}");
    assert!(seen.ends.len() >= 2, "{seen:?}");
}

#[tokio::test]
async fn a_command_whose_events_are_dropped_is_not_one_that_had_nothing_to_do() {
    let (store, queue, clock) = (MemoryStore::new(), MemoryQueue::new(), ManualClock::default());
    let before = Shop::open(&store, &queue, None, &clock, &text("", "")).await;
    // The second step is rejected, and the first is undone; no saga has heard of that yet.
    before.begin(1, [0, 5, 0]).await;
    for _ in 0..3 {
        before.sagas().await;
        for delivery in before.held().await {
            before.handle(&delivery).await;
        }
    }
    let link = |name: &str| {
        let steps = if name == "Undone" { "{ drop: \"true\" }" } else { "{ add: { x: 1 } }" };
        format!("[events.{name}]\nversion: 2\nupcast: [{{ from: 1, steps: [{steps}] }}]\n")
    };
    let today = text(&["Begun", "Ready", "Undone"].map(link).concat(), "");
    let (file, migrated) = (read(&today, &Registered::default()), MemoryStore::new());
    let report = Migration::new(&file.definition).run(&store, &migrated, |_| ()).await.unwrap();
    assert_eq!(report.outcomes, 1);
    for store in [&store, &migrated] {
        let shop = Shop::open(store, &MemoryQueue::new(), None, &clock, &today).await;
        shop.sagas().await;
        let state = shop.app.sagas().show("job", "1").await.unwrap().state;
        let part = state.waiting.map(|waiting| waiting.part);
        assert_eq!(
            part,
            Some(trunkline::saga::SagaPart::Compensation),
            "it waits for what undoes the first step"
        );
    }
}
