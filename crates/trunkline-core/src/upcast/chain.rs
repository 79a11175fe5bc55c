//! All links, and the way of an event over them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::error::{ChainError, UpcastError, UpcastProblem};
use super::fields::Value;
use super::link::{End, Link};
use super::step::{After, Old, Step};
use crate::RecordedEvent;

/// How many events one stored event may become: splits of splits multiply.
const EVENTS_MAX: usize = 1024;

/// How stored events become events of today's shapes. A clone is cheap.
///
/// An event of a type that no link and no declared version is for, and that is not [read](Self::reading), stays as it is,
/// at the cost of one lookup.
#[derive(Clone, Default)]
pub struct Upcasters {
    chains: Arc<HashMap<String, Chain>>,
    /// What errors call the file that declares the versions, if one does.
    declared_in: Option<Arc<str>>,
}

/// What is known of a type.
#[derive(Clone, Debug, Default)]
struct Chain {
    /// Today's version; none when every event of the type becomes something else.
    present: Option<u32>,
    links: BTreeMap<u32, Link>,
}

/// What a stored event is today: mostly one event, none when it is dropped, several when it is split.
///
/// All of them have the stored event's id, position, version, times, metadata and tags; they differ in their place
/// in this order.
#[derive(Clone, Debug)]
pub struct Present(SmallVec<[RecordedEvent; 1]>);

impl IntoIterator for Present {
    type Item = RecordedEvent;
    type IntoIter = smallvec::IntoIter<[RecordedEvent; 1]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Upcasters {
    /// Upcasters of these links; the present version of a type is the one that its links lead to.
    pub fn new(links: impl IntoIterator<Item = Link>) -> Result<Self, ChainError> {
        Self::to(links, std::iter::empty::<(String, u32)>()).map_err(|mut errors| errors.swap_remove(0))
    }

    /// Upcasters of these links, where these types have these present versions; every mistake in them.
    pub fn to(
        links: impl IntoIterator<Item = Link>,
        present: impl IntoIterator<Item = (impl Into<String>, u32)>,
    ) -> Result<Self, Vec<ChainError>> {
        let mut chains: HashMap<String, Chain> = HashMap::new();
        let mut errors = Vec::new();
        for link in links {
            errors.extend(wrong_steps(&link));
            let chain = chains.entry(link.event_type.clone()).or_default();
            let (event_type, version) = (link.event_type.clone(), link.from);
            if chain.links.insert(link.from, link).is_some() {
                errors.push(ChainError::Twice { event_type, version });
            }
        }
        let mut targets: BTreeMap<String, u32> = BTreeMap::new();
        for (event_type, version) in
            chains.values().flat_map(|chain| chain.links.values()).flat_map(Link::targets)
        {
            let newest = targets.entry(event_type.to_owned()).or_default();
            *newest = version.max(*newest);
        }
        targets.extend(present.into_iter().map(|(event_type, version)| (event_type.into(), version)));
        for (event_type, version) in targets {
            let chain = chains.entry(event_type).or_default();
            // A link that leaves the type at its last version is the end of the type.
            let left = chain.links.get(&version).is_some_and(|link| !matches!(link.end, End::Next));
            chain.present = (!left).then_some(version);
        }
        let upcasters = Self { chains: Arc::new(chains), declared_in: None };
        errors.extend(upcasters.mistakes());
        if errors.is_empty() { Ok(upcasters) } else { Err(errors) }
    }

    /// The same for who reads events of these types, too: what nothing is known of is in version 1, and an event of a later
    /// one is an error. A type of which something is known stays as it is.
    #[must_use]
    pub fn reading<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        let chains = Arc::make_mut(&mut self.chains);
        for event_type in types {
            let first = || Chain { present: Some(1), links: BTreeMap::new() };
            chains.entry(event_type.into()).or_insert_with(first);
        }
        self
    }

    /// The same, with the name of the file that declares the versions, for errors.
    #[must_use]
    pub fn declared_in(mut self, file: &str) -> Self {
        self.declared_in = (!file.is_empty()).then(|| file.into());
        self
    }

    /// What a stored event is today.
    pub fn upcast(&self, event: RecordedEvent) -> Result<Present, UpcastError> {
        if self.is_present(&event) { Ok(Present(smallvec![event])) } else { self.follow_all(&event) }
    }

    /// Today's version of a type, where one is known.
    pub fn present(&self, event_type: &str) -> Option<u32> {
        self.chains.get(event_type).and_then(|chain| chain.present)
    }

    /// Whether every event of the type becomes something else.
    pub fn is_gone(&self, event_type: &str) -> bool {
        self.chains.get(event_type).is_some_and(|chain| chain.present.is_none())
    }

    /// These types, and those of which stored events may become events of these: what has to be read for them.
    pub fn sources<'a>(&'a self, types: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut wanted: BTreeSet<&str> = types.into_iter().collect();
        loop {
            let leads = |link: &&Link| link.targets().iter().any(|(to, _)| wanted.contains(to));
            let found: BTreeSet<&str> = self.links().filter(leads).map(Link::event_type).collect();
            if found.is_subset(&wanted) {
                return wanted;
            }
            wanted.extend(found);
        }
    }

    /// Whether a stored event is handed to code as it is.
    pub fn is_present(&self, event: &RecordedEvent) -> bool {
        let chain = self.chains.get(event.event_type());
        chain.is_none_or(|chain| chain.present == Some(event.schema_version()))
    }

    /// The types that an event of this type and version may become, its own among them where nothing leads on, if
    /// what becomes of it follows from the names and kinds in its data alone; none where some function looks at more.
    pub fn by_kinds<'a>(&'a self, event_type: &'a str, version: u32) -> Option<BTreeSet<&'a str>> {
        let mut ends = BTreeSet::new();
        let mut open = vec![(event_type, version)];
        while let Some((event_type, version)) = open.pop() {
            match self.chains.get(event_type).and_then(|chain| chain.links.get(&version)) {
                None => drop(ends.insert(event_type)),
                Some(link) if link.looks_at_values() => return None,
                Some(link) => open.extend(link.targets()),
            }
        }
        Some(ends)
    }

    /// The links, sorted by type and version.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        let mut links: Vec<&Link> = self.chains.values().flat_map(|chain| chain.links.values()).collect();
        links.sort_by_key(|link| (link.event_type(), link.version()));
        links.into_iter()
    }

    #[cold]
    fn follow_all(&self, event: &RecordedEvent) -> Result<Present, UpcastError> {
        let mut events = SmallVec::new();
        self.follow(event, (event.event_type(), event.schema_version()), event.data(), &mut events).map_err(
            |problem| UpcastError {
                event_type: event.event_type().to_owned(),
                schema_version: event.schema_version(),
                position: event.position(),
                stream: event.stream_name(),
                version: event.version(),
                problem: Box::new(problem),
            },
        )?;
        Ok(Present(events))
    }

    fn follow(
        &self,
        event: &RecordedEvent,
        (mut event_type, mut version): (&str, u32),
        stored: &[u8],
        events: &mut SmallVec<[RecordedEvent; 1]>,
    ) -> Result<(), UpcastProblem> {
        let mut data = Value::Stored(stored);
        while let Some(chain) = self.chains.get(event_type) {
            let Some(link) = chain.links.get(&version) else {
                let event_type = event_type.to_owned();
                match chain.present {
                    Some(present) if present == version => break,
                    Some(present) if present < version => {
                        let declared_in = self.declared_in.as_deref().map(str::to_owned);
                        return Err(UpcastProblem::Newer { event_type, version, present, declared_in });
                    }
                    _ => return Err(UpcastProblem::NoLink { event_type, version }),
                }
            };
            let failed = |step: &dyn fmt::Display, reason| UpcastProblem::Step {
                event_type: event_type.to_owned(),
                version,
                step: step.to_string(),
                reason,
            };
            let old = Old { event, event_type, version, data: &[] };
            for step in &link.steps {
                if step.apply(&mut data, old).map_err(|reason| failed(step, reason))? == After::Dropped {
                    return Ok(());
                }
            }
            match &link.end {
                End::Next => version += 1,
                End::Becomes(other, at) => (event_type, version) = (other, *at),
                End::Drops => return Ok(()),
                End::Splits(parts) => {
                    let mut json = Vec::new();
                    data.write(&mut json);
                    let old = Old { data: &json, ..old };
                    for part in parts {
                        let failed = |reason| failed(&format_args!("split {part:?}"), reason);
                        if let Some((_, judge)) = &part.when
                            && !judge(&old).map_err(failed)?
                        {
                            continue;
                        }
                        let shape = (&*part.event_type, part.version);
                        match &part.data {
                            Some((_, compute)) => {
                                let made = compute(&old).map_err(failed)?;
                                self.follow(event, shape, made.as_bytes(), events)?;
                            }
                            None => self.follow(event, shape, &json, events)?,
                        }
                    }
                    return Ok(());
                }
            }
        }
        if events.len() == EVENTS_MAX {
            return Err(UpcastProblem::TooMany { limit: EVENTS_MAX });
        }
        let mut json = Vec::with_capacity(stored.len() + 64);
        data.write(&mut json);
        events.push(event.in_shape(event_type, version, &json));
        Ok(())
    }

    /// What is wrong between the links.
    fn mistakes(&self) -> Vec<ChainError> {
        let mut errors = Vec::new();
        let mut types: Vec<(&String, &Chain)> = self.chains.iter().collect();
        types.sort_by_key(|(event_type, _)| *event_type);
        for (event_type, chain) in types {
            if let (Some(present), Some((&version, _))) = (chain.present, chain.links.last_key_value())
                && version >= present
            {
                errors.push(ChainError::BeyondPresent { event_type: event_type.clone(), version, present });
            }
            for (&version, link) in &chain.links {
                for (to, at) in link.targets() {
                    errors.extend(self.gap(to, at));
                }
                if self.comes_back(event_type, version) {
                    errors.push(ChainError::Endless { event_type: event_type.clone(), version });
                }
            }
        }
        errors.dedup();
        errors
    }

    /// What is missing where an event arrives in this shape.
    fn gap(&self, event_type: &str, version: u32) -> Option<ChainError> {
        let chain = self.chains.get(event_type)?;
        if chain.present == Some(version) || chain.links.contains_key(&version) {
            return None;
        }
        let present = chain.present.unwrap_or_default();
        Some(ChainError::Gap { event_type: event_type.to_owned(), version, present })
    }

    /// Whether links lead from a shape back to it.
    fn comes_back(&self, event_type: &str, version: u32) -> bool {
        let mut seen: Vec<(&str, u32)> = Vec::new();
        let mut open = vec![(event_type, version)];
        while let Some((at, by)) = open.pop() {
            let link = self.chains.get(at).and_then(|chain| chain.links.get(&by));
            for target in link.map(Link::targets).unwrap_or_default() {
                if target == (event_type, version) {
                    return true;
                }
                if !seen.contains(&target) {
                    seen.push(target);
                    open.push(target);
                }
            }
        }
        false
    }
}

/// Steps that can't be: a path without names, a default that is no JSON.
fn wrong_steps(link: &Link) -> Vec<ChainError> {
    let wrong = |step: &Step| {
        let whole = matches!(step, Step::Compute(path, ..) if path.is_empty());
        let is_path = |path: &[String]| !path.is_empty() && path.iter().all(|name| !name.is_empty());
        let (fits, json) = match step {
            Step::Rename(path, to) => (is_path(path) && !to.is_empty(), None),
            Step::Add(path, json) => (is_path(path), Some(json)),
            Step::Remove(path) | Step::Compute(path, ..) => (is_path(path) || whole, None),
            Step::Move(from, to) => (is_path(from) && is_path(to), None),
            Step::DropWhen(..) => (true, None),
        };
        let not_json = |json: &String| serde_json::from_str::<serde::de::IgnoredAny>(json).err();
        let reason = match json.and_then(not_json) {
            _ if !fits => "a path is names with `.` between them".to_owned(),
            Some(error) => format!("the default is no JSON: {error}"),
            None => return None,
        };
        let (event_type, version) = (link.event_type.clone(), link.from);
        Some(ChainError::Step { event_type, version, step: step.to_string(), reason })
    };
    link.steps.iter().filter_map(wrong).collect()
}

/// Everything that makes the upcasters what they are, a line for each link: those that are written alike do
/// the same.
impl fmt::Display for Upcasters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.links().try_for_each(|link| writeln!(f, "{link}"))
    }
}

impl fmt::Debug for Upcasters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.links().map(ToString::to_string)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Part;
    use super::*;
    use crate::{NewEvent, Position, Timestamp, Version};

    fn stored(event_type: &str, schema_version: u32, data: &str) -> RecordedEvent {
        let event = NewEvent::new(event_type.parse().unwrap(), data.to_owned()).tag("a:b".parse().unwrap());
        let event = NewEvent { schema_version, ..event };
        let (stream, at) = ("order-1".parse().unwrap(), Timestamp::from_micros(7));
        RecordedEvent::from_new(&event, &stream, Position::new(5), Version::new(3), at)
    }

    fn said(upcasters: &Upcasters, event: RecordedEvent) -> Vec<String> {
        match upcasters.upcast(event) {
            Err(error) => vec![error.to_string()],
            Ok(present) => {
                let said = |event: RecordedEvent| {
                    let data = String::from_utf8_lossy(event.data()).into_owned();
                    format!("{} {} {data}", event.event_type(), event.schema_version())
                };
                present.into_iter().map(said).collect()
            }
        }
    }

    #[test]
    fn links_follow_each_other_over_versions_and_types() {
        let upcasters = Upcasters::new([
            Link::from("A", 1).rename("x", "y").add("z", "[]"),
            Link::from("A", 2).becomes("B", 2).remove("z"),
            Link::from("B", 1).add("w", "1"),
            Link::from("B", 2).compute("n", "length", |old| Ok(old.data().len().to_string())),
        ])
        .unwrap();
        assert_eq!(said(&upcasters, stored("A", 1, r#"{"x":1}"#)), [r#"B 3 {"y":1,"n":7}"#]);
        assert_eq!(said(&upcasters, stored("A", 2, r#"{"x":1}"#)), [r#"B 3 {"x":1,"n":7}"#]);
        assert_eq!(said(&upcasters, stored("B", 1, "{}")), [r#"B 3 {"w":1,"n":7}"#]);
        assert_eq!(said(&upcasters, stored("B", 3, "{ }")), ["B 3 { }"]);
        assert_eq!(said(&upcasters, stored("C", 9, "no JSON")), ["C 9 no JSON"]);
        assert!(upcasters.is_gone("A") && upcasters.present("B") == Some(3));
        assert_eq!(upcasters.sources(["B", "C"]).into_iter().collect::<Vec<_>>(), ["A", "B", "C"]);
        let before = stored("A", 1, "{}");
        let [after] = &upcasters.upcast(before.clone()).unwrap().into_iter().collect::<Vec<_>>()[..] else {
            panic!("one event is one event");
        };
        assert_eq!((after.event_id(), after.position()), (before.event_id(), before.position()));
        assert_eq!((after.version(), after.occurred_at()), (before.version(), before.occurred_at()));
        assert_eq!(after.tags().collect::<Vec<_>>(), ["a:b"]);
    }

    #[test]
    fn an_event_is_split_and_its_parts_go_on() {
        let upcasters = Upcasters::new([
            Link::from("A", 1).add("k", "1").splits([
                Part::new("B", 1).data("data.b", |_| Ok(r#"{"b":1}"#.to_owned())),
                Part::new("C", 1).when("never", |_| Ok(false)),
                Part::new("D", 1),
            ]),
            Link::from("B", 1).rename("b", "c"),
            Link::from("D", 1).drop_when("x", |old| Ok(old.data().starts_with(b"{\"x\""))),
        ])
        .unwrap();
        assert_eq!(said(&upcasters, stored("A", 1, "{}")), [r#"B 2 {"c":1}"#, r#"D 2 {"k":1}"#]);
        assert_eq!(said(&upcasters, stored("A", 1, r#"{"x":0}"#)), [r#"B 2 {"c":1}"#]);
        assert_eq!(
            said(&Upcasters::new([Link::from("A", 1).drops()]).unwrap(), stored("A", 1, "7")),
            [""; 0]
        );
    }

    #[test]
    fn what_leads_nowhere_is_said() {
        let upcasters = Upcasters::new([Link::from("A", 2).rename("x.y", "z")]).unwrap();
        let found = said(&upcasters, stored("A", 1, "{}"));
        assert_eq!(
            found,
            [
                "A 1 at position 5 (order-1 version 3): nothing leads on from A 1; add an upcast that begins there"
            ]
        );
        assert!(said(&upcasters, stored("A", 4, "{}"))[0].contains("newer than the present 3"));
        let found = said(&upcasters, stored("A", 2, r#"{"x":[]}"#));
        assert_eq!(
            found,
            ["A 2 at position 5 (order-1 version 3): A 2, rename x.y to z: it is a list, not an object"]
        );
    }

    #[test]
    fn what_is_read_and_not_declared_is_in_version_1() {
        let links = [Link::from("A", 1).rename("x", "y")];
        let upcasters = Upcasters::new(links).unwrap().reading(["A", "B"]).declared_in("app.tsk");
        assert_eq!(said(&upcasters, stored("A", 1, r#"{"x":1}"#)), [r#"A 2 {"y":1}"#], "that is known");
        assert_eq!(said(&upcasters, stored("B", 1, "{}")), ["B 1 {}"]);
        assert_eq!(said(&upcasters, stored("C", 9, "{}")), ["C 9 {}"], "nobody reads it");
        let newer = &said(&upcasters, stored("B", 2, "{}"))[0];
        let wanted =
            "B 2 at position 5 (order-1 version 3): its shape is B 2, newer than the present 1 of app.tsk";
        assert!(newer.starts_with(wanted) && newer.contains("[events.B]"), "{newer}");
        assert!(said(&upcasters, stored("A", 3, "{}"))[0].contains("newer than the present 2 of app.tsk"));
        assert_eq!(upcasters.links().count(), 1);
    }

    #[test]
    fn chains_that_can_not_be_are_refused() {
        let wrong = |links: Vec<Link>, present: &[(&str, u32)]| {
            let errors = Upcasters::to(links, present.iter().copied()).unwrap_err();
            errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        let from = Link::from;
        assert!(wrong(vec![from("A", 1), from("A", 1)], &[]).contains("two upcasts begin at A 1"));
        assert!(wrong(vec![from("A", 2)], &[("A", 2)]).contains("2 is its present version"));
        assert!(wrong(vec![from("A", 1)], &[("A", 3)]).contains("nothing leads from A 2"));
        assert!(wrong(vec![from("A", 1).becomes("B", 1)], &[("B", 2)]).contains("nothing leads from B 1"));
        let round = vec![from("A", 1).becomes("B", 1), from("B", 1).becomes("A", 1)];
        assert!(wrong(round, &[]).contains("leads back"));
        let apart = vec![from("A", 1).splits([Part::new("B", 1), Part::new("A", 1)])];
        assert!(wrong(apart, &[]).contains("leads back"));
        assert!(wrong(vec![from("A", 1).add("x", "{")], &[]).contains("is no JSON"));
        assert!(wrong(vec![from("A", 1).remove("")], &[]).contains("a path is names"));
        assert!(wrong(vec![from("A", 1).rename("a..b", "c")], &[]).contains("a path is names"));
    }

    #[test]
    fn what_follows_from_kinds_alone_is_known() {
        let upcasters = Upcasters::new([
            Link::from("A", 1).rename("x", "y").splits([Part::new("B", 1), Part::new("C", 1)]),
            Link::from("B", 1).compute("n", "1", |_| Ok("1".to_owned())),
            Link::from("C", 1).add("z", "1").remove("a").move_to("b", "c"),
            Link::from("D", 1).drops(),
            Link::from("E", 1).drop_when("never", |_| Ok(false)),
            Link::from("F", 1).splits([Part::new("C", 1).when("never", |_| Ok(false))]),
            Link::from("G", 1).splits([Part::new("C", 1).data("{}", |_| Ok("{}".to_owned()))]),
        ])
        .unwrap();
        let of = |event_type| upcasters.by_kinds(event_type, 1).map(Vec::from_iter);
        assert_eq!(["A", "B", "E", "F", "G"].map(of), [None, None, None, None, None]);
        assert_eq!((of("C"), of("D"), of("Z")), (Some(vec!["C"]), Some(vec![]), Some(vec!["Z"])));
    }

    #[test]
    fn splits_of_splits_have_an_end() {
        let split = |at| Link::from("A", at).splits([Part::new("A", at + 1), Part::new("A", at + 1)]);
        let upcasters = Upcasters::new((1..12).map(split)).unwrap();
        assert!(said(&upcasters, stored("A", 1, "{}"))[0].contains("more than 1024 events"));
        assert_eq!(said(&upcasters, stored("A", 9, "{}")).len(), 8);
    }
}
