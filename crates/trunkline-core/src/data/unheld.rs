//! What is JSON by its grammar, and yet more than a reader can hold.
//!
//! An integer of any length is none of it: it is kept as it is written, and a reader that has no such integers says so
//! when it is asked for that field.

/// How deep data may nest: common readers of JSON stop there.
pub const NESTING_MAX: usize = 127;

/// Something that no reader can hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{why}", place(path))]
pub struct Unheld {
    /// Where it is, such as `items[0].sku`; empty for the data as a whole.
    pub path: String,
    why: Why,
}

impl Unheld {
    pub(super) fn new(path: String, why: Why) -> Self {
        Self { path, why }
    }
}

fn place(path: &str) -> String {
    if path.is_empty() { "it ".to_owned() } else { format!("`{path}` ") }
}

/// Why no reader can hold it, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Why {
    #[error("is nested deeper than {NESTING_MAX} levels, where readers of JSON stop; nest it less")]
    Deep,
    #[error(
        "has half of a surrogate pair, which is no character; write both halves, or \\ufffd in its place"
    )]
    Half,
    #[error("is a number beyond 1.8e308, the largest that readers hold; write it as text")]
    Number,
}

/// Why no reader can hold a scalar, or a name, that has escapes, an exponent or many digits.
#[cold]
pub(super) fn of_scalar(token: &[u8]) -> Option<Why> {
    if token.first() == Some(&b'"') {
        return has_half(token).then_some(Why::Half);
    }
    let number: f64 = std::str::from_utf8(token).ok()?.parse().ok()?;
    (!number.is_finite()).then_some(Why::Number)
}

/// Whether a text that is JSON has half of a surrogate pair.
fn has_half(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let code = code(&rest[at..]);
        let length = match code {
            Some(0xd800..0xdc00) if code_is_low(&rest[at + 6..]) => 12,
            Some(0xd800..0xe000) => return true,
            Some(_) => 6,
            None => 2,
        };
        rest = &rest[at + length..];
    }
    false
}

fn code_is_low(text: &[u8]) -> bool {
    matches!(code(text), Some(0xdc00..0xe000))
}

/// What an escape with four digits stands for.
fn code(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use crate::data::{InvalidData, check, check_around, digest};

    fn said(json: &str) -> Option<String> {
        match check(json.as_bytes()) {
            Ok(()) => None,
            Err(fault) => {
                assert_eq!(digest(json.as_bytes()), Err(fault.clone()), "{json}");
                assert!(matches!(fault, InvalidData::Unheld(_)), "{json}: {fault}");
                Some(fault.to_string())
            }
        }
    }

    #[test]
    fn what_no_reader_can_hold_is_refused_with_its_place() {
        let many = "9".repeat(400);
        for (json, wanted) in [
            (r#"{"a":[1,{"b":"x\ud800"}]}"#, "`a[1].b` has half of a surrogate pair"),
            (r#""\udc00""#, "it has half of a surrogate pair"),
            (r#"["\ud800\u0041"]"#, "`[0]` has half of a surrogate pair"),
            (r#"["\ud834\udd1e\udd1e"]"#, "`[0]` has half of a surrogate pair"),
            (r#"["\\\ud800"]"#, "`[0]` has half of a surrogate pair"),
            (r#"{"a":{"\ud800":1}}"#, "`a.\\ud800` has half of a surrogate pair"),
            (r#"{"a":0,"\udfff":1}"#, "`\\udfff` has half of a surrogate pair"),
            (r#"{"n":1E400}"#, "`n` is a number beyond 1.8e308"),
            (r#"{"n":-1.5e309}"#, "`n` is a number beyond 1.8e308"),
            ("[0, 1e99999999999999999999]", "`[1]` is a number beyond 1.8e308"),
            (&format!("[{many}]"), "`[0]` is a number beyond 1.8e308"),
            (&format!("[{many}.5]"), "`[0]` is a number beyond 1.8e308"),
        ] {
            let said = said(json).unwrap_or_default();
            assert!(said.starts_with(wanted), "{json}: {said}");
        }
    }

    #[test]
    fn what_some_reader_can_hold_is_data() {
        for json in [
            "18446744073709551615",
            "-99999999999999999999999999999999",
            "-0",
            "-0.0",
            "1e308",
            "1e-99999",
            "0e99999",
            r#""\u0000""#,
            r#"{"\ud834\udd1e":"\ud834\udd1e","\\ud800":"\\\\ud800"}"#,
        ] {
            assert_eq!(said(json), None, "{json}");
        }
    }

    #[test]
    fn data_nests_as_deep_as_readers_go() {
        let lists = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        let objects = |levels: usize| "{\"a\":".repeat(levels) + "1" + &"}".repeat(levels);
        for deep in [lists(127), objects(127)] {
            assert_eq!(said(&deep), None);
            assert_eq!(check_around(format!(r#"{{"data":{deep}}}"#).as_bytes()), Ok(()));
        }
        for deep in [lists(128), objects(128), lists(100_000)] {
            assert!(said(&deep).unwrap().contains("nested deeper than 127 levels"));
            let line = format!(r#"{{"data":{deep}}}"#);
            let fault = check_around(line.as_bytes()).unwrap_err().to_string();
            assert!(fault.starts_with("`data"), "{fault}");
        }
    }

    #[test]
    fn what_is_no_json_is_said_first() {
        for json in [r#"{"a":"\ud800""#, "[1e400,]", &"[".repeat(200)] {
            assert_eq!(check(json.as_bytes()), Err(InvalidData::NotJson), "{json}");
        }
    }
}
