//! What events say of the command that caused them.

use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use trunkline_core::{CommandId, InvalidMetadata, Metadata};

use crate::CommandRequest;

#[derive(Serialize)]
struct Fields<'a> {
    command: &'a str,
    causation_id: &'a str,
    correlation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    caused_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saga_id: Option<&'a str>,
    #[serde(flatten)]
    own: Own<'a>,
    /// A reply that the events alone don't give.
    #[serde(rename = "$reply", skip_serializing_if = "Option::is_none")]
    reply: Option<&'a RawValue>,
}

/// The metadata of a command's events; of the first one when there is a reply to keep.
///
/// `causation_id` is the command, `caused_by` what caused that. Fields of the caller's own that have a name
/// used here are dropped: what Trunkline says of itself is true.
pub(super) fn of(
    request: &CommandRequest,
    id: &CommandId,
    reply: Option<&Bytes>,
) -> Result<Metadata, InvalidMetadata> {
    let context = &request.context;
    let reply: Option<&RawValue> =
        reply.map(|reply| serde_json::from_slice(reply)).transpose().map_err(InvalidMetadata::NotJson)?;
    let fields = Fields {
        command: &request.name,
        causation_id: id.as_str(),
        correlation_id: context.correlation_id.as_deref().unwrap_or(id.as_str()),
        caused_by: context.causation_id.as_deref(),
        actor: context.actor.as_deref(),
        tenant: context.tenant.as_deref(),
        traceparent: context.traceparent.as_deref(),
        saga_id: context.saga_id.as_deref(),
        own: Own(&context.metadata),
        reply,
    };
    Metadata::of(&fields)
}

/// The caller's own fields, without those that would stand beside ours under one name.
struct Own<'a>(&'a Map<String, Value>);

impl Serialize for Own<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const OURS: [&str; 9] = [
            "command",
            "causation_id",
            "correlation_id",
            "caused_by",
            "actor",
            "tenant",
            "traceparent",
            "saga_id",
            "$reply",
        ];
        serializer.collect_map(self.0.iter().filter(|(name, _)| !OURS.contains(&name.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Context;

    #[test]
    fn events_say_who_asked_and_why() {
        let id = CommandId::new("7").unwrap();
        let context = Context {
            causation_id: Some("m1".into()),
            actor: Some("ada".into()),
            metadata: [("shop".to_owned(), "a".into()), ("command".to_owned(), "forged".into())]
                .into_iter()
                .collect(),
            ..Context::default()
        };
        let request = CommandRequest::new("Pay", "{}").context(context);
        let metadata = of(&request, &id, Some(&Bytes::from_static(b"1"))).unwrap();
        assert_eq!(
            std::str::from_utf8(metadata.as_bytes()).unwrap(),
            r#"{"command":"Pay","causation_id":"7","correlation_id":"7","caused_by":"m1","actor":"ada","shop":"a","$reply":1}"#
        );
    }
}
