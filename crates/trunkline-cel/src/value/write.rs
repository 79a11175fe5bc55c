//! Values as JSON.

use super::{Repr, Value, View};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};
use std::io::Write as _;

impl Value {
    /// The value as JSON: the bytes it was read from if it was read, else objects with sorted names and no white space.
    ///
    /// A timestamp is RFC 3339 text in UTC, a duration its seconds with an `s` (`"90s"`, `"0.5s"`), bytes are base64.
    pub fn to_json(&self) -> Bytes {
        if let Repr::Json(document, part) = &self.0 {
            return document.bytes(*part);
        }
        let mut out = Vec::with_capacity(self.json_bytes().min(1 << 20) as usize);
        self.write_json(&mut out);
        out.into()
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        if let Repr::Json(document, part) = &self.0 {
            out.extend_from_slice(document.raw(*part));
            return;
        }
        match self.view() {
            View::Null => out.extend_from_slice(b"null"),
            View::Bool(true) => out.extend_from_slice(b"true"),
            View::Bool(false) => out.extend_from_slice(b"false"),
            View::Int(value) => write!(out, "{value}").expect("memory takes every byte"),
            // Shortest digits that give the same number, with a point or an exponent: it stays a double when read.
            View::Double(value) => write!(out, "{value:?}").expect("memory takes every byte"),
            View::Text(value) => write_text(value, out),
            View::Bytes(value) => write_text(&BASE64.encode(value), out),
            View::Timestamp(value) => write_text(&value.to_string(), out),
            View::Duration(value) => write_text(&crate::duration::duration_text(value), out),
            View::Type(name) => write_text(name, out),
            View::Unheld(_, written) => out.extend_from_slice(written),
            View::List(list) => {
                out.push(b'[');
                for (index, item) in list.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write_json(out);
                }
                out.push(b']');
            }
            View::Object(object) => {
                out.push(b'{');
                for (index, (name, value)) in object.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    match name.as_str() {
                        Some(name) => write_text(name, out),
                        None => out.extend_from_slice(name.written()),
                    }
                    out.push(b':');
                    value.write_json(out);
                }
                out.push(b'}');
            }
        }
    }

    /// The value as it stands in a sentence: a text without quotes, everything else as JSON.
    pub fn to_text(&self) -> String {
        match self.view() {
            View::Text(value) => value.to_owned(),
            View::Double(value) => crate::number::double_text(value),
            View::Timestamp(value) => value.to_string(),
            View::Duration(value) => crate::duration::duration_text(value),
            View::Bytes(value) => BASE64.encode(value),
            View::Type(name) => name.to_owned(),
            _ => String::from_utf8_lossy(&self.to_json()).trim().to_owned(),
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..b' ' => b"",
            _ => continue,
        };
        out.extend_from_slice(&bytes[plain..at]);
        if escape.is_empty() {
            write!(out, "\\u{byte:04x}").expect("memory takes every byte");
        } else {
            out.extend_from_slice(escape);
        }
        plain = at + 1;
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.view() {
            View::Null => serializer.serialize_unit(),
            View::Bool(value) => serializer.serialize_bool(value),
            View::Int(value) => serializer.serialize_i64(value),
            View::Double(value) => serializer.serialize_f64(value),
            View::Text(value) => serializer.serialize_str(value),
            View::Bytes(_) | View::Timestamp(_) | View::Duration(_) | View::Type(_) => {
                serializer.serialize_str(&self.to_text())
            }
            View::Unheld(why, written) => {
                let text = std::str::from_utf8(written).unwrap_or_default();
                match text.parse::<i128>() {
                    Ok(number) => serializer.serialize_i128(number),
                    Err(_) => {
                        Err(S::Error::custom(format_args!("{} is passed on by `to_json` alone", why.name())))
                    }
                }
            }
            View::List(list) => {
                let mut out = serializer.serialize_seq(Some(list.len()))?;
                for item in list.iter() {
                    out.serialize_element(&item)?;
                }
                out.end()
            }
            View::Object(object) => {
                let mut out = serializer.serialize_map(Some(object.len()))?;
                for (name, value) in object.iter() {
                    let Some(name) = name.as_str() else {
                        return Err(S::Error::custom(
                            "half of a surrogate pair in a name is passed on by `to_json` alone",
                        ));
                    };
                    out.serialize_entry(name, &value)?;
                }
                out.end()
            }
        }
    }
}
