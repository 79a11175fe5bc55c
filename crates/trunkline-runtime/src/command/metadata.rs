//! What events say of the command that caused them.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use trunkline_core::data::Digest;
use trunkline_core::{CommandId, InvalidMetadata, Metadata, MetadataView};

use crate::CommandRequest;

#[derive(Serialize)]
struct Fields<'a> {
    command: &'a str,
    causation_id: &'a str,
    correlation_id: &'a str,
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
    #[serde(flatten)]
    system: System<'a>,
    /// What the command's data is recognised by.
    #[serde(rename = "$digest", skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    /// A reply that the events alone don't give.
    #[serde(rename = "$reply", skip_serializing_if = "Option::is_none")]
    reply: Option<&'a RawValue>,
}

/// The metadata of a command's events; of the first one when there is a digest or a reply to keep.
///
/// `causation_id` is what caused the command, such as a message, or the command itself. Fields of the caller's own
/// that have a name used here, or one that begins with `$`, are dropped: what Trunkline says of itself is true.
pub(super) fn of(
    request: &CommandRequest,
    id: &CommandId,
    digest: Option<Digest>,
    reply: Option<&Bytes>,
) -> Result<Metadata, InvalidMetadata> {
    let context = &request.context;
    let reply: Option<&RawValue> =
        reply.map(|reply| serde_json::from_slice(reply)).transpose().map_err(InvalidMetadata::NotJson)?;
    let fields = Fields {
        command: &request.name,
        causation_id: context.causation_id.as_deref().unwrap_or(id.as_str()),
        correlation_id: context.correlation_id.as_deref().unwrap_or(id.as_str()),
        actor: context.actor.as_deref(),
        tenant: context.tenant.as_deref(),
        traceparent: context.traceparent.as_deref(),
        saga_id: context.saga_id.as_deref(),
        own: Own(&context.metadata),
        system: System(&request.system_metadata),
        digest,
        reply,
    };
    Metadata::of(&fields)
}

/// The caller's own fields, without those that would stand beside ours under one name.
struct Own<'a>(&'a Map<String, Value>);

impl Serialize for Own<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const OURS: [&str; 7] = [
            "command",
            MetadataView::CAUSATION_ID,
            MetadataView::CORRELATION_ID,
            MetadataView::ACTOR,
            MetadataView::TENANT,
            MetadataView::TRACEPARENT,
            MetadataView::SAGA_ID,
        ];
        let others = |name: &str| !OURS.contains(&name) && !name.starts_with('$');
        serializer.collect_map(self.0.iter().filter(|(name, _)| others(name)))
    }
}

/// What Trunkline itself says, under no other names than those.
struct System<'a>(&'a BTreeMap<String, String>);

impl Serialize for System<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter(|(name, _)| name.starts_with("$saga")))
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
            metadata: [
                ("shop".to_owned(), "a".into()),
                ("command".to_owned(), "forged".into()),
                ("$saga".to_owned(), "forged".into()),
            ]
            .into_iter()
            .collect(),
            ..Context::default()
        };
        let mut request = CommandRequest::new("Pay", "{}").context(context);
        for (name, value) in [("$saga", "order-1"), ("$reply", "forged"), ("$digest", "forged")] {
            request.system_metadata.insert(name.to_owned(), value.to_owned());
        }
        let digest = trunkline_core::data::digest(b"{}").unwrap();
        let metadata = of(&request, &id, Some(digest), Some(&Bytes::from_static(b"1"))).unwrap();
        assert_eq!(
            std::str::from_utf8(metadata.as_bytes()).unwrap(),
            r#"{"command":"Pay","causation_id":"m1","correlation_id":"7","actor":"ada","shop":"a","$saga":"order-1","$digest":"5d2efa3087f91cda","$reply":1}"#
        );
    }
}
