//! `saga`: how sagas stand, and what an operator orders.

use serde_json::Value;
use trunkline::FromFile as _;
use trunkline::config::{FixedClock, MemoryEnvironment, MemoryFiles, World};
use trunkline::messages::{CommandDispatcher, MessageHandler as _, OnReject};
use trunkline::{
    App, Append, Backends, CommandRequest, EventType, Expected, Metadata, NewEvent, Opening, Role, StreamName,
};
use trunkline_queue::{Delivery, GroupOptions, MemoryQueue, MessageQueue as _, Receive};

use crate::folder::{Folder, Ran};

const ORDERS: &str = include_str!("../../../../examples/orders/orders.tsk");

const TOPICS: [&str; 3] = ["orders", "inventory", "payment"];

/// A folder with the example, and what runs its sagas while no command does.
struct Shop {
    folder: Folder,
    queue: MemoryQueue,
}

impl Shop {
    async fn new() -> Self {
        let folder = Folder::new();
        folder.write("orders.tsk", ORDERS);
        let queue = MemoryQueue::new();
        for topic in TOPICS {
            let (topic, group) = (topic.parse().unwrap(), "work".parse().unwrap());
            queue.subscribe(topic, group, GroupOptions::default()).await.unwrap();
        }
        Self { folder, queue }
    }

    /// A confirmed order, one whose goods can't be given back, and one that has only begun.
    async fn busy() -> Self {
        let shop = Self::new().await;
        let app = shop.app().await;
        for (id, total) in [("1", 100), ("2", 900_000)] {
            send(&app, id, total).await;
            shop.settle_in(&app, "ReleaseInventory").await;
        }
        send(&app, "3", 50).await;
        app.sagas().catch_up(&shop.queue).await.unwrap();
        app.close().await;
        shop
    }

    async fn app(&self) -> App {
        let files = MemoryFiles::new().with("orders.tsk", ORDERS);
        let world = World { loader: &files, environment: &MemoryEnvironment::new(), clock: &FixedClock(0) };
        let store = format!("log:{}", self.folder.path("data/events").display());
        let place = Backends::standard().find(Role::Events, Some(&store), None, |_| None).unwrap();
        let opening = Opening { events: Some(place), ..Opening::default() };
        App::builder().opening(opening).load("orders.tsk", world).unwrap().build().await.unwrap()
    }

    async fn messages(&self) -> Vec<Delivery> {
        let mut all = Vec::new();
        for topic in TOPICS {
            let receive = Receive::new(topic.parse().unwrap(), "work".parse().unwrap()).max(100).now();
            all.extend(self.queue.receive(receive).await.unwrap());
        }
        all
    }

    /// Until nothing happens any more; messages of one type are given up.
    async fn settle(&self, dead: &str) {
        let app = self.app().await;
        self.settle_in(&app, dead).await;
        app.close().await;
    }

    async fn settle_in(&self, app: &App, dead: &str) {
        loop {
            app.sagas().catch_up(&self.queue).await.unwrap();
            let messages = self.messages().await;
            if messages.is_empty() {
                return;
            }
            for delivery in messages {
                if delivery.message.message_type == dead {
                    give_up(app, &delivery).await;
                    self.queue.reject(&delivery.lease, "no one home".to_owned()).await.unwrap();
                    continue;
                }
                let (app, consumer) = (app.clone(), "work".to_owned());
                let dispatcher = CommandDispatcher { app, consumer, on_reject: OnReject::Ack };
                dispatcher.handle(&delivery).await.unwrap();
                self.queue.ack(&delivery.lease).await.unwrap();
            }
        }
    }

    fn run(&self, words: &str) -> Ran {
        self.folder.run(words)
    }

    /// The one value that a command prints.
    #[track_caller]
    fn json(&self, words: &str) -> Value {
        let ran = self.run(&format!("{words} --format json"));
        assert_eq!(ran.exit, 0, "{words}: {ran:?}");
        ran.json().remove(0)
    }

    #[track_caller]
    fn status(&self, saga: &str) -> String {
        self.json(&format!("saga show orders.tsk {saga}"))["status"].as_str().unwrap().to_owned()
    }
}

async fn send(app: &App, id: &str, total: u32) {
    let outcome = app.send(CommandRequest::new("CreateOrder", order(id, total))).await.unwrap();
    assert!(outcome.rejection().is_none(), "{outcome:?}");
}

fn order(id: &str, total: u32) -> String {
    let items = format!(r#"[{{"sku":"a","quantity":1,"unit_price":{total}}}]"#);
    format!(r#"{{"order_id":"{id}","items":{items},"total":{total}}}"#)
}

/// Tells the log that a message was given up.
async fn give_up(app: &App, delivery: &Delivery) {
    let said: std::collections::BTreeMap<_, _> =
        delivery.message.headers.iter().filter(|(name, _)| name.starts_with("$saga")).collect();
    let dead = NewEvent::new(EventType::system("$DeadLettered").unwrap(), r#"{"reason":"no one home"}"#)
        .metadata(Metadata::of(&said).unwrap());
    let append = Append::to(StreamName::system("$inbox-work").unwrap(), Expected::Any).event(dead);
    app.store().append(append).await.unwrap();
}

/// Some fields of each object.
fn fields(rows: &Value, names: &[&str]) -> Vec<String> {
    let words = |row: &Value| {
        names.iter().map(|name| row[*name].as_str().unwrap_or("-").to_owned()).collect::<Vec<_>>().join(" ")
    };
    rows.as_array().unwrap().iter().map(words).collect()
}

#[tokio::test]
async fn sagas_are_listed_by_name_status_and_age() {
    let shop = Shop::busy().await;
    let listed = |words: &str| {
        let ran = shop.run(&format!("saga list orders.tsk {words} --format json"));
        fields(&Value::from(ran.json()), &["name", "id", "status", "step"])
    };
    let stuck = "order 2 stuck reserve_inventory";
    assert_eq!(listed(""), ["order 1 completed -", stuck, "order 3 running reserve_inventory"]);
    assert_eq!(listed("--stuck"), [stuck]);
    assert_eq!(listed("order --status stuck --older-than 0s"), [stuck]);
    assert_eq!(listed("--older-than 1h"), [""; 0]);
    assert_eq!(listed("cancellation"), [""; 0]);
    let ran = shop.run("saga list orders.tsk --limit 1");
    let line = ran.stdout.lines().nth(1).unwrap();
    assert!(line.starts_with("order-1  completed  "), "{ran:?}");
    let said = "not listed: 2 more; --after order-1 goes on, and --limit says how many are listed";
    assert!(ran.stderr.contains(said), "{ran:?}");
    assert!(ran.stderr.contains("1 running, 0 compensating, 1 completed, 0 compensated, 1 stuck"), "{ran:?}");
    // What follows is counted by what was asked for, and the last page says nothing more.
    assert_eq!(listed("--after order-1 --limit 1"), [stuck]);
    let ran = shop.run("saga list orders.tsk --after order-1 --limit 1");
    assert!(ran.stderr.contains("not listed: 1 more; --after order-2 goes on"), "{ran:?}");
    for all in ["--after order-2 --limit 1", "--stuck --limit 1", "--limit 3", "--after order-3"] {
        let ran = shop.run(&format!("saga list orders.tsk {all}"));
        assert!(ran.exit == 0 && !ran.stderr.contains("not listed"), "{ran:?}");
    }
    let ran = shop.run("saga list orders.tsk --limit 0");
    assert!(ran.stderr.contains("not listed: 3 more; --limit says how many are listed"), "{ran:?}");
    let ran = shop.run("saga list orders.tsk --after 17");
    assert!(ran.exit == 2 && ran.stderr.contains("a saga is called NAME-ID"), "{ran:?}");
    let ran = shop.run("saga list orders.tsk odrer");
    assert_eq!(ran.exit, 4, "{ran:?}");
    assert!(ran.stderr.contains("did you mean \"order\"?"), "{ran:?}");
}

#[tokio::test]
async fn a_saga_is_shown_with_all_that_happened_to_it() {
    let shop = Shop::busy().await;
    let shown = shop.json("saga show orders.tsk 2");
    assert_eq!(
        fields(&shown["steps"], &["step", "fate"]),
        ["reserve_inventory stuck", "process_payment failed", "confirm_order not_taken"]
    );
    assert_eq!(shown["reason"], "over the limit");
    assert_eq!(shown["stuck"], "dead letter: no one home");
    assert_eq!(
        fields(&shown["messages"], &["part", "command", "topic"]),
        [
            "step ReserveInventory inventory",
            "step ProcessPayment payment",
            "compensation ReleaseInventory inventory"
        ]
    );
    let last = shown["history"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["event"], &last["data"]["cause"]["event"]),
        (&"$SagaStuck".into(), &"$DeadLettered".into())
    );

    let shown = shop.json("saga show orders.tsk order-3");
    assert_eq!(
        fields(&shown["steps"], &["step", "fate"]),
        ["reserve_inventory under_way", "process_payment to_come", "confirm_order to_come"]
    );
    assert_eq!(fields(&shown["timers"], &["what"]), ["for reserve_inventory"]);
    assert_eq!(fields(&shown["compensations"], &["step", "command"]), ["reserve_inventory ReleaseInventory"]);

    let ran = shop.run("saga show orders.tsk order-2");
    for wanted in [
        "order-2: stuck\n",
        "failed: over the limit\n",
        "stuck: dead letter: no one home\n",
        "\n  failed     process_payment  ",
        "  fails at process_payment: over the limit  (PaymentFailed at ",
    ] {
        assert!(ran.stdout.contains(wanted), "{wanted}: {}", ran.stdout);
    }
    let ran = shop.run("saga show orders.tsk order-9");
    assert_eq!(ran.exit, 4, "{ran:?}");
    assert!(ran.stderr.contains("no saga `order-9` was started"), "{ran:?}");
    assert!(ran.stderr.contains("hint: trunkline saga list orders.tsk"), "{ran:?}");
}

#[tokio::test]
async fn what_is_stuck_is_tried_again_or_resolved() {
    let shop = Shop::busy().await;
    let ran = shop.run("saga resolve orders.tsk order-3 --reason x");
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(ran.stderr.contains("nothing to resolve"), "{ran:?}");
    shop.folder.check(
        "saga retry orders.tsk 2 --by ada --quiet",
        "
        order-2: compensating
          sent ReleaseInventory to inventory, to undo reserve_inventory
        ",
    );
    shop.settle("ReleaseInventory").await;
    assert_eq!(shop.status("order-2"), "stuck", "nobody is home yet");
    let resolved = shop.json("saga resolve orders.tsk order-2 --reason 'given back by hand' --by ada");
    assert_eq!((&resolved["status"], &resolved["step"]), (&"compensating".into(), &"failed".into()));
    let done = &resolved["recorded"][0]["data"];
    assert_eq!((&done["reason"], &done["cause"]["operator"]), (&"given back by hand".into(), &"ada".into()));
    shop.settle("").await;
    assert_eq!(shop.status("order-2"), "compensated");
    assert_eq!(shop.run("saga retry orders.tsk order-2").exit, 1, "it has ended");
    assert_eq!(shop.run("saga verify orders.tsk").exit, 0);
}

#[tokio::test]
async fn a_saga_is_started_and_told_to_go_back() {
    let shop = Shop::busy().await;
    shop.folder.write("order.json", order("3", 10));
    let start = "saga start orders.tsk order --data-file order.json --quiet";
    let ran = shop.run(start);
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(ran.stderr.contains("order-3: it was started before"), "{ran:?}");
    shop.folder.write("order.json", order("7", 10));
    shop.folder.check(
        start,
        "order-7: running\n  started\n  sent ReserveInventory to inventory, for reserve_inventory",
    );
    let ran = shop.run("saga start orders.tsk orders --data {}");
    assert_eq!(ran.exit, 4, "{ran:?}");
    let ran = shop.run("saga start orders.tsk order --data {}");
    assert_eq!(ran.exit, 1, "no id: {ran:?}");

    let back = shop.json("saga compensate orders.tsk order-3 --reason 'the shop is closed'");
    assert_eq!(back["status"], "compensating");
    assert_eq!(fields(&back["recorded"], &["event"]), ["$SagaFailing", "$SagaSent"]);
    let ran = shop.run("saga compensate orders.tsk order-3 --reason again");
    assert_eq!(ran.exit, 1, "{ran:?}");
    shop.settle("").await;
    assert_eq!(shop.status("order-3"), "compensated");
    assert_eq!(shop.json("saga show orders.tsk order-3")["reason"], "the shop is closed");
}

#[tokio::test]
async fn what_is_not_whole_is_said_with_exit_code_1() {
    let shop = Shop::busy().await;
    let ran = shop.run("saga verify orders.tsk --format json");
    assert_eq!(
        ran.stdout.trim(),
        r#"{"sagas":3,"running":1,"compensating":0,"completed":1,"compensated":0,"stuck":1,"problems":[]}"#,
        "{ran:?}"
    );
    assert_eq!(ran.exit, 0);
    shop.folder.check(
        "saga verify orders.tsk",
        "whole: 3 sagas, 1 running, 0 compensating, 1 completed, 0 compensated, 1 stuck",
    );
    shop.folder.write("order.json", order("8", 10));
    shop.run("append order-8 --type OrderCreated --data-file order.json");
    let ran = shop.run("saga verify orders.tsk");
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(ran.stdout.starts_with("not whole: 3 sagas"), "{ran:?}");
    assert!(ran.stdout.contains("problem: order-8: OrderCreated at position"), "{ran:?}");
    assert!(ran.stderr.contains("error: the sagas are not whole: 1 problem\nhint: "), "{ran:?}");
    let ran = shop.run("saga verify orders.tsk --format json");
    assert_eq!(ran.json()[0]["problems"][0]["saga"], "order-8", "{ran:?}");
}

/// Before a new file runs it is said what it does to what is under way, with counts and remedies that work.
#[tokio::test]
async fn what_a_new_file_does_to_sagas_under_way_is_said_before() {
    let shop = Shop::busy().await;
    let renamed = ORDERS.replace(r#"name: "reserve_inventory""#, r#"name: "reserve_stock""#);
    shop.folder.write("new.tsk", &renamed);
    let says = r#"1 of saga order is under way, of which each says: it is at step "reserve_inventory", which its definition doesn't name; they will be held when sagas run"#;
    let remedy = r#"say `was: "reserve_inventory"` of the step that it became"#;
    for verb in ["check new.tsk --data", "doctor new.tsk"] {
        let ran = shop.run(verb);
        assert_eq!(ran.exit, 1, "{verb}: {ran:?}");
        assert!(ran.stdout.contains(says) && ran.stdout.contains(remedy), "{verb}: {ran:?}");
    }
    let ran = shop.run("saga verify new.tsk");
    assert_eq!(ran.exit, 1, "{ran:?}");
    let problem = r#"problem: order: 1 is under way, and it is at step "reserve_inventory""#;
    assert!(ran.stdout.contains(problem) && ran.stdout.contains(remedy), "{ran:?}");
    let ran = shop.run("check new.tsk --data --format json");
    let in_flight = &ran.json()[0]["in_flight"][0];
    assert_eq!(fields(&ran.json()[0]["in_flight"], &["saga"]), ["order"]);
    assert_eq!((&in_flight["sagas"], &in_flight["held"]), (&1.into(), &0.into()), "{ran:?}");
    // Followed, the remedy works; and a file that changes nothing of it is well.
    let was = r#"name: "reserve_stock", was: "reserve_inventory""#;
    shop.folder.write("new.tsk", renamed.replace(r#"name: "reserve_stock""#, was));
    for file in ["new.tsk", "orders.tsk"] {
        let ran = shop.run(&format!("check {file} --data"));
        assert_eq!((ran.exit, ran.stdout.as_str()), (0, ""), "{ran:?}");
        assert_eq!(shop.run(&format!("saga verify {file}")).exit, 0);
    }
    let ran = shop.run("check orders.tsk --store log:data/events");
    assert_eq!(ran.exit, 2, "{ran:?}");
    let ran = shop.run("check orders.tsk --data --store log:nowhere");
    assert_eq!(ran.exit, 0, "there is no store yet: {ran:?}");
}

#[tokio::test]
async fn sagas_go_on_in_a_migrated_store() {
    let shop = Shop::busy().await;
    let folder = &shop.folder;
    let split = "\n[events.OrderCreated]\nversion: 2\nupcast: [{ from: 1, steps: [{ split: [\n\
                 { type: \"OrderSeen\" }, { type: \"OrderCreated\", version: 2 }] }] }]\n";
    folder.write("now.tsk", format!("{ORDERS}{split}"));
    let ran = folder.run("migrate now.tsk --from log:data/events --to log:new");
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert!(ran.stdout.contains("$SagaSent 1  (7 changed)"), "{ran:?}");
    let moved = ran.stdout.lines().find(|line| line.starts_with("checkpoint $sagas: ")).unwrap();
    let (from, to) = moved.trim_start_matches("checkpoint $sagas: ").split_once(" -> ").unwrap();
    assert_eq!(to.parse::<u64>().unwrap(), from.parse::<u64>().unwrap() + 3, "three were split");
    let list = |of: &str| folder.run(&format!("saga list {of} --format json")).json();
    assert_eq!(list("now.tsk --store log:new"), list("now.tsk"));
    let ran = folder.run("saga verify now.tsk --store log:new");
    assert_eq!(ran.exit, 0, "{ran:?}");
    let again = folder.run("migrate now.tsk --from log:data/events --to log:new --format json -q").json();
    assert_eq!(again[0]["written"], 0);
    assert_eq!(again[0]["checkpoints"][0]["to"]["position"].to_string(), to);
}

/// Goal: who asked for what started a saga is told with it, and who asked for each event after.
#[tokio::test]
async fn who_started_a_saga_is_shown() {
    let shop = Shop::new().await;
    let app = shop.app().await;
    let request = CommandRequest::new("CreateOrder", order("1", 100)).id("c1".parse().unwrap()).actor("ada");
    app.send(request).await.unwrap();
    shop.settle_in(&app, "").await;
    app.close().await;

    let shown = shop.run("saga show orders.tsk order-1").stdout;
    assert!(shown.contains(", OrderCreated at 3, by ada\ncorrelation c1\n"), "{shown}");
    let first = shown.lines().find(|line| line.ends_with("started  (OrderCreated at 3, by ada)"));
    assert!(first.is_some(), "{shown}");
    let shown = shop.json("saga show orders.tsk order-1");
    assert_eq!(shown["correlation_id"], "c1");
    let origin = &shown["history"][0]["origin"];
    assert_eq!((&origin["actor"], &origin["command"]), (&"ada".into(), &"CreateOrder".into()), "{shown}");

    let state = shop.run("state orders.tsk order-1");
    assert!(state.stdout.contains("\n   by ada, command CreateOrder, cause c1\n"), "{state:?}");
    let state = shop.json("state orders.tsk order-1");
    assert_eq!(state["events"][0]["actor"], "ada", "{state}");
    let caused = shop.run("read --all --correlation c1");
    assert!(
        caused.stdout.contains("OrderConfirmed") && caused.stdout.contains("PaymentProcessed"),
        "{caused:?}"
    );
}
