//! A command with an id has one outcome, whatever happens in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use trunkline::{
    App, AppBuilder, Append, CommandContext, CommandHandler, CommandRequest, Decided, DispatchError,
    EventStore, Expected, HandleError, LogStore, LogStoreOptions, MemoryStore, Metadata, NewEvent, Position,
    RejectedBy,
};

use crate::counter::{Counter, increment};
use crate::world::{Meddle, Meddling, request, said, with_file};

/// A door that is opened and shut, declared.
const DOOR: &str = r#"
[aggregates.door]
on {
  Opened: "{'open': true}"
  Shut:   "{'open': false}"
}

[commands.Open]
stream: "'door-' + command.id"
require: [{ that: "!default(state.open, false)", else: "it is open" }]
emit: [{ type: "Opened", data: "command" }]

[commands.Shut]
stream: "'door-' + command.id"
emit: [{ type: "Shut", data: "command", when: "default(state.open, false)" }]

[commands.Knock]
stream: "'door-' + command.id"
emit: [{ type: "Knocked", data: "command" }]
reply: "{'heard': default(state.open, false)}"
"#;

async fn doors(builder: AppBuilder) -> App {
    with_file(builder, DOOR).build().await.unwrap()
}

async fn head(app: &App) -> Position {
    app.store().head().await.unwrap()
}

#[tokio::test]
async fn a_command_that_is_sent_again_answers_the_same_and_stores_nothing() {
    let app = doors(App::builder().store(MemoryStore::new())).await;
    let open = request("1", "Open", r#"{"id":"a"}"#);
    let first = app.send(open.clone()).await.unwrap();
    assert_eq!(said(&Ok(first.clone())), r#"accepted: door-a@1 Opened {"id":"a"}"#);
    assert_eq!(
        said(&app.send(request("2", "Shut", r#"{"id":"a"}"#)).await),
        r#"accepted: door-a@2 Shut {"id":"a"}"#
    );
    let before = head(&app).await;
    let again = app.send(open).await.unwrap();
    assert!(again.repeated && !first.repeated, "{again:?}");
    assert_eq!(again.decision, first.decision, "also after its stream went on");
    assert_eq!(head(&app).await, before);
}

#[tokio::test]
async fn a_rejection_stays_one_though_it_would_be_accepted_now() {
    let app = doors(App::builder().store(MemoryStore::new())).await;
    app.send(request("1", "Open", r#"{"id":"a"}"#)).await.unwrap();
    let open = request("2", "Open", r#"{"id":"a"}"#);
    assert_eq!(said(&app.send(open.clone()).await), "rejected: it is open");
    app.send(request("3", "Shut", r#"{"id":"a"}"#)).await.unwrap();
    let before = head(&app).await;
    assert_eq!(said(&app.send(open).await), "again rejected: it is open");
    assert_eq!(head(&app).await, before);
}

#[tokio::test]
async fn a_command_that_had_nothing_to_do_has_nothing_to_do_again() {
    let app = doors(App::builder().store(MemoryStore::new())).await;
    let shut = request("1", "Shut", r#"{"id":"a"}"#);
    assert_eq!(said(&app.send(shut.clone()).await), "accepted: ");
    app.send(request("2", "Open", r#"{"id":"a"}"#)).await.unwrap();
    assert_eq!(said(&app.send(shut).await), "again accepted: ");
    let state = app.send(request("3", "Open", r#"{"id":"a"}"#)).await;
    assert_eq!(said(&state), "rejected: it is open", "the repeat didn't shut it");
}

#[tokio::test]
async fn the_reply_is_the_first_one() {
    let app = doors(App::builder().store(MemoryStore::new())).await;
    let knock = request("1", "Knock", r#"{"id":"a"}"#);
    let reply = async |app: &App| app.send(knock.clone()).await.unwrap().accepted().unwrap().reply.clone();
    assert_eq!(reply(&app).await, r#"{"heard":false}"#);
    app.send(request("2", "Open", r#"{"id":"a"}"#)).await.unwrap();
    assert_eq!(reply(&app).await, r#"{"heard":false}"#);
}

#[tokio::test]
async fn an_id_belongs_to_one_command() {
    let app = doors(App::builder().store(MemoryStore::new())).await;
    app.send(request("1", "Open", r#"{"id":"a"}"#)).await.unwrap();
    assert_eq!(
        said(&app.send(request("1", "Shut", r#"{"id":"a"}"#)).await),
        r#"error: this id was used for another command: "1" belongs to "Open", not to "Shut""#
    );
}

#[tokio::test]
async fn with_other_data_it_is_another_command() {
    let app = doors(App::builder().store(MemoryStore::new())).await;
    for (id, command, outcome) in [
        ("1", "Open", r#"accepted: door-a@1 Opened {"id":"a","n":[1,{}]}"#),
        ("2", "Open", "rejected: it is open"),
        ("3", "Shut", r#"accepted: door-a@2 Shut {"id":"a","n":[1,{}]}"#),
        ("4", "Shut", "accepted: "),
        ("5", "Knock", r#"accepted: door-a@3 Knocked {"id":"a","n":[1,{}]}"#),
    ] {
        let send = async |data: &str| said(&app.send(request(id, command, data)).await);
        assert_eq!(send(r#"{"id":"a","n":[1,{}]}"#).await, outcome);
        let before = head(&app).await;
        for other in [r#"{"id":"a","n":[{},1]}"#, r#"{"id":"b","n":[1,{}]}"#, r#"{"id":"a"}"#, "{"] {
            assert_eq!(
                send(other).await,
                format!(
                    "error: this id was used for another command: \"{id}\" belongs to \"{command}\" with other data"
                )
            );
        }
        for same in ["{ \"id\": \"a\",\n \"n\": [ 1, {} ] }", r#"{"n":[1,{}],"id":"a"}"#] {
            assert_eq!(send(same).await, format!("again {outcome}"));
        }
        assert_eq!(head(&app).await, before);
    }
}

#[tokio::test]
async fn an_outcome_that_was_kept_without_a_digest_is_that_of_any_data() {
    let app = doors(App::builder().store(MemoryStore::new())).await;
    let event = NewEvent::json("Opened", "{}").unwrap();
    let event = event.metadata(Metadata::parse(r#"{"command":"Open"}"#).unwrap());
    let append = Append::to("door-a".parse().unwrap(), Expected::Any).event(event);
    app.store().append(append.for_command("1".parse().unwrap())).await.unwrap();
    for data in [r#"{"id":"a"}"#, r#"{"id":"b"}"#, r#"{"id":"a","id":"b"}"#] {
        assert_eq!(said(&app.send(request("1", "Open", data)).await), "again accepted: door-a@1 Opened {}");
    }
}

#[tokio::test]
async fn a_name_that_is_twice_in_the_data_is_rejected() {
    let app = doors(App::builder().store(MemoryStore::new()).decider::<Counter>()).await;
    let twice = r#"{"id":"a","items":[{},{"n":1,"n":2}]}"#;
    let reason =
        "`items[1].n` is there twice, and readers differ in which of the two they take; write it once";
    for name in ["Open", "Increment"] {
        let outcome = app.send(CommandRequest::new(name, twice)).await.unwrap();
        let rejection = outcome.rejection().unwrap();
        assert_eq!((&*rejection.reason, rejection.by), (reason, RejectedBy::Data));
        assert_eq!(rejection.field.as_deref(), Some("command.items[1].n"));
    }
    assert_eq!(head(&app).await, Position::new(0));
    assert_eq!(said(&app.send(request("1", "Open", twice)).await), format!("rejected: {reason}"));
    assert_eq!(said(&app.send(request("1", "Open", twice)).await), format!("again rejected: {reason}"));
    let mended = app.send(request("1", "Open", r#"{"id":"a"}"#)).await;
    assert!(matches!(mended, Err(DispatchError::IdTaken { .. })), "{mended:?}");
}

#[tokio::test]
async fn what_trunkline_made_of_an_event_is_known_by_its_id_alone() {
    let app = doors(App::builder().store(MemoryStore::new())).await;
    let made = |data| CommandRequest { derived: true, ..request("1", "Open", data) };
    let twice = r#"{"id":"a","n":1,"n":2}"#;
    let outcome = said(&app.send(made(twice)).await);
    assert_eq!(outcome, format!("accepted: door-a@1 Opened {twice}"), "as it was stored");
    assert_eq!(said(&app.send(made(r#"{"id":"b"}"#)).await), format!("again {outcome}"));
}

#[tokio::test]
async fn without_an_id_every_sending_is_a_command_of_its_own() {
    let app = doors(App::builder().store(MemoryStore::new())).await;
    let open = || CommandRequest::new("Open", r#"{"id":"a"}"#);
    assert!(said(&app.send(open()).await).starts_with("accepted"));
    assert_eq!(said(&app.send(open()).await), "rejected: it is open");
    assert_eq!(head(&app).await, Position::new(1), "a rejection that nobody can ask for again is not kept");
}

#[tokio::test]
async fn an_outcome_whose_answer_was_lost_is_found_again() {
    for command in ["Open", "Shut"] {
        let store = Meddling::new(Meddle::LoseAnswer, 1);
        let app = doors(App::builder().shared_store(store)).await;
        let request = request("1", command, r#"{"id":"a"}"#);
        let lost = app.send(request.clone()).await.unwrap_err();
        assert!(lost.to_string().contains("the answer was lost"), "{lost}");
        let before = head(&app).await;
        assert!(said(&app.send(request).await).starts_with("again accepted"), "{command}");
        assert_eq!(head(&app).await, before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_command_sent_at_once_is_done_once() {
    let app = doors(App::builder().store(MemoryStore::new())).await;
    for (round, command) in ["Open", "Shut", "Knock"].into_iter().cycle().take(60).enumerate() {
        let before = head(&app).await;
        let sends = (0..8).map(|_| {
            let (app, request) = (app.clone(), request(&round.to_string(), command, r#"{"id":"a"}"#));
            tokio::spawn(async move { app.send(request).await.unwrap() })
        });
        let outcomes: Vec<_> =
            futures::future::join_all(sends).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(outcomes.iter().filter(|outcome| !outcome.repeated).count(), 1, "{outcomes:?}");
        assert!(outcomes.iter().all(|outcome| outcome.decision == outcomes[0].decision), "{outcomes:?}");
        assert_eq!(head(&app).await, before.next());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_commands_sent_at_once_under_one_id_one_has_an_outcome() {
    let app = doors(App::builder().store(MemoryStore::new())).await;
    for round in 0..60 {
        let sends = (0..8).map(|number| {
            let data = format!(r#"{{"id":"{round}","n":{number}}}"#);
            let (app, request) = (app.clone(), request(&round.to_string(), "Knock", &data));
            tokio::spawn(async move { app.send(request).await })
        });
        let outcomes = futures::future::join_all(sends).await.into_iter().map(Result::unwrap);
        let (had, refused): (Vec<_>, Vec<_>) = outcomes.partition(Result::is_ok);
        assert!(had.len() == 1 && !had[0].as_ref().unwrap().repeated, "{had:?}");
        let is_taken = |refused: &Result<_, _>| matches!(refused, Err(DispatchError::IdTaken { .. }));
        assert!(refused.iter().all(is_taken), "{refused:?}");
    }
}

/// Counts how often it is asked.
struct Asked(Arc<AtomicU32>);

impl CommandHandler for Asked {
    type Input = serde_json::Value;

    async fn handle(&self, _: serde_json::Value, _: &CommandContext<'_>) -> Result<Decided, HandleError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Decided::default())
    }
}

#[tokio::test]
async fn a_handler_is_not_asked_about_a_command_that_has_its_outcome() {
    let asked = Arc::new(AtomicU32::new(0));
    let handler = Asked(Arc::clone(&asked));
    let app = App::builder().store(MemoryStore::new()).command("Ask", handler).build().await.unwrap();
    for _ in 0..3 {
        app.send(request("1", "Ask", "{}")).await.unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_typed_command_has_one_outcome_too() {
    let app = App::builder().store(MemoryStore::new()).decider::<Counter>().build().await.unwrap();
    let request = CommandRequest::of(&increment("a", 1)).unwrap().id("1".parse().unwrap());
    assert_eq!(said(&app.send(request.clone()).await), "accepted: counter-a@1 Incremented {}");
    assert_eq!(said(&app.send(request).await), "again accepted: counter-a@1 Incremented {}");
}

#[tokio::test]
async fn an_outcome_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let open = async || {
        let store = LogStore::open(folder.path(), LogStoreOptions::default()).unwrap();
        let store: Arc<dyn EventStore> = Arc::new(store);
        doors(App::builder().shared_store(store)).await
    };
    let app = open().await;
    let outcomes = [
        ("1", "Open", r#"accepted: door-a@1 Opened {"id":"a"}"#),
        ("2", "Open", "rejected: it is open"),
        ("3", "Shut", r#"accepted: door-a@2 Shut {"id":"a"}"#),
        ("4", "Shut", "accepted: "),
    ];
    for (id, command, outcome) in outcomes {
        assert_eq!(said(&app.send(request(id, command, r#"{"id":"a"}"#)).await), outcome);
    }
    drop(app);
    let app = open().await;
    for (id, command, outcome) in outcomes {
        assert_eq!(said(&app.send(request(id, command, r#"{"id":"a"}"#)).await), format!("again {outcome}"));
    }
}
