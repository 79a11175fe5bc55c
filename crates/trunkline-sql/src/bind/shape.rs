//! The wanted parts of a JSON text, found in one pass over it.
//!
//! The whole text is read and checked, since the last of two fields of one name counts, as for every other reader
//! of the event; but only wanted parts are kept, as pieces of the text.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::text::Step;

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
    pub(crate) fn want(&mut self, steps: &[Step]) -> usize {
        let mut node = &mut self.root;
        for step in steps {
            node = match step {
                Step::Field(name) => child(&mut node.fields, name),
                Step::Element(index) => child(&mut node.elements, index),
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
        found.clear();
        found.resize(self.slots, None);
        let text = std::str::from_utf8(json).map_err(|error| error.to_string())?;
        self.root.find(text, found).map_err(|error| error.to_string())
    }

    /// Finds the wanted parts of a text that is known to be JSON.
    pub(crate) fn find_in_part<'a>(&self, json: &'a str, found: &mut Found<'a>) {
        found.clear();
        found.resize(self.slots, None);
        self.root.find(json, found).expect("a part of a JSON text is JSON");
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
    fn find<'a>(&self, json: &'a str, found: &mut Found<'a>) -> serde_json::Result<()> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        Fill { node: self, found }.deserialize(&mut deserializer)?;
        deserializer.end()
    }

    fn clear(&self, found: &mut Found<'_>) {
        if let Some(slot) = self.slot {
            found[slot] = None;
        }
        let fields = self.fields.iter().map(|(_, node)| node);
        fields.chain(self.elements.iter().map(|(_, node)| node)).for_each(|node| node.clear(found));
    }
}

/// Fills the slots of a node and of those below it.
struct Fill<'n, 'f, 'a> {
    node: &'n Node,
    found: &'f mut Found<'a>,
}

impl<'a> DeserializeSeed<'a> for Fill<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        let Some(slot) = self.node.slot else {
            return deserializer.deserialize_any(self);
        };
        let json = <&RawValue as serde::Deserialize>::deserialize(deserializer)?.get();
        self.found[slot] = Some(json);
        if !self.node.fields.is_empty() || !self.node.elements.is_empty() {
            let mut again = serde_json::Deserializer::from_str(json);
            again.deserialize_any(self).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}

impl<'a> Visitor<'a> for Fill<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(field) = map.next_key_seed(Field(&self.node.fields))? {
            match field {
                Some(node) => {
                    node.clear(self.found);
                    map.next_value_seed(Fill { node, found: self.found })?;
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut seq: S) -> Result<(), S::Error> {
        for index in 0.. {
            let wanted = self.node.elements.iter().find(|(wanted, _)| *wanted == index);
            let more = match wanted {
                Some((_, node)) => seq.next_element_seed(Fill { node, found: self.found })?.is_some(),
                None => seq.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
        }
        Ok(())
    }

    // Any other value has no parts.
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Reads a key and says which node it leads to.
struct Field<'n>(&'n [(String, Node)]);

impl<'a, 'n> DeserializeSeed<'a> for Field<'n> {
    type Value = Option<&'n Node>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'n> Visitor<'_> for Field<'n> {
    type Value = Option<&'n Node>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|(name, _)| name == key).map(|(_, node)| node))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn field(name: &str) -> Step {
        Step::Field(name.to_owned())
    }

    #[test]
    fn parts_are_pieces_of_the_text() {
        let mut shape = Shape::default();
        let slots = [
            shape.want(&[field("a"), field("b")]),
            shape.want(&[field("list"), Step::Element(1)]),
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

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof!["[abc]".prop_map(Step::Field), (0..3_usize).prop_map(Step::Element)]
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
                    Step::Field(name) => value.get(name),
                    Step::Element(index) => value.get(index),
                });
                let part: Option<Value> = found[slot].map(|part| serde_json::from_str(part).unwrap());
                prop_assert_eq!(part.as_ref(), expected, "{:?} in {}", path, json);
            }
        }
    }
}
