//! Scenarios: those that hold pass, and those that don't say where the two sides part.

use trunkline::{App, Registered, scenario};

use crate::world::{app, mistakes};

/// How each scenario went, in a line.
async fn shown(app: &App) -> Vec<String> {
    let reports = scenario::run(app).await.into_iter().map(|report| {
        let lines: Vec<String> = report.comparison.iter().map(ToString::to_string).collect();
        let failed = report.failed.unwrap_or_default();
        format!("{} {}{}{failed}", report.name, report.passed, lines.concat())
    });
    reports.collect()
}

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
    "#)
    .await;
    assert_eq!(
        shown(&app).await,
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

const DOORS: &str = r#"
[commands.Open]
stream: "'door-' + command.id"
require: [{ that: "version < 3", else: "it is worn out" }]
emit: [{ type: "Opened", data: "command" }]

[events.Opened]
version: 2
upcast: [{ from: 1, steps: [{ rename: { door: "id" } }] }]

[projections.doors]
schema: """
  CREATE TABLE doors (id TEXT PRIMARY KEY, opened INTEGER NOT NULL CHECK (opened < 3), last TEXT NOT NULL);
  CREATE VIEW worn AS SELECT id FROM doors WHERE opened > 1
"""
on { Opened: "INSERT INTO doors VALUES (:data.id, 1, :occurred_at) ON CONFLICT DO UPDATE SET opened = opened + 1" }

[projections.seen]
schema: "CREATE TABLE doors (id TEXT PRIMARY KEY)"
on { Opened: "INSERT OR IGNORE INTO doors VALUES (:data.id)" }
"#;

#[tokio::test]
async fn rows_that_projections_make_are_expected_and_shown() {
    let scenarios = r#"
        [scenarios.right]
        given: [{ type: "Opened", version: 1, data: { door: "a" } }, { type: "Opened", data: { id: "b" } }]
        when: { command: "Open", data: { id: "a" } }
        then: { rows: { doors.doors: [{ id: "b", opened: 1 }, { id: "a", Opened: 2 }], worn: [{ id: "a" }] } }

        [scenarios.of_an_event]
        when: { type: "Opened", data: { id: "a" } }
        then: { rows: { seen.doors: [{ id: "a" }], worn: [] } }

        [scenarios.other_rows]
        given: [{ type: "Opened", data: { id: "b" } }]
        when: { command: "Open", data: { id: "a" } }
        then: { rows: { doors.doors: [{ id: "a", opened: 2 }, { id: "b", opened: 1 }] } }

        [scenarios.rejected_instead]
        given: [{ type: "Opened", data: { id: "a" } }, { type: "Opened", data: { id: "a" } }, { type: "Other" }]
        when: { command: "Open", data: { id: "a" } }
        then: { rows: { worn: [{ id: "a" }] } }

        [scenarios.an_event_that_fails]
        given: [{ type: "Opened", data: { id: "a" }, stream: "x-1" }, { type: "Opened", data: { id: "a" }, stream: "x-1" }]
        when: { command: "Open", data: { id: "a" } }
        then: { rows: { worn: [{ id: "a" }] } }
    "#;
    let wanted = [
        "right true",
        "of_an_event true",
        r#"other_rows false  = doors.doors {"id":"b","opened":1}  - expected doors.doors {"id":"a","opened":2}  + found    doors.doors {"id":"a","opened":1}"#,
        "rejected_instead false  + found    rejected: it is worn out",
    ];
    let app = app(&format!("{DOORS}{scenarios}")
        .replace("doors.doors:", "\"doors.doors\":")
        .replace("seen.doors:", "\"seen.doors\":"))
    .await;
    let found = shown(&app).await;
    assert_eq!(found[..4], wanted);
    let failed = "an_event_that_fails false`doors` stops: the Opened at position 3 failed: CHECK constraint failed: opened < 3";
    assert!(found[4].starts_with(failed), "{}", found[4]);
}

#[test]
fn tables_and_columns_that_there_are_not_are_said_where_they_stand() {
    let said = |rows: &str| {
        let then =
            format!("{DOORS}\n[scenarios.one]\nwhen: {{ type: \"Opened\" }}\nthen: {{ rows: {rows} }}\n");
        mistakes(&then, &Registered { complete: true, ..Registered::default() })
    };
    assert_eq!(
        said("{ worm: [] }"),
        [r#"line 24 col 17: no projection has a table "worm"; did you mean "worn"?"#]
    );
    assert_eq!(said("{ doors: [] }"), [r#"line 24 col 17: several projections have a table "doors""#]);
    assert_eq!(
        said(r#"{ "seen.doors": [{ id: "a", opend: 1 }] }"#),
        [r#"line 24 col 43: the table "doors" has no column "opend""#]
    );
    assert_eq!(
        said(r#"{ "doors.doors": [{ opend: 1 }] }"#),
        [r#"line 24 col 35: the table "doors" has no column "opend"; did you mean "opened"?"#]
    );
    assert_eq!(said(r#"{ "doors.doors": { id: "a" } }"#).len(), 1);
}
