//! A doctor's report is data: what was looked at, how it is, what to do.

use trunkline::{App, Dsn, Origin, Place, Position, Role};
use trunkline_ops::Verdict;
use trunkline_ops::doctor::{Diagnosis, Health, Subject};

use crate::shop::{commands, play, shop};

/// What is said of one thing.
fn states(diagnosis: &Diagnosis, name: &str) -> Vec<Health> {
    diagnosis.checks.iter().filter(|check| check.name == name).map(|check| check.state).collect()
}

/// A look at an application whose events are in memory.
async fn diagnose(app: &App) -> Diagnosis {
    let place = Place { role: Role::Events, dsn: Dsn::memory(), origin: Origin::File };
    trunkline_ops::doctor::diagnose(Subject::new(app, "orders.tsk", &place)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_at_rest_is_well_and_a_paused_projection_is_worth_knowing() {
    let (app, _folder) = shop().await;
    let before = diagnose(&app).await;
    assert!(before.well, "{before:?}");
    assert_eq!(states(&before, "events"), [Health::Note], "there are none yet");
    play(&app, commands(20), |_| ()).await.unwrap();
    let after = diagnose(&app).await;
    assert!(after.well && after.verdict().is_ok(), "{after:?}");
    assert!(after.checks.iter().all(|check| check.state == Health::Ok), "{after:?}");
    trunkline_ops::projections::pause(&app, "orders", true).await.unwrap();
    let paused = diagnose(&app).await;
    assert!(states(&paused, "read models").contains(&Health::Note), "{paused:?}");
    app.close().await;
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_bad_and_the_rest_is_looked_at_all_the_same() {
    let (app, _folder) = shop().await;
    let request = trunkline::CommandRequest::new(
        "CreateOrder",
        r#"{"order_id":"1","country":"EIRE","items":[{"sku":"a","quantity":2,"unit_price":150}],"total":300}"#,
    );
    app.send(request).await.unwrap();
    assert!(app.store().head().await.unwrap() > Position::START);
    let diagnosis = diagnose(&app).await;
    // The laws are held against read models, and nothing has made any yet.
    assert_eq!(states(&diagnosis, "laws"), [Health::Bad], "{diagnosis:?}");
    assert!(diagnosis.checks.len() > 2 && !diagnosis.well, "{diagnosis:?}");
    assert!(matches!(diagnosis.verdict(), Err(Verdict::Unwell { remedied: true, .. })));
    let json = serde_json::to_value(&diagnosis).unwrap();
    assert_eq!((&json["well"], &json["checks"][0]["state"]), (&false.into(), &"ok".into()));
}
