//! Full-text search: a projection whose table is an index of words is asked, rebuilt, compared and tested like any other.

use crate::folder::Folder;

const FILE: &str = r#"
[aggregates.t]
[commands.Add]
stream: "'t-' + command.id"
emit: [{ type: "Added", data: "command" }]
[events.Changed]
[projections.texts]
schema: "CREATE VIRTUAL TABLE t USING fts5(id UNINDEXED, words)"
on {
  Added: "INSERT INTO t (id, words) VALUES (:data.id, :data.words)"
  Changed: "UPDATE t SET words = :data.words WHERE id = :data.id"
}
[queries.Find]
sql: "SELECT id, snippet(t, 1, '[', ']', '', 5) AS found FROM t WHERE t MATCH :q ORDER BY rank"
[scenarios.words]
when: { type: "Added", data: { id: "1", words: "hello world" } }
then: { rows: { t: [{ id: "1", words: "hello world" }] } }
"#;

#[test]
fn words_are_found_by_queries_of_the_file_and_of_the_moment() {
    let folder = Folder::new();
    folder.write("app.tsk", FILE);
    assert_eq!(folder.run("check app.tsk").exit, 0);
    assert_eq!(folder.run("test app.tsk").exit, 0);
    for (id, words) in [("1", "hello world"), ("2", "other words")] {
        let data = format!("{{\"id\":\"{id}\",\"words\":\"{words}\"}}");
        assert_eq!(folder.run(&format!("dispatch app.tsk Add --data '{data}'")).exit, 0);
    }
    let found = |words: &str| {
        let ran = folder.run(&format!("{words} --format json"));
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{words}: {ran:?}");
        ran.stdout.trim_end().to_owned()
    };
    let find = "query app.tsk Find --params '{\"q\":\"hello OR words\"}'";
    assert_eq!(found(find), r#"[{"id":"1","found":"[hello] world"},{"id":"2","found":"other [words]"}]"#);
    let changed = "append t-1 --type Changed --data '{\"id\":\"1\",\"words\":\"good bye\"}' -q";
    assert_eq!(folder.run(changed).exit, 0);
    // With what there was to apply, and again by a reader that was there before.
    assert_eq!(found(find), r#"[{"id":"2","found":"other [words]"}]"#);
    // The text is `by*`.
    assert_eq!(
        found("sql app.tsk 'SELECT id FROM texts.t WHERE words MATCH char(98, 121, 42)'"),
        r#"[{"id":"1"}]"#
    );
    assert_eq!(
        found("query app.tsk Find --stale --params '{\"q\":\"goo*\"}'"),
        r#"[{"id":"1","found":"[good] bye"}]"#
    );
    // Rows are compared, and not those that the index keeps for itself.
    let verified = folder.run("projection verify app.tsk");
    assert_eq!(verified.stdout, "texts: 2 rows as the events make them, up to position 3\n", "{verified:?}");
    assert_eq!(folder.run("projection rebuild app.tsk texts").exit, 0);
    assert_eq!(found(find), r#"[{"id":"2","found":"other [words]"}]"#);
    assert_eq!(folder.run("run app.tsk").exit, 0);
    // What nothing but the index keeps is no table of the projection.
    let ran = folder.run("sql app.tsk 'SELECT * FROM t_data'");
    assert!(ran.exit == 1 && ran.stderr.contains("no such table: t_data; there is `t`"), "{ran:?}");
    for writing in ["DELETE FROM t", "PRAGMA data_version = 3", "PRAGMA journal_mode"] {
        let ran = folder.run(&format!("sql app.tsk '{writing}'"));
        assert_ne!(ran.exit, 0, "{writing}: {ran:?}");
    }
}
