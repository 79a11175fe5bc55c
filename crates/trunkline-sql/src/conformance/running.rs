//! Who runs the projections, and which are to stay where they are.

use super::Fixture;

/// One at a time claims the running, is named to others, and the claim ends with it.
pub async fn one_at_a_time_claims_the_running(fixture: Fixture) {
    let (database, elsewhere) = (fixture.database(), fixture.elsewhere().await);
    let claim = database.claim().await.unwrap().expect("nobody else has it");
    for other in [&database, &elsewhere] {
        let holder = other.claim().await.unwrap().expect_err("somebody has it");
        assert!(!holder.is_empty(), "who has it is told");
    }
    drop(claim);
    let claim = elsewhere.claim().await.unwrap().expect("the claim has ended");
    assert!(database.claim().await.unwrap().is_err());
    drop(claim);
}

/// A projection that is to stay where it is, is told by every handle, and kept.
pub async fn a_pause_is_kept(mut fixture: Fixture) {
    let (database, elsewhere) = (fixture.database(), fixture.elsewhere().await);
    assert_eq!(database.paused().await.unwrap(), Vec::<String>::new());
    for name in ["orders", "accounts"] {
        database.pause(name, true).await.unwrap();
    }
    database.pause("orders", true).await.unwrap();
    let mut paused = elsewhere.paused().await.unwrap();
    paused.sort_unstable();
    assert_eq!(paused, ["accounts", "orders"]);
    elsewhere.pause("orders", false).await.unwrap();
    elsewhere.pause("nobody", false).await.unwrap();
    drop((database, elsewhere));
    assert_eq!(fixture.open_again().await.paused().await.unwrap(), ["accounts"]);
}
