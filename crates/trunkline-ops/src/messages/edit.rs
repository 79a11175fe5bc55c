//! Editing a dead letter: a mended message takes its place.

use bytes::Bytes;
use indexmap::IndexMap;
use serde_json::value::{RawValue, to_raw_value};
use trunkline::messages::is_cloudevent;
use trunkline_core::data::{self, InvalidData};
use trunkline_queue::{
    DeadLetter, DeadLetterDecision, DeadLetterId, DecisionRecord, Message, MessageId, MessageQueue,
    MessageQueueExt as _, NewMessage, OperateError,
};

use crate::OpsError;

/// The attributes that every `CloudEvents` object has, each a text that says something.
const DEMANDED: [&str; 4] = ["specversion", "id", "source", "type"];

/// What becomes another in a message; what is not given stays as it was, but for the id.
#[derive(Clone, Debug, Default)]
pub struct MessageEdit {
    /// Its data: of a `CloudEvents` object its `data`, and the envelope stays; of any other message all of it.
    pub data: Option<Vec<u8>>,
    /// Whether the data is all of the message, its envelope too.
    pub is_whole: bool,
    /// Its type, in the envelope too.
    pub message_type: Option<String>,
    /// Its id; a new one when not given.
    pub id: Option<MessageId>,
    /// What ordered groups order it by.
    pub key: Option<String>,
    /// Headers, in place of those of the same name.
    pub headers: Vec<(String, String)>,
}

/// Sends an edited message in a dead letter's place, to the group that gave it up.
///
/// Data that the queue would not have taken when it was published is refused, and the dead letter stays.
pub async fn edit(
    queue: &dyn MessageQueue,
    id: DeadLetterId,
    edit: MessageEdit,
    by: &str,
) -> Result<DecisionRecord, OpsError> {
    let queue = queue.operate()?;
    let DeadLetter { message: old, damaged, .. } = queue.dead_letter(id.clone()).await?;
    if let Some(what) = damaged.filter(|_| edit.data.is_none() || edit.message_type.is_none()) {
        // Nothing of it is known, so nothing can stay as it was.
        return Err(OperateError::Damaged { id, what }.into());
    }
    let decision = DeadLetterDecision::Edit(Box::new(edit.of(old)?));
    Ok(queue.decide(id, decision, by.to_owned()).await?)
}

impl MessageEdit {
    /// The edited message.
    fn of(self, old: Message) -> Result<NewMessage, OpsError> {
        let in_envelope = is_cloudevent(&old) && !self.is_whole;
        let has_envelope = is_cloudevent(&old);
        let mut new = NewMessage::like(old);
        if in_envelope && (self.data.is_some() || self.message_type.is_some()) {
            new.payload = in_its_envelope(&new.payload, self.data.as_deref(), self.message_type.as_deref())?;
        } else if let Some(data) = self.data {
            refuse_unreadable(&data)?;
            if has_envelope && !is_envelope(&data) {
                return Err(refused(
                    "the data is no CloudEvents object, which the message's content type says it is",
                    "give it whole, with specversion, id, source and type; or give its data alone, without --whole",
                ));
            }
            new.payload = data.into();
        }
        new.id = self.id.unwrap_or(new.id);
        new.key = self.key.or(new.key);
        new.message_type = self.message_type.unwrap_or(new.message_type);
        new.headers.extend(self.headers);
        Ok(new)
    }
}

/// The envelope with other data in it, or another type; all other attributes stay as they are written.
fn in_its_envelope(
    payload: &[u8],
    data: Option<&[u8]>,
    message_type: Option<&str>,
) -> Result<Bytes, OpsError> {
    let mut envelope: IndexMap<String, Box<RawValue>> = serde_json::from_slice(payload).map_err(|error| {
        let message = format!(
            "the message's content type says that it is a CloudEvents object, and it is none: {error}"
        );
        refused(&message, "--whole edits all of it")
    })?;
    if let Some(data) = data {
        refuse_unreadable(data)?;
        if is_envelope(data) {
            return Err(refused(
                "the data is a CloudEvents object, and the message has its envelope already",
                "give what belongs into its `data` alone; or --whole, to put this in place of the envelope too",
            ));
        }
        // In the form that it had: base64 where the old data was no JSON.
        if let Some(binary) = envelope.get_mut("data_base64") {
            use base64::Engine as _;
            *binary = raw(&base64::engine::general_purpose::STANDARD.encode(data));
        } else {
            let json = serde_json::from_slice::<Box<RawValue>>(data).map_err(|error| {
                let message = format!("the data is not JSON, as that in the message's envelope is: {error}");
                refused(&message, "put texts in quotes; or use --whole with an envelope that has data_base64")
            })?;
            envelope.insert("data".to_owned(), json);
        }
    }
    if let Some(message_type) = message_type {
        envelope.insert("type".to_owned(), raw(message_type));
    }
    Ok(serde_json::to_vec(&envelope).expect("texts and JSON always serialize").into())
}

fn raw(text: &str) -> Box<RawValue> {
    to_raw_value(text).expect("a text always serializes")
}

/// Whether data is a whole `CloudEvents` object.
fn is_envelope(data: &[u8]) -> bool {
    let Ok(fields) = serde_json::from_slice::<IndexMap<String, Box<RawValue>>>(data) else { return false };
    DEMANDED.iter().all(|name| {
        let text = fields.get(*name).and_then(|value| serde_json::from_str::<String>(value.get()).ok());
        text.is_some_and(|text| !text.is_empty())
    })
}

/// Refuses what no queue takes from outside: JSON that readers would understand differently, or not at all.
fn refuse_unreadable(data: &[u8]) -> Result<(), OpsError> {
    match data::check(data) {
        Ok(()) | Err(InvalidData::NotJson) => Ok(()),
        Err(error) => Err(refused(
            &format!("the data: {error}"),
            "nothing was changed; edit it with data that every reader understands alike",
        )),
    }
}

fn refused(message: &str, hint: &str) -> OpsError {
    OpsError::Invalid { message: message.to_owned(), hint: hint.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVELOPE: &str =
        r#"{"specversion":"1.0","id":"7","source":"/shop","type":"Packed","n":1.50,"data":{"x":1}}"#;

    fn edited(payload: &str, edit: MessageEdit) -> Result<(String, String), String> {
        let message = NewMessage::new("Packed", payload.to_owned())
            .header("content-type", "application/cloudevents+json; charset=utf-8");
        let new = edit.of(kept(message)).map_err(|error| error.to_string())?;
        Ok((new.message_type, String::from_utf8(new.payload.to_vec()).unwrap()))
    }

    fn kept(new: NewMessage) -> Message {
        Message {
            topic: "shipping".parse().unwrap(),
            id: new.id,
            key: new.key,
            message_type: new.message_type,
            payload: new.payload,
            headers: new.headers,
            cause: None,
            enqueued_at: trunkline_core::Timestamp::from_micros(0),
            not_before: None,
            edited_from: None,
        }
    }

    fn data(text: &str) -> MessageEdit {
        MessageEdit { data: Some(text.as_bytes().to_vec()), ..MessageEdit::default() }
    }

    #[test]
    fn the_data_is_another_and_the_envelope_stays() {
        let (_, payload) = edited(ENVELOPE, data(r#"{"x": 2.0}"#)).unwrap();
        assert_eq!(payload, ENVELOPE.replace(r#"{"x":1}"#, r#"{"x": 2.0}"#));
        let typed = MessageEdit { message_type: Some("Sent".to_owned()), ..MessageEdit::default() };
        let (message_type, payload) = edited(ENVELOPE, typed).unwrap();
        assert_eq!((&*message_type, payload), ("Sent", ENVELOPE.replace("Packed", "Sent")));
        let (_, payload) = edited(ENVELOPE, MessageEdit::default()).unwrap();
        assert_eq!(payload, ENVELOPE);
    }

    #[test]
    fn binary_data_stays_binary() {
        let envelope = ENVELOPE.replace(r#""data":{"x":1}"#, r#""data_base64":"AAEC""#);
        let (_, payload) = edited(&envelope, data("42")).unwrap();
        assert_eq!(payload, envelope.replace("AAEC", "NDI="));
    }

    #[test]
    fn the_whole_message_is_edited_where_that_is_said() {
        let other = ENVELOPE.replace("/shop", "/other");
        let (_, payload) = edited(ENVELOPE, MessageEdit { is_whole: true, ..data(&other) }).unwrap();
        assert_eq!(payload, other);
        let plain = kept(NewMessage::new("Ping", "1"));
        assert_eq!(data("no JSON").of(plain).unwrap().payload, "no JSON");
    }

    #[test]
    fn what_would_be_misread_is_refused() {
        for (payload, edit, said) in [
            (ENVELOPE, data(ENVELOPE), "has its envelope already"),
            (ENVELOPE, data("no JSON"), "the data is not JSON"),
            (ENVELOPE, data(r#"{"x":1,"x":2}"#), "`x` is there twice"),
            (ENVELOPE, data(r#"{"x":1E400}"#), "the data: "),
            (ENVELOPE, MessageEdit { is_whole: true, ..data("{}") }, "no CloudEvents object"),
            ("[1]", data("1"), "and it is none"),
        ] {
            let error = edited(payload, edit).unwrap_err();
            assert!(error.contains(said), "{said}: {error}");
        }
    }
}
