//! Scenarios: those that hold pass, and those that don't say where the two sides part.

use trunkline::scenario;

use crate::world::app;

#[tokio::test]
async fn a_difference_is_shown_side_by_side() {
    let app = app(r#"
        [commands.Open]
        stream: "'door-' + command.id"
        require: [{ that: "version < 2", else: "it is worn out" }]
        emit: [{ type: "Opened", data: "command" }, { type: "Shut", data: "{}" }]

        [scenarios.right]
        when: { command: "Open", data: { id: "a" } }
        then: [{ type: "Opened", data: { id: "a" } }, { type: "Shut", stream: "door-a" }]

        [scenarios.other_events]
        when: { command: "Open", data: { id: "a" } }
        then: [{ type: "Opened", data: { id: "b" } }, { type: "Shut" }, { type: "Locked" }]

        [scenarios.rejected_instead]
        given: [{ type: "Opened" }, { type: "Shut" }]
        when: { command: "Open", data: { id: "a" } }
        then: [{ type: "Opened" }]

        [scenarios.accepted_instead]
        when: { command: "Open", data: { id: "a" } }
        then: { rejected: "it is worn out" }

        [scenarios.another_reason]
        given: [{ type: "Opened" }, { type: "Shut" }]
        when: { command: "Open", data: { id: "a" } }
        then: { rejected: "it is locked" }

        [scenarios.a_history_that_cannot_be]
        given: [{ command: "Open", data: {} }]
        when: { command: "Open", data: { id: "a" } }
        then: []
    "#);
    let shown: Vec<String> = scenario::run(&app)
        .await
        .into_iter()
        .map(|report| {
            let lines: Vec<String> = report.comparison.iter().map(ToString::to_string).collect();
            let failed = report.failed.unwrap_or_default();
            format!("{} {}{}{failed}", report.name, report.passed, lines.concat())
        })
        .collect();
    assert_eq!(
        shown,
        [
            "right true",
            r#"other_events false  - expected Opened {"id":"b"}  + found    Opened {"id":"a"}  = Shut {}  - expected Locked"#,
            "rejected_instead false  - expected Opened  + found    rejected: it is worn out",
            r#"accepted_instead false  - expected rejected: it is worn out  + found    Opened {"id":"a"}  + found    Shut {}"#,
            "another_reason false  - expected rejected: it is locked  + found    rejected: it is worn out",
            "a_history_that_cannot_be falsethe given command Open was rejected: `command` has no field `id`",
        ]
    );
}
