//! SQL text cut into tokens: just enough to find parameters, statements and names, and to leave the rest alone.
//!
//! The tokens of a text, put together, are the text again.
//! The rules are `SQLite`'s: `'text'` and `"name"`, `` `name` ``, `[name]` with doubled quotes inside, `--` and
//! `/* */` comments, and `::` as an operator.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// White space or a comment.
    Space,
    /// A keyword or a name without quotes, or a number.
    Word,
    /// A name in quotes.
    QuotedName,
    /// A text in quotes.
    Text,
    /// `:name` with its path.
    Parameter,
    /// A parameter in a form that has no name: `?`, `?1`, `:1`, `@name`, `$name`.
    OtherParameter,
    /// `;`.
    Semicolon,
    /// Any other sign.
    Sign,
    /// A quote or comment that is never closed; it reaches to the end of the text.
    Unclosed,
}

/// A piece of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) range: Range<usize>,
}

/// Cuts a text into tokens.
pub(crate) fn tokens(text: &str) -> impl Iterator<Item = Token> {
    let mut start = 0;
    std::iter::from_fn(move || {
        if start == text.len() {
            return None;
        }
        let (kind, bytes) = first(&text[start..]);
        let range = start..start + bytes;
        start = range.end;
        Some(Token { kind, range })
    })
}

/// The kind and the length of the token that a text begins with.
fn first(text: &str) -> (Kind, usize) {
    let bytes = text.as_bytes();
    match (bytes[0], bytes.get(1)) {
        (b'\'', _) => quoted(text, '\'', Kind::Text),
        (b'"', _) => quoted(text, '"', Kind::QuotedName),
        (b'`', _) => quoted(text, '`', Kind::QuotedName),
        (b'[', _) => match text.find(']') {
            Some(end) => (Kind::QuotedName, end + 1),
            None => (Kind::Unclosed, text.len()),
        },
        (b'-', Some(b'-')) => (Kind::Space, text.find('\n').map_or(text.len(), |end| end + 1)),
        (b'/', Some(b'*')) => match text[2..].find("*/") {
            Some(end) => (Kind::Space, end + 4),
            None => (Kind::Unclosed, text.len()),
        },
        (b';', _) => (Kind::Semicolon, 1),
        (b':', Some(b':')) => (Kind::Sign, 2),
        (b':' | b'@' | b'$', _) => {
            let length = name(&text[1..]);
            match (bytes[0], length) {
                (_, 0) => (Kind::Sign, 1),
                (b':', _) if !bytes[1].is_ascii_digit() => (Kind::Parameter, 1 + path(&text[1..])),
                _ => (Kind::OtherParameter, 1 + length),
            }
        }
        (b'?', _) => (Kind::OtherParameter, 1 + digits(&text[1..])),
        _ => match run(text, char::is_whitespace) {
            0 => match name(text) {
                0 => (Kind::Sign, text.chars().next().map_or(1, char::len_utf8)),
                length => (Kind::Word, length),
            },
            length => (Kind::Space, length),
        },
    }
}

fn quoted(text: &str, quote: char, kind: Kind) -> (Kind, usize) {
    let mut rest = 1;
    while let Some(end) = text[rest..].find(quote) {
        rest += end + 1;
        if !text[rest..].starts_with(quote) {
            return (kind, rest);
        }
        rest += 1;
    }
    (Kind::Unclosed, text.len())
}

/// The length of `data.list[0].x`, without a dot that no name follows.
fn path(text: &str) -> usize {
    let mut end = name(text);
    loop {
        let rest = &text[end..];
        let step = match rest.as_bytes().first() {
            Some(b'.') => match name(&rest[1..]) {
                0 => return end,
                length => 1 + length,
            },
            Some(b'[') => match rest.find(']') {
                Some(close) => close + 1,
                None => return end,
            },
            _ => return end,
        };
        end += step;
    }
}

/// The length of the name at the start of the text; digits may come first, as in numbers and paths.
fn name(text: &str) -> usize {
    run(text, |c| c.is_alphanumeric() || c == '_' || (c == '$' && !text.starts_with('$')))
}

fn digits(text: &str) -> usize {
    run(text, |c| c.is_ascii_digit())
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parameters(text: &str) -> Vec<&str> {
        tokens(text).filter(|token| token.kind == Kind::Parameter).map(|token| &text[token.range]).collect()
    }

    #[test]
    fn parameters_are_found_outside_of_quotes_and_comments_only() {
        let text = "SELECT ':a', \":b\", `:c`, [:d], x::int, :e.f[0].g::text -- :h\n /* :i */, :j.";
        assert_eq!(parameters(text), [":e.f[0].g", ":j"]);
        assert_eq!(parameters("'it''s :a' || :b"), [":b"]);
    }

    #[test]
    fn a_quote_that_is_never_closed_takes_the_rest() {
        for text in ["'a", "'a''", "\"a", "`a", "[a", "/* a", "/*/"] {
            let kinds: Vec<Kind> = tokens(text).map(|token| token.kind).collect();
            assert_eq!(kinds, [Kind::Unclosed], "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_tokens_put_together_are_the_text(text in r#"([a-z:;'"`\[\].?@$/*\n -]|é){0,40}"#) {
            let mut end = 0;
            for token in tokens(&text) {
                prop_assert_eq!(token.range.start, end);
                prop_assert!(token.range.end > end);
                end = token.range.end;
            }
            prop_assert_eq!(end, text.len());
        }

        #[test]
        fn a_parameter_is_found_whatever_stands_in_quotes_before_it(inside in "[a-z:;\n?@$ -]{0,20}") {
            for (open, close) in [("'", "'"), ("\"", "\""), ("`", "`"), ("[", "]"), ("/*", "*/")] {
                let text = format!("SELECT {open}{inside}{close}, :data.x");
                prop_assert_eq!(parameters(&text), [":data.x"]);
            }
        }
    }
}
