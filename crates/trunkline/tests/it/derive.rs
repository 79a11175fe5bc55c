//! What the derive macros write.

use serde::{Deserialize, Serialize};
use trunkline::{Command, Event};

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
enum DoorEvent {
    Built {
        height: u32,
    },
    #[serde(rename = "Opened.ByKey")]
    #[event(version = 2)]
    Opened(String),
    Shut,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Command)]
#[serde(deny_unknown_fields)]
enum DoorCommand {
    Open {
        key: String,
    },
    #[serde(rename = "CloseDoor")]
    Shut,
}

#[test]
fn events_have_the_names_and_versions_of_their_variants() {
    let shapes: Vec<(&str, u32)> =
        DoorEvent::SHAPES.iter().map(|shape| (shape.event_type, shape.version)).collect();
    assert_eq!(shapes, [("Built", 1), ("Opened.ByKey", 2), ("Shut", 1)]);
    for (event, data) in [
        (DoorEvent::Built { height: 2 }, r#"{"height":2}"#),
        (DoorEvent::Opened("k".into()), r#""k""#),
        (DoorEvent::Shut, "{}"),
    ] {
        assert_eq!(event.to_data().unwrap(), data);
        assert_eq!(DoorEvent::from_data(event.shape().event_type, data.as_bytes()).unwrap().unwrap(), event);
    }
}

#[test]
fn commands_have_the_names_of_their_variants() {
    assert_eq!(DoorCommand::NAMES, ["Open", "CloseDoor"]);
    assert_eq!(DoorCommand::Shut.name(), "CloseDoor");
    assert_eq!(DoorCommand::from_data("CloseDoor", b"{}").unwrap().unwrap(), DoorCommand::Shut);
    let error = DoorCommand::from_data("Open", br#"{"key":"k","by":"x"}"#).unwrap().unwrap_err();
    assert!(error.reason.contains("unknown field `by`"), "serde's own attributes count: {error}");
}
