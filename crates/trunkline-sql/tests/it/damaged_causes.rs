//! An index of causes whose file is damaged: what it says is what was kept, or it is let go of. Never is an event missing
//! that it says it has read.
//!
//! Method: bytes are flipped, pages zeroed, swapped and cut off, one at a time; after each, every cause is asked for.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use trunkline_core::{EventId, Position, StoreId};
use trunkline_sql::SqliteCauseIndex;
use trunkline_store::Direction;
use trunkline_store::conformance::run;
use trunkline_store::derived::conformance::TestPlace;
use trunkline_store::derived::{CauseIndex, CauseIndexError, CauseKey, CauseQuery, Checkpoint, FoundCauses};

trunkline_store::cause_index_conformance!(cause_index, || {
    let folder = tempfile::tempdir().unwrap();
    TestPlace::<dyn CauseIndex>::opened_by(move || {
        Arc::new(SqliteCauseIndex::new(folder.path().join("causes")))
    })
});

/// How large a page is.
const PAGE: usize = 4096;

const EVENTS: u64 = 3_000;

const CAUSES: u64 = 40;

fn checkpoint(position: u64) -> Checkpoint {
    let (store, event_id) = (StoreId::from_bytes([7; 16]), EventId::from_bytes([9; 16]));
    Checkpoint { store, position: Position::new(position), event_id }
}

fn key(cause: u64) -> CauseKey {
    CauseKey::correlation(&format!("cause-{cause}"))
}

fn causes(positions: std::ops::RangeInclusive<u64>) -> Vec<(CauseKey, Position)> {
    positions.map(|position| (key(position % CAUSES), Position::new(position))).collect()
}

async fn find(index: &SqliteCauseIndex, cause: u64) -> Result<FoundCauses, CauseIndexError> {
    let (from, to, direction) = (Position::FIRST, Position::MAX, Direction::Forward);
    index.find(CauseQuery { key: key(cause), from, to, direction, limit: usize::MAX }).await
}

/// An index of some events, of which the last ones came later.
async fn filled(file: &Path) -> SqliteCauseIndex {
    let index = SqliteCauseIndex::new(file);
    assert_eq!(index.put(None, causes(1..=EVENTS - 9), checkpoint(EVENTS - 9)).await, Ok(true));
    let last = causes(EVENTS - 8..=EVENTS);
    assert_eq!(index.put(Some(checkpoint(EVENTS - 9)), last, checkpoint(EVENTS)).await, Ok(true));
    index
}

/// Asserts that all is there that the index says it has read; says whether it has.
fn assert_right(found: &FoundCauses, cause: u64, what: &str) -> bool {
    let Some(read_to) = found.read_to else {
        assert_eq!(found.positions, [], "with {what}");
        return false;
    };
    assert_eq!(read_to, checkpoint(EVENTS), "with {what}");
    let expected: Vec<u64> = (1..=EVENTS).filter(|position| position % CAUSES == cause).collect();
    let found: Vec<u64> = found.positions.iter().map(|position| position.get()).collect();
    assert_eq!(found, expected, "with {what}");
    true
}

/// Each damage, with what it is.
fn damages(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut damages = Vec::new();
    let step = if std::env::var("TRUNKLINE_SLOW").is_ok_and(|text| text == "1") { 17 } else { 1_331 };
    for at in (0..bytes.len()).step_by(step) {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1 << (at % 8);
        damages.push((format!("byte {at} flipped"), flipped));
    }
    for page in 0..bytes.len() / PAGE {
        let place = page * PAGE..(page + 1) * PAGE;
        let mut zeroed = bytes.to_vec();
        zeroed[place.clone()].fill(0);
        damages.push((format!("page {page} zeroed"), zeroed));
        damages.push((format!("cut off before page {page}"), bytes[..place.start].to_vec()));
        let other = (page * 7 + 3) % (bytes.len() / PAGE);
        let mut swapped = bytes.to_vec();
        swapped[place.clone()].copy_from_slice(&bytes[other * PAGE..(other + 1) * PAGE]);
        swapped[other * PAGE..(other + 1) * PAGE].copy_from_slice(&bytes[place]);
        if swapped != bytes {
            damages.push((format!("pages {page} and {other} swapped"), swapped));
        }
    }
    damages
}

#[test]
fn a_damaged_index_of_causes_says_what_was_kept_or_is_made_anew() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let (sample, file) = (folder.path().join("sample"), folder.path().join("causes"));
        drop(filled(&sample).await);
        let bytes = std::fs::read(&sample).unwrap();
        assert!(bytes.len() > 8 * PAGE, "{}", bytes.len());
        let mut let_go = 0;
        for (what, damaged) in damages(&bytes) {
            std::fs::write(&file, damaged).unwrap();
            let index = SqliteCauseIndex::new(&file);
            for cause in 0..CAUSES {
                match find(&index, cause).await {
                    Ok(found) => let_go += u32::from(!assert_right(&found, cause, &what)),
                    Err(error) => {
                        assert!(error.damaged, "{error} with {what}");
                        let_go += 1;
                    }
                }
            }
            // It goes on, at the latest when what is damaged was given up, and is right then.
            let after = index.read_to().await.unwrap_or_default();
            if after.is_none() {
                let put = index.put(None, causes(1..=EVENTS), checkpoint(EVENTS)).await;
                assert_eq!(put, Ok(true), "with {what}");
                assert!(assert_right(&find(&index, 3).await.unwrap(), 3, &what), "{what}");
            }
        }
        assert!(let_go > 20, "{let_go}");
    });
}

/// Each is a whole row with its checksum.
#[test]
fn a_row_of_an_older_state_or_of_another_place_is_noticed() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("causes");
        let row = (key(3).get() & 0xff).cast_signed();
        for harm in [
            "DELETE FROM causes_1 WHERE place = ?1",
            "UPDATE causes_1 SET (read_to, entries, checksum) = (SELECT read_to, entries, checksum FROM former \
             WHERE place = ?1) WHERE place = ?1",
            "UPDATE causes_1 SET (read_to, entries, checksum) = (SELECT read_to, entries, checksum FROM causes_1 \
             WHERE place = (?1 + 1) % 256) WHERE place = ?1",
            "UPDATE causes_1 SET entries = substr(entries, 7) WHERE place = ?1",
        ] {
            let index = SqliteCauseIndex::new(&file);
            assert_eq!(index.put(None, causes(1..=80), checkpoint(80)).await, Ok(true));
            let other = Connection::open(&file).unwrap();
            other.execute_batch("CREATE TEMP TABLE former AS SELECT * FROM causes_1").unwrap();
            assert_eq!(
                index.put(Some(checkpoint(80)), causes(81..=EVENTS), checkpoint(EVENTS)).await,
                Ok(true)
            );
            assert!(assert_right(&find(&index, 3).await.unwrap(), 3, harm));
            assert_eq!(other.execute(harm, [row]).unwrap(), 1, "{harm}");
            let error = find(&index, 3).await.unwrap_err();
            assert!(error.damaged && error.reason.contains("causes"), "{error} after {harm}");
            assert_eq!(find(&index, 3).await, Ok(FoundCauses::default()), "{harm}");
        }
    });
}

#[test]
fn what_is_no_index_of_causes_is_made_anew() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let (text, other) = (folder.path().join("text"), folder.path().join("other"));
        std::fs::write(&text, "x".repeat(5_000)).unwrap();
        let database = Connection::open(&other).unwrap();
        database.execute_batch("CREATE TABLE causes_1 (place INTEGER PRIMARY KEY)").unwrap();
        drop(database);
        for file in [text, other] {
            let index = SqliteCauseIndex::new(&file);
            assert_eq!(index.read_to().await, Ok(None));
            assert_eq!(index.put(None, causes(1..=9), checkpoint(9)).await, Ok(true));
        }
    });
}

/// Two processes may ask at the same time.
#[test]
fn two_go_on_with_one_index() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("causes");
        let (one, other) = (SqliteCauseIndex::new(&file), SqliteCauseIndex::new(&file));
        assert_eq!((one.read_to().await, other.read_to().await), (Ok(None), Ok(None)));
        assert_eq!(one.put(None, causes(1..=80), checkpoint(80)).await, Ok(true));
        assert_eq!(other.put(None, causes(1..=70), checkpoint(70)).await, Ok(false));
        assert_eq!(other.read_to().await, Ok(Some(checkpoint(80))));
        assert_eq!(other.put(Some(checkpoint(80)), causes(81..=EVENTS), checkpoint(EVENTS)).await, Ok(true));
        assert!(assert_right(&find(&one, 3).await.unwrap(), 3, "two"));
    });
}

/// A folder can't be written by anybody, whatever his rights.
#[test]
fn where_no_file_can_be_made_is_an_error() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = SqliteCauseIndex::new(folder.path().join("no folder").join("causes"));
        assert!(!nowhere.read_to().await.unwrap_err().damaged);
        std::fs::create_dir(folder.path().join("causes")).unwrap();
        let no_file = SqliteCauseIndex::new(folder.path().join("causes"));
        assert!(!no_file.read_to().await.unwrap_err().damaged);
        assert!(folder.path().join("causes").is_dir());
    });
}
