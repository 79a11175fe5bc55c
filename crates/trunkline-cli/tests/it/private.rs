//! What is nobody else's business: the files of a data folder, and passwords on a screen.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::folder::{Folder, files};

const FILE: &str = r#"
[commands.Add]
stream: "'t-' + command.id"
emit: [{ type: "Added", data: "command" }]
[commands.Note]
stream: "'t-' + command.id"
emit: [{ type: "Noted", data: "command" }]
[projections.rows]
schema: "CREATE TABLE rows (id TEXT PRIMARY KEY)"
on { Added: "INSERT INTO rows VALUES (:data.id)" }
[relay.out]
events: "Added"
topic: "added"
[sagas.s]
start: "Added"
correlate: "event.data.id"
steps: [{ name: "n", send: { topic: "w", command: "Note", data: "{'id': saga.id}" }, done: "Noted", timeout: "1s", compensate: "none" }]
[consumers.w]
topics: ["w"]
dispatch: "command"
"#;

/// Goal: whatever the umask, nobody but their owner reads events, messages, rows, checkpoints and backups.
#[test]
fn what_is_made_can_be_read_by_its_owner_alone() {
    let folder = Folder::new();
    folder.write("app.tsk", FILE);
    folder.write("c.jsonl", "{\"command\":\"Add\",\"id\":\"a\",\"data\":{\"id\":\"1\"}}\n");
    let script = "umask 000; \"$TL\" run app.tsk --commands c.jsonl -q && \"$TL\" query app.tsk x -q; \
                  \"$TL\" sql app.tsk 'SELECT * FROM rows' -q && \"$TL\" backup app.tsk --to copy -q && \
                  \"$TL\" export --store log:data/events > /dev/null";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).current_dir(folder.path("")).env("TL", env!("CARGO_BIN_EXE_trunkline"));
    for variable in ["EVENT_STORE_DSN", "QUEUE_DSN", "READ_DB_DSN", "TRUNKLINE_DATA"] {
        shell.env_remove(variable);
    }
    let ran = shell.output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    for made in ["data", "copy"] {
        assert_eq!(mode(&folder.path(made)), 0o700, "{made}");
        let files = files(&folder.path(made));
        assert!(files.len() >= 4, "{files:?}");
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
            assert_eq!(mode(file.parent().unwrap()), 0o700, "{}", file.display());
        }
    }
}

/// Goal: no screen, log or bug report shows a password because it was in a file or in the environment.
#[test]
fn passwords_are_not_shown() {
    let folder = Folder::new();
    folder.write(
        "app.tsk",
        "$p: @env(\"DB_PASSWORD\")\n[event_store]\ndsn: \"postgres://u:hunter2@h/db\"\npassword: \"hunter2\"\n\
         [message_queue]\ndsn: \"redis://u:${p}@h\"\nusername: @env(\"WHO\")\npassword: @env(\"P\")\n\
         [relay.out]\ntopic: \"t\"\nkey: \"event.data.id\"\n",
    );
    let run = |words: &str| {
        let mut command = folder.command(words);
        command.env("DB_PASSWORD", "s3cr3t").env("WHO", "alice").env("P", "hunter2");
        let ran = command.output().unwrap();
        [ran.stdout, ran.stderr].map(|shown| String::from_utf8(shown).unwrap()).concat()
    };
    for words in [
        "check app.tsk",
        "check app.tsk --format json",
        "config app.tsk",
        "doctor app.tsk",
        "state app.tsk a-1",
    ] {
        let shown = run(words);
        assert!(
            !shown.is_empty() && !shown.contains("hunter2") && !shown.contains("s3cr3t"),
            "{words}: {shown}"
        );
    }
    let config = run("config app.tsk");
    for there in ["postgres://u:***@h/db", "\"password\":\"***\"", "alice", "\"key\":\"event.data.id\""] {
        assert!(config.contains(there), "{there}: {config}");
    }
}
