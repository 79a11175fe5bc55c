//! Places that can't be written, and read models that are damaged or gone: each command that meets one says where, why and
//! what to do, and what it says works as it is printed.
//!
//! Method: a folder in which everything has happened is made; something is done to it; a command is run and, where it
//! fails, what its error prints is done, word by word, and the command is run again. With `TRUNKLINE_SLOW=1` all cells are
//! tried, else some.

#[cfg(target_os = "linux")]
mod disk;

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::folder::{Folder, Ran};
use crate::random::slow;

/// An application with all that is stored: events, rows, messages, a dead letter, and a stuck saga.
const APP: &str = r#"
[aggregates.t]
[aggregates.n]
[commands.Add]
stream: "'t-' + command.id"
emit: [{ type: "Added", data: "command" }]
[commands.Note]
stream: "'n-' + command.id"
emit: [{ type: "Noted", data: "command" }]
[commands.Refuse]
stream: "'n-' + command.id"
require: [{ that: "command.id == 'never'", else: "no" }]
emit: [{ type: "Noted", data: "command" }]
[events.Undone]
[projections.rows]
schema: "CREATE TABLE rows (id TEXT PRIMARY KEY)"
on { Added: "INSERT INTO rows VALUES (:data.id)" }
[projections.others]
schema: "CREATE TABLE others (id TEXT PRIMARY KEY)"
on { Noted: "INSERT INTO others VALUES (:data.id)" }
[queries.Rows]
sql: "SELECT COUNT(*) FROM rows"
returns: "value"
[sagas.s]
start: "Added"
correlate: "event.data.id"
steps: [
  { name: "one", send: { topic: "w", command: "Note", data: "{'id': saga.id}" }, timeout: "1h",
    compensate: { send: { topic: "out", command: "Undo", data: "{'id': saga.id}" }, done: "Undone" } }
  { name: "two", send: { topic: "w", command: "Refuse", data: "{'id': saga.id}" }, timeout: "1h", compensate: "none" }
]
[consumers.w]
topics: ["w"]
dispatch: "command"
[consumers.bad]
topics: ["out"]
webhook: "http://127.0.0.1:9/none"
retry: { max_attempts: 1 }
"#;

/// A verb: what is typed, and what it prints when it is done.
struct Verb {
    words: &'static str,
    done: &'static str,
}

const fn verb(words: &'static str, done: &'static str) -> Verb {
    Verb { words, done }
}

/// What uses read models.
const OF_READ_MODELS: [Verb; 6] = [
    verb("run app.tsk --commands more.jsonl", "1 accepted"),
    verb("projection rebuild app.tsk rows", "rebuilt rows"),
    verb("query app.tsk Rows", "2\n"),
    verb("sql app.tsk 'SELECT COUNT(*) AS n FROM rows'", "2\n"),
    verb("query app.tsk Rows --stale", "1\n"),
    verb("projection status app.tsk", "others"),
];

/// What is done to a data folder, in words.
type Harm = (&'static str, fn(&Path));

/// What is done to the files of read models.
const HARMS: [Harm; 11] = [
    ("registry flipped", |data| flip(&data.join("read.db"))),
    ("registry cut off", |data| cut(&data.join("read.db"), 5_000)),
    ("registry empty", |data| cut(&data.join("read.db"), 0)),
    ("registry a text", |data| fs::write(data.join("read.db"), "a text").unwrap()),
    ("registry removed", |data| fs::remove_file(data.join("read.db")).unwrap()),
    ("registry a text, with its log", |data| {
        // As after a kill: what was not yet written back stays beside it.
        fs::copy(data.join("read.rows.1.db-wal"), data.join("read.db-wal")).unwrap();
        fs::write(data.join("read.db"), "a text").unwrap();
    }),
    ("generation flipped", |data| flip(&data.join("read.rows.1.db"))),
    ("generation cut off", |data| cut(&data.join("read.rows.1.db"), 5_000)),
    ("generation empty", |data| {
        remove_log(data);
        cut(&data.join("read.rows.1.db"), 0);
    }),
    ("generation a text", |data| {
        remove_log(data);
        fs::write(data.join("read.rows.1.db"), "a text").unwrap();
    }),
    ("generation removed", |data| {
        remove_log(data);
        fs::remove_file(data.join("read.rows.1.db")).unwrap();
    }),
];

fn flip(file: &Path) {
    File::options().write(true).open(file).unwrap().write_all_at(&[0xff; 4], 100).unwrap();
}

fn cut(file: &Path, len: u64) {
    File::options().write(true).open(file).unwrap().set_len(len).unwrap();
}

fn remove_log(data: &Path) {
    for end in ["wal", "shm"] {
        // It may be written back already.
        drop(fs::remove_file(data.join(format!("read.rows.1.db-{end}"))));
    }
}

/// A folder in which one `Added` was applied and a second one was appended since.
struct Furnished(Folder);

impl Furnished {
    fn new() -> Self {
        Self(furnished())
    }

    /// The same in a folder of its own.
    fn copy(&self) -> Folder {
        let folder = Folder::new();
        let ran = shell(&folder, &format!("cp -a '{}/.' .", self.0.path("").display()));
        assert_eq!(ran.exit, 0, "{ran:?}");
        folder
    }
}

fn furnished() -> Folder {
    let folder = Folder::new();
    folder.write("app.tsk", APP);
    let command =
        |id: &str| format!("{{\"command\":\"Add\",\"id\":\"c{id}\",\"data\":{{\"id\":\"{id}\"}}}}\n");
    folder.write("first.jsonl", command("1"));
    folder.write("more.jsonl", command("3"));
    folder.write("events.jsonl", crate::folder::cloud_event(9, "t-9", "Added") + "\n");
    let ran = folder.run("run app.tsk --commands first.jsonl");
    assert!(ran.stdout.contains("1 accepted") && ran.stdout.contains("1 stuck"), "{ran:?}");
    let ran = folder.run("dispatch app.tsk Add --data '{\"id\":\"2\"}'");
    assert_eq!(ran.exit, 0, "{ran:?}");
    folder
}

/// Whether a verb did what it is for; one whose sagas are stuck ends with 1 all the same.
fn is_done(verb: &Verb, ran: &Ran) -> bool {
    ran.stdout.contains(verb.done)
        && !ran.stderr.contains("\nhint: mv")
        && (ran.exit == 0 || verb.words.starts_with("run"))
}

/// What an error says can be typed: lines of hints, without what is said of them.
fn typed(ran: &Ran) -> Vec<String> {
    let hints = ran.stderr.lines().filter_map(|line| line.strip_prefix("hint: "));
    let commands = hints.filter(|hint| hint.starts_with("mv ") || hint.starts_with("trunkline "));
    commands.map(|hint| hint.split(" makes its rows").next().unwrap().to_owned()).collect()
}

/// Types a line into a shell that finds `trunkline`.
fn shell(folder: &Folder, line: &str) -> Ran {
    let binary = Path::new(env!("CARGO_BIN_EXE_trunkline")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(folder.path("")).env("PATH", path).stdin(Stdio::null());
    for variable in ["EVENT_STORE_DSN", "QUEUE_DSN", "READ_DB_DSN", "TRUNKLINE_DATA"] {
        shell.env_remove(variable);
    }
    Ran::of(shell)
}

#[test]
fn damaged_read_models_are_made_anew_as_the_error_says() {
    let furnished = Furnished::new();
    for (number, (harm, harming)) in HARMS.into_iter().enumerate() {
        // By default, each kind of harm meets two verbs, and each verb some kinds of harm.
        for verb in OF_READ_MODELS.into_iter().skip(if slow() { 0 } else { number % 3 }).step_by(if slow() {
            1
        } else {
            3
        }) {
            let folder = furnished.copy();
            harming(&folder.path("data"));
            let context = format!("{harm}, {}", verb.words);
            let mut ran = shell(&folder, &format!("trunkline {}", verb.words));
            if verb.words.ends_with("status app.tsk") && ran.exit == 0 {
                // It lists the others, and says of this one what is wrong.
                assert!(harm.starts_with("registry") || ran.stdout.contains("rebuild"), "{context}: {ran:?}");
                continue;
            }
            if !is_done(&verb, &ran) && verb.words.ends_with("--stale") && typed(&ran).is_empty() {
                // What is not there can't be read, and it is said what makes it.
                assert!(ran.stderr.contains("without it"), "{context}: {ran:?}");
                ran = shell(&folder, "trunkline query app.tsk Rows");
                assert_eq!((ran.exit, ran.stdout.as_str()), (0, "2\n"), "{context}: {ran:?}");
                continue;
            }
            if !is_done(&verb, &ran) {
                assert_eq!(ran.exit, 5, "{context}: {ran:?}");
                assert!(ran.stderr.contains("data/read."), "{context}: {ran:?}");
                let remedies = typed(&ran);
                assert_eq!(remedies.len(), 1, "{context}: {ran:?}");
                let done = shell(&folder, &remedies[0]);
                assert_eq!(done.exit, 0, "{context}: {remedies:?}: {done:?}");
            }
            // Whoever has no rows yet makes them.
            let ran = shell(&folder, "trunkline query app.tsk Rows");
            let rows = if verb.words.starts_with("run") && ran.stdout.contains('3') { "3\n" } else { "2\n" };
            assert_eq!((ran.exit, ran.stdout.as_str()), (0, rows), "{context}: {ran:?}");
            let again = shell(&folder, &format!("trunkline {}", verb.words));
            let done = if verb.words.ends_with("--stale") { Verb { done: "2\n", ..verb } } else { verb };
            assert!(
                is_done(&done, &again) || again.stdout.contains("each had its outcome before"),
                "{context}: {again:?}"
            );
        }
    }
}

/// Goal: a remedy is printed as it is typed, with the store that the command line named.
#[test]
fn a_remedy_names_the_store_of_the_command_line() {
    let folder = furnished();
    fs::rename(folder.path("data"), folder.path("d a")).unwrap();
    remove_log(&folder.path("d a"));
    fs::write(folder.path("d a/read.rows.1.db"), "a text").unwrap();
    let here = "READ_DB_DSN='sqlite:d a/read.db'";
    let ran = shell(&folder, &format!("{here} trunkline query app.tsk Rows --store 'log:d a/events'"));
    let remedy = "trunkline projection rebuild app.tsk --store 'log:d a/events' rows";
    assert_eq!(typed(&ran), [remedy], "{ran:?}");
    let json = shell(
        &folder,
        &format!("{here} trunkline query app.tsk Rows --store 'log:d a/events' --format json"),
    );
    assert!(json.stderr.contains(remedy), "{json:?}");
    assert_eq!(shell(&folder, &format!("{here} {remedy}")).exit, 0);
    // A name that a shell would take apart is quoted there, too.
    fs::write(folder.path("d a/read.db"), "a text").unwrap();
    let ran = shell(&folder, &format!("{here} trunkline query app.tsk Rows --store 'log:d a/events'"));
    assert_eq!(typed(&ran), ["mv 'd a/read.db' 'd a/read.db.damaged'"], "{ran:?}");
    assert_eq!(shell(&folder, &typed(&ran)[0]).exit, 0);
    let ran = shell(&folder, &format!("{here} trunkline query app.tsk Rows --store 'log:d a/events'"));
    assert_eq!(ran.outcome(), "2\n");
}
