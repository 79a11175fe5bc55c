//! The hooks that every application file may name, and the mistakes in them.

use crate::world::{Given, lines};
use trunkline_config::report::tree_to_json;

#[test]
fn the_five_default_hooks_are_known() {
    let checked = Given::new(
        "[event_driven]\nevent_store: @go(\"events.ConfigureEventStore\")\n\
         message_queue: @go(\"events.ConfigureMessageQueue\")\nprojections: @go(\"events.ConfigureProjections\")\n\
         sagas: @go(\"events.ConfigureSagas\")\nreplay: @go(\"events.ConfigureReplay\")\n",
    )
    .checked();
    assert_eq!(lines(&checked), Vec::<String>::new());
    assert_eq!(
        tree_to_json(&checked.root),
        "{\"event_driven\":{\"event_store\":{\"$go\":\"events.ConfigureEventStore\"},\
         \"message_queue\":{\"$go\":\"events.ConfigureMessageQueue\"},\
         \"projections\":{\"$go\":\"events.ConfigureProjections\"},\
         \"sagas\":{\"$go\":\"events.ConfigureSagas\"},\"replay\":{\"$go\":\"events.ConfigureReplay\"}}}"
    );
}

#[test]
fn a_bracket_that_is_never_closed_is_reported_where_it_opens() {
    let checked = Given::new("a: 1\nlist: [1, 2,\nb: 3\n").checked();
    assert_eq!(lines(&checked), ["line 2 col 7: '[' is never closed"]);
    assert_eq!(tree_to_json(&checked.root), r#"{"a":1,"list":[1,2],"b":3}"#);
}

#[test]
fn crlf_and_a_byte_order_mark_change_nothing() {
    let text = "[a]\nb: 1 # c\ntext: some words\nlines: \"\"\"\n  one\n  two\n\"\"\"\non {\n  x: y\n}\nlist: [1,\n  2]\n";
    let plain = Given::new(text).checked();
    let other = Given::new(format!("\u{feff}{}", text.replace('\n', "\r\n"))).checked();
    assert_eq!(lines(&plain), Vec::<String>::new());
    assert_eq!(lines(&other), Vec::<String>::new());
    assert_eq!(tree_to_json(&other.root), tree_to_json(&plain.root));
    let bad = Given::new("\u{feff}a: 1\r\nlist: [1, 2,\r\nb: 3\r\n").checked();
    assert_eq!(lines(&bad), ["line 2 col 7: '[' is never closed"]);
}
