//! `queue` and `dlq`.

use std::path::Path;

use trunkline_queue::{
    EmbeddedOptions, EmbeddedQueue, GroupOptions, MessageQueue, NewMessage, Receive, TopicName,
};

use crate::folder::{Folder, Ran};

#[test]
fn a_message_is_published_once_and_counted() {
    let folder = Folder::new();
    let publish = "queue publish --queue embedded:q orders --type Ping --data '{\"n\":1}' --id m1";
    folder.check(
        publish,
        "
        published: orders, id m1
        ! queue embedded:q (--queue)
        ",
    );
    folder.check(
        publish,
        "
        already there: orders, id m1
        ! queue embedded:q (--queue)
        ",
    );
    let ran = folder
        .run("queue publish --queue embedded:q orders --type Ping --data 2 --delay 1h --format json -q");
    assert_eq!((ran.exit, &ran.json()[0]["stored"]), (0, &true.into()), "{ran:?}");
    let stats = folder.run("queue stats --queue embedded:q --format json");
    let topic = &stats.json()[0]["topics"][0];
    assert_eq!(
        (&topic["topic"], &topic["messages"], &topic["unread"]),
        (&"orders".into(), &2.into(), &true.into())
    );
    let peeked = folder.run("queue peek --queue embedded:q orders --format json").json();
    assert_eq!((&peeked[0]["id"], &peeked[0]["data"]["n"]), (&"m1".into(), &1.into()));
    assert!(peeked[0].get("not_before").is_none() && peeked[1]["not_before"].is_string(), "{peeked:?}");
    folder.check(
        "dlq list --queue embedded:q",
        "
        ! no dead letters
        ",
    );
}

#[test]
fn a_queue_whose_messages_somebody_removed_is_not_begun_anew() {
    let folder = Folder::new();
    let publish = "queue publish --queue embedded:q orders --type Ping --data 1";
    assert_eq!(folder.run(publish).exit, 0);
    std::fs::remove_file(folder.path("q/0000000001.seg")).unwrap();
    for words in [publish, "queue peek --queue embedded:q orders"] {
        let ran = folder.run(words);
        assert_eq!(ran.exit, 5, "{ran:?}");
        for said in
            ["0000000001.seg is missing", "numbers", "restore it", "remove the folder", "hint: nothing was"]
        {
            assert!(ran.stderr.contains(said), "{said}: {ran:?}");
        }
    }
    std::fs::remove_dir_all(folder.path("q")).unwrap();
    assert_eq!(folder.run(publish).exit, 0);
}

#[test]
fn what_is_not_there_is_said_with_exit_code_4() {
    let folder = Folder::new();
    let ran = folder.run("queue stats");
    assert_eq!(ran.exit, 4, "{ran:?}");
    assert!(
        ran.stderr.contains("there is no queue in ./data/queue") && ran.stderr.contains("hint:"),
        "{ran:?}"
    );
    assert!(!folder.path("data").exists(), "looking makes nothing");
    assert_eq!(folder.run("queue publish orders --type T --data 1 -q").exit, 0);
    for words in [
        "queue peek stock",
        "queue retry-now orders --group g",
        "queue purge orders --group g --yes",
        "dlq show 7",
        "dlq replay 7",
    ] {
        assert_eq!(folder.run(words).exit, 4, "{words}");
    }
    for words in
        ["queue purge orders", "dlq replay", "dlq discard 7 --group g", "queue stats --queue redis:x"]
    {
        let ran = folder.run(words);
        assert_eq!(ran.exit, 2, "{words}: {ran:?}");
        assert!(ran.stderr.contains("hint:"), "{words}: {ran:?}");
    }
    assert_eq!(folder.run("queue publish orders --type T --data 1 --header $x:1").exit, 2);
}

#[test]
fn dead_letters_are_listed_shown_replayed_edited_and_discarded() {
    let folder = Folder::new();
    for number in 0..4 {
        let words = format!(
            "queue publish orders --type Ping --data {number} --id m{number} --header tenant:acme -q"
        );
        assert_eq!(folder.run(&words).exit, 0);
    }
    reject_all(&folder.path("data/queue"));
    let groups = folder.run("dlq list --format json").json();
    assert_eq!((&groups[0]["error_like"], &groups[0]["count"]), (&"timeout after … s".into(), &4.into()));
    let each = folder.run("dlq list --each --format json").json();
    assert_eq!(each.len(), 4);
    let id = |number: usize| each[number]["dead_letter"].as_str().unwrap().to_owned();
    let shown = folder.run(&format!("dlq show {}", id(0)));
    for words in ["message m0, Ping", "tenant: acme", "timeout after 0 s", "worker"] {
        assert!(shown.stdout.contains(words), "{words}: {shown:?}");
    }
    assert_eq!(folder.run(&format!("dlq replay {} --by ada", id(0))).exit, 0);
    let edited = folder.run(&format!("dlq edit {} --data 42 --id m9 --format json", id(1)));
    assert_eq!((edited.exit, &edited.json()[0]["new_message_id"]), (0, &"m9".into()), "{edited:?}");
    assert_eq!(folder.run(&format!("dlq edit {} --id m9", id(2))).exit, 3, "the id is taken");
    let discarded = folder.run("dlq discard --error-like 'timeout after 99 s' --format json -q").json();
    assert_eq!(discarded.len(), 2);
    assert_eq!(folder.run("dlq list --each").stdout, "");
    let decisions = folder.run("dlq list --decisions --format json").json();
    let of: Vec<_> = decisions
        .iter()
        .map(|one| (one["decision"].as_str().unwrap(), one["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(of, [("replay", "waiting"), ("edit", "waiting"), ("discard", "gone"), ("discard", "gone")]);
    let peeked = folder.run("queue peek orders --group mail --format json").json();
    let states: Vec<_> = peeked
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one["states"][0]["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("m0", "waiting"), ("m9", "waiting")]);
    assert_eq!(folder.run("queue purge orders --group mail --yes --format json").json()[0]["messages"], 2);
}

#[test]
fn what_a_group_has_left_is_adopted_by_another() {
    let folder = Folder::new();
    assert_eq!(folder.run("queue publish orders --type Ping --data 1 --id m1 -q").exit, 0);
    reject_all(&folder.path("data/queue"));
    assert_eq!(folder.run("queue publish orders --type Ping --data 2 --id m2 -q").exit, 0);
    folder.check(
        "queue adopt orders --from mail --to letters -q",
        "
        adopted: 1 message and 1 dead letter of orders, from mail for letters
        ",
    );
    let groups = folder.run("queue stats --format json").json()[0]["topics"][0]["groups"].clone();
    assert_eq!(
        (&groups[0]["group"], &groups[0]["waiting"], &groups[0]["dead"]),
        (&"letters".into(), &1.into(), &1.into())
    );
    let again = folder.run("queue adopt orders --from mail --to letters");
    assert_eq!(again.exit, 4, "{again:?}");
    let named =
        folder.run("queue adopt orders --from letters --to letters --consumer mail --format json").json();
    assert_eq!((&named[0]["from"], &named[0]["messages"]), (&"letters".into(), &0.into()));
    let window = folder.run("queue adopt events.mail --from mail --to letters");
    assert_eq!(window.exit, 2);
    assert!(
        window.stderr.contains("`was: \"mail\"`") || window.stderr.contains("was: \"mail\""),
        "{window:?}"
    );
}

#[test]
fn an_edited_cloudevent_keeps_its_envelope() {
    let folder = Folder::new();
    let envelope = |data: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"7","source":"/shop","type":"Packed","subject":"order-1","data":{data}}}"#
        )
    };
    folder.write("m.json", envelope(r#"{"x":1}"#));
    let publish = "queue publish shipping --type Packed --data-file m.json --header content-type:application/cloudevents+json -q";
    assert_eq!(folder.run(publish).exit, 0);
    reject_all_of("shipping", &folder.path("data/queue"));
    for (words, said) in [
        ("dlq edit 1 --data-file m.json", "has its envelope already"),
        ("dlq edit 1 --data 'no JSON'", "not JSON"),
        (r#"dlq edit 1 --data '{"x":1,"x":2}'"#, "`x` is there twice"),
        (r#"dlq edit 1 --data '{"x":1E400}'"#, "`x`"),
        ("dlq edit 1 --whole --data '{}'", "no CloudEvents object"),
    ] {
        let ran = folder.run(words);
        assert_eq!(ran.exit, 2, "{words}: {ran:?}");
        assert!(ran.stderr.contains(said) && ran.stderr.contains("hint:"), "{words}: {ran:?}");
    }
    assert_eq!(folder.run(r#"dlq edit 1 --data '{"x":2}' --type Sent"#).exit, 0);
    let peeked = folder.run("queue peek shipping --group mail --format json").json();
    assert_eq!(peeked[0]["type"], "Sent");
    let wanted: serde_json::Value = serde_json::from_str(&envelope(r#"{"x":2}"#)).unwrap();
    assert_eq!((&peeked[0]["data"]["data"]["x"], &peeked[0]["data"]["type"]), (&2.into(), &"Sent".into()));
    assert_eq!(peeked[0]["data"]["subject"], wanted["subject"]);
}

#[test]
fn beside_its_process_a_queue_shows_its_numbers_and_says_who_has_it() {
    let folder = Folder::new();
    assert_eq!(folder.run("queue publish orders --type T --data 1 -q").exit, 0);
    let options = EmbeddedOptions { owner: "the shop".to_owned(), ..EmbeddedOptions::default() };
    let queue = EmbeddedQueue::open(&folder.path("data/queue"), options).unwrap();
    let stats = folder.run("queue stats --format json");
    assert_eq!((stats.exit, &stats.json()[0]["held_by"]), (0, &"the shop".into()), "{stats:?}");
    let refused = folder.run("queue peek orders");
    assert_eq!(refused.exit, 1);
    assert!(refused.stderr.contains("in use by the shop"), "{refused:?}");
    drop(queue);
    assert_eq!(folder.run("queue peek orders").exit, 0);
}

#[test]
fn delayed_messages_are_had_now() {
    let folder = Folder::new();
    assert_eq!(folder.run("queue publish orders --type T --data 1 --id m1 --delay 1d -q").exit, 0);
    with_queue(&folder.path("data/queue"), async |queue| subscribe("orders", queue).await);
    let ran: Ran = folder.run("queue retry-now orders --group mail --id m1");
    assert_eq!((ran.exit, &*ran.stdout), (0, "due now: 1 message of orders for mail\n"));
    assert_eq!(folder.run("queue retry-now orders --group mail --id m1").exit, 4);
}

/// Makes dead letters of everything in `orders`, as a consumer of the group `mail` would.
fn reject_all(path: &Path) {
    reject_all_of("orders", path);
}

fn reject_all_of(topic: &str, path: &Path) {
    with_queue(path, async |queue| {
        subscribe(topic, queue).await;
        let receive =
            Receive::new(topic.parse().unwrap(), "mail".parse().unwrap()).max(10).consumer("worker").now();
        for (number, delivery) in queue.receive(receive).await.unwrap().into_iter().enumerate() {
            queue.reject(&delivery.lease, format!("timeout after {number} s")).await.unwrap();
        }
    });
}

async fn subscribe(topic: &str, queue: &EmbeddedQueue) {
    queue.subscribe(topic.parse().unwrap(), "mail".parse().unwrap(), GroupOptions::default()).await.unwrap();
}

fn with_queue(path: &Path, act: impl AsyncFnOnce(&EmbeddedQueue)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let queue = EmbeddedQueue::open(path, EmbeddedOptions::default()).unwrap();
        act(&queue).await;
        queue.close().await;
    });
}

fn in_a_runtime(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

/// A queue in `q` with messages `m0` to `m59` for the group `g`, in segments as small as they may be.
fn queue_of_small_segments(folder: &Folder) {
    in_a_runtime(async {
        let options = EmbeddedOptions { segment_bytes: 1, ..EmbeddedOptions::default() };
        let queue = EmbeddedQueue::open(&folder.path("q"), options).unwrap();
        let topic: TopicName = "orders".parse().unwrap();
        queue.subscribe(topic.clone(), "g".parse().unwrap(), GroupOptions::default()).await.unwrap();
        for number in 0..60 {
            let id = format!("m{number}").parse().unwrap();
            let message = NewMessage::new("Ping", format!("\"{}\"", "x".repeat(400))).id(id);
            queue.publish(topic.clone(), vec![message]).await.unwrap();
        }
        queue.close().await;
    });
}

#[test]
fn a_missing_segment_is_given_up_as_the_hint_says() {
    let folder = Folder::new();
    queue_of_small_segments(&folder);
    std::fs::remove_file(folder.path("q/0000000002.seg")).unwrap();
    let ran = folder.run("queue stats --queue embedded:q");
    assert_eq!(ran.exit, 5, "{ran:?}");
    let hint = ran.stderr.split('`').find(|part| part.contains("queue repair --queue")).unwrap().to_owned();
    let remedy = hint.strip_prefix("trunkline ").unwrap();
    assert_eq!(folder.run(remedy.strip_suffix(" --yes").unwrap()).exit, 2);
    let repaired = folder.run(&format!("{remedy} --format json"));
    assert_eq!(repaired.exit, 0, "{repaired:?}");
    let lost = repaired.json()[0]["messages"].as_u64().unwrap();
    assert!(lost > 0 && repaired.json()[0]["parts"][0]["file"] == "0000000002.seg", "{repaired:?}");
    let stats = folder.run("queue stats --queue embedded:q --format json").json();
    assert_eq!(stats[0]["topics"][0]["messages"], 60 - lost);
    folder.check(
        remedy,
        "
        nothing is missing or damaged; nothing was changed
        ",
    );
}

#[test]
fn damaged_messages_are_shown_and_discarded_and_a_damaged_frame_is_given_up_as_the_hint_says() {
    let folder = Folder::new();
    queue_of_small_segments(&folder);
    let flip = |name: &str, id: &str| {
        let mut bytes = std::fs::read(folder.path(name)).unwrap();
        let at = bytes.windows(id.len()).position(|window| window == id.as_bytes()).unwrap();
        bytes[at] ^= 1;
        std::fs::write(folder.path(name), bytes).unwrap();
    };
    flip("q/0000000001.seg", "m1");
    let peeked = folder.run("queue peek orders --queue embedded:q --max 100 --format json").json();
    assert_eq!(peeked.len(), 60);
    let place = peeked[1]["damaged"].as_str().unwrap().to_owned();
    assert!(place.starts_with("0000000001.seg at byte "), "{place}");
    in_a_runtime(async {
        let queue = EmbeddedQueue::open(&folder.path("q"), EmbeddedOptions::default()).unwrap();
        let receive = Receive::new("orders".parse().unwrap(), "g".parse().unwrap()).max(100).now();
        assert_eq!(queue.receive(receive).await.unwrap().len(), 59);
        queue.close().await;
    });
    let letters = folder.run("dlq list --each --queue embedded:q --format json").json();
    assert_eq!((letters.len(), letters[0]["damaged"].as_str()), (1, Some(&*place)));
    let id = letters[0]["dead_letter"].as_str().unwrap().to_owned();
    let shown = folder.run(&format!("dlq show {id} --queue embedded:q"));
    assert!(shown.stdout.contains(&format!("damaged: {place}")), "{shown:?}");
    for verb in [format!("replay {id}"), "replay --all".to_owned(), format!("edit {id} --data 1")] {
        let ran = folder.run(&format!("dlq {verb} --queue embedded:q"));
        assert_eq!(ran.exit, 5, "{ran:?}");
        assert!(ran.stderr.contains(&place) && ran.stderr.contains("dlq discard"), "{ran:?}");
    }
    assert_eq!(folder.run(&format!("dlq discard {id} --queue embedded:q")).exit, 0);
    assert!(folder.run("dlq list --each --queue embedded:q --format json").json().is_empty());
    // And one that the state rests on.
    let names = std::fs::read_dir(folder.path("q")).unwrap().map(|file| file.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap()).filter(|name| name.contains(".seg"));
    let last = names.max().unwrap();
    let mut bytes = std::fs::read(folder.path(&format!("q/{last}"))).unwrap();
    bytes[64 + 30] ^= 1;
    std::fs::write(folder.path(&format!("q/{last}")), bytes).unwrap();
    let ran = folder.run("queue stats --queue embedded:q");
    assert!(ran.exit == 5 && ran.stderr.contains(&format!("{last} is damaged at byte 64")), "{ran:?}");
    let hint = ran.stderr.split('`').find(|part| part.contains("queue repair --queue")).unwrap().to_owned();
    assert_eq!(folder.run(hint.strip_prefix("trunkline ").unwrap()).exit, 0);
    assert_eq!(folder.run("queue stats --queue embedded:q").exit, 0);
}
