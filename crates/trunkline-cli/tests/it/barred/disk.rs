//! Disks that are full or read-only, and files that may not be written.
//!
//! Method: a command runs in a mount namespace of its own, in which the data folder is mounted as the situation has it.

use std::process::Command;

use super::{APP, Furnished, Verb, shell, verb};
use crate::folder::{Folder, Ran};

/// Has the data folder mounted for reading only.
const READ_ONLY: &str = "mount --bind data data && mount -o remount,ro,bind data";

/// Has it on a disk that has no byte left.
const FULL: &str = "mkdir d && mount -t tmpfs -o size=24m tmpfs d && cp -a data/. d && mount --bind d data && \
                    chmod 700 data && { dd if=/dev/zero of=data/fill bs=4k 2> /dev/null || true; }";

/// What writes, and what is in the way: the events, the queue, read models, or the place that it names.
const WRITING: [(Verb, &str); 12] = [
    (verb("append t-8 --type Added --data-file big.json", "appended"), "events"),
    (verb("dispatch app.tsk Add --data-file big.json", "accepted"), "events"),
    (verb("run app.tsk --commands more.jsonl", "1 accepted"), "events"),
    (verb("import events.jsonl", "1 new"), "events"),
    (verb("saga retry app.tsk s-1", "sent Undo"), "events"),
    (verb("queue publish out --type T --data-file big.json", "published"), "queue"),
    (verb("dlq replay --all --force", "replayed"), "queue"),
    (verb("projection rebuild app.tsk rows", "rebuilt rows"), "rows"),
    (verb("query app.tsk Rows", "2\n"), "rows"),
    (verb("sql app.tsk 'SELECT COUNT(*) AS n FROM rows'", "2\n"), "rows"),
    (verb("backup app.tsk --to data/copy", "backed up"), "place"),
    (verb("restore --from before/events --store log:data/again", "restored"), "place"),
];

/// Says loudly what was not tried.
#[expect(clippy::print_stderr, reason = "whoever runs the tests has to know")]
fn not_tried(why: &str) {
    eprintln!("NOT TRIED: {why}");
}

/// Types lines into a shell whose mounts are its own; nothing where that is not permitted.
fn apart(folder: &Folder, lines: &str) -> Option<Ran> {
    let way = ["unshare --mount", "unshare --map-root-user --mount"].into_iter().find(|way| {
        let mut tried = Command::new("sh");
        tried.args(["-c", &format!("{way} mount -t tmpfs tmpfs /mnt")]);
        tried.output().is_ok_and(|tried| tried.status.success())
    });
    let Some(way) = way else {
        not_tried("this system lets nobody mount, see `unshare`");
        return None;
    };
    folder.write("lines.sh", lines);
    Some(shell(folder, &format!("{way} sh lines.sh")))
}

fn with_backup() -> Furnished {
    let furnished = Furnished::new();
    let Furnished(folder) = &furnished;
    let ran = folder.run("backup app.tsk --to before");
    assert_eq!(ran.exit, 0, "{ran:?}");
    folder.write("big.json", format!("{{\"id\":\"8\",\"text\":\"{}\"}}", "x".repeat(400_000)));
    furnished
}

/// What to type first, and what to type before the command, as an error says it in backquotes and after `then`.
fn elsewhere(ran: &Ran) -> (String, String) {
    let (_, rest) = ran.stderr.split_once("`cp -a ").unwrap_or_else(|| panic!("{ran:?}"));
    let (copy, rest) = rest.split_once("`, then ").unwrap();
    (format!("cp -a {copy}"), rest.split_whitespace().next().unwrap().to_owned())
}

#[test]
fn on_a_read_only_disk_one_goes_on_elsewhere_as_the_error_says() {
    let furnished = with_backup();
    for (verb, of) in WRITING {
        let folder = furnished.copy();
        let words = verb.words;
        let Some(ran) = apart(&folder, &format!("{READ_ONLY}\ntrunkline {words}")) else { return };
        assert!(ran.exit == 1 && ran.stderr.contains("Read-only file system"), "{words}: {ran:?}");
        assert!(ran.stderr.contains("data"), "{words}: {ran:?}");
        let (before, now) = match of {
            "rows" => {
                assert!(ran.stderr.contains("READ_DB_DSN=sqlite:PATH"), "{words}: {ran:?}");
                (String::new(), format!("READ_DB_DSN=sqlite:else/read.db trunkline {words}"))
            }
            "place" => {
                assert!(ran.stderr.contains("name a place on another disk"), "{words}: {ran:?}");
                (String::new(), format!("trunkline {}", words.replace("data/", "else/")))
            }
            _ => {
                let (copy, setting) = elsewhere(&ran);
                (copy, format!("{setting} trunkline {words}"))
            }
        };
        let ran = apart(&folder, &format!("{READ_ONLY}\n{before}\n{now}")).unwrap();
        assert!(ran.outcome().contains(verb.done), "{words}: {now}: {ran:?}");
    }
}

#[test]
fn on_a_full_disk_one_makes_room_or_goes_on_elsewhere_as_the_error_says() {
    let furnished = with_backup();
    let mut had_room = 0;
    for (verb, of) in WRITING {
        let folder = furnished.copy();
        let words = verb.words;
        let Some(ran) = apart(&folder, &format!("{FULL}\ntrunkline {words}")) else { return };
        if ran.outcome().contains(verb.done) {
            // It had room enough in what was set aside before.
            had_room += 1;
            continue;
        }
        assert!(ran.exit == 1 && ran.stderr.contains("No space left on device"), "{words}: {ran:?}");
        let says_room = ["make room", "free some space"].iter().any(|says| ran.stderr.contains(says));
        assert!(says_room, "{words}: {ran:?}");
        let mut followed = vec![format!("rm data/fill\ntrunkline {words}")];
        if of == "rows" {
            assert!(ran.stderr.contains("READ_DB_DSN=memory:"), "{words}: {ran:?}");
            followed.push(format!("READ_DB_DSN=memory: trunkline {words}"));
        }
        for lines in followed {
            let ran = apart(&folder, &format!("{FULL}\n{lines}")).unwrap();
            assert!(ran.outcome().contains(verb.done), "{lines}: {ran:?}");
        }
    }
    assert!(had_room < 5, "{had_room} of {} had room", WRITING.len());
}

/// What only reads works where nothing can be written, with what is there.
#[test]
fn what_is_there_is_read_from_a_disk_that_takes_nothing() {
    let furnished = Furnished::new();
    for (name, disk) in [("read-only", READ_ONLY), ("full", FULL)] {
        for (words, says) in [
            ("query app.tsk Rows --stale", "1\n"),
            ("sql app.tsk 'SELECT COUNT(*) AS n FROM rows' --stale", "1\n"),
            ("projection status app.tsk", "others"),
            ("read t-1", "Added"),
            ("state app.tsk t-1", "t-1"),
            ("saga list app.tsk", "stuck"),
            ("streams", "t-1"),
            ("stats", ""),
            ("verify", ""),
            ("export", "Added"),
        ] {
            let folder = furnished.copy();
            let Some(ran) = apart(&folder, &format!("{disk}\ntrunkline {words}")) else { return };
            assert!(ran.exit == 0 && ran.stdout.contains(says), "{name}, {words}: {ran:?}");
        }
        // What would be changed is not taken for changed.
        let folder = Folder::new();
        folder.write("app.tsk", APP);
        folder.run("dispatch app.tsk Add --data '{\"id\":\"1\"}'");
        folder.write("data/read.db", "");
        let Some(ran) = apart(&folder, &format!("{disk}\ntrunkline projection pause app.tsk rows")) else {
            return;
        };
        assert!(ran.exit == 1 && ran.stderr.contains("READ_DB_DSN"), "{name}: {ran:?}");
    }
}

/// Who may not write is told whose the files are, and where the page is that says more.
#[test]
fn who_may_not_write_is_told_whose_the_files_are() {
    let rights = "chmod -R a-w data\nsetpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-all true || exit 99\n\
                  may=$(test \"$(id -u)\" = 0 && echo setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-all)";
    let furnished = Furnished::new();
    for (words, says) in [
        ("append t-8 --type Added --data {}", "`ls -ld ./data`"),
        ("queue publish out --type T --data {}", "`ls -ld ./data`"),
        ("projection rebuild app.tsk rows", "READ_DB_DSN=memory:"),
        ("query app.tsk Rows", "READ_DB_DSN=memory:"),
        ("backup app.tsk --to data/copy", "name a place where this one may"),
    ] {
        let folder = furnished.copy();
        let ran = shell(&folder, &format!("{rights}\n$may trunkline {words} --format json"));
        shell(&folder, "chmod -R u+w data");
        if ran.exit == 99 {
            not_tried("there is no `setpriv` here");
            return;
        }
        assert_eq!(ran.exit, 1, "{words}: {ran:?}");
        for there in ["Permission denied", "\"explain\":\"TL2530\"", "data", says] {
            assert!(ran.stderr.contains(there), "{words}: {there}: {ran:?}");
        }
    }
}
