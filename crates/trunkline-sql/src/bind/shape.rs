//! The wanted parts of a JSON text, found in one pass over it.
//!
//! The whole text is read and checked, since the last of two fields of one name counts, as for every other reader
//! of the event; but only wanted parts are kept, as pieces of the text.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::scan::{NotJson, Scan};
use crate::text::PathStep;

/// Which parts are wanted; each has a slot for what is found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    root: Node,
    slots: usize,
}

#[derive(Clone, Debug, Default)]
struct Node {
    slot: Option<usize>,
    fields: Vec<(String, Node)>,
    elements: Vec<(usize, Node)>,
}

/// The pieces that were found, by slot.
pub(crate) type Found<'a> = Vec<Option<&'a str>>;

impl Shape {
    /// The slot of the part that a path leads to; the same for the same path.
    pub(crate) fn want(&mut self, steps: &[PathStep]) -> usize {
        let mut node = &mut self.root;
        for step in steps {
            node = match step {
                PathStep::Field(name) => child(&mut node.fields, name),
                PathStep::Element(index) => child(&mut node.elements, index),
            };
        }
        *node.slot.get_or_insert_with(|| {
            self.slots += 1;
            self.slots - 1
        })
    }

    /// Whether no part is wanted.
    pub(crate) fn is_empty(&self) -> bool {
        self.slots == 0
    }

    /// Finds the wanted parts.
    pub(crate) fn find<'a>(&self, json: &'a [u8], found: &mut Found<'a>) -> Result<(), String> {
        let text = std::str::from_utf8(json).map_err(|error| error.to_string())?;
        self.find_in(text, found).map_err(|NotJson| match serde_json::from_str::<IgnoredAny>(text) {
            Err(error) => error.to_string(),
            Ok(_) => NotJson.to_string(),
        })
    }

    /// Finds the wanted parts of a text that is known to be JSON.
    pub(crate) fn find_in_part<'a>(&self, json: &'a str, found: &mut Found<'a>) {
        self.find_in(json, found).expect("a part of a JSON text is JSON");
    }

    fn find_in<'a>(&self, text: &'a str, found: &mut Found<'a>) -> Result<(), NotJson> {
        found.clear();
        found.resize(self.slots, None);
        let mut scan = Scan::new(text);
        self.root.find(&mut scan, found)?;
        scan.end()
    }
}

fn child<'n, K: PartialEq + Clone>(children: &'n mut Vec<(K, Node)>, key: &K) -> &'n mut Node {
    let at = children.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
        children.push((key.clone(), Node::default()));
        children.len() - 1
    });
    &mut children[at].1
}

/// The elements of a list that is known to be JSON; nothing when it is another value.
pub(crate) fn elements(json: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

impl Node {
    /// Passes over a value, and fills the slots of this node and of those below it.
    fn find<'a>(&self, scan: &mut Scan<'a>, found: &mut Found<'a>) -> Result<(), NotJson> {
        let start = scan.place();
        match scan.peek() {
            Some(b'{') if !self.fields.is_empty() => self.find_in_object(scan, found)?,
            Some(b'[') if !self.elements.is_empty() => self.find_in_list(scan, found)?,
            _ => scan.skip()?,
        }
        if let Some(slot) = self.slot {
            found[slot] = Some(scan.since(start));
        }
        Ok(())
    }

    fn find_in_object<'a>(&self, scan: &mut Scan<'a>, found: &mut Found<'a>) -> Result<(), NotJson> {
        scan.expect(b'{')?;
        let mut more = !scan.take(b'}');
        while more {
            match self.field(scan.key()?) {
                Some(node) => {
                    node.clear(found);
                    node.find(scan, found)?;
                }
                None => scan.skip()?,
            }
            more = scan.more(b'}')?;
        }
        Ok(())
    }

    fn find_in_list<'a>(&self, scan: &mut Scan<'a>, found: &mut Found<'a>) -> Result<(), NotJson> {
        scan.expect(b'[')?;
        let mut more = !scan.take(b']');
        let mut index = 0;
        while more {
            match self.elements.iter().find(|(wanted, _)| *wanted == index) {
                Some((_, node)) => node.find(scan, found)?,
                None => scan.skip()?,
            }
            index += 1;
            more = scan.more(b']')?;
        }
        Ok(())
    }

    /// The node of a field, by its key with the quotes.
    fn field(&self, key: &str) -> Option<&Node> {
        let name = &key[1..key.len() - 1];
        let name: Cow<'_, str> = if name.contains('\\') {
            // Half of a surrogate pair is in no name that a statement could ask for.
            serde_json::from_str(key).map(Cow::Owned).ok()?
        } else {
            Cow::Borrowed(name)
        };
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, node)| node)
    }

    /// Forgets what was found: a field that comes again counts in the place of the one before.
    fn clear(&self, found: &mut Found<'_>) {
        if let Some(slot) = self.slot {
            found[slot] = None;
        }
        self.fields.iter().for_each(|(_, node)| node.clear(found));
        self.elements.iter().for_each(|(_, node)| node.clear(found));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn field(name: &str) -> PathStep {
        PathStep::Field(name.to_owned())
    }

    #[test]
    fn parts_are_pieces_of_the_text() {
        let mut shape = Shape::default();
        let slots = [
            shape.want(&[field("a"), field("b")]),
            shape.want(&[field("list"), PathStep::Element(1)]),
            shape.want(&[field("a")]),
            shape.want(&[field("missing"), field("x")]),
        ];
        let json = r#"{"a": {"b": 1.50, "c": []}, "list": [1, {"x": 2}], "b": 3}"#;
        let mut found = Vec::new();
        shape.find(json.as_bytes(), &mut found).unwrap();
        let parts = slots.map(|slot| found[slot]);
        assert_eq!(parts, [Some("1.50"), Some(r#"{"x": 2}"#), Some(r#"{"b": 1.50, "c": []}"#), None]);
    }

    #[test]
    fn of_two_fields_of_one_name_the_last_counts() {
        let mut shape = Shape::default();
        let slot = shape.want(&[field("a"), field("b")]);
        let mut found = Vec::new();
        for (json, part) in [
            (r#"{"a":{"b":1},"a":{"b":2}}"#, Some("2")),
            (r#"{"a":{"b":1},"a":{"c":2}}"#, None),
            (r#"{"a":{"b":1},"a":3}"#, None),
        ] {
            shape.find(json.as_bytes(), &mut found).unwrap();
            assert_eq!(found[slot], part, "{json}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused_wherever_the_wanted_part_stands() {
        let mut shape = Shape::default();
        shape.want(&[field("a")]);
        for json in ["", "{\"a\":1", "{\"a\":1}x", "{\"a\":1,\"b\":tru}", "\u{fffd}"] {
            assert!(shape.find(json.as_bytes(), &mut Vec::new()).is_err(), "{json}");
        }
        assert!(shape.find(b"{\"a\":\"\xff\"}", &mut Vec::new()).is_err());
    }

    #[test]
    fn what_nobody_asks_for_stops_nobody() {
        let mut shape = Shape::default();
        let slot = shape.want(&[field("a")]);
        let deep = "[".repeat(300) + &"]".repeat(300);
        for odd in [r#""\ud800":0"#, r#""b":"\udc00""#, r#""b":1E400"#, &format!(r#""b":{deep}"#)] {
            let json = format!(r#"{{{odd},"a":7}}"#);
            let mut found = Vec::new();
            shape.find(json.as_bytes(), &mut found).unwrap();
            assert_eq!(found[slot], Some("7"), "{odd}");
        }
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("18446744073709551616".to_owned()),
            Just("\"t\\n\"".to_owned()),
            "[1-9][0-9]{0,2}",
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(|list| format!("[{}]", list.join(","))),
                prop::collection::vec(("[abc]", inner), 0..4).prop_map(|fields| {
                    let fields: Vec<String> =
                        fields.into_iter().map(|(name, value)| format!("\"{name}\" : {value}")).collect();
                    format!("{{{}}}", fields.join(", "))
                }),
            ]
        })
    }

    fn step() -> impl Strategy<Value = PathStep> {
        prop_oneof!["[abc]".prop_map(PathStep::Field), (0..3_usize).prop_map(PathStep::Element)]
    }

    proptest! {
        /// Also for fields that come twice, objects of which a part and the whole are wanted, and paths that end
        /// in nothing.
        #[test]
        fn the_parts_are_those_that_a_tree_of_the_text_has(
            json in json(),
            paths in prop::collection::vec(prop::collection::vec(step(), 0..4), 1..5),
        ) {
            let tree: Value = serde_json::from_str(&json).unwrap();
            let mut shape = Shape::default();
            let slots: Vec<usize> = paths.iter().map(|path| shape.want(path)).collect();
            let mut found = Vec::new();
            shape.find(json.as_bytes(), &mut found).unwrap();
            for (path, slot) in paths.iter().zip(slots) {
                let expected = path.iter().try_fold(&tree, |value, step| match step {
                    PathStep::Field(name) => value.get(name),
                    PathStep::Element(index) => value.get(index),
                });
                let part: Option<Value> = found[slot].map(|part| serde_json::from_str(part).unwrap());
                prop_assert_eq!(part.as_ref(), expected, "{:?} in {}", path, json);
            }
        }
    }
}
