//! Any bytes as an event's data: JSON exactly when `serde_json` says so, and with a digest exactly when it is taken.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use trunkline_core::data::{InvalidData, check, digest};

fuzz_target!(|bytes: &[u8]| {
    let checked = check(bytes);
    let text =
        std::str::from_utf8(bytes).ok().filter(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    assert_eq!(checked != Err(InvalidData::NotJson), text.is_some());
    assert_eq!(digest(bytes).err(), checked.err());
    if let (Some(text), Ok(digested)) = (text, digest(bytes)) {
        assert_eq!(digest(format!(" {text}\n").as_bytes()), Ok(digested));
        assert_ne!(digest(format!("[{text}]").as_bytes()), Ok(digested));
    }
});
