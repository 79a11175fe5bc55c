//! The trace that something belongs to, as the header `traceparent` of the W3C names it.

/// Whether a text is a `traceparent`: whoever gets another one is to ignore it, so no other is passed on.
///
/// ```
/// use trunkline_core::is_traceparent;
/// assert!(is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
/// assert!(!is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"));
/// ```
pub fn is_traceparent(text: &str) -> bool {
    let mut parts = text.splitn(5, '-');
    let mut hex = |length: usize| {
        parts.next().filter(|part| {
            part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    };
    let says_something = |part: &str| part.bytes().any(|byte| byte != b'0');
    let (Some(version), Some(trace), Some(parent), Some(_flags)) = (hex(2), hex(32), hex(16), hex(2)) else {
        return false;
    };
    // Versions to come may say more.
    let is_whole = parts.next().is_none() || version != "00";
    version != "ff" && says_something(trace) && says_something(parent) && is_whole
}

#[cfg(test)]
mod tests {
    use super::is_traceparent;

    #[test]
    fn a_traceparent_is_as_long_as_its_version_says_and_names_a_trace() {
        let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let whole = format!("00-{trace}-{parent}-01");
        assert!(is_traceparent(&whole));
        assert!(is_traceparent(&format!("01-{trace}-{parent}-01-more")));
        for length in 0..whole.len() {
            assert!(!is_traceparent(&whole[..length]), "{length}");
        }
        for other in [
            format!("{whole}0"),
            format!("{whole}-more"),
            format!("ff-{trace}-{parent}-01"),
            format!("00-{}-{parent}-01", trace.to_uppercase()),
            format!("00-{}-{parent}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{trace}-{}g-01", &parent[1..]),
        ] {
            assert!(!is_traceparent(&other), "{other}");
        }
    }
}
