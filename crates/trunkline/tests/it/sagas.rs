//! Declared sagas: what their expressions see, what is remembered, and what their scenarios show.

use trunkline::scenario::{self, ScenarioReport};
use trunkline::{BuildError, Registered};

use crate::world::{app, mistakes};

/// Parcels are packed and sent; a heavy one is weighed first.
const PARCELS: &str = r#"
[commands.Weigh]
stream: "'parcel-' + command.parcel"
emit: [{ type: "Weighed", data: "command" }]

[commands.Pack]
stream: "'parcel-' + command.parcel"
emit: [{ type: "Packed", data: "command" }]

[commands.Unpack]
stream: "'parcel-' + command.parcel"
emit: [{ type: "Unpacked", data: "command" }]

[commands.Fetch]
stream: "'parcel-' + command.parcel"
emit: [{ type: "Fetched", data: "command" }]

[commands.Tell]
stream: "'parcel-' + command.parcel"
emit: [{ type: "Told", data: "command" }]

[commands.Ask]
stream: "'parcel-' + command.parcel"
emit: [{ type: "Asked", data: "command" }, { type: "Lost", data: "command" }, { type: "Recalled", data: "command" }, { type: "Wet", data: "command" }]

[events.PackedByHand]
version: 1

[consumers.work]
topics: ["parcels"]
dispatch: "command"

[sagas.parcel]
start: { event: "Asked", when: "event.data.kind != 'letter'" }
correlate: "event.data.parcel"
timeout: "7d"
steps: [
  { name: "weigh", when: "saga.start.kind == 'heavy'"
    send: { topic: "parcels", command: "Weigh", data: "{'parcel': saga.id, 'step': saga.step}" }
    done: "Weighed", timeout: "1h", compensate: "none", remember: "{'grams': event.data.grams}" }
  { name: "pack"
    send: { topic: "parcels", command: "Pack", data: "{'parcel': saga.id, 'grams': default(saga.state.grams, 0)}" }
    done: ["Packed", "PackedByHand"], timeout: "1h"
    compensate: { send: { topic: "parcels", command: "Unpack", data: "{'parcel': saga.id}" } } }
  { name: "fetch", send: { topic: "parcels", command: "Fetch", data: "{'parcel': saga.id, 'state': saga.state}" }
    done: "Fetched", failed: "Lost", timeout: "1h", compensate: "none" }
]
on {
  Recalled: { when: "event.data.by == 'sender'", then: "fail", reason: "'recalled by ' + event.data.by" }
  Wet: { then: "complete" }
}
completed: { send: { topic: "parcels", command: "Tell", data: "{'parcel': saga.id, 'news': 'sent'}" }, timeout: "1h" }
failed: { send: { topic: "parcels", command: "Tell", data: "{'parcel': saga.id, 'news': saga.reason, 'kind': saga.start.kind}" }, timeout: "1h" }
"#;

async fn failures(scenarios: &str) -> Vec<ScenarioReport> {
    let app = app(&format!("{PARCELS}\n{scenarios}")).await;
    let reports = scenario::run(&app).await;
    assert!(!reports.is_empty());
    reports.into_iter().filter(|report| !report.passed).collect()
}

#[tokio::test]
async fn expressions_see_the_saga_and_what_it_remembers() {
    let failed = failures(
        r#"
        [scenarios.a_heavy_one_is_weighed]
        when: { type: "Asked", data: { parcel: "1", kind: "heavy" } }
        then: { sends: [{ topic: "parcels", command: "Weigh", data: { parcel: "1", step: "weigh" } }] }

        [scenarios.what_was_weighed_is_remembered]
        given: [{ type: "Asked", data: { parcel: "1", kind: "heavy" } }]
        when: { type: "Weighed", data: { parcel: "1", grams: 900 } }
        then: { sends: [{ command: "Pack", data: { parcel: "1", grams: 900 } }] }

        [scenarios.a_light_one_is_packed_at_once]
        when: { type: "Asked", data: { parcel: "1", kind: "light" } }
        then: { sends: [{ command: "Pack", data: { parcel: "1", grams: 0 } }], status: "running" }

        [scenarios.a_letter_is_no_parcel]
        when: { type: "Asked", data: { parcel: "1", kind: "letter" } }
        then: { sends: [] }

        [scenarios.each_event_of_several_says_that_it_is_done]
        given: [{ type: "Asked", data: { parcel: "1", kind: "light" } }]
        when: { type: "PackedByHand", data: { parcel: "1" } }
        then: { sends: [{ command: "Fetch", data: { parcel: "1", state: {} } }] }

        [scenarios.an_event_for_another_saga_is_not_for_this_one]
        given: [{ type: "Asked", data: { parcel: "1", kind: "light" } }]
        when: { type: "Packed", data: { parcel: "2" } }
        then: { sends: [] }
        "#,
    )
    .await;
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test]
async fn what_a_file_says_of_failing_and_completing_happens() {
    let failed = failures(
        r#"
        [scenarios.what_fails_is_undone]
        given: [{ type: "Asked", data: { parcel: "1", kind: "light" } }, { type: "Packed", data: { parcel: "1" } }]
        when: { type: "Lost", data: { parcel: "1", reason: "in the mail" } }
        then: { sends: [{ command: "Unpack", data: { parcel: "1" } }], status: "compensating" }

        [scenarios.nothing_to_undo]
        given: [{ type: "Asked", data: { parcel: "1", kind: "heavy" } }]
        when: { type: "Recalled", data: { parcel: "1", by: "sender" } }
        then: { sends: [{ command: "Tell", data: { parcel: "1", news: "recalled by sender", kind: "heavy" } }] }

        [scenarios.a_rule_that_does_not_hold]
        given: [{ type: "Asked", data: { parcel: "1", kind: "heavy" } }]
        when: { type: "Recalled", data: { parcel: "1", by: "thief" } }
        then: { sends: [], status: "running" }

        [scenarios.a_rule_that_completes]
        given: [{ type: "Asked", data: { parcel: "1", kind: "light" } }]
        when: { type: "Wet", data: { parcel: "1" } }
        then: { sends: [{ command: "Tell", data: { parcel: "1", news: "sent" } }], status: "running" }
        "#,
    )
    .await;
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test]
async fn a_scenario_that_does_not_hold_shows_both_sides() {
    let failed = failures(
        r#"
        [scenarios.wrong]
        when: { type: "Asked", data: { parcel: "1", kind: "light" } }
        then: { sends: [{ topic: "post", command: "Pack" }], status: "completed" }
        "#,
    )
    .await;
    let lines: Vec<String> = failed[0].comparison.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "  - expected Pack to post",
            r#"  + found    Pack to parcels {"grams":0,"parcel":"1"}"#,
            "  - expected the saga is completed",
            "  + found    the saga is running",
        ]
    );
}

#[tokio::test]
async fn a_step_whose_data_cannot_be_made_begins_the_way_back() {
    let failed = failures(
        r#"
        [scenarios.without_a_kind]
        given: [{ type: "Asked", data: { parcel: "1", kind: "heavy" } }]
        when: { type: "Weighed", data: { parcel: "1" } }
        then: { sends: [{ command: "Tell", data: { parcel: "1", news: "weigh: `event.data` has no field `grams`", kind: "heavy" } }] }
        "#,
    )
    .await;
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test]
async fn time_passes_in_a_scenario() {
    let failed = failures(
        r#"
        [scenarios.before_its_time_nothing_happens]
        given: [{ type: "Asked", data: { parcel: "1", kind: "light" } }]
        when: { after: "59m" }
        then: { sends: [], status: "running" }

        [scenarios.a_step_that_takes_too_long_begins_the_way_back]
        given: [{ type: "Asked", data: { parcel: "1", kind: "light" } }]
        when: { after: "1h" }
        then: { sends: [{ command: "Unpack", data: { parcel: "1" } }], status: "compensating" }

        [scenarios.time_that_passed_before_counts]
        given: [{ type: "Asked", data: { parcel: "1", kind: "light" } }, { after: "30m" }, { after: "29m" }]
        when: { after: "1m" }
        then: { sends: [{ command: "Unpack" }] }

        [scenarios.the_time_of_a_step_counts_from_its_beginning]
        given: [{ type: "Asked", data: { parcel: "1", kind: "heavy" } }, { after: "59m" }
                { type: "Weighed", data: { parcel: "1", grams: 9 } }]
        when: { after: "59m" }
        then: { sends: [], status: "running" }

        [scenarios.what_came_in_time_is_too_late_for_a_timeout]
        given: [{ type: "Asked", data: { parcel: "1", kind: "light" } }, { after: "1h" }]
        when: { type: "Packed", data: { parcel: "1" } }
        then: { sends: [], status: "compensating" }

        [scenarios.timers_run_out_one_after_the_other]
        given: [{ type: "Asked", data: { parcel: "1", kind: "light" } }
                { type: "Asked", data: { parcel: "2", kind: "heavy" } }, { after: "10m" }
                { type: "Asked", data: { parcel: "3", kind: "light" } }]
        when: { after: "70m" }
        then: { sends: [{ command: "Unpack", data: { parcel: "1" } }
                        { command: "Tell", data: { parcel: "2", news: "timeout: weigh", kind: "heavy" } }
                        { command: "Unpack", data: { parcel: "3" } }] }
        "#,
    )
    .await;
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test]
async fn what_is_sent_again_is_seen_and_too_many_timers_are_an_error() {
    let file = r#"
        [commands.Ring]
        stream: "'bell-' + command.id"
        emit: [{ type: "Rung", data: "command" }]
        [consumers.bells]
        topics: ["bells"]
        dispatch: "command"
        [sagas.bell]
        start: "Pressed"
        correlate: "event.data.id"
        steps: [{ name: "ring", send: { topic: "bells", command: "Ring", data: "{'id': saga.id}" }
                  done: "Rung", timeout: "1s", compensate: "none", retry: { attempts: 3, delay: "1s", factor: 1 } }]

        [events.Pressed]
        version: 1

        [scenarios.it_is_rung_again]
        given: [{ type: "Pressed", data: { id: "a" } }]
        when: { after: "10s" }
        then: { sends: [{ command: "Ring" }, { command: "Ring" }], status: "compensated" }
    "#;
    let reports = scenario::run(&app(file).await).await;
    assert!(reports.iter().all(|report| report.passed), "{reports:#?}");

    let pressed = (0..11).map(|id| format!("{{ type: \"Pressed\", data: {{ id: \"{id}\" }} }}"));
    let pressed = pressed.collect::<Vec<_>>().join("\n");
    let endless = file.replace("attempts: 3", "attempts: 1000").replace("after: \"10s\"", "after: \"30d\"");
    let endless = endless.replace("{ type: \"Pressed\", data: { id: \"a\" } }", &pressed);
    let reports = scenario::run(&app(&endless).await).await;
    let failed = reports[0].failed.as_deref().unwrap_or_default();
    assert!(failed.contains("more than 10000 timers run out in that time"), "{reports:#?}");
}

#[test]
fn of_time_only_what_sagas_do_can_be_expected() {
    let found = mistakes(
        r#"
        [commands.Open]
        stream: "'door-' + command.id"
        [scenarios.events_of_time]
        when: { after: "1s" }
        then: []
        [scenarios.rows_of_time]
        when: { after: "1s" }
        then: { rows: { doors: [] } }
        [scenarios.time_for_nobody]
        given: [{ after: "1s" }]
        when: { command: "Open", data: { id: "1" } }
        then: []
        [scenarios.not_a_time]
        when: { after: "soon" }
        then: { sends: [] }
        "#,
        &Registered::default(),
    );
    let has = |text: &str| found.iter().filter(|line| line.contains(text)).count();
    assert_eq!(has("of time that passes, messages of sagas are expected"), 2, "{found:#?}");
    assert_eq!(has("time passes for sagas alone"), 1, "{found:#?}");
    assert_eq!(found.len(), 4, "{found:#?}");
}

#[test]
fn mistakes_are_said_at_their_place() {
    let found = mistakes(
        r#"
        [sagas.a-b]
        start: "A"
        correlate: "event.data.id + saga.id"
        steps: [{ name: "s", send: { topic: "$t", command: "C", data: "saga.ids" }, done: "$B", compensate: "nothing" }]
        on { C: { reason: "1" } }
        retry: 3
        "#,
        &Registered::default(),
    );
    let codes: Vec<&str> = found.iter().map(|line| line.split_once(": ").unwrap().1).collect();
    assert_eq!(codes.len(), 8, "{found:#?}");
    let has = |text: &str| assert!(found.iter().any(|line| line.contains(text)), "{text}: {found:#?}");
    has("can't be a saga's name");
    has("there is no `saga` here");
    has("did you mean `id`");
    has("nothing in \"sagas.a-b\" reads the key \"retry\"");
    has("\"sagas.a-b.on.C.then\" is required");
    has("\"nothing\" is not one of \"none\"");
}

#[tokio::test]
async fn a_class_is_code_that_the_program_registered() {
    let text = "[sagas.order]\nclass: \"orders.OrderSaga\"\n";
    let complete = Registered { complete: true, ..Registered::default() };
    let found = mistakes(text, &complete);
    assert!(found[0].contains("no saga named \"orders.OrderSaga\" is registered"), "{found:?}");
    let built = crate::world::with_file(trunkline::App::builder().store(trunkline::MemoryStore::new()), text)
        .build()
        .await;
    assert!(matches!(built, Err(BuildError::Install(_))));
}
