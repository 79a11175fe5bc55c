//! An index of sagas whose file is damaged: what it says is what was kept, or it is made anew and says that nothing was
//! read. Never is a saga missing, doubled or another.
//!
//! Method: bytes are flipped, pages zeroed, swapped and cut off, one at a time; after each, everything is asked.

use std::path::Path;

use trunkline_core::saga::Status;
use trunkline_core::{EventId, Position, StoreId, Timestamp, Version};
use trunkline_sql::SqliteSagaIndex;
use trunkline_store::conformance::run;
use trunkline_store::derived::{
    Checkpoint, IndexedSaga, SagaCount, SagaIndex, SagaIndexError, SagaKey, SagaQuery, SagaRow,
};

/// How large a page is.
const PAGE: usize = 4096;

fn saga(number: i64) -> IndexedSaga {
    let at = |seconds: i64| Timestamp::from_micros(1_291_192_000_000_000 + seconds * 1_000_000);
    let row = SagaRow {
        name: "order".to_owned(),
        id: number.to_string(),
        status: Status::ALL[usize::try_from(number).unwrap() % Status::ALL.len()],
        step: (number % 3 == 0).then(|| "reserve_inventory".to_owned()),
        started_at: at(number),
        changed_at: at(number + 7),
        due: (number % 2 == 0).then(|| at(1_000 - number)),
        reason: (number % 5 == 0).then(|| "out of stock".to_owned()),
    };
    IndexedSaga { row, version: Version::new(number.cast_unsigned() + 1) }
}

/// All that can be asked of an index.
#[derive(Clone, Debug, PartialEq)]
struct Answers {
    read_to: Option<Checkpoint>,
    all: Vec<SagaRow>,
    stuck: Vec<SagaRow>,
    counts: Vec<SagaCount>,
    due: Vec<SagaKey>,
    next_due: Option<Timestamp>,
}

async fn ask(index: &SqliteSagaIndex) -> Result<Answers, SagaIndexError> {
    let stuck = SagaQuery { statuses: vec![Status::Stuck], ..SagaQuery::default() };
    Ok(Answers {
        read_to: index.read_to().await?,
        all: index.list(&SagaQuery::default()).await?,
        stuck: index.list(&stuck).await?,
        counts: index.counts().await?,
        due: index.due(Timestamp::from_micros(i64::MAX), 1_000).await?,
        next_due: index.next_due().await?,
    })
}

/// The bytes of an index of some sagas, and what it says.
async fn sample(folder: &Path) -> (Vec<u8>, Answers) {
    let file = folder.join("sample");
    let index = SqliteSagaIndex::new(&file);
    let (store, event_id) = (StoreId::from_bytes([7; 16]), EventId::from_bytes([9; 16]));
    let read_to = Checkpoint { store, position: Position::new(7), event_id };
    index.put((0..90).map(saga).collect(), Some(read_to)).await.unwrap();
    // Some of them once more, so that what they add up to is taken back and added again.
    index.put((0..9).map(saga).collect(), None).await.unwrap();
    let answers = ask(&index).await.unwrap();
    drop(index);
    (std::fs::read(&file).unwrap(), answers)
}

/// Each damage, with what it is.
fn damages(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut damages = Vec::new();
    let step = if std::env::var("TRUNKLINE_SLOW").is_ok_and(|text| text == "1") { 1 } else { 331 };
    for at in (0..bytes.len()).step_by(step) {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1 << (at % 8);
        damages.push((format!("byte {at} flipped"), flipped));
    }
    let pages = bytes.len() / PAGE;
    for page in 0..pages {
        let place = page * PAGE..(page + 1) * PAGE;
        let mut zeroed = bytes.to_vec();
        zeroed[place.clone()].fill(0);
        damages.push((format!("page {page} zeroed"), zeroed));
        damages.push((format!("cut off before page {page}"), bytes[..place.start].to_vec()));
        for other in (page + 1)..pages {
            let mut swapped = bytes.to_vec();
            swapped[place.clone()].copy_from_slice(&bytes[other * PAGE..(other + 1) * PAGE]);
            swapped[other * PAGE..(other + 1) * PAGE].copy_from_slice(&bytes[place.clone()]);
            damages.push((format!("pages {page} and {other} swapped"), swapped));
        }
    }
    damages
}

#[test]
fn a_damaged_index_says_what_was_kept_or_is_made_anew() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let (bytes, kept) = sample(folder.path()).await;
        assert!(bytes.len() > 6 * PAGE && kept.all.len() == 90 && !kept.stuck.is_empty(), "{kept:?}");
        let mut made_anew = 0;
        let anew = SqliteSagaIndex::new(folder.path().join("anew"));
        let anew = ask(&anew).await.unwrap();
        let file = folder.path().join("sagas");
        for (what, damaged) in damages(&bytes) {
            std::fs::write(&file, damaged).unwrap();
            for open in [SqliteSagaIndex::copy_of, SqliteSagaIndex::new] {
                let index = open(&file);
                let found = ask(&index).await.unwrap_or_else(|error| panic!("{error} with {what}"));
                assert!(found == kept || found == anew, "with {what}: {found:?}");
                made_anew += u32::from(found == anew);
            }
            // It can be filled, at the latest once what can be read and not written was given up, and is whole then.
            let index = SqliteSagaIndex::new(&file);
            if let Err(error) = index.put(vec![saga(3)], None).await {
                assert!(error.damaged, "{error} with {what}");
                index.put(vec![saga(3)], None).await.unwrap();
            }
            drop(index);
            let index = SqliteSagaIndex::new(&file);
            assert!(index.list(&SagaQuery::default()).await.unwrap().contains(&saga(3).row), "{what}");
        }
        assert!(made_anew > 20, "{made_anew}");
    });
}

/// A row that changes under an open index is an error that names the file, and the next one is made anew.
#[test]
fn a_row_that_changes_under_an_open_index_is_an_error() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sagas");
        let index = SqliteSagaIndex::new(&file);
        index.put((0..9).map(saga).collect(), None).await.unwrap();
        let other = rusqlite::Connection::open(&file).unwrap();
        other.execute("UPDATE sagas_2 SET reason = 'another' WHERE id = '5'", []).unwrap();
        let error = index.list(&SagaQuery::default()).await.unwrap_err();
        let text = error.to_string();
        assert!(!error.passes && error.damaged && text.contains(&file.display().to_string()), "{text}");
        drop((index, other));
        assert_eq!(SqliteSagaIndex::new(&file).list(&SagaQuery::default()).await, Ok(Vec::new()));
    });
}

/// What an earlier version kept had no checksums: it is let go of, and all of it is in the log.
#[test]
fn an_index_of_the_first_version_is_made_anew() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sagas");
        let former = rusqlite::Connection::open(&file).unwrap();
        former
            .execute_batch(
                "CREATE TABLE sagas_1 (name TEXT, id TEXT, PRIMARY KEY (name, id)) WITHOUT ROWID;
                 INSERT INTO sagas_1 VALUES ('order', '1');
                 CREATE TABLE read_1 (one INTEGER PRIMARY KEY, store BLOB, position INTEGER, event_id BLOB);
                 INSERT INTO read_1 VALUES (1, zeroblob(16), 7, zeroblob(16));",
            )
            .unwrap();
        drop(former);
        let index = SqliteSagaIndex::new(&file);
        assert_eq!((index.read_to().await, index.count(&SagaQuery::default()).await), (Ok(None), Ok(0)));
    });
}
