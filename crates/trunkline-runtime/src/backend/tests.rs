//! Which place is meant, and the errors of texts that name none.

use trunkline_store::MemoryStore;

use super::*;

fn find(role: Role, flag: Option<&str>, file: Option<&str>, variables: &[(&str, &str)]) -> String {
    let variable =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    match Backends::standard().find(role, flag, file, variable) {
        Ok(place) => place.to_string(),
        Err(error) => format!("{error}; {}", error.hint()),
    }
}

#[test]
fn the_flag_goes_before_the_file_that_before_the_environment_and_that_before_the_default() {
    let both = [("EVENT_STORE_DSN", "log:e"), ("TRUNKLINE_DATA", "d")];
    let events = |flag, file, variables: &[_]| find(Role::Events, flag, file, variables);
    assert_eq!(events(Some("log:f"), Some("log:a"), &both), "log:f (--store)");
    assert_eq!(events(None, Some("log:a"), &both), "log:a (the application file)");
    assert_eq!(events(None, None, &both), "log:e (EVENT_STORE_DSN)");
    assert_eq!(events(None, None, &both[1..]), "log:d/events (TRUNKLINE_DATA)");
    let empty = [("EVENT_STORE_DSN", ""), ("TRUNKLINE_DATA", "")];
    assert_eq!(events(None, None, &empty), "log:./data/events (default)");

    let both = [("QUEUE_DSN", "embedded:e"), ("TRUNKLINE_DATA", "d")];
    let messages = |flag, file, variables: &[_]| find(Role::Messages, flag, file, variables);
    assert_eq!(messages(Some("embedded:f"), Some("embedded:a"), &both), "embedded:f (--queue)");
    assert_eq!(messages(None, Some("embedded:a"), &both), "embedded:a (the application file)");
    assert_eq!(messages(None, None, &both), "embedded:e (QUEUE_DSN)");
    assert_eq!(messages(None, None, &both[1..]), "embedded:d/queue (TRUNKLINE_DATA)");
    assert_eq!(messages(None, None, &[("QUEUE_DSN", "")]), "embedded:./data/queue (default)");

    let both = [("READ_DB_DSN", "sqlite:e.db"), ("TRUNKLINE_DATA", "d")];
    let read_models = |file, variables: &[_]| find(Role::ReadModels, None, file, variables);
    assert_eq!(read_models(Some("sqlite:f.db"), &both), "sqlite:f.db (the application file)");
    assert_eq!(read_models(None, &both), "sqlite:e.db (READ_DB_DSN)");
    assert_eq!(read_models(None, &both[1..]), "sqlite:d/read.db (TRUNKLINE_DATA)");
    assert_eq!(read_models(None, &[]), "sqlite:./data/read.db (default)");
}

/// Goal: what belongs to a store never outlives it, unless a place is named.
#[test]
fn what_belongs_to_events_in_memory_is_in_memory_unless_a_place_is_named() {
    let beside = |role, events: Option<&Dsn>, file, variables: &[(&str, &str)]| {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        Backends::standard().find_beside(role, events, None, file, variable).unwrap().to_string()
    };
    let find = |events, file, variables: &[_]| beside(Role::ReadModels, events, file, variables);
    let (memory, log, data) = (Dsn::memory(), Dsn::new("log", "e"), [("TRUNKLINE_DATA", "d")]);
    assert_eq!(find(Some(&memory), None, &data), "memory: (as the event store)");
    assert_eq!(find(Some(&memory), Some("sqlite:f.db"), &data), "sqlite:f.db (the application file)");
    assert_eq!(find(Some(&memory), None, &[("READ_DB_DSN", "sqlite:e.db")]), "sqlite:e.db (READ_DB_DSN)");
    assert_eq!(find(Some(&log), None, &data), "sqlite:d/read.db (TRUNKLINE_DATA)");
    assert_eq!(find(None, None, &data), "sqlite:d/read.db (TRUNKLINE_DATA)");

    let find = |events, file, variables: &[_]| beside(Role::Messages, events, file, variables);
    assert_eq!(find(Some(&memory), None, &data), "memory: (as the event store)");
    assert_eq!(find(Some(&memory), Some("embedded:q"), &data), "embedded:q (the application file)");
    assert_eq!(find(Some(&memory), None, &[("QUEUE_DSN", "embedded:q")]), "embedded:q (QUEUE_DSN)");
    assert_eq!(find(Some(&log), None, &data), "embedded:d/queue (TRUNKLINE_DATA)");
}

#[test]
fn a_redis_of_the_environment_is_not_passed_over() {
    let redis = [("REDIS_HOST", "cache"), ("TRUNKLINE_DATA", "d")];
    let error = find(Role::Messages, None, None, &redis);
    assert_eq!(
        error,
        "REDIS_HOST is set, which means the queue of that Redis server, and Redis is not in this version of \
         trunkline; unset it, or say which queue is meant: QUEUE_DSN=embedded:PATH, such as embedded:./data/queue"
    );
    assert_eq!(find(Role::Messages, None, Some("memory:"), &redis), "memory: (the application file)");
    assert_eq!(find(Role::Events, None, None, &redis), "log:d/events (TRUNKLINE_DATA)");
}

#[test]
fn what_is_not_a_store_is_refused_with_what_to_write() {
    let log = "write log:PATH for the embedded log in a folder, such as log:./data/events";
    for (dsn, wanted) in [
        (
            "./data",
            "\"./data\" does not say which kind of store it is; \
             for the embedded log in that folder, write log:./data"
                .to_owned(),
        ),
        (
            "C:\\data",
            "\"C:\\\\data\" does not say which kind of store it is; \
             for the embedded log in that folder, write log:C:\\data"
                .to_owned(),
        ),
        ("", format!("\"\" does not say which kind of store it is; {log}")),
        ("//ada:secret@host", format!("it does not say which kind of store it is; {log}")),
        ("log:", format!("`log:` is not followed by the path of a folder; {log}")),
        (
            "memory:x",
            "`memory:` is followed by something; it takes nothing; \
             write memory: alone, or log:PATH for a store that stays"
                .to_owned(),
        ),
        (
            "postgres://ada:secret@host/db",
            format!(
                "`postgres:` stores are not in this version of trunkline, which has only the embedded log; {log}"
            ),
        ),
        (
            "mysql:host=localhost;dbname=event_store",
            format!(
                "`mysql:` stores are not in this version of trunkline, which has only the embedded log; {log}"
            ),
        ),
        (
            "sqlite:x",
            format!(
                "`sqlite:` stores are not in this version of trunkline, which has only the embedded log; {log}"
            ),
        ),
        ("redis://host", format!("`redis:` is a message queue, not an event store; {log}")),
        ("embedded:x", format!("`embedded:` is a message queue, not an event store; {log}")),
        ("lgo:x", format!("there is no kind of store named `lgo:`; {log}")),
    ] {
        assert_eq!(find(Role::Events, Some(dsn), None, &[]), wanted, "{dsn}");
    }
}

#[test]
fn what_is_no_queue_is_refused_with_what_to_write() {
    let embedded = "write embedded:PATH for the queue in a folder, such as embedded:./data/queue";
    for (dsn, what) in [
        ("./data", "it does not say which kind of queue it is"),
        ("C:\\data", "it does not say which kind of queue it is"),
        ("embedded:", "`embedded:` is not followed by the path of a folder"),
        (
            "redis://:secret@host",
            "`redis:` queues are not in this version of trunkline, which has only the embedded one",
        ),
        ("log:x", "`log:` is an event store, not a message queue"),
        ("sqlite:x", "`sqlite:` is an event store, not a message queue"),
        ("rabbit:x", "there is no kind of queue named `rabbit:`"),
    ] {
        assert_eq!(find(Role::Messages, Some(dsn), None, &[]), format!("{what}; {embedded}"), "{dsn}");
    }
    assert_eq!(
        find(Role::Messages, Some("memory:x"), None, &[]),
        "`memory:` is followed by something; it takes nothing; write memory: alone, or embedded:PATH for a queue \
         that stays"
    );
}

#[test]
fn what_is_no_read_database_is_refused_with_what_to_write() {
    let not_here = "read databases are not in this version of trunkline, which has only SQLite";
    for (dsn, what) in [
        ("postgres://ada:secret@host/db", format!("`postgres:` {not_here}")),
        ("log:x", format!("`log:` {not_here}")),
        ("lgo:x", format!("`lgo:` {not_here}")),
        ("data/read.db", "\"data/read.db\" does not say which kind of read database it is".to_owned()),
        ("sqlite:", "`sqlite:` is not followed by the path of a file".to_owned()),
    ] {
        let wanted = format!("{what}; write sqlite:PATH, such as sqlite:./data/read.db");
        assert_eq!(find(Role::ReadModels, None, Some(dsn), &[]), wanted, "{dsn}");
    }
}

/// Goal: whoever was built without a backend learns how to get it, not that there is none.
#[test]
fn a_backend_that_was_left_out_is_said_with_its_feature() {
    let bare = Backends::of(vec![standard::memory()]);
    for (role, dsn, wanted) in [
        (
            Role::Events,
            "log:x",
            "`log:` stores come with the feature `log`, which this program was built without",
        ),
        (
            Role::Messages,
            "embedded:x",
            "`embedded:` queues come with the feature `embedded`, which this program was built without",
        ),
        (
            Role::ReadModels,
            "sqlite:x",
            "`sqlite:` read databases come with the feature `sqlite`, which this program was built without",
        ),
        (Role::Events, "embedded:x", "`embedded:` is a message queue, not an event store"),
        (Role::Messages, "log:x", "`log:` is an event store, not a message queue"),
    ] {
        assert_eq!(bare.read(role, dsn).unwrap_err().to_string(), wanted);
    }
    let place = bare.find(Role::Events, None, None, |_| None).unwrap();
    assert_eq!(place.to_string(), "log:./data/events (default)", "only who opens it needs it");
}

#[tokio::test]
async fn a_default_that_was_left_out_is_told_to_who_opens_it() {
    let bare = Backends::of(vec![standard::memory()]);
    let place = bare.find(Role::Messages, None, None, |_| None).unwrap();
    let error = bare.open_messages(&place, OpenQueueOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("come with the feature `embedded`"), "{error}");
    let error = bare.open_read_models(&Dsn::new("sqlite", "x"), Access::Append).await.unwrap_err();
    assert!(error.to_string().contains("come with the feature `sqlite`"), "{error}");
}

#[tokio::test]
async fn a_strangers_backend_goes_before_and_offers_what_it_says() {
    let own = Backend::new(["log", "papers"])
        .check(|_, dsn| match dsn.rest().to_str() {
            Some("torn") => {
                Err(DsnProblem { what: "it is torn".to_owned(), hint: Some("glue it".to_owned()) })
            }
            _ => Ok(()),
        })
        .events(|_, _| async { Ok(OpenStore::new(MemoryStore::new())) });
    let backends = Backends::standard().with(own);
    for dsn in ["papers:x", "log:x"] {
        let place = Place { role: Role::Events, dsn: Dsn::parse(dsn).unwrap(), origin: Origin::File };
        let opened = backends.open_events(&place, OpenStoreOptions::default()).await.unwrap();
        assert!(format!("{opened:?}").contains("MemoryStore"), "{opened:?}");
    }
    let error = backends.read(Role::Events, "papers:torn").unwrap_err();
    assert_eq!(format!("{error}; {}", error.hint()), "it is torn; glue it");
    for (role, wanted) in [
        (Role::Messages, "`papers:` is an event store, not a message queue"),
        (Role::ReadModels, "`papers:` is an event store, not a read database"),
    ] {
        assert_eq!(backends.read(role, "papers:x").unwrap_err().to_string(), wanted);
    }
}
