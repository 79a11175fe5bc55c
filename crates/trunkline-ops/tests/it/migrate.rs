//! Migrations: everything arrives once, in order, whatever fails on the way, and commands keep their first answers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use trunkline::upcast::Link;
use trunkline::{
    App, Append, AppendError, ApplicationFile, CommandRequest, EventStore, EventType, Expected,
    HISTORY_STREAM, MemoryStore, NewEvent, Position, RecordedEvent, Registered, StreamName,
};
use trunkline_core::{Appended, StoreId, json};
use trunkline_ops::StreamRule;
use trunkline_ops::census::census;
use trunkline_ops::migrate::{MigrateError, Migration, MigrationReport};
use trunkline_store::{AllRead, EventStream, StorageError, StreamRead};

use crate::world::{forward_reads, read, request, said, with_file};

/// Shapes that change in every way.
const TODAY: &str = r#"
[events.Paid]
version: 2
schema: { type: "object", required: ["cents"], properties: { cents: { type: "integer" } } }
upcast: [{ from: 1, steps: [{ compute: { cents: "event.data.euros * 100" } }, { remove: "euros" }] }]

[events.Opened]
upcast: [{ from: 1, steps: [{ split: [
  { type: "Named", data: "{'name': event.data.name}" }
  { type: "Placed", data: "{'at': event.data.at}", when: "has(event.data.at)" }
] }] }]

[events.Seen]
upcast: [{ from: 1, steps: [{ drop: true }] }]
"#;

fn today() -> ApplicationFile {
    read(TODAY, &Registered::default())
}

async fn migrate(
    file: &ApplicationFile,
    from: &MemoryStore,
    to: &dyn EventStore,
) -> Result<MigrationReport, MigrateError> {
    Migration::new(&file.definition).run(from, to, |_| {}).await
}

async fn put(store: &MemoryStore, stream: &str, event_type: &str, data: &str) {
    let event = NewEvent::new(event_type.parse().unwrap(), data.to_owned()).tag("a:b".parse().unwrap());
    let event = event.metadata(trunkline::Metadata::parse(r#"{"actor": "ada"}"#).unwrap());
    store.append(Append::to(stream.parse().unwrap(), Expected::Any).event(event)).await.unwrap();
}

/// Four tills whose events take turns.
async fn tills() -> MemoryStore {
    let store = MemoryStore::new();
    for number in 0..60 {
        let stream = format!("till-{}", number * 7 % 4);
        match number % 5 {
            0 => put(&store, &stream, "Opened", r#"{"name":"x","at":"y"}"#).await,
            1 => put(&store, &stream, "Opened", r#"{"name":"z"}"#).await,
            2 => put(&store, &stream, "Seen", "{}").await,
            3 => put(&store, &stream, "Noted", "no matter").await,
            _ => put(&store, &stream, "Paid", &format!(r#"{{"euros":{number}}}"#)).await,
        }
    }
    store
}

async fn events(store: &MemoryStore) -> Vec<RecordedEvent> {
    store.read_all(AllRead::default()).try_collect().await.unwrap()
}

/// The events of a store as they are exported.
async fn lines(store: &MemoryStore) -> Vec<String> {
    events(store).await.iter().map(json::to_line).collect()
}

#[tokio::test]
async fn every_event_arrives_in_its_present_shape_with_all_else_it_had() {
    let (from, to) = (tills().await, MemoryStore::new());
    let report = migrate(&today(), &from, &to).await.unwrap();
    let (old, new) = (events(&from).await, events(&to).await);
    let mut found = new.iter();
    let mut split = 0;
    for old in &old {
        let data = std::str::from_utf8(old.data()).unwrap();
        let wanted: Vec<(&str, String)> = match old.event_type() {
            "Opened" if data.contains("at") => {
                vec![("Named", r#"{"name":"x"}"#.into()), ("Placed", r#"{"at":"y"}"#.into())]
            }
            "Opened" => vec![("Named", r#"{"name":"z"}"#.into())],
            "Seen" => vec![],
            "Paid" => vec![("Paid", data.replace("euros", "cents").replace('}', "00}"))],
            same => vec![(same, data.into())],
        };
        for (place, (event_type, data)) in wanted.iter().enumerate() {
            let new = found.next().unwrap();
            assert_eq!((new.event_type(), new.data()), (*event_type, data.as_bytes()));
            assert_eq!((new.stream(), new.metadata()), (old.stream(), old.metadata()));
            assert!(new.tags().eq(old.tags()));
            assert_eq!((new.occurred_at(), new.recorded_at()), (old.occurred_at(), old.recorded_at()));
            assert_eq!(new.event_id(), old.event_id().part(place as u32), "the first part keeps its id");
            split += usize::from(wanted.len() > 1);
        }
    }
    assert!(found.next().is_none() && split == 24, "{split}");
    assert_eq!((report.from.events, report.to.events, report.written), (60, 60, 60));
    let shapes: Vec<String> = report
        .shapes
        .iter()
        .map(|line| {
            let becomes = format!("{:?}", line.becomes);
            let fates = [line.read, line.unchanged, line.changed, line.split, line.dropped];
            format!("{} {} {fates:?} {becomes}", line.event_type, line.schema_version)
        })
        .collect();
    assert_eq!(
        shapes,
        [
            r#"Noted 1 [12, 12, 0, 0, 0] {"Noted 1": 12}"#,
            r#"Opened 1 [24, 0, 12, 12, 0] {"Named 1": 24, "Placed 1": 12}"#,
            r#"Paid 1 [12, 0, 12, 0, 0] {"Paid 2": 12}"#,
            "Seen 1 [12, 0, 0, 0, 12] {}",
        ]
    );
}

/// What a store does when it is asked for an append.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Stores nothing, and takes the next ones.
    NotStored,
    /// Stores it and loses the answer, and takes no more.
    AnswerLost,
    /// Never answers; whoever waits is killed. It was stored.
    KilledAfter,
    /// The same, and it was not stored.
    KilledBefore,
}

/// A store in memory in which one append goes wrong.
#[derive(Debug)]
struct Failing {
    inner: MemoryStore,
    fault: Fault,
    at: usize,
    appends: AtomicUsize,
}

impl EventStore for Failing {
    fn id(&self) -> StoreId {
        self.inner.id()
    }

    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        Box::pin(async move {
            let number = self.appends.fetch_add(1, Ordering::SeqCst);
            match (number.cmp(&self.at), self.fault) {
                (std::cmp::Ordering::Less, _) | (std::cmp::Ordering::Greater, Fault::NotStored) => {
                    self.inner.append(append).await
                }
                (std::cmp::Ordering::Equal, Fault::NotStored) => {
                    Err(StorageError::NotStored { reason: "full".to_owned() }.into())
                }
                (std::cmp::Ordering::Equal, Fault::AnswerLost) => {
                    self.inner.append(append).await?;
                    Err(StorageError::Unknown { storage: "the store", reason: "lost".to_owned() }.into())
                }
                (std::cmp::Ordering::Greater, Fault::AnswerLost) => {
                    Err(StorageError::Poisoned { storage: "the store", reason: "lost".to_owned() }.into())
                }
                (order, fault) => {
                    if order.is_eq() && matches!(fault, Fault::KilledAfter) {
                        self.inner.append(append).await?;
                    }
                    std::future::pending().await
                }
            }
        })
    }

    fn read_stream(&self, stream: &StreamName, read: StreamRead) -> EventStream {
        self.inner.read_stream(stream, read)
    }

    forward_reads!();
}

#[tokio::test(start_paused = true)]
async fn a_migration_that_is_stopped_at_any_append_goes_on() {
    let (file, from, whole) = (today(), tills().await, MemoryStore::new());
    let wanted = migrate(&file, &from, &whole).await.unwrap();
    let whole = lines(&whole).await;
    let mut stopped = 0;
    for fault in [Fault::NotStored, Fault::AnswerLost, Fault::KilledAfter, Fault::KilledBefore] {
        for at in 0.. {
            let to = MemoryStore::new();
            let failing = Failing { inner: to.clone(), fault, at, appends: AtomicUsize::new(0) };
            let run = migrate(&file, &from, &failing);
            let ended = tokio::time::timeout(Duration::from_secs(1), run).await;
            let so_far = lines(&to).await;
            assert_eq!(so_far, whole[..so_far.len()], "{fault:?} at {at}: a beginning of the whole");
            if failing.appends.load(Ordering::SeqCst) <= at {
                assert!(matches!(ended, Ok(Ok(_))), "{ended:?}");
                break;
            }
            assert!(!matches!(ended, Ok(Ok(_))), "{fault:?} at {at}");
            stopped += 1;
            let report = migrate(&file, &from, &to).await.unwrap();
            assert_eq!(lines(&to).await, whole, "{fault:?} at {at}");
            assert_eq!(report.written, (whole.len() - so_far.len()) as u64, "{fault:?} at {at}");
            assert_eq!((&report.from, &report.shapes), (&wanted.from, &wanted.shapes), "all is counted anew");
            assert_eq!(report.to.sha256, wanted.to.sha256);
        }
    }
    assert!(stopped >= 4 * 10, "the events take turns, so there are many appends: {stopped}");
}

#[tokio::test]
async fn the_report_can_be_checked_with_exports() {
    let (from, to) = (tills().await, MemoryStore::new());
    let report = migrate(&today(), &from, &to).await.unwrap();
    for (store, side) in [(&from, &report.from), (&to, &report.to)] {
        use sha2::Digest as _;
        let export = lines(store).await.join("\n") + "\n";
        let hash = sha2::Sha256::digest(export.as_bytes());
        let hash = hash.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        assert_eq!(side.sha256, hash);
        let last = store.head().await.unwrap();
        assert_eq!((side.store, side.first, side.last), (store.id(), Some(Position::FIRST), Some(last)));
    }
}

#[tokio::test]
async fn a_store_that_has_grown_is_followed_and_another_one_is_refused() {
    let (file, from, to) = (today(), tills().await, MemoryStore::new());
    migrate(&file, &from, &to).await.unwrap();
    put(&from, "till-1", "Paid", r#"{"euros":1}"#).await;
    put(&from, "till-9", "Seen", "{}").await;
    let report = migrate(&file, &from, &to).await.unwrap();
    assert_eq!((report.from.events, report.to.events, report.written), (62, 61, 1));
    let report = migrate(&file, &from, &to).await.unwrap();
    assert_eq!((report.written, report.beyond), (0, None));
    // The application begins to work with the new store.
    put(&to, "till-1", "Paid", r#"{"cents":2}"#).await;
    let report = migrate(&file, &from, &to).await.unwrap();
    assert_eq!((report.written, report.beyond), (0, Some(Position::new(62))));
    put(&from, "till-1", "Paid", r#"{"euros":3}"#).await;
    let before = lines(&to).await;
    let error = migrate(&file, &from, &to).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the new store's event at position 62 is not what becomes of Paid 1 at position 63 (till-1 version 17): \
         its id is another"
    );
    let other = read(&TODAY.replace("* 100", "* 101"), &Registered::default());
    let error = migrate(&other, &from, &to).await.unwrap_err();
    assert!(error.to_string().ends_with("its data is another"), "{error}");
    assert_eq!(lines(&to).await, before, "nothing was written");
    assert!(matches!(migrate(&file, &from, &from).await, Err(MigrateError::SameStore)));
}

#[tokio::test]
async fn an_event_that_leads_nowhere_stops_the_migration_before_it() {
    for (data, wanted) in [
        (
            r#"{"cents":3}"#,
            "Paid 1, compute cents: event.data.euros * 100: `event.data` has no field `euros`",
        ),
        (r#"{"euros":0.005}"#, "today it would be Paid 2, and is not: cents: 0.5 is not of type \"integer\""),
    ] {
        let (from, to) = (MemoryStore::new(), MemoryStore::new());
        put(&from, "till-1", "Paid", r#"{"euros":1}"#).await;
        put(&from, "till-1", "Paid", data).await;
        put(&from, "till-1", "Paid", r#"{"euros":1}"#).await;
        let error = migrate(&today(), &from, &to).await.unwrap_err();
        let wanted = format!("Paid 1 at position 2 (till-1 version 2) can't be migrated: {wanted}");
        assert_eq!(error.to_string(), wanted);
        assert_eq!(lines(&to).await.len(), 0, "not in part either");
    }
}

#[tokio::test]
async fn streams_are_named_by_a_rule() {
    let from = tills().await;
    let to = MemoryStore::new();
    let file = today();
    let rule = "event.type == 'Named' ? 'name-' + event.data.name : 'desk-' + event.stream_id";
    let migration = Migration::new(&file.definition).streams(StreamRule::compile(rule).unwrap());
    let report = migration.run(&from, &to, |_| {}).await.unwrap();
    let routes: Vec<(&str, &str, u64)> =
        report.streams.iter().map(|line| (&*line.from, &*line.to, line.events)).collect();
    assert_eq!(routes, [("till", "desk", 36), ("till", "name", 24)]);
    let plain = MemoryStore::new();
    migrate(&file, &from, &plain).await.unwrap();
    for (named, plain) in events(&to).await.iter().zip(&events(&plain).await) {
        let wanted = match named.event_type() {
            "Named" if named.data() == br#"{"name":"x"}"# => "name-x".to_owned(),
            "Named" => "name-z".to_owned(),
            _ => plain.stream().replace("till", "desk"),
        };
        assert_eq!(named.stream(), wanted);
        assert_eq!((named.event_id(), named.data()), (plain.event_id(), plain.data()));
    }
    for (rule, wanted) in [
        ("'a'", "does not name a stream"),
        ("'$inbox-a'", "begins with `$`"),
        ("1", "it gives an int, not a text"),
        ("event.data.x", "no field `x`"),
    ] {
        let migration = Migration::new(&file.definition).streams(StreamRule::compile(rule).unwrap());
        let error = migration.run(&from, &MemoryStore::new(), |_| {}).await.unwrap_err().to_string();
        assert!(error.contains("position 1 (till-0 version 1)") && error.contains(wanted), "{error}");
    }
}

/// Commands as they were, of all kinds of outcomes.
const THEN: &str = r#"
[commands.Pay]
stream: "'till-' + command.till"
require: [{ that: "command.euros < 1000", else: "too much" }]
emit: [{ type: "Paid", data: "{'euros': command.euros, 'note': default(command.note, '')}" }]

[commands.Open]
stream: "'till-' + command.till"
emit: [
  { type: "Opened", data: "{'name': command.till, 'at': 'z'}" }
  { type: "Noted", data: "{'by': 'me'}" }
]

[commands.See]
stream: "'till-' + command.till"
emit: [{ type: "Seen", data: "{'till': command.till}" }]

[commands.SeeAndPay]
stream: "'till-' + command.till"
emit: [{ type: "Seen", data: "{}" }, { type: "Paid", data: "{'euros': 3}" }]
reply: "{'seen': command.till}"

[commands.Wait]
stream: "'till-' + command.till"
emit: [{ type: "Noted", data: "{}", when: "false" }]
reply: "'waited'"
"#;

#[tokio::test]
async fn a_command_that_is_sent_again_gets_its_first_answer_from_the_new_store() {
    let long = "x".repeat(70_000);
    let requests: Vec<CommandRequest> = [
        ("Pay", r#"{"till":"a","euros":7}"#.to_owned()),
        ("Pay", format!(r#"{{"till":"a","euros":8,"note":"{long}"}}"#)),
        ("Pay", r#"{"till":"a","euros":7000}"#.to_owned()),
        ("Open", r#"{"till":"a"}"#.to_owned()),
        ("See", r#"{"till":"a"}"#.to_owned()),
        ("SeeAndPay", r#"{"till":"b"}"#.to_owned()),
        ("Wait", r#"{"till":"a"}"#.to_owned()),
    ]
    .iter()
    .enumerate()
    .map(|(number, (name, data))| request(&format!("{number}"), name, data))
    .collect();
    let from = MemoryStore::new();
    let app = with_file(App::builder().store(from.clone()), THEN).build().await.unwrap();
    let mut first = Vec::new();
    for request in &requests {
        first.push(app.send(request.clone()).await.unwrap());
    }
    let to = MemoryStore::new();
    let report = migrate(&today(), &from, &to).await.unwrap();
    assert_eq!(report.outcomes, 3, "for the long one, and for those whose first events are dropped");
    let mut text = TODAY.to_owned();
    for name in ["Pay", "Open", "See", "SeeAndPay", "Wait"] {
        let anew = "require: [{ that: \"false\", else: \"decided anew\" }]";
        text.extend(["[commands.", name, "]\nstream: \"'till-' + command.till\"\n", anew, "\n"]);
    }
    let now = with_file(App::builder().store(to.clone()), &text).build().await.unwrap();
    for (request, first) in requests.iter().zip(&first) {
        let again = now.send(request.clone()).await.unwrap();
        assert!(again.repeated, "{again:?}");
        match (first.accepted(), again.accepted()) {
            (Some(first), Some(again)) => assert_eq!(again.reply, first.reply),
            _ => assert_eq!(first.rejection(), again.rejection()),
        }
    }
    let again = said(&now.send(requests[3].clone()).await);
    assert_eq!(
        again,
        r#"again accepted: till-a@3 Named {"name":"a"}, till-a@4 Placed {"at":"z"}, till-a@5 Noted {"by":"me"}"#
    );
    assert_eq!(events(&to).await.len() as u64, report.to.events, "nothing was done again");
    // A copy of the copy is the same.
    let further = MemoryStore::new();
    let again = migrate(&today(), &to, &further).await.unwrap();
    assert_eq!((lines(&further).await, again.outcomes), (lines(&to).await, 0));
    let other = now.send(request("0", "See", r#"{"till":"a"}"#)).await;
    assert!(said(&other).contains("\"0\" belongs to \"Pay\", not to \"See\""), "{}", said(&other));
    for CommandRequest { name, id, .. } in requests {
        let other = request(id.unwrap().as_str(), &name, r#"{"till":"c"}"#);
        let other = said(&now.send(other).await);
        assert!(other.ends_with(&format!("belongs to \"{name}\" with other data")), "{other}");
    }
}

fn saga_stream() -> StreamName {
    StreamName::system("$saga.order-1").unwrap()
}

async fn put_saga(store: &MemoryStore, event_type: &str, data: &str) {
    let event = NewEvent::new(EventType::system(event_type).unwrap(), data.to_owned());
    store.append(Append::to(saga_stream(), Expected::Any).event(event)).await.unwrap();
}

#[tokio::test]
async fn what_sagas_name_as_their_causes_moves_with_them() {
    let (file, from, to) = (today(), MemoryStore::new(), MemoryStore::new());
    let noted =
        |position: u64| format!(r#"{{"cause": {{"position": {position},"x":1}},"state":{position}}}"#);
    put(&from, "till-1", "Paid", r#"{"euros":1}"#).await;
    put_saga(&from, "$SagaNewer", r#"{"position":1}"#).await;
    migrate(&file, &from, &to).await.unwrap();
    put(&from, "till-1", "Seen", "{}").await;
    put(&from, "till-1", "Opened", r#"{"name":"x","at":"y"}"#).await;
    for position in [1, 3, 4, 0] {
        put_saga(&from, "$SagaNoted", &noted(position)).await;
    }
    put_saga(&from, "$SagaNoted", r#"{"cause":{"operator":"ada"},"state":{"position":4}}"#).await;
    let report = migrate(&file, &from, &to).await.unwrap();
    assert_eq!(report.written, 7);
    let copied: Vec<_> = events(&to).await.split_off(4);
    let data: Vec<_> = copied.iter().map(|event| std::str::from_utf8(event.data()).unwrap()).collect();
    let moved = |from, to: u64| noted(from).replace(&format!(": {from},"), &format!(": {to},"));
    // What was dropped is where the one before it is, and a split has had its effect with its last part.
    assert_eq!(data[..4], [noted(1), moved(3, 2), moved(4, 4), noted(0)]);
    assert_eq!(data[4], r#"{"cause":{"operator":"ada"},"state":{"position":4}}"#);
    let line = report.shapes.iter().find(|line| line.event_type == "$SagaNoted").unwrap();
    assert_eq!((line.read, line.changed), (5, 1));

    for (event_type, data, wanted) in [
        ("$SagaNoted", noted(10), "it names position 10 as its cause, which comes after it"),
        ("$SagaNoted", "{}".to_owned(), "its cause can't be read"),
        ("$SagaNewer", noted(1), "a newer version wrote this event"),
    ] {
        let stopped = MemoryStore::new();
        migrate(&file, &from, &stopped).await.unwrap();
        let (from, head) = (copy(&from).await, stopped.head().await.unwrap());
        put_saga(&from, event_type, &data).await;
        let error = migrate(&file, &from, &stopped).await.unwrap_err().to_string();
        assert!(
            error.contains("at position 10 ($saga.order-1 version 7)") && error.contains(wanted),
            "{error}"
        );
        assert_eq!(stopped.head().await.unwrap(), head);
    }
}

/// The same events in another store.
async fn copy(store: &MemoryStore) -> MemoryStore {
    let (file, to) = (read("", &Registered::default()), MemoryStore::new());
    migrate(&file, store, &to).await.unwrap();
    to
}

#[tokio::test]
async fn what_happened_long_ago_is_counted_again() {
    let (file, from, to) = (today(), MemoryStore::new(), MemoryStore::new());
    // Commands of several events, so that no place of a round number is the end of one.
    let kinds = [("Seen", "{}"), ("Opened", r#"{"name":"x","at":"y"}"#), ("Noted", "{}")];
    let mut new = vec![0_u64];
    for number in 0..8_000 {
        let events = kinds.iter().map(|(kind, data)| NewEvent::json(kind, (*data).to_owned()).unwrap());
        let append = Append::to("till-1".parse().unwrap(), Expected::Any).with_events(events);
        let append = append.for_command(format!("{number}").parse().unwrap());
        from.append(append).await.unwrap();
        // The one that keeps the answer, the parts of the split, the last one.
        new.extend([1, 3, 4].map(|more| 4 * number + more));
    }
    let asked = [1, 2, 3, 4_095, 4_096, 4_097, 7_600, 7_615, 7_617, 7_630, 12_345, 23_999, 24_000];
    for position in asked {
        put_saga(&from, "$SagaNoted", &format!(r#"{{"cause":{{"position":{position}}},"state":1}}"#)).await;
    }
    migrate(&file, &from, &to).await.unwrap();
    let copied = events(&to).await.split_off(32_000);
    for (position, event) in asked.into_iter().zip(&copied) {
        let wanted = format!(r#"{{"cause":{{"position":{}}},"state":1}}"#, new[position]);
        assert_eq!(std::str::from_utf8(event.data()).unwrap(), wanted, "{position}");
    }
}

#[tokio::test]
async fn readers_of_the_old_store_go_on_in_the_new_one() {
    use trunkline::messages::{Checkpoint, Checkpoints as _, MemoryCheckpoints};
    let (file, from, to) = (today(), MemoryStore::new(), MemoryStore::new());
    put(&from, "till-1", "Seen", "{}").await;
    put(&from, "till-1", "Opened", r#"{"name":"x","at":"y"}"#).await;
    put(&from, "till-1", "Seen", "{}").await;
    put(&from, "till-1", "Noted", "{}").await;
    let old = events(&from).await;
    let at = |place: usize| Checkpoint {
        store: from.id(),
        position: old[place].position(),
        event_id: old[place].event_id(),
    };
    let given = [("first", at(0)), ("split", at(1)), ("dropped", at(2)), ("last", at(3))];
    let other = Checkpoint { store: to.id(), ..at(1) };
    let given = given.into_iter().chain([("other", other)]).map(|(name, at)| (name.to_owned(), at));
    let report = Migration::new(&file.definition).checkpoints(given).run(&from, &to, |_| {}).await.unwrap();
    let kept = MemoryCheckpoints::default();
    report.keep_checkpoints(&kept).await.unwrap();
    let reached = async || {
        let all = kept.all().await.unwrap();
        let reached = all.into_iter().map(|(name, checkpoint)| (name, checkpoint.position.get()));
        reached.collect::<BTreeMap<_, _>>()
    };
    let expected = [("split", 2), ("dropped", 2), ("last", 3)].map(|(name, at)| (name.to_owned(), at));
    assert_eq!(reached().await, BTreeMap::from(expected));
    for line in &report.checkpoints {
        assert_eq!(line.problem.is_some(), line.name == "other", "{line:?}");
        if let Some(moved) = line.to {
            moved.check(&line.name, &to).await.unwrap();
        }
    }
    // The application has begun with the new store.
    let further = events(&to).await[2].clone();
    let further = Checkpoint { store: to.id(), position: further.position(), event_id: further.event_id() };
    kept.save("split", &further).await.unwrap();
    report.keep_checkpoints(&kept).await.unwrap();
    assert_eq!(reached().await["split"], 3);
}

#[tokio::test]
async fn a_program_migrates_and_counts_with_its_own_links_and_the_files_shapes() {
    let (old, new) = (MemoryStore::new(), MemoryStore::new());
    put(&old, "lamp-1", "Lit", r#"{"who":"ada"}"#).await;
    put(&old, "lamp-1", "Lit", r#"{"who":7}"#).await;
    let text = "[events.SwitchedOn]\nschema: { properties: { by: { type: \"string\" } } }\n";
    let link = Link::from("Lit", 1).rename("who", "by").becomes("SwitchedOn", 1);
    let app = with_file(App::builder().store(old.clone()).upcast([link]), text).build().await.unwrap();
    let counted = census(&app, &old, |_| ()).await.unwrap();
    assert_eq!((counted.events, counted.undecodable), (2, 1), "{counted:?}");
    let failed = Migration::new(&app).run(&old, &new, |_| ()).await.unwrap_err();
    assert!(failed.to_string().ends_with("by: 7 is not of type \"string\""), "{failed}");
    let arrived = events(&new).await;
    assert!(arrived.is_empty(), "the batch of the first event that fails is not begun");
    let old = MemoryStore::new();
    put(&old, "lamp-1", "Lit", r#"{"who":"ada"}"#).await;
    Migration::new(&app).run(&old, &new, |_| ()).await.unwrap();
    let arrived = events(&new).await;
    let arrived: Vec<_> = arrived.iter().map(|event| (event.event_type(), event.data())).collect();
    assert_eq!(arrived, [("SwitchedOn", br#"{"by":"ada"}"#.as_slice())]);
}

#[tokio::test]
async fn a_relay_makes_the_same_messages_of_both_stores() {
    use trunkline::messages::{MemoryCheckpoints, Relay};
    use trunkline_queue::{GroupOptions, MemoryQueue, MessageQueue as _, Receive};
    let (from, to, queue) = (MemoryStore::new(), MemoryStore::new(), MemoryQueue::new());
    let (topic, group) = ("out".parse().unwrap(), "g".parse().unwrap());
    queue.subscribe(topic, group, GroupOptions::default()).await.unwrap();
    put(&from, "till-1", "Seen", "{}").await;
    put(&from, "till-1", "Opened", r#"{"name":"x","at":"y"}"#).await;
    put(&from, "till-1", "Paid", r#"{"euros":1}"#).await;
    let app = with_file(App::builder().store(from.clone()), TODAY).build().await.unwrap();
    let relay = Relay { upcasters: app.upcasters().clone(), ..Relay::new("out", "out".parse().unwrap()) };
    let relayed = async |store: &MemoryStore| {
        let store: std::sync::Arc<dyn EventStore> = std::sync::Arc::new(store.clone());
        relay.catch_up(&store, &queue, &MemoryCheckpoints::default()).await.unwrap();
        let receive = Receive::new("out".parse().unwrap(), "g".parse().unwrap()).max(10).now();
        let came = queue.receive(receive).await.unwrap();
        came.iter().map(|delivery| delivery.message.message_type.clone()).collect::<Vec<_>>()
    };
    assert_eq!(relayed(&from).await, ["Named", "Placed", "Paid"]);
    migrate(&today(), &from, &to).await.unwrap();
    assert_eq!(relayed(&to).await, [""; 0], "they are there");
    // In this place of its stream the old store had another event.
    put(&from, "till-1", "Paid", r#"{"euros":2}"#).await;
    assert_eq!(relayed(&from).await, ["Paid"]);
    put(&to, "till-1", "Paid", r#"{"euros":3}"#).await;
    put(&to, "till-1", "Paid", r#"{"euros":4}"#).await;
    assert_eq!(relayed(&to).await, ["Paid"; 2]);
}

/// An event of Trunkline's own, whose data names a place.
async fn says(store: &MemoryStore, stream: &str, event_type: &str, data: &str) {
    let event = NewEvent::new(EventType::system(event_type).unwrap(), data.to_owned());
    let stream = StreamName::system(stream).unwrap();
    store.append(Append::to(stream, Expected::Any).event(event)).await.unwrap();
}

/// The data of the events of a stream.
async fn said_in(store: &MemoryStore, stream: &str) -> Vec<String> {
    let all = events(store).await.into_iter().filter(|event| event.stream() == stream);
    all.map(|event| String::from_utf8(event.data().to_vec()).unwrap()).collect()
}

/// Where a restored history ended is another place after a migration; messages that were published before name the
/// old one.
#[tokio::test]
async fn where_a_restored_history_ended_moves_along_also_where_no_cause_says_it() {
    let (from, to) = (MemoryStore::new(), MemoryStore::new());
    put(&from, "till-1", "Seen", "{}").await;
    put(&from, "till-1", "Noted", "x").await;
    put(&from, "till-1", "Opened", r#"{"name":"x","at":"y"}"#).await;
    let one = r#"{"restored":"8a0d1a33-51b3-4d6e-8d4f-6a3a35f1a1f2","position":2,"whole":false}"#;
    says(&from, HISTORY_STREAM, "$Reconciled", one).await;
    let two = r#"{"restored":"9a0d1a33-51b3-4d6e-8d4f-6a3a35f1a1f2","position":3,"whole":true,"again":[],"cause":{"position":3}}"#;
    says(&from, HISTORY_STREAM, "$Reconciled", two).await;
    migrate(&today(), &from, &to).await.unwrap();
    let said = said_in(&to, HISTORY_STREAM).await;
    assert_eq!(said[0], one.replace("false}", r#"false,"cause":{"position":1}}"#));
    assert_eq!(said[1].as_str(), two, "what was split makes up for what was dropped");
    let again = migrate(&today(), &from, &to).await.unwrap();
    assert_eq!(again.written, 0);
    // What can't be read is not carried over as if nothing had moved.
    says(&from, HISTORY_STREAM, "$Reconciled", r#"{"restored":"x"}"#).await;
    let error = migrate(&today(), &from, &to).await.unwrap_err();
    assert!(error.to_string().contains("its cause can't be read"), "{error}");
}

/// From where on sagas are started may lie ahead: the place moves with the events before it, as far as there are any.
#[tokio::test]
async fn a_start_that_lies_ahead_moves_with_what_comes_before_it() {
    // Positions 2 and 3 become two events and none, 4 and 5 stay, and whatever follows is as far away as it was.
    for (ahead, moved) in [(2, 3), (3, 3), (4, 4), (5, 5), (6, 6), (9, 9)] {
        for dropped in [false, true] {
            let (from, to) = (MemoryStore::new(), MemoryStore::new());
            if dropped {
                put(&from, "till-1", "Seen", "{}").await;
            }
            let at = |position: u64, more: u64| position + more * u64::from(dropped);
            let declared =
                |position| format!(r#"{{"saga":"a","start_from":"x","cause":{{"position":{position}}}}}"#);
            says(&from, "$sagas-starts", "$SagaDeclared", &declared(at(ahead, 1))).await;
            put(&from, "till-1", "Opened", r#"{"name":"x","at":"y"}"#).await;
            put(&from, "till-1", "Seen", "{}").await;
            put(&from, "till-1", "Noted", "x").await;
            put(&from, "till-1", "Noted", "y").await;
            migrate(&today(), &from, &to).await.unwrap();
            assert_eq!(said_in(&to, "$sagas-starts").await, [declared(moved)], "{ahead}, {dropped}");
            assert_eq!(migrate(&today(), &from, &to).await.unwrap().written, 0);
        }
    }
}
