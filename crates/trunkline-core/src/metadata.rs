//! Metadata: a JSON object beside an event's data, kept as the text it came in.

mod origin;
mod view;

use bytes::Bytes;
use serde::Serialize;
use serde::de::IgnoredAny;

use crate::limits::METADATA_BYTES_MAX;

pub use origin::Origin;
pub use view::MetadataView;

/// A JSON object that describes an event: `correlation_id`, `causation_id`, `actor`, `tenant`,
/// `traceparent`, and the user's own.
///
/// Kept as the text it came in; `{}` when there is nothing to say.
///
/// ```
/// use trunkline_core::Metadata;
/// let metadata = Metadata::parse(r#"{"actor":"ada"}"#)?;
/// assert_eq!(metadata.get("actor").as_deref(), Some("ada"));
/// assert!(Metadata::parse("[1]").is_err());
/// # Ok::<(), trunkline_core::InvalidMetadata>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata(Bytes);

/// Why a text is not metadata.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMetadata {
    /// The text is not JSON.
    #[error("metadata must be a JSON object, such as {{\"actor\":\"ada\"}}: {0}")]
    NotJson(serde_json::Error),
    /// The text is JSON, but not an object.
    #[error("metadata must be a JSON object, such as {{\"actor\":\"ada\"}}")]
    NotAnObject,
    /// The text is too long.
    #[error("metadata has {bytes} bytes, at most {METADATA_BYTES_MAX} are allowed")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
}

impl Metadata {
    /// Checks that the text is a JSON object and keeps it as it is.
    pub fn parse(json: impl Into<Bytes>) -> Result<Self, InvalidMetadata> {
        let json = json.into();
        serde_json::from_slice::<IgnoredAny>(&json).map_err(InvalidMetadata::NotJson)?;
        Self::checked(json)
    }

    /// What serde writes for a value, which must be an object.
    pub fn of(object: &impl Serialize) -> Result<Self, InvalidMetadata> {
        let json = serde_json::to_vec(object).map_err(InvalidMetadata::NotJson)?;
        Self::checked(json.into())
    }

    /// JSON that is metadata when it is an object and not too long.
    fn checked(json: Bytes) -> Result<Self, InvalidMetadata> {
        if json.len() > METADATA_BYTES_MAX {
            return Err(InvalidMetadata::TooLong { bytes: json.len() });
        }
        if json.trim_ascii_start().first() != Some(&b'{') {
            return Err(InvalidMetadata::NotAnObject);
        }
        Ok(Self(json))
    }

    /// The JSON text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The names of the top-level fields.
    pub fn fields(&self) -> impl Iterator<Item = String> {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&self.0).unwrap_or_default();
        object.into_iter().map(|(name, _)| name)
    }

    /// The text value of a top-level field, if there is one.
    pub fn get(&self, field: &str) -> Option<String> {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&self.0).ok()?;
        object.get(field)?.as_str().map(str::to_owned)
    }
}

impl Default for Metadata {
    fn default() -> Self {
        Self(Bytes::from_static(b"{}"))
    }
}
