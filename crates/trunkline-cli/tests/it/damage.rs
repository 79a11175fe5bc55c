//! The fault matrix: every file of a data folder, each kind of harm, every verb that reads it.
//!
//! Goal: damage is never silence. Method: a folder in which everything has happened is copied, one file is harmed, and a
//! command is run. It answers as from the whole folder, or fails and says which file or place is damaged and what to do.
//! Where something else is right, `EXCUSED` says what and why. With `TRUNKLINE_SLOW=1` all cells are tried, else some.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::folder::{Folder, Ran, files};
use crate::random::{Random, slow};

const SYSTEM: &str = include_str!("../../../../examples/orders/orders.tsk");
const COMMANDS: &str = include_str!("../../../../examples/orders/commands.jsonl");

/// What the order system lacks: a relay, and dead letters.
const MORE: &str = r#"
[relay.out]
events: ["OrderConfirmed"]
topic: "out"

[consumers.refuses]
topics: ["out"]
webhook: "http://127.0.0.1:9/none"
retry: { max_attempts: 1 }
"#;

/// The verbs that read what is stored.
const VERBS: [(&str, &str); 8] = [
    ("doctor", "doctor orders.tsk"),
    ("verify", "verify --store log:data/events"),
    ("read", "read --all --store log:data/events"),
    ("backward", "read --all --backward --limit 3 --store log:data/events"),
    ("query", "query orders.tsk OrdersByStatus"),
    ("saga list", "saga list orders.tsk"),
    ("dlq list", "dlq list --each --queue embedded:data/queue"),
    ("run", "run orders.tsk --commands more.jsonl --quiet"),
];

/// How many places of a file are flipped, one at a time.
const FLIPS: usize = 4;

/// Cells whose outcome is another: the beginning of the file's path, the kind of harm, and why it is right so. A command
/// may then answer otherwise; that it panics is never right.
const EXCUSED: [(&str, &str, &str); 6] = [
    (
        "data/read.",
        "remove",
        "without its registry there are no read models until they are made anew, and doctor says that they wait",
    ),
    (
        "data/events.checkpoints/",
        "remove",
        "without its checkpoint a reader has all of the log before it, and doctor says that nobody reads it",
    ),
    (
        "data/read.",
        "flip",
        "rows of read models are the application's own, without checksums: `projection verify` compares them",
    ),
    ("data/read.", "swap", "the registry or a model of another data folder is a whole one, of another store"),
    ("data/queue/", "swap", "the whole queue of another folder is a whole one"),
    (
        "data/queue/",
        "truncate",
        "a queue whose last segment is cut off is taken for one whose process was killed",
    ),
];

/// Words of which what to do has one.
const REMEDIES: [&str; 7] = [
    "`trunkline ",
    "trunkline projection rebuild",
    "remove",
    "rebuild",
    "restore",
    "move it away",
    "made anew",
];

/// A kind of harm.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Flip(usize),
    Truncate(usize),
    Remove,
    /// In its place is the same file of another folder.
    Swap,
}

impl Harm {
    fn kind(self) -> &'static str {
        match self {
            Self::Flip(_) => "flip",
            Self::Truncate(_) => "truncate",
            Self::Remove => "remove",
            Self::Swap => "swap",
        }
    }
}

/// A file as it was: its path in the folder, its length, and its bytes without the zeros at its end.
struct Kept {
    path: String,
    len: u64,
    bytes: Vec<u8>,
}

impl Kept {
    /// Puts it back: only what is not zero takes room on the disk.
    fn put(&self, folder: &Path) {
        let path = folder.join(&self.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = File::create(path).unwrap();
        file.set_len(self.len).unwrap();
        file.write_all_at(&self.bytes, 0).unwrap();
    }

    fn harms(&self, random: &mut Random, others: &[Self]) -> Vec<Harm> {
        let mut harms = vec![Harm::Remove];
        let places: Vec<usize> = (0..self.bytes.len()).filter(|at| self.bytes[*at] != 0).collect();
        if !places.is_empty() {
            harms.extend((0..FLIPS).map(|_| Harm::Flip(places[random.below(places.len() as u64) as usize])));
            harms.push(Harm::Truncate(self.bytes.len() / 2));
        }
        if others.iter().any(|other| other.path == self.path) {
            harms.push(Harm::Swap);
        }
        harms
    }
}

/// A folder in which orders were placed, sagas ran, messages were relayed and died, and all of it was projected.
fn furnished(orders: usize) -> Folder {
    let folder = Folder::new();
    folder.write(
        "orders.tsk",
        format!("{}{MORE}", SYSTEM.replace("[aggregates.order]", "[aggregates.order]\nsnapshot_every: 1")),
    );
    let mut lines = COMMANDS.split_inclusive('\n');
    folder.write("commands.jsonl", lines.by_ref().take(orders).collect::<String>());
    folder.write("more.jsonl", lines.take(3).collect::<String>());
    let ran = folder.run("run orders.tsk --commands commands.jsonl --quiet");
    assert!(ran.stdout.contains("dead"), "{ran:?}");
    folder
}

fn kept(folder: &Folder) -> Vec<Kept> {
    let root = folder.path("");
    let kept = |path: PathBuf| {
        let mut bytes = fs::read(&path).unwrap();
        let len = bytes.len() as u64;
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        bytes.truncate(end);
        Kept { path: path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(), len, bytes }
    };
    files(&folder.path("data")).into_iter().map(kept).collect()
}

/// Runs a verb in a folder of its own with these files, of which one is harmed.
fn outcome(kept: &[Kept], app: &Folder, harmed: Option<(&Kept, Harm, &[Kept])>, words: &str) -> Ran {
    let folder = Folder::new();
    for name in ["orders.tsk", "more.jsonl"] {
        fs::copy(app.path(name), folder.path(name)).unwrap();
    }
    for file in kept {
        file.put(&folder.path(""));
    }
    if let Some((file, harm, others)) = harmed {
        let path = folder.path(&file.path);
        match harm {
            Harm::Flip(at) => {
                let opened = File::options().write(true).open(path).unwrap();
                opened.write_all_at(&[file.bytes[at] ^ (1 << (at % 8))], at as u64).unwrap();
            }
            Harm::Truncate(len) => {
                File::options().write(true).open(path).unwrap().set_len(len as u64).unwrap();
            }
            Harm::Remove => fs::remove_file(path).unwrap(),
            Harm::Swap => others.iter().find(|other| other.path == file.path).unwrap().put(&folder.path("")),
        }
    }
    folder.run(&format!("{words} --format json"))
}

/// What an outcome says of what is stored, without what differs each time.
fn said(verb: &str, ran: &Ran) -> Value {
    let lines = || ran.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let without = |mut line: Value, names: &[&str]| {
        for name in names {
            drop(line.as_object_mut().map(|fields| fields.remove(*name)));
        }
        line
    };
    let said: Vec<Value> = match verb {
        "doctor" => {
            let checks = lines().next().map(|report| report["checks"].clone());
            let each = |check: &Value| serde_json::json!([check["name"], check["state"]]);
            checks.iter().filter_map(Value::as_array).flatten().map(each).collect()
        }
        "run" => lines().map(|line| serde_json::json!([line["commands"], line["events"]])).collect(),
        "saga list" => lines().map(|line| without(line, &["age"])).collect(),
        "dlq list" => lines().map(|line| without(line, &["age", "waited"])).collect(),
        _ => lines().collect(),
    };
    serde_json::json!([ran.exit, said])
}

/// Whether a failure names the file or its place, and in the same breath what to do.
fn explains(file: &str, verb: &str, ran: &Ran) -> bool {
    let name = file.rsplit('/').next().unwrap();
    // A read model's place is its projection, and a checkpoint's its reader.
    let model = name.strip_prefix("read.").and_then(|rest| rest.split('.').next());
    let place = model.or(name.strip_suffix(".checkpoint.json")).map(|place| format!("`{place}`"));
    let is_named =
        |what: &str| has_word(what, name) || place.as_ref().is_some_and(|place| what.contains(place));
    let is_remedy = |text: &str| REMEDIES.iter().any(|remedy| text.contains(remedy));
    ran.exit != 0 && told(verb, ran).iter().any(|(what, remedy)| is_named(what) && is_remedy(remedy))
}

/// What is wrong, and what is said that can be done about it.
fn told(verb: &str, ran: &Ran) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let each = |value: &Value, what: &str| {
        let what = text(&value[what]);
        // Some errors say themselves what to do.
        let remedy = format!("{what}; {}{}", text(&value["remedy"]), text(&value["hint"]));
        (what, remedy)
    };
    let lines = |text: &str| text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let (reports, errors): (Vec<Value>, Vec<Value>) = (lines(&ran.stdout), lines(&ran.stderr));
    let mut told: Vec<_> = errors.iter().map(|error| each(&error["error"], "message")).collect();
    let found = |report: &Value, list: &str, what: &str| {
        let found = report[list].as_array().cloned().unwrap_or_default();
        found.iter().filter(|found| found["state"] != "ok").map(|found| each(found, what)).collect::<Vec<_>>()
    };
    match verb {
        "doctor" => told.extend(reports.iter().flat_map(|report| found(report, "checks", "says"))),
        "verify" => told.extend(reports.iter().flat_map(|report| found(report, "problems", "what"))),
        _ => {}
    }
    told
}

/// Whether a text has this word: `head` is not in `ahead`, nor `lock` in `blocked`.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let is_apart = |character: Option<char>| !character.is_some_and(char::is_alphanumeric);
        is_apart(text[..at].chars().next_back()) && is_apart(text[at + word.len()..].chars().next())
    })
}

#[test]
fn an_explanation_names_the_file_and_what_to_do_about_it() {
    let ran = |stdout: Value, stderr: Value| Ran {
        stdout: stdout.to_string(),
        stderr: stderr.to_string(),
        exit: 5,
    };
    let error = |error: &str, hint: Option<&str>| {
        ran(Value::Null, serde_json::json!({ "error": { "message": error, "hint": hint } }))
    };
    let verify = Some("`trunkline verify` says what is damaged");
    assert!(explains("data/events/head", "read", &error("the file head is damaged", verify)));
    assert!(!explains("data/events/head", "read", &error("`out` is ahead of the log", verify)));
    assert!(!explains("data/events/lock", "read", &error("it is blocked", verify)));
    assert!(!explains("data/events/head", "read", &error("the file head is damaged", None)));
    let checks = |remedy: &str| {
        serde_json::json!({ "checks": [
            { "name": "events", "state": "bad", "says": "head is damaged", "remedy": remedy },
            { "name": "sagas", "state": "bad", "says": "1 waits", "remedy": "`trunkline run app.tsk`" },
        ]})
    };
    assert!(explains("data/events/head", "doctor", &ran(checks("restore it"), Value::Null)));
    assert!(
        !explains("data/events/head", "doctor", &ran(checks("oh dear"), Value::Null)),
        "of another's remedy"
    );
}

#[test]
fn damage_is_never_silence() {
    let (folder, other) = (furnished(14), furnished(9));
    let (whole, others) = (kept(&folder), kept(&other));
    let answers = VERBS.map(|(verb, words)| said(verb, &outcome(&whole, &folder, None, words)));
    let mut random = Random::new(16);
    let mut cells = Vec::new();
    for file in &whole {
        for harm in file.harms(&mut random, &others) {
            cells.extend((0..VERBS.len()).map(|verb| (file, harm, verb)));
        }
    }
    // So that each kind meets each verb somewhere.
    let step = if slow() { 1 } else { 29 };
    let (mut tried, mut excused, mut wrong) = (0, 0, 0);
    for (file, harm, verb) in cells.iter().step_by(step) {
        let (name, words) = VERBS[*verb];
        let ran = outcome(&whole, &folder, Some((file, *harm, &others)), words);
        tried += 1;
        let panicked = ran.exit == 101 || ran.stderr.contains("panicked");
        if !panicked && (said(name, &ran) == answers[*verb] || explains(&file.path, name, &ran)) {
            continue;
        }
        let is_excused =
            |(path, kind, _): &&(&str, &str, &str)| file.path.starts_with(path) && harm.kind() == *kind;
        if !panicked && EXCUSED.iter().any(|excuse| is_excused(&excuse)) {
            excused += 1;
            continue;
        }
        // At once: a matrix in full takes minutes.
        println!("{} {harm:?} {name}: exit {}\n{}{}", file.path, ran.exit, ran.stdout, ran.stderr);
        wrong += 1;
    }
    println!("{tried} of {} cells, of which {excused} are excused", cells.len());
    assert_eq!(wrong, 0, "so many of {tried} cells are wrong");
}
