//! Webhooks: what is posted, and what an answer means.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use trunkline::messages::{MessageError, MessageHandler, Webhook};
use trunkline_queue::{
    Delivery, GroupName, GroupOptions, MemoryQueue, MessageQueue, MessageQueueExt, NewMessage, Receive,
    TopicName,
};

async fn delivery(message: NewMessage) -> Delivery {
    let (topic, group) = (TopicName::new("orders").unwrap(), GroupName::new("mail").unwrap());
    let queue = MemoryQueue::new();
    queue.subscribe(topic.clone(), group.clone(), GroupOptions::default()).await.unwrap();
    queue.publish_one(topic.clone(), message).await.unwrap();
    queue.receive(Receive::new(topic, group)).await.unwrap().remove(0)
}

/// Answers one request with these lines; gives what was asked, and what came of the message.
async fn post(answer: &str, message: NewMessage) -> (String, Result<(), MessageError>) {
    post_for(answer, b"", message).await
}

/// The same with a body in the answer.
async fn post_for(answer: &str, body: &[u8], message: NewMessage) -> (String, Result<(), MessageError>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let webhook = Webhook::new(&format!("http://{}/hook", listener.local_addr().unwrap())).unwrap();
    let length = body.len();
    let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !String::from_utf8_lossy(&asked).contains("\r\n\r\n{") || !asked.ends_with(b"}") {
            let mut part = [0; 4096];
            let read = stream.read(&mut part).await.unwrap();
            asked.extend_from_slice(&part[..read]);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        String::from_utf8(asked).unwrap()
    };
    let delivery = delivery(message).await;
    tokio::join!(server, webhook.handle(&delivery))
}

#[tokio::test]
async fn a_message_is_posted_as_a_cloudevent_under_its_id() {
    let message = NewMessage::new("Ping", r#"{"n":1}"#)
        .id("m1".parse().unwrap())
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let (asked, outcome) = post("204 No Content", message).await;
    assert_eq!(outcome, Ok(()));
    let (head, body) = asked.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    for wanted in [
        "post /hook http/1.1",
        "content-type: application/cloudevents+json",
        "idempotency-key: m1",
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ] {
        assert!(head.contains(wanted), "{wanted}: {head}");
    }
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&body["specversion"], &body["id"], &body["type"]),
        (&"1.0".into(), &"m1".into(), &"Ping".into())
    );
    assert_eq!((&body["source"], &body["data"]["n"]), (&"urn:trunkline:topic:orders".into(), &1.into()));
}

#[tokio::test]
async fn a_traceparent_that_is_none_is_not_posted() {
    let (asked, _) = post("200 OK", NewMessage::new("Ping", "{}").header("traceparent", "00-1")).await;
    assert!(!asked.contains("traceparent"), "{asked}");
}

#[tokio::test]
async fn what_is_a_cloudevent_already_is_posted_as_it_is() {
    let message = NewMessage::new("Ping", r#"{"specversion":"1.0","x":1}"#)
        .header("content-type", "application/cloudevents+json");
    let (asked, _) = post("200 OK", message).await;
    assert!(asked.ends_with("\r\n\r\n{\"specversion\":\"1.0\",\"x\":1}"), "{asked}");
}

#[tokio::test]
async fn an_answer_says_whether_to_try_again() {
    let again = |status: &str, after: Option<u64>| {
        let after = after.map(Duration::from_secs);
        Err(MessageError::Retry { reason: format!("answered {status}"), after })
    };
    let dead = |status: &str| Err(MessageError::dead(format!("answered {status}")));
    for (answer, wanted) in [
        ("201 Created", Ok(())),
        ("400 Bad Request", dead("400 Bad Request")),
        ("404 Not Found", dead("404 Not Found")),
        ("302 Found\r\nlocation: /elsewhere", dead("302 Found")),
        ("408 Request Timeout", again("408 Request Timeout", None)),
        ("409 Conflict", again("409 Conflict", None)),
        ("425 Too Early", again("425 Too Early", None)),
        ("429 Too Many Requests\r\nretry-after: 7", again("429 Too Many Requests", Some(7))),
        ("500 Internal Server Error", again("500 Internal Server Error", None)),
        ("503 Service Unavailable\r\nretry-after: soon", again("503 Service Unavailable", None)),
    ] {
        let (_, outcome) = post(answer, NewMessage::new("Ping", "{}")).await;
        assert_eq!(outcome, wanted, "{answer}");
    }
}

#[tokio::test]
async fn why_it_failed_is_the_status_and_the_beginning_of_the_answer() {
    let long = "x".to_owned() + &"é".repeat(4_000);
    for (status, body, said) in [
        ("422 Unprocessable Entity", &b"{\"error\":\"no amount\"}\n"[..], ": {\"error\":\"no amount\"}"),
        ("503 Service Unavailable", b"later, please", ": later, please"),
        ("400 Bad Request", b" \n", ""),
        ("400 Bad Request", b"caf\xe9", ": caf\u{fffd}"),
        ("400 Bad Request", long.as_bytes(), &format!(": x{}", "é".repeat(2_047))),
    ] {
        let (_, outcome) = post_for(status, body, NewMessage::new("Ping", "{}")).await;
        assert_eq!(outcome.unwrap_err().to_string(), format!("answered {status}{said}"));
    }
    let (_, outcome) = post_for("200 OK", b"{}", NewMessage::new("Ping", "{}")).await;
    assert_eq!(outcome, Ok(()));
}

/// Reads one request from a connection to its end.
async fn asked(stream: &mut TcpStream) {
    let mut asked = Vec::new();
    while !asked.ends_with(b"}") {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.unwrap();
        assert!(read > 0, "the connection was closed");
        asked.extend_from_slice(&part[..read]);
    }
}

#[tokio::test]
async fn an_answer_is_read_to_its_end_so_that_its_connection_is_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let webhook = Webhook::new(&format!("http://{}/hook", listener.local_addr().unwrap())).unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..3 {
            asked(&mut stream).await;
            // The body comes by itself, later than what the outcome is in.
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 20000\r\n\r\n").await.unwrap();
            tokio::task::yield_now().await;
            stream.write_all(&vec![b'x'; 20_000]).await.unwrap();
        }
    };
    let delivery = delivery(NewMessage::new("Ping", "{}")).await;
    let messages = async {
        for _ in 0..3 {
            assert_eq!(webhook.handle(&delivery).await, Ok(()));
        }
    };
    let both = async { tokio::join!(server, messages) };
    tokio::time::timeout(Duration::from_secs(10), both).await.expect("one connection is enough");
}

#[tokio::test]
async fn an_answer_without_an_end_is_an_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let webhook = Webhook::new(&format!("http://{}/hook", listener.local_addr().unwrap())).unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        asked(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n").await.unwrap();
        // Until nobody listens any more.
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    };
    let delivery = delivery(NewMessage::new("Ping", "{}")).await;
    let both = async { tokio::join!(server, webhook.handle(&delivery)).1 };
    let outcome = tokio::time::timeout(Duration::from_secs(10), both).await.expect("it is not read for ever");
    assert_eq!(outcome, Ok(()));
}

#[tokio::test]
async fn a_service_that_is_not_there_is_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let webhook = Webhook::new(&format!("http://{}/hook", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let outcome = webhook.handle(&delivery(NewMessage::new("Ping", "{}")).await).await;
    assert!(matches!(outcome, Err(MessageError::Retry { after: None, .. })), "{outcome:?}");
    let outcome = webhook.handle(&delivery(NewMessage::new("Ping", "no JSON")).await).await;
    assert!(matches!(outcome, Err(MessageError::Dead { .. })), "{outcome:?}");
}
