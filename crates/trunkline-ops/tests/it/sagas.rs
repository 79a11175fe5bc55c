//! Reports of sagas, after a run of the order system.

use trunkline::saga::SagaQuery;
use trunkline_ops::sagas::{Fate, SagaReport, counts, list, verdict};
use trunkline_ops::{Exit, OpsError};

use crate::shop::{commands, play, shop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sagas_are_counted_listed_and_told_in_full() {
    let (app, _folder) = shop().await;
    play(&app, commands(30), |_| ()).await.unwrap();
    let counted = counts(&app).await.unwrap();
    let all = counted.completed + counted.compensated;
    assert!(counted.completed > 0 && counted.running + counted.stuck == 0, "{counted}");
    let two = list(&app, &SagaQuery { limit: Some(2), ..SagaQuery::default() }).await.unwrap();
    assert_eq!((two.rows.len() as u64, two.more), (2, all - 2));
    let (name, id) = app.sagas().find(&two.last().unwrap()).await.unwrap();
    let detail = app.sagas().show(&name, &id).await.unwrap();
    let report = SagaReport::of(&detail);
    assert!(!report.steps.is_empty() && report.timers.is_empty());
    let ended = |fate| !matches!(fate, Fate::ToCome | Fate::UnderWay | Fate::BeingUndone | Fate::Stuck);
    assert!(report.steps.iter().all(|step| ended(step.fate)), "{:?}", report.steps);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["saga"], two.last().unwrap());
    assert_eq!(json["history"][0]["event"], "$SagaStarted");
    assert_eq!(verdict(&app.sagas().verify().await.unwrap()), Ok(()));
    app.close().await;
}

#[tokio::test]
async fn a_name_that_no_saga_has_is_an_error_with_the_nearest_one() {
    let (app, _folder) = shop().await;
    let query = SagaQuery { name: Some("oder".to_owned()), ..SagaQuery::default() };
    let error = list(&app, &query).await.unwrap_err();
    assert!(matches!(error, OpsError::Saga(_)));
    assert_eq!(error.message(), "there is no saga named \"oder\"; did you mean \"order\"?");
    assert_eq!(Exit::of(&error), Exit::NotFound);
}
