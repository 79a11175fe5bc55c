//! The key of a relay's messages: an expression over the event.

use trunkline_cel::{Expression, Variables};
use trunkline_queue::limits::KEY_BYTES_MAX;

use super::event_value;
use trunkline_runtime::messages::RelayKey;

/// A key that an expression makes.
pub(crate) fn relay_key(key: Expression) -> RelayKey {
    RelayKey::new(move |event| {
        let value = event_value(event).map_err(|error| error.to_string())?;
        let value = key.evaluate(&Variables::new().with("event", value));
        let value = value.map_err(|error| error.to_string())?;
        let text = value.as_str().ok_or_else(|| format!("`{}` gives no text", key.source()))?;
        if text.len() > KEY_BYTES_MAX {
            return Err(format!("`{}` gives {} bytes, limit {KEY_BYTES_MAX}", key.source(), text.len()));
        }
        Ok(text.to_owned())
    })
}
