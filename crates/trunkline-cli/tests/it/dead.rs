//! Dead letters of an application: what they hold, and what replaying one does.

use crate::folder::{Folder, Ran};

const SHELF: &str = r#"
[event_store]
dsn: "log:./d/events"
[message_queue]
dsn: "embedded:./d/queue"
[aggregates.shelf]
on { Filled: "put(state, 'n', event.data.n)", Taken: "put(state, 'n', state.n - 1)" }
[commands.Fill]
stream: "'shelf-' + command.id"
emit: [{ type: "Filled", data: "{'n': command.n}" }]
[commands.Take]
stream: "'shelf-' + command.id"
require: [{ that: "default(state.n, 0) > 0", else: "the shelf is empty" }]
emit: [{ type: "Taken", data: "{'by': default(command.by, 'nobody')}" }]
[consumers.work]
topics: ["work"]
dispatch: "command"
on_reject: "dead"
"#;

const PLACES: &str = "--queue embedded:d/queue";

fn shelf(more: &str) -> Folder {
    let folder = Folder::new();
    folder.write("app.tsk", format!("{SHELF}{more}"));
    folder.write("none.jsonl", "");
    folder
}

#[track_caller]
fn done(folder: &Folder, words: &str) -> Ran {
    let ran = folder.run(words);
    assert_eq!(ran.exit, 0, "{words}: {ran:?}");
    ran
}

fn run(folder: &Folder) {
    // It ends with 1 when there are dead letters.
    let ran = folder.run("-q run app.tsk --commands none.jsonl");
    assert!(ran.exit <= 1 && ran.stdout.contains("delivered"), "{ran:?}");
}

fn take(folder: &Folder, id: &str, more: &str) {
    done(folder, &format!("-q queue publish work --type Take --id {id} {more} {PLACES}"));
}

fn taken(folder: &Folder) -> Vec<serde_json::Value> {
    let read = done(folder, "read shelf-a --store log:d/events --format json");
    read.json().into_iter().filter(|event| event["event_type"] == "Taken").collect()
}

fn letters(folder: &Folder) -> Vec<serde_json::Value> {
    done(folder, &format!("dlq list --each --format json {PLACES}")).json()
}

#[test]
fn a_rejected_command_that_is_replayed_is_decided_anew_and_once() {
    let folder = shelf("");
    done(&folder, "dispatch app.tsk Fill --data '{\"id\":\"a\",\"n\":0}'");
    take(&folder, "t1", "--data '{\"id\":\"a\"}'");
    run(&folder);
    // Rejected again while nothing is mended.
    done(&folder, &format!("dlq replay --all {PLACES}"));
    run(&folder);
    assert_eq!((letters(&folder).len(), taken(&folder).len()), (1, 0));
    done(&folder, "dispatch app.tsk Fill --data '{\"id\":\"a\",\"n\":5}'");
    done(&folder, &format!("dlq replay --all {PLACES}"));
    run(&folder);
    assert_eq!((letters(&folder).len(), taken(&folder).len()), (0, 1));
    let taken_by = &taken(&folder)[0]["metadata"]["causation_id"];
    assert_eq!(taken_by, "t1", "it follows from the message still");
    // The same message again is what it was.
    take(&folder, "t1", "--data '{\"id\":\"a\"}'");
    run(&folder);
    assert_eq!(taken(&folder).len(), 1);
}

#[test]
fn an_ordered_consumer_keeps_a_keys_order_beyond_a_dead_letter() {
    let folder = shelf("ordered: true\n");
    for (id, key) in [("t1", "a"), ("t2", "a"), ("t3", "b")] {
        take(&folder, id, &format!("--key {key} --data '{{\"id\":\"{key}\",\"by\":\"{id}\"}}'"));
    }
    done(&folder, "dispatch app.tsk Fill --data '{\"id\":\"b\",\"n\":5}'");
    run(&folder);
    let stats = done(&folder, &format!("queue stats --format json {PLACES}")).json();
    let group = &stats[0]["topics"][0]["groups"][0];
    assert_eq!((&group["held"], &group["dead"], &group["waiting"]), (&1.into(), &1.into(), &0.into()));
    let peeked = done(&folder, &format!("queue peek work {PLACES}"));
    assert!(peeked.stdout.contains("work: held behind dead letter 1"), "{peeked:?}");
    done(&folder, "dispatch app.tsk Fill --data '{\"id\":\"a\",\"n\":5}'");
    let replayed = done(&folder, &format!("dlq replay 1 {PLACES}"));
    assert!(replayed.stdout.contains("which had held 1 message"), "{replayed:?}");
    run(&folder);
    let order: Vec<_> = taken(&folder).iter().map(|event| event["data"]["by"].to_string()).collect();
    assert_eq!(order, [r#""t1""#, r#""t2""#]);
}

#[test]
fn whether_dead_letters_hold_is_as_the_file_says_now() {
    let folder = shelf("ordered: true\n");
    for id in ["t1", "t2"] {
        take(&folder, id, &format!("--key a --data '{{\"id\":\"a\",\"by\":\"{id}\"}}'"));
    }
    run(&folder);
    done(&folder, "dispatch app.tsk Fill --data '{\"id\":\"a\",\"n\":5}'");
    run(&folder);
    assert_eq!(taken(&folder).len(), 0);
    folder.write("app.tsk", format!("{SHELF}ordered: true\non_dead: \"pass\"\n"));
    run(&folder);
    assert_eq!(taken(&folder)[0]["data"]["by"], "t2");
}

#[test]
fn what_is_not_ordered_holds_nothing_and_a_file_that_says_so_is_mistaken() {
    let folder = shelf("on_dead: \"hold\"\n");
    let ran = folder.run("check app.tsk");
    assert!(ran.exit != 0 && format!("{ran:?}").contains("TL2410"), "{ran:?}");
}

#[test]
fn a_dead_letter_that_its_saga_no_longer_waits_for_is_replayed_only_by_force() {
    let saga = r#"
[commands.Order]
stream: "'order-' + command.id"
emit: [{ type: "Ordered", data: "command" }]
[sagas.order]
start: "Ordered"
correlate: "event.data.id"
steps: [{ name: "take", send: { topic: "work", command: "Take", data: "{'id': saga.id}" }, done: "Taken", timeout: "1h", compensate: "none" }]
"#;
    let folder = shelf(saga);
    done(&folder, "dispatch app.tsk Order --data '{\"id\":\"a\"}'");
    run(&folder);
    let [letter] = &letters(&folder)[..] else { panic!("{:?}", letters(&folder)) };
    let id = letter["dead_letter"].as_str().unwrap();
    done(&folder, "dispatch app.tsk Fill --data '{\"id\":\"a\",\"n\":5}'");
    // One that no saga sent goes back all the same.
    take(&folder, "t1", "--data '{\"id\":\"c\"}'");
    run(&folder);
    let store = "--store log:d/events";
    for which in [id, "--all"] {
        let ran = folder.run(&format!("dlq replay {which} {store} {PLACES}"));
        assert_eq!(ran.exit, 3, "{ran:?}");
        for words in ["the saga order-a has moved on", "--force", "dlq discard"] {
            assert!(ran.stderr.contains(words), "{words}: {ran:?}");
        }
    }
    run(&folder);
    assert_eq!(taken(&folder).len(), 0);
    done(&folder, &format!("dlq replay {id} --force {store} {PLACES}"));
    run(&folder);
    assert_eq!(taken(&folder).len(), 1);
}
