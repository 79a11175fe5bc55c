//! `tail`.

use crate::folder::{Folder, cloud_events};

#[test]
fn a_tail_begins_at_the_head_and_prints_what_comes() {
    let folder = Folder::with_events(&cloud_events(2, 1));
    let mut tail = folder.start("tail --store log:a --limit 2 --type Paid");
    assert_eq!(tail.said(), "following log:a (--store) after position 2; Ctrl-C ends it");
    for event_type in ["Paid", "Noted", "Paid"] {
        let append = format!(
            "append order-1 --type {event_type} --data 1 --occurred-at 2010-12-01T08:26:00Z --store log:a"
        );
        assert_eq!(folder.run(&append).exit, 0);
        if event_type == "Paid" {
            let line = tail.printed();
            assert!(line.contains("Paid  2010-12-01T08:26:00Z  1"), "{line}");
        }
    }
    let ran = tail.end();
    assert_eq!(ran.outcome(), "");
}

#[test]
fn a_tail_after_a_position_begins_with_what_is_there() {
    let folder = Folder::with_events(&cloud_events(3, 1));
    let ran = folder.run("tail --store log:a --after 1 --limit 2 --format json -q");
    let positions: Vec<_> = ran.json().iter().map(|event| event["position"].clone()).collect();
    assert_eq!(positions, [2, 3], "{ran:?}");
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_tail_cleanly() {
    let folder = Folder::with_events(&cloud_events(3, 1));
    let mut tail = folder.start("tail --store log:a --after 2");
    tail.said();
    assert!(tail.printed().starts_with("3  order-1"), "what is there comes before the wait");
    tail.interrupt();
    assert_eq!(tail.end().outcome(), "");
}
