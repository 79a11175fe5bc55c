//! One writer at a time on a real disk, whatever becomes of the file `lock`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use trunkline_log::disk::RealDisk;
use trunkline_log::{BackupError, Expected, Log, OpenError, Options};

use crate::draft::Draft;

/// Set for the process that is killed: the folder of the log.
const WRITER: &str = "TRUNKLINE_LOG_WRITER";

/// What is done to the file `lock`.
type Harm = fn(&Path);

fn open(path: &Path) -> Result<Log, OpenError> {
    Log::open(Arc::new(RealDisk::new(path)), Options::default())
}

fn append(log: &Log, number: u64) {
    let draft = Draft::one("a-1", Expected::Any, number, b"x");
    log.append_blocking(draft.encode(log)).expect("nothing is expected of the log");
}

#[cfg(unix)]
#[test]
fn a_lock_file_that_is_removed_or_replaced_lets_no_second_writer_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = open(&path).unwrap();
    append(&log, 1);
    let lock = path.join("lock");
    let harms: [(&str, Harm); 4] = [
        ("left", |_| ()),
        ("removed", |lock| fs::remove_file(lock).unwrap()),
        ("replaced", |lock| fs::write(lock, "nobody").unwrap()),
        ("a folder", |lock| {
            fs::remove_file(lock).unwrap();
            fs::create_dir(lock).unwrap();
        }),
    ];
    for (number, (what, harm)) in (2..).zip(harms) {
        harm(&lock);
        assert!(matches!(open(&path), Err(OpenError::InUse { .. })), "the lock file is {what}");
        append(&log, number);
    }
    fs::remove_dir(&lock).unwrap();
    log.close();
    assert_eq!(open(&path).unwrap().head(), 5, "it is free when its writer is closed");
}

/// The folder that is locked is then another one.
#[cfg(unix)]
#[test]
fn a_segment_that_is_written_to_is_locked_in_any_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("log"), folder.path().join("moved"));
    let log = open(&path).unwrap();
    append(&log, 1);
    fs::create_dir(&moved).unwrap();
    for file in fs::read_dir(&path).unwrap().map(Result::unwrap) {
        if file.file_type().unwrap().is_file() && file.file_name() != "lock" {
            fs::hard_link(file.path(), moved.join(file.file_name())).unwrap();
        }
    }
    assert!(matches!(open(&moved), Err(OpenError::InUse { .. })));
    log.close();
    assert_eq!(open(&moved).unwrap().head(), 1);
}

/// Not a test of its own: what the killed process does. Elsewhere it has nothing to do.
#[test]
fn writer() {
    let Ok(path) = std::env::var(WRITER) else { return };
    let log = open(Path::new(&path)).unwrap();
    append(&log, 1);
    println!("\nappended");
    // Until it is killed, or whoever would kill it has ended.
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    drop(log);
}

#[cfg(unix)]
#[test]
fn a_killed_writer_has_nothing_locked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "locked::writer", "--nocapture", "--test-threads=1"])
        .env(WRITER, &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(writer.stdout.take().unwrap());
    assert!(output.lines().any(|line| line.unwrap() == "appended"));
    fs::remove_file(path.join("lock")).unwrap();
    assert!(matches!(open(&path), Err(OpenError::InUse { .. })), "another process has it");
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert_eq!(open(&path).unwrap().head(), 1);
}

/// An earlier version locks that file and nothing else.
#[test]
fn a_lock_file_that_an_earlier_version_holds_is_respected() {
    let folder = tempfile::tempdir().unwrap();
    let file = fs::File::create(folder.path().join("lock")).unwrap();
    file.lock().unwrap();
    assert!(matches!(open(folder.path()), Err(OpenError::InUse { .. })));
    file.unlock().unwrap();
    let log = open(folder.path()).unwrap();
    assert!(file.try_lock().is_err(), "and it is refused in turn");
    log.close();
    file.try_lock().unwrap();
}

#[test]
fn a_log_is_made_in_no_folder_that_holds_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let (store, backup) = (folder.path().join("store"), folder.path().join("backup"));
    let log = open(&store).unwrap();
    append(&log, 1);
    log.backup(&RealDisk::new(&backup), &mut |_, _| ()).unwrap();
    for taken in [backup.clone(), store.join("within"), folder.path().join("store.checkpoints")] {
        assert!(matches!(open(&taken), Err(OpenError::Occupied { .. })), "{}", taken.display());
    }
    assert!(!store.join("within").exists(), "nothing is made on the way");
}

#[test]
fn a_backup_goes_into_an_empty_folder_or_its_own_earlier_one_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (log, other) = (open(&path("log")).unwrap(), open(&path("other")).unwrap());
    append(&log, 1);
    append(&other, 2);
    fs::create_dir(path("notes")).unwrap();
    fs::write(path("notes").join("mine.txt"), "mine").unwrap();
    let backup = |log: &Log, to: &Path| log.backup(&RealDisk::new(to), &mut |_, _| ());
    for to in
        [path("log"), path("other"), path("log").join("in"), path("notes"), path("."), path("log.sagas")]
    {
        assert!(matches!(backup(&log, &to), Err(BackupError::Occupied { .. })), "{}", to.display());
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(path("other"), path("link")).unwrap();
        assert!(matches!(backup(&log, &path("link")), Err(BackupError::Occupied { .. })));
    }
    assert_eq!(
        other.stream(b"a-1", 1..=9, true).next().unwrap().unwrap().version(),
        1,
        "nothing was touched"
    );
    backup(&log, &path("backup")).unwrap();
    append(&log, 3);
    assert_eq!(backup(&log, &path("backup")).unwrap().position, 2);
    assert!(matches!(backup(&other, &path("backup")), Err(BackupError::OtherStore { .. })));
    assert!(!path("backup/backup.begun").exists());
}

/// Killed before its first manifest, it has segments and what says whose they are.
#[test]
fn a_first_backup_that_was_interrupted_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (log, other) = (open(&path("log")).unwrap(), open(&path("other")).unwrap());
    append(&log, 1);
    append(&other, 2);
    let to = RealDisk::new(path("backup"));
    log.backup(&to, &mut |_, _| ()).unwrap();
    let begun = fs::read_to_string(path("backup/backup")).unwrap();
    let body: String = begun.split_inclusive('\n').take(2).collect::<String>() + "position 0\n";
    let begun = format!("{body}crc {:08x}\n", crc32fast::hash(body.as_bytes()));
    fs::write(path("backup/backup.begun"), begun).unwrap();
    fs::remove_file(path("backup/backup")).unwrap();
    let refused = other.backup(&to, &mut |_, _| ());
    assert!(matches!(refused, Err(BackupError::OtherStore { .. })), "{refused:?}");
    assert_eq!(log.backup(&to, &mut |_, _| ()).unwrap().position, 1);
}

#[test]
fn a_restore_makes_no_store_over_anything() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let log = open(&path("log")).unwrap();
    append(&log, 1);
    log.backup(&RealDisk::new(path("backup")), &mut |_, _| ()).unwrap();
    for to in ["log", "backup", ".", "log/new", "backup/new", "log.snapshots"] {
        let restored = trunkline_log::restore(
            &RealDisk::new(path("backup")),
            &RealDisk::new(path(to)),
            false,
            &mut |_, _| (),
        );
        assert!(matches!(restored, Err(BackupError::Occupied { .. })), "{to}: {restored:?}");
    }
}
