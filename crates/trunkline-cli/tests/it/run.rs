//! Commands through the whole system: the order system of the examples, over real orders.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::folder::{Folder, Ran};

const SYSTEM: &str = include_str!("../../../../examples/orders/orders.tsk");
const COMMANDS: &str = include_str!("../../../../examples/orders/commands.jsonl");

/// A folder with the order system and so many of the real commands.
fn shop(commands: usize) -> Folder {
    let folder = Folder::new();
    folder.write("orders.tsk", SYSTEM);
    let lines: String = COMMANDS.split_inclusive('\n').take(commands).collect();
    folder.write("commands.jsonl", lines);
    folder
}

fn report(ran: &Ran) -> Value {
    assert_eq!(ran.exit, 0, "{ran:?}");
    ran.json().remove(0)
}

/// What the rules of the file come to when one command is done with before the next: how each command ends, and how
/// each order does.
#[derive(Debug, Default, PartialEq)]
struct Ends {
    accepted: u64,
    rejected: BTreeMap<String, u64>,
    orders: BTreeMap<String, (&'static str, i64)>,
}

fn by_the_rules(lines: &str) -> Ends {
    let mut ends = Ends::default();
    for line in lines.lines() {
        let command: Value = serde_json::from_str(line).unwrap();
        match decide(&command["data"], command["command"].as_str().unwrap(), &mut ends.orders) {
            Ok(()) => ends.accepted += 1,
            Err(reason) => *ends.rejected.entry(reason).or_default() += 1,
        }
    }
    ends
}

fn decide(
    data: &Value,
    command: &str,
    orders: &mut BTreeMap<String, (&'static str, i64)>,
) -> Result<(), String> {
    let id = data["order_id"].as_str().unwrap().to_owned();
    if command == "CancelOrder" {
        let order = orders.get_mut(&id).ok_or_else(|| format!("order-{id} does not exist"))?;
        if order.0 == "cancelled" {
            return Err("order is already cancelled".to_owned());
        }
        order.0 = "cancelled";
        return Ok(());
    }
    let empty = Vec::new();
    let items = data["items"].as_array().unwrap_or(&empty);
    let number = |item: &Value, name: &str| item[name].as_i64().unwrap();
    let total = data["total"].as_i64().unwrap();
    let sum: i64 = items.iter().map(|item| number(item, "quantity") * number(item, "unit_price")).sum();
    let refused = [
        (items.is_empty(), "an order needs at least one item"),
        (items.iter().any(|item| number(item, "quantity") < 1), "quantities must be at least 1"),
        (items.iter().any(|item| number(item, "unit_price") < 0), "unit prices must not be negative"),
        (total <= 0, "the total must be positive"),
        (total != sum, "the total is not the sum of the items"),
    ];
    if let Some((_, reason)) = refused.iter().find(|(wrong, _)| *wrong) {
        return Err((*reason).to_owned());
    }
    let failed = items.iter().any(|item| number(item, "quantity") > 1000) || total > 200_000;
    orders.insert(id, (if failed { "cancelled" } else { "confirmed" }, total));
    Ok(())
}

/// The commands of the example, or all that there are of them.
fn real_commands() -> String {
    if std::env::var_os("TRUNKLINE_SLOW").is_none_or(|value| value == "0") {
        return COMMANDS.to_owned();
    }
    let all = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/orders-commands.jsonl");
    std::fs::read_to_string(all).unwrap()
}

#[test]
fn one_at_a_time_they_end_as_the_rules_say() {
    let (folder, lines) = (shop(0), real_commands());
    folder.write("commands.jsonl", &lines);
    let ran = report(&folder.run("run orders.tsk --commands commands.jsonl --settle each --format json -q"));
    let ends = by_the_rules(&lines);
    let rejected: u64 = ends.rejected.values().sum();
    assert_eq!(ran["commands"]["accepted"], ends.accepted);
    assert_eq!(ran["commands"]["rejected"], rejected);
    assert_eq!(ran["rejected_by_reason"], serde_json::to_value(&ends.rejected).unwrap());
    let rows = folder.run("query orders.tsk OrdersByStatus --format json -q").json().remove(0);
    for status in ["cancelled", "confirmed"] {
        let totals = ends.orders.values().filter(|order| order.0 == status).map(|order| order.1);
        let wanted: Vec<i64> = totals.collect();
        let row = rows.as_array().unwrap().iter().find(|row| row["status"] == status).unwrap();
        assert_eq!(row["orders"], wanted.len(), "{status}");
        assert_eq!(row["total"], wanted.iter().sum::<i64>(), "{status}");
    }
    assert_eq!(rows.as_array().unwrap().len(), 2, "{rows}");
}

#[track_caller]
fn assert_lawful(ran: &Value) {
    for law in ran["laws"].as_array().unwrap() {
        assert_eq!(law["holds"], true, "{law}");
    }
    assert_eq!(ran["laws"].as_array().unwrap().len(), 5);
    let sagas = &ran["sagas"];
    assert_eq!(
        (&sagas["running"], &sagas["compensating"], &sagas["stuck"]),
        (&0.into(), &0.into(), &0.into())
    );
}

#[test]
fn many_at_a_time_keep_the_laws_and_a_second_run_changes_nothing() {
    let folder = shop(usize::MAX);
    let run = "run orders.tsk --commands commands.jsonl --concurrency 32 --format json -q";
    let first = report(&folder.run(run));
    assert_lawful(&first);
    let total = COMMANDS.lines().count();
    assert_eq!(first["commands"]["total"], total);
    let exported = folder.run("export --store log:data/events -q").stdout;
    let second = report(&folder.run(run));
    assert_eq!(second["commands"]["repeated"], total);
    assert_eq!(second["events"].as_object().unwrap().len(), 0);
    assert_eq!(folder.run("export --store log:data/events -q").stdout, exported);
    let said = folder.run("run orders.tsk --commands commands.jsonl -q").stdout;
    assert!(said.contains("nothing changed"), "{said}");
}

#[cfg(unix)]
#[test]
fn killed_at_any_moment_it_keeps_the_laws() {
    let folder = shop(60);
    let ran = report(&folder.run("run orders.tsk --commands commands.jsonl --crash 4 --format json -q"));
    assert_eq!(ran["crashes"], 4);
    assert_lawful(&ran);
    let sent = folder.run("run orders.tsk --commands commands.jsonl --format json -q");
    assert_eq!(report(&sent)["commands"]["repeated"], 60);
}

#[test]
fn a_line_that_is_no_command_is_named_and_nothing_is_dispatched() {
    let folder = shop(3);
    let wrong = "\n{\"command\":\"CreateOrder\",\"dat\":{}}\n{\"command\":\"CrateOrder\",\"data\":{}}\n";
    let lines = folder.text("commands.jsonl") + wrong;
    folder.write("commands.jsonl", lines);
    let ran = folder.run("run orders.tsk --commands commands.jsonl -q");
    assert!(ran.stderr.contains("line 5: unknown field `dat`"), "{ran:?}");
    assert!(ran.stderr.contains("line 6: no command is named \"CrateOrder\"; did you mean"), "{ran:?}");
    assert_eq!(ran.exit, 1);
    assert_eq!(folder.run("stats --store log:data/events").exit, 4, "there is no store");
}

#[test]
fn commands_of_one_stream_are_played_in_the_order_of_the_file() {
    let folder = Folder::new();
    let file = r#"
[aggregates.tally]
initial: "{'n': 0}"
on { Counted: "put(state, 'n', event.data.n)" }
[commands.Count]
stream: "'tally-' + command.id"
require: [{ that: "command.n == state.n + 1", else: "out of order" }]
emit: [{ type: "Counted", data: "command" }]
"#;
    folder.write("app.tsk", file);
    let line =
        |n: u32| format!("{{\"command\":\"Count\",\"id\":\"c{n}\",\"data\":{{\"id\":\"a\",\"n\":{n}}}}}\n");
    folder.write("commands.jsonl", (1..=100).map(line).collect::<String>());
    for order in ["none", "file", "stream"] {
        let run = format!(
            "run app.tsk --commands commands.jsonl --order {order} --store log:{order} --queue embedded:q{order}"
        );
        let ran = folder.run(&(run + " --format json -q")).json().remove(0);
        let (total, accepted) = (&ran["commands"]["total"], &ran["commands"]["accepted"]);
        assert_eq!(total, 100, "{order}: {ran}");
        assert!(order == "none" || accepted == 100, "{order}: {ran}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on_when_it_is_run_again() {
    let folder = shop(usize::MAX);
    let mut run = folder.start("run orders.tsk --commands commands.jsonl --settle each --format json");
    assert!(run.said().starts_with("store log:"));
    assert!(run.said().starts_with("queue embedded:"));
    // Once the first order is confirmed, it is well on its way.
    assert_eq!(
        folder.run("tail --store log:data/events --type OrderConfirmed --after 0 --limit 1 -q").exit,
        0
    );
    run.interrupt();
    let ran = run.end();
    assert_eq!(ran.exit, 130, "{ran:?}");
    assert!(ran.stderr.contains("run the same again to go on"), "{ran:?}");
    let again = report(&folder.run("run orders.tsk --commands commands.jsonl --format json -q"));
    assert_lawful(&again);
    assert!(again["commands"]["repeated"].as_u64().unwrap() > 0, "{again}");
}

#[test]
fn an_application_without_sagas_and_read_models_runs_too() {
    let folder = Folder::new();
    assert_eq!(folder.run("init -q").exit, 0);
    let line = r#"{"command":"AddTask","id":"a","data":{"task_id":"1","title":"x"}}"#;
    folder.write("commands.jsonl", line);
    let ran = report(&folder.run("run app.tsk --commands commands.jsonl --format json -q"));
    assert_eq!((&ran["commands"]["accepted"], &ran["laws"]), (&1.into(), &serde_json::json!([])));
    assert!(!folder.path("data/read.db").exists(), "nothing needs it");
}

#[test]
fn a_run_names_the_group_that_nobody_takes_and_what_it_says_to_do_works() {
    let folder = Folder::new();
    let file = |consumer: &str| {
        format!(
            "[commands.Ship]\nstream: \"'ship-' + command.id\"\nemit: [{{ type: \"Shipped\", data: \"command\" }}]\n\
             [consumers.{consumer}]\ntopics: [\"work\"]\ndispatch: \"command\"\n"
        )
    };
    folder.write("none.jsonl", "");
    let publish = |id: &str| {
        let words = format!("queue publish work --type Ship --data '{{\"id\":\"{id}\"}}' -q");
        assert_eq!(folder.run(&words).exit, 0);
    };
    folder.write("app.tsk", file("post"));
    publish("1");
    let first = report(&folder.run("run app.tsk --commands none.jsonl --format json -q"));
    assert_eq!((&first["events"]["Shipped"], &first["left_over"]), (&1.into(), &serde_json::json!([])));
    publish("2");
    folder.write("app.tsk", file("mail"));
    let renamed = folder.run("run app.tsk --commands none.jsonl --format json -q");
    let left = report(&renamed)["left_over"][0].clone();
    assert_eq!(
        (&left["group"], &left["messages"], &left["consumer"]),
        (&"post".into(), &1.into(), &Value::Null)
    );
    let shown = folder.run("run app.tsk --commands none.jsonl -q").stdout;
    assert!(shown.contains("1 message of topic `work` for group `post`, which no consumer"), "{shown}");
    let remedy = left["remedy"].as_str().unwrap();
    let adopt = remedy.split('`').find_map(|part| part.strip_prefix("trunkline queue adopt ")).unwrap();
    assert_eq!(folder.run(&format!("queue adopt {} -q", adopt.replace("GROUP", "mail"))).exit, 0);
    let adopted = report(&folder.run("run app.tsk --commands none.jsonl --format json -q"));
    assert_eq!(adopted["left_over"], serde_json::json!([]));
    let events = folder.run("stats --store log:data/events --format json").json();
    assert_eq!(folder.run("read ship-2 --store log:data/events --format json").json().len(), 1, "{events:?}");
}

#[test]
fn a_doctor_finds_all_well_and_then_what_is_not() {
    let folder = shop(60);
    report(&folder.run("run orders.tsk --commands commands.jsonl --format json -q"));
    let ran = folder.run("doctor orders.tsk --format json -q");
    let found = ran.json().remove(0);
    let checks = found["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|check| &check["name"]).collect();
    assert_eq!(names, ["process", "events", "read models", "sagas", "messages", "laws", "disk"]);
    // How much room there is, is for the machine to say.
    assert!(checks[..6].iter().all(|check| check["state"] == "ok"), "{found}");
    assert_eq!(found["well"] == true, ran.exit == 0, "{ran:?}");
    // Somebody changes what they shouldn't.
    let broken = SYSTEM.replace("status NOT IN ('confirmed', 'cancelled')", "status IN ('confirmed')");
    folder.write("orders.tsk", broken);
    let ran = folder.run("doctor orders.tsk -q");
    assert_eq!(ran.exit, 1, "{ran:?}");
    assert!(ran.stdout.contains("BAD   laws"), "{ran:?}");
}
