//! Output in general: readers that go away, and help.

use crate::folder::{Folder, Ran, cloud_events};

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = Folder::with_events(&cloud_events(5000, 7));
    for command in ["export", "read --all", "read --all --format json", "streams --format json"] {
        let mut running = folder.start(&format!("{command} --store log:a -q"));
        assert_ne!(running.printed(), "", "{command}");
        assert_eq!(running.end_unread().outcome(), "", "{command}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let folder = Folder::with_events(&cloud_events(5, 1));
    let mut command = folder.command("export --store log:a -q");
    command.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: writing to standard output: No space left on device"), "{stderr}");
}

#[test]
fn the_version_is_printed() {
    let ran = Folder::new().run("--version");
    assert_eq!(ran.outcome(), concat!("trunkline ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_command_that_does_not_exist_is_a_mistake_with_a_suggestion() {
    let ran = Folder::new().run("reed");
    assert_eq!(ran.exit, 2, "{ran:?}");
    assert!(ran.stderr.contains("a similar subcommand exists: 'read'"), "{ran:?}");
    let ran = Folder::new().run("");
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "help is talk when nothing was asked for: {ran:?}");
}

#[test]
fn times_are_those_of_the_machine_where_that_is_asked_for() {
    let folder = Folder::with_events(&cloud_events(1, 1));
    for (words, wanted) in [("", "2010-12-01T08:26:00Z"), ("--local", "2010-12-01T05:26:00-03:00")] {
        let mut command = folder.command(&format!("read --all --store log:a {words}"));
        command.env("TZ", "XYZ3");
        let ran = Ran::of(command);
        assert!(ran.stdout.contains(wanted), "{words}: {ran:?}");
    }
    let mut command = folder.command("read --all --store log:a --format json --local");
    command.env("TZ", "XYZ3");
    let ran = Ran::of(command);
    assert!(ran.stdout.contains("2010-12-01T08:26:00.000000Z"), "programs get UTC: {ran:?}");
}

#[test]
fn nothing_is_cut_or_coloured_in_a_pipe() {
    let folder = Folder::new();
    let names: Vec<String> = (0..9).map(|n| format!("SomethingHappened{n}")).collect();
    let on: Vec<String> = names.iter().map(|name| format!("{name}: \"DELETE FROM t\"")).collect();
    folder.write(
        "app.tsk",
        format!("[projections.p]\nschema: \"CREATE TABLE t (a TEXT)\"\non {{ {} }}\n", on.join(", ")),
    );
    let ran = folder.run("projection list app.tsk");
    assert!(ran.stdout.contains(&names.join(", ")) && !ran.stdout.contains('\u{1b}'), "{ran:?}");
}
