//! Messages to a service over HTTP: a `CloudEvents` object in structured mode, posted.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::http::response::Parts;
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde_json::value::RawValue;
use trunkline_core::is_traceparent;
use trunkline_queue::{Delivery, Message};

use super::envelope::{CLOUDEVENT_TYPE, is_cloudevent};
use super::handler::{MessageError, MessageHandler};
use crate::reconcile::effect_id;

/// How much of an answer's body is kept with a message that failed: enough to say what was wrong with it.
const ANSWER_BYTES_MAX: usize = 4 << 10;

/// How much of an answer's body is read, and for how long, so that the connection can be used again; a service that
/// has more to say gets a new one.
const BODY_BYTES_MAX: usize = 64 << 10;
const BODY_TIME: Duration = Duration::from_secs(1);

/// Posts messages to a service.
///
/// - What is posted is a `CloudEvents` 1.0 object. A message that is one already (what a relay makes of an event)
///   is posted as it is; any other becomes its `data`.
/// - `Idempotency-Key` is the message's id: a service that keeps it can tell a repeat. Sent again after an older log was
///   restored, a message has the key that it had before.
/// - An answer of 2xx finishes the message. 408, 409, 425, 429, 5xx, and no answer at all are tried again, not
///   before `Retry-After` has passed where the answer has one, in seconds. Everything else is a dead letter at
///   once: asking again would get the same answer. Redirections are not followed.
/// - Why the message failed is the status and the first 4 KiB of the answer's body, as text; a dead letter keeps it.
pub struct Webhook {
    url: Uri,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Why a text is not the address of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the address of a webhook: {reason}")]
pub struct InvalidWebhook {
    text: String,
    reason: String,
}

impl Webhook {
    /// A webhook at this address, `http://…` or `https://…`.
    ///
    /// ```
    /// use trunkline::messages::Webhook;
    /// assert!(Webhook::new("https://mail.example/orders").is_ok());
    /// let error = Webhook::new("mail.example").unwrap_err();
    /// assert!(error.to_string().ends_with("it begins with http:// or https://"));
    /// ```
    pub fn new(url: &str) -> Result<Self, InvalidWebhook> {
        let wrong = |reason: String| InvalidWebhook { text: url.to_owned(), reason };
        let uri: Uri = url.parse().map_err(|error: hyper::http::uri::InvalidUri| wrong(error.to_string()))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(wrong("it begins with http:// or https://".to_owned()));
        }
        let provider = rustls::crypto::ring::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(provider)
            .map_err(|error| wrong(error.to_string()))?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self { url: uri, client: Client::builder(TokioExecutor::new()).build(connector) })
    }

    fn request(&self, message: &Message) -> Result<Request<Full<Bytes>>, MessageError> {
        let mut request = Request::post(&self.url).header(CONTENT_TYPE, CLOUDEVENT_TYPE);
        let traceparent = message.headers.get("traceparent").map(String::as_str);
        let traceparent = traceparent.filter(|text| is_traceparent(text));
        let key = effect_id(message);
        for (name, value) in [("idempotency-key", Some(key.as_str())), ("traceparent", traceparent)] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                request = request.header(name, value);
            }
        }
        let body = Full::new(envelope(message)?);
        request.body(body).map_err(|error| MessageError::dead(error.to_string()))
    }
}

#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: &'a str,
    source: String,
    #[serde(rename = "type")]
    message_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    time: String,
    datacontenttype: &'static str,
    data: &'a RawValue,
}

/// The message as a `CloudEvents` object.
fn envelope(message: &Message) -> Result<Bytes, MessageError> {
    if is_cloudevent(message) {
        return Ok(message.payload.clone());
    }
    let data = serde_json::from_slice(&message.payload)
        .map_err(|error| MessageError::dead(format!("its payload is not JSON: {error}")))?;
    let event = CloudEvent {
        specversion: "1.0",
        id: message.id.as_str(),
        source: format!("urn:trunkline:topic:{}", message.topic),
        message_type: &message.message_type,
        subject: message.key.as_deref(),
        time: message.enqueued_at.to_string(),
        datacontenttype: "application/json",
        data,
    };
    Ok(serde_json::to_vec(&event).expect("texts and JSON always serialize").into())
}

/// What an answer means for the message.
fn judge(answer: &Parts, body: &[u8]) -> Result<(), MessageError> {
    let status = answer.status;
    if status.is_success() {
        return Ok(());
    }
    let said = match std::str::from_utf8(body) {
        // It was cut off within a letter.
        Err(error) if body.len() == ANSWER_BYTES_MAX && error.error_len().is_none() => {
            &body[..error.valid_up_to()]
        }
        _ => body,
    };
    let said = String::from_utf8_lossy(said.trim_ascii());
    let colon = if said.is_empty() { "" } else { ": " };
    let reason = format!("answered {status}{colon}{said}");
    let again = matches!(
        status,
        StatusCode::REQUEST_TIMEOUT
            | StatusCode::CONFLICT
            | StatusCode::TOO_EARLY
            | StatusCode::TOO_MANY_REQUESTS
    );
    if again || status.is_server_error() {
        let after = answer.headers.get(RETRY_AFTER);
        let seconds = after.and_then(|after| after.to_str().ok()?.trim().parse().ok());
        return Err(MessageError::Retry { reason, after: seconds.map(Duration::from_secs) });
    }
    Err(MessageError::Dead { reason })
}

/// Frees the connection for the next message, and gives the beginning of the body; a connection that can't be freed is
/// closed.
async fn read_to_its_end(mut body: Incoming) -> Vec<u8> {
    let mut beginning = Vec::new();
    let reading = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            let Some(data) = frame.data_ref() else { continue };
            read += data.len();
            let wanted = data.len().min(ANSWER_BYTES_MAX - beginning.len());
            beginning.extend_from_slice(&data[..wanted]);
            if read > BODY_BYTES_MAX {
                break;
            }
        }
    };
    drop(tokio::time::timeout(BODY_TIME, reading).await);
    beginning
}

impl MessageHandler for Webhook {
    fn handle<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Result<(), MessageError>> {
        Box::pin(async move {
            let request = self.request(&delivery.message)?;
            match self.client.request(request).await {
                Ok(response) => {
                    let (answer, body) = response.into_parts();
                    judge(&answer, &read_to_its_end(body).await)
                }
                Err(error) => {
                    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                    Err(MessageError::retry(format!("no answer: {error}{cause}")))
                }
            }
        })
    }
}

/// The address may hold a password, so no more than the host is shown.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("host", &self.url.host()).finish_non_exhaustive()
    }
}
