//! Which store: the flag, the environment, the default; and stores that are missing or in use.

use std::io::Write as _;

use crate::folder::{Folder, Ran, cloud_event};

#[test]
fn a_command_that_writes_says_where_and_who_said_so() {
    let folder = Folder::new();
    let says = |flag: &str, variables: &[(&str, &str)]| {
        let mut command = folder.command(&format!("append a-1 --type T --data 1 {flag}"));
        command.envs(variables.iter().copied());
        let ran = Ran::of(command);
        assert_eq!(ran.exit, 0, "{ran:?}");
        ran.stderr.trim_end().to_owned()
    };
    assert_eq!(says("", &[]), "store log:./data/events (default)");
    let both = [("EVENT_STORE_DSN", "log:e"), ("TRUNKLINE_DATA", "d")];
    assert_eq!(
        says("", &both[1..]),
        format!("store log:{} (TRUNKLINE_DATA)", std::path::Path::new("d").join("events").display())
    );
    assert_eq!(says("", &both), "store log:e (EVENT_STORE_DSN)");
    assert_eq!(says("--store log:f", &both), "store log:f (--store)");
    assert_eq!(says("--store memory:", &both), "store memory: (--store)");
    assert_eq!(says("--quiet", &both), "");
    for path in ["data/events", "d/events", "e", "f"] {
        assert!(folder.path(path).is_dir(), "{path}");
    }
}

#[test]
fn what_is_no_store_is_a_mistake_in_the_command_line() {
    let folder = Folder::new();
    folder.check(
        "read a-1 --store postgres://ada:secret@host/events",
        "
        ! error: `postgres:` stores are not in this version of trunkline, which has only the embedded log
        ! hint: write log:PATH for the embedded log in a folder, such as log:./data/events
        exit code 2
        ",
    );
    folder.check(
        "stats --store ./data",
        "
        ! error: \"./data\" does not say which kind of store it is
        ! hint: for the embedded log in that folder, write log:./data
        exit code 2
        ",
    );
}

#[test]
fn a_store_that_is_missing_is_not_made_by_reading() {
    let folder = Folder::new();
    for command in ["read --all", "read a-1", "tail", "streams", "export", "verify", "stats", "backup --to b"]
    {
        let ran = folder.run(&format!("{command} --store log:a"));
        assert_eq!(
            ran.outcome(),
            "! error: there is no event store in a\n\
             ! hint: the first `trunkline append` or `trunkline import` with --store log:a makes it\n\
             exit code 4\n",
            "{command}"
        );
    }
    folder.check(
        "read --all",
        "
        ! error: there is no event store in ./data/events
        ! hint: the first `trunkline append` or `trunkline import` with --store log:./data/events makes it
        ! hint: the place comes from: default; --store names another
        exit code 4
        ",
    );
    assert!(std::fs::read_dir(folder.path("")).unwrap().next().is_none());
}

#[test]
fn a_store_in_use_is_read_but_not_written_by_another() {
    let folder = Folder::new();
    let mut import = folder.start("import - --store log:a");
    assert_eq!(import.said(), "store log:a (--store)");
    let ran = folder.run("append a-1 --type T --data 1 --store log:a");
    let owner = format!("process {} (trunkline import)", import.child.id());
    assert_eq!(
        ran.outcome(),
        format!(
            "! error: the event store in a is in use by {owner}\n\
             ! hint: one process at a time appends; stop that one, or wait until it has ended\n\
             ! hint: read, tail, streams, export, verify, stats, backup, query, sql and state work beside it\n\
             exit code 1\n"
        )
    );
    for command in ["read --all", "streams", "export", "verify", "stats", "backup --to b"] {
        let ran = folder.run(&format!("{command} --store log:a"));
        assert_eq!(ran.exit, 0, "{command}: {ran:?}");
    }
    import.stdin.as_mut().unwrap().write_all(cloud_event(1, "a-1", "T").as_bytes()).unwrap();
    assert_eq!(import.end().outcome(), "1 new, 0 already there\n");
    assert_eq!(folder.run("append a-1 --type T --data 1 --expected 1 --store log:a").exit, 0);
}

#[test]
fn a_store_in_memory_lasts_as_long_as_the_command() {
    let folder = Folder::new();
    folder.write("e.jsonl", cloud_event(1, "a-1", "T"));
    folder.check("import e.jsonl --store memory: -q", "1 new, 0 already there");
    folder.check(
        "read a-1 --store memory:",
        "
        ! error: stream `a-1` has no events
        exit code 4
        ",
    );
    folder.check(
        "restore --from b --store memory: -q",
        "
        ! error: restoring is not possible with this kind of store: it is gone with the command; restore to log:PATH
        exit code 1
        ",
    );
}
