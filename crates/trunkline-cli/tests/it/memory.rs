//! `memory:` means memory everywhere: a throw-away application leaves nothing behind.

use crate::folder::{Folder, files};

const MEMORY: &str = r#"
[event_store]
dsn: "memory:"
[message_queue]
dsn: "memory:"
"#;

const ROWS: &str = r#"
[commands.Add]
stream: "'t-' + command.id"
emit: [{ type: "Added", data: "command" }]
[projections.rows]
schema: "CREATE TABLE rows (id TEXT PRIMARY KEY)"
on { Added: "INSERT INTO rows VALUES (:data.id)" }
[laws.every_row_is_there]
says: "there is one row"
breaches: "SELECT COUNT(*) AS rows FROM rows HAVING COUNT(*) <> 1"
"#;

const RUN: &str = "run app.tsk --commands c.jsonl --quiet --format json";

fn with_command(text: &str) -> Folder {
    let folder = Folder::new();
    folder.write("app.tsk", text);
    folder.write("c.jsonl", "{\"command\":\"Add\",\"id\":\"a\",\"data\":{\"id\":\"1\"}}\n");
    folder
}

fn names(folder: &Folder) -> Vec<String> {
    let root = folder.path("");
    let name = |file: &std::path::PathBuf| file.strip_prefix(&root).unwrap().display().to_string();
    files(&root).iter().map(name).collect()
}

#[test]
fn a_throw_away_application_writes_no_file() {
    let folder = Folder::new();
    assert_eq!(folder.run("init").exit, 0);
    let text = folder.text("app.tsk");
    folder.write("app.tsk", format!("{MEMORY}[read_db]\ndsn: \"memory:\"\n{text}"));
    for command in ["test app.tsk", "check app.tsk"] {
        let ran = folder.run(command);
        assert_eq!(ran.exit, 0, "{command}: {ran:?}");
        assert_eq!(names(&folder), ["app.tsk"], "{command}");
    }
    folder.write("app.tsk", format!("{MEMORY}[read_db]\ndsn: \"memory:\"\n{ROWS}"));
    for command in [
        "doctor app.tsk",
        "projection status app.tsk",
        "dispatch app.tsk Add --data '{\"id\":\"1\"}'",
        "sql app.tsk 'SELECT * FROM rows'",
    ] {
        let ran = folder.run(command);
        assert_eq!(ran.exit, 0, "{command}: {ran:?}");
        assert_eq!(names(&folder), ["app.tsk"], "{command}");
    }
}

/// Goal: rows of events that are gone are gone, too, so that every run is like the first.
#[test]
fn read_models_of_a_store_in_memory_are_in_memory_unless_the_file_says_otherwise() {
    let folder = with_command(&format!("{MEMORY}{ROWS}"));
    for _ in 0..2 {
        let ran = folder.run(RUN);
        assert_eq!(ran.exit, 0, "{ran:?}");
        assert!(ran.stdout.contains("\"accepted\":1"), "{ran:?}");
        assert_eq!(names(&folder), ["app.tsk", "c.jsonl"]);
    }
    // So are those of a store that the flag names.
    let folder = with_command(&format!("[message_queue]\ndsn: \"memory:\"\n{ROWS}"));
    let ran = folder.run(&format!("{RUN} --store memory:"));
    assert_eq!((ran.exit, names(&folder)), (0, vec!["app.tsk".to_owned(), "c.jsonl".to_owned()]), "{ran:?}");
    // What somebody names is taken.
    let folder = with_command(&format!("{MEMORY}[read_db]\ndsn: \"sqlite:read.db\"\n{ROWS}"));
    assert_eq!(folder.run(RUN).exit, 0);
    assert!(folder.path("read.db").is_file());
}

/// Goal: messages of sagas that are gone are gone, too; what somebody names is taken.
#[test]
fn a_queue_beside_a_store_in_memory_is_in_memory_unless_somebody_names_a_place() {
    let folder = with_command(&format!("[event_store]\ndsn: \"memory:\"\n{ROWS}"));
    let ran = folder.run(RUN);
    assert_eq!((ran.exit, names(&folder)), (0, vec!["app.tsk".to_owned(), "c.jsonl".to_owned()]), "{ran:?}");
    let ran = folder.run(&format!("{RUN} --queue embedded:data/queue"));
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert!(folder.path("data/queue").is_dir());
    assert!(!folder.path("data/read.db").exists());
}
