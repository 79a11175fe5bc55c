//! Reports of a queue, and what is decided about dead letters.

use trunkline_ops::messages::{
    DeadLetterChoice, DeadLetterDecisionReport, DeadLetterReport, MessageReport, QueueReport, Selection,
    decide,
};
use trunkline_ops::{Exit, OpsError};
use trunkline_queue::{
    BulkDecision, DeadLetterFilter, DeadLetterId, DeadLettersRead, GroupOptions, MemoryQueue,
    MessageQueue as _, MessageQueueExt as _, NewMessage, OperateQueue as _, Receive,
};

/// A queue with a dead letter for each of these data.
async fn with_dead_letters(data: &[&str]) -> MemoryQueue {
    let queue = MemoryQueue::new();
    let (topic, group) = ("mail".parse().unwrap(), "post".parse().unwrap());
    queue.subscribe(topic, group, GroupOptions::default()).await.unwrap();
    for text in data {
        let topic = "mail".parse().unwrap();
        queue.publish_one(topic, NewMessage::new("Letter", text.as_bytes().to_vec())).await.unwrap();
    }
    let receive = Receive::new("mail".parse().unwrap(), "post".parse().unwrap());
    for delivery in queue.receive(receive.max(data.len())).await.unwrap() {
        queue.reject(&delivery.lease, "no address".to_owned()).await.unwrap();
    }
    queue
}

#[tokio::test]
async fn numbers_and_letters_are_reported_and_a_decision_is_on_record() {
    let queue = with_dead_letters(&[r#"{"to":"ada"}"#, "plain"]).await;
    let report = QueueReport::of(queue.stats().await.unwrap(), None);
    assert_eq!((&*report.topics[0].topic, report.topics[0].groups[0].dead), ("mail", 2));
    let read = DeadLettersRead { filter: DeadLetterFilter::default(), after: None, max: 9 };
    let letters = queue.dead_letters(read).await.unwrap();
    let json = serde_json::to_value(DeadLetterReport::from(&letters[0])).unwrap();
    assert_eq!(json["message"]["data"]["to"], "ada");
    assert_eq!((&json["error"], &json["tries"][0]["attempt"]), (&"no address".into(), &1.into()));
    let plain = MessageReport::from(&letters[1].message);
    assert_eq!((plain.data.is_none(), plain.data_base64.as_deref()), (true, Some("cGxhaW4=")));

    let all = DeadLetterChoice { all: true, ..DeadLetterChoice::default() }.selection().unwrap();
    let (actions, done) = decide(&queue, all, BulkDecision::Discard, None, "ada").await;
    done.unwrap();
    let json = serde_json::to_value(DeadLetterDecisionReport::from(&actions[0])).unwrap();
    assert_eq!((&json["by"], &json["decision"]), (&"ada".into(), &"discard".into()));
    assert_eq!(actions.len(), 2);
}

#[tokio::test]
async fn what_was_decided_before_an_error_is_given_with_it() {
    let queue = with_dead_letters(&["1"]).await;
    let read = DeadLettersRead { filter: DeadLetterFilter::default(), after: None, max: 9 };
    let there = queue.dead_letters(read).await.unwrap()[0].id.clone();
    let selection = Selection::Ids(vec![there, DeadLetterId("nowhere".to_owned())]);
    let (actions, done) = decide(&queue, selection, BulkDecision::Replay, None, "ada").await;
    assert_eq!(actions.len(), 1);
    let error = done.unwrap_err();
    assert_eq!(Exit::of(&error), Exit::NotFound);
    assert_eq!(error.hints(), ["`trunkline dlq list --each` lists dead letters with their ids"]);
}

#[test]
fn a_choice_of_nothing_or_of_two_things_is_refused() {
    let ids = vec![DeadLetterId("1".to_owned())];
    let nothing = DeadLetterChoice::default();
    let both = DeadLetterChoice { ids, all: true, ..DeadLetterChoice::default() };
    for (choice, message) in
        [(nothing, "which dead letters is not said"), (both, "ids and filters are given at once")]
    {
        let error = choice.selection().unwrap_err();
        assert_eq!((error.message(), Exit::of(&error)), (message.to_owned(), Exit::Usage));
        assert!(matches!(error, OpsError::Invalid { .. }));
    }
}
