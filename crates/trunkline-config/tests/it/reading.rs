//! Typed reading, and the two codes that no page can show.

use std::time::Duration;

use trunkline_config::read::{HookName, Reader, Size};
use trunkline_config::{
    Environment, Evaluated, FixedClock, MemoryEnvironment, MemoryFiles, NotUnicode, Secret, UnixClock, World,
    load,
};

use crate::world::{Given, lines};

fn evaluated(text: &str) -> Evaluated {
    let evaluated = Given::new(text).evaluated();
    assert_eq!(lines(&evaluated), Vec::<String>::new());
    evaluated
}

fn found(reader: &Reader, evaluated: &Evaluated) -> Vec<String> {
    reader.diagnostics().iter().map(|found| found.line(&evaluated.sources)).collect()
}

#[test]
fn values_are_read_as_what_is_asked_for() {
    let file = evaluated(
        "[s]\nyes: true\ntext_yes: \"true\"\nwhole: 7\ntext_whole: \"7\"\nfraction: 0.5\nname: some text\ntime: \"30s\"\n\
         size: \"64 MiB\"\nhook: @go(\"a.b\")\nlist: [1, 2]\nmap {z: 1, a: 2}\nnothing: null\n",
    );
    let reader = Reader::new();
    let mut section = reader.root(&file.root).key("s").section();
    assert_eq!(section.key("yes").read(), Some(true));
    assert_eq!(section.key("text_yes").read(), Some(true));
    assert_eq!(section.key("whole").read(), Some(7_i64));
    assert_eq!(section.key("text_whole").read(), Some(7_u16));
    assert_eq!(section.key("whole").read(), Some(7.0_f64));
    assert_eq!(section.key("fraction").read(), Some(0.5_f64));
    assert_eq!(section.key("name").read(), Some("some text".to_owned()));
    assert_eq!(section.key("name").read(), Some(Secret::new("some text")));
    assert_eq!(section.key("time").read(), Some(Duration::from_secs(30)));
    assert_eq!(section.key("whole").read(), Some(Duration::from_millis(7)));
    assert_eq!(section.key("size").read(), Some(Size::mebibytes(64)));
    assert_eq!(section.key("hook").read(), Some(HookName("a.b".to_owned())));
    assert_eq!(section.key("list").read(), Some(vec![1_u32, 2]));
    assert_eq!(section.key("list").items().len(), 2);
    assert_eq!(section.key("name").item_or_items().len(), 1);
    assert_eq!(section.key("map").read(), Some(vec![("z".to_owned(), 1_i64), ("a".to_owned(), 2)]));
    assert_eq!(section.key("nothing").read::<i64>(), None);
    assert_eq!(section.key("absent").or(5_i64), 5);
    assert!(!section.key("absent").is_present());
    section.finish();
    assert_eq!(found(&reader, &file), Vec::<String>::new());
}

#[test]
fn every_mismatch_points_at_its_value() {
    let file = evaluated(
        "[s]\nyes: maybe\nsmall: 70000\nnegative: -1\nlist: [1, x]\nmap {a: x}\ntime: -5\nsize: -1\nblock: 1\nword: 5\n\
         float: many\nhook: \"a.b\"\nitems: 1\n",
    );
    let reader = Reader::new();
    let mut section = reader.root(&file.root).key("s").section();
    assert!(!section.key("yes").or(false));
    assert_eq!(section.key("small").read::<u16>(), None);
    assert_eq!(section.key("negative").read::<u64>(), None);
    assert_eq!(section.key("list").read::<Vec<i64>>(), None);
    assert_eq!(section.key("map").read::<Vec<(String, i64)>>(), None);
    assert_eq!(section.key("time").or(Duration::ZERO), Duration::ZERO);
    assert_eq!(section.key("size").read::<Size>(), None);
    section.key("block").section().finish();
    assert_eq!(section.key("word").one_of(&[("a", 1)]), None);
    assert_eq!(section.key("float").read::<f64>(), None);
    assert_eq!(section.key("hook").read::<HookName>(), None);
    assert!(section.key("items").items().is_empty());
    assert_eq!(section.key("must").required::<String>(), None);
    section.finish();
    assert_eq!(
        found(&reader, &file),
        [
            "line 1 col 2: \"s.must\" is required",
            "line 2 col 6: expected true or false, found text",
            "line 3 col 8: 70000 is not in the range 0 to 65535",
            "line 4 col 11: -1 is not in the range 0 to 18446744073709551615",
            "line 5 col 11: expected a whole number, found text",
            "line 6 col 9: expected a whole number, found text",
            "line 7 col 7: -5 is not a duration",
            "line 8 col 7: -1 is not a size",
            "line 9 col 8: expected a section or block, found a number",
            "line 10 col 7: expected one of \"a\", found a number",
            "line 11 col 8: expected a number, found text",
            "line 12 col 7: expected a hook, such as @go(\"package.Function\"), found text",
            "line 13 col 8: expected a list, found a number",
        ]
    );
    // What was told is not told again.
    assert_eq!(found(&reader, &file), Vec::<String>::new());
}

#[test]
fn bytes_that_are_not_utf8_are_reported_where_they_stand() {
    for (bytes, expected) in [
        (&b"a: 1\nb: \xffx\nlist: [1\n"[..], "line 2 col 4: the file is not UTF-8"),
        (&b"\xef\xbb\xbfa: \xff\n"[..], "line 1 col 4: the file is not UTF-8"),
        (&b"\xff"[..], "line 1 col 1: the file is not UTF-8"),
    ] {
        let files = MemoryFiles::new().with("main.tsk", bytes);
        let environment = MemoryEnvironment::new();
        let world = World { loader: &files, environment: &environment, clock: &FixedClock(0) };
        let evaluated = load("main.tsk", world).unwrap();
        assert_eq!(lines(&evaluated)[0], expected);
        assert_eq!(evaluated.diagnostics[0].code.as_str(), "TL1001");
    }
}

#[test]
fn a_variable_that_is_not_text_is_reported_where_it_is_read() {
    struct Broken;
    impl Environment for Broken {
        fn variable(&self, _: &str) -> Result<Option<String>, NotUnicode> {
            Err(NotUnicode)
        }
    }
    impl UnixClock for Broken {
        fn unix_micros(&self) -> i64 {
            0
        }
    }
    let files = MemoryFiles::new().with("main.tsk", "a: @env(\"X\", 1)\nb: @env.secure(\"Y\")\n");
    let world = World { loader: &files, environment: &Broken, clock: &Broken };
    let evaluated = load("main.tsk", world).unwrap();
    assert_eq!(
        lines(&evaluated),
        [
            "line 1 col 9: the environment variable X cannot be read: the variable's value is not Unicode text",
            "line 2 col 16: the environment variable Y cannot be read: the variable's value is not Unicode text",
        ]
    );
    assert!(evaluated.diagnostics.iter().all(|found| found.code.as_str() == "TL1112"));
}

#[test]
fn what_metrics_record_is_given_back() {
    let evaluated =
        evaluated("a: @metrics(\"started\", 1)\nb: @metrics(\"load\", 0.5, {host: \"a\", zone: \"b\"})\n");
    let gauges: Vec<String> = evaluated
        .gauges
        .iter()
        .map(|gauge| format!("{} {} {:?}", gauge.name, gauge.value, gauge.labels))
        .collect();
    assert_eq!(gauges, ["started 1 []", "load 0.5 [(\"host\", \"a\"), (\"zone\", \"b\")]"]);
}
