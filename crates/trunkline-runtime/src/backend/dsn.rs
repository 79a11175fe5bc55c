//! The text that names a place: a scheme, and what its backend makes of the rest.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;

/// The scheme of what is in this process, and gone with it.
const MEMORY: &str = "memory";

/// The names that settings with a password go by, in the form `key=value;key=value`.
const PASSWORD_KEYS: [&str; 4] = ["password", "passwd", "pwd", "pass"];

/// What stands for a password.
const HIDDEN: &str = "***";

/// Where something is: `SCHEME:REST`, such as `log:./data/events`.
///
/// It may hold a password, which is never printed: not in `{}`, not in `{:?}`, not in an error.
///
/// ```
/// use trunkline::Dsn;
/// let dsn = Dsn::parse("papers://ada:secret@host/shelf").unwrap();
/// assert_eq!(dsn.to_string(), "papers://ada:***@host/shelf");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dsn {
    scheme: String,
    rest: OsString,
}

impl Dsn {
    /// A scheme, and what comes after its `:`.
    pub fn new(scheme: &str, rest: impl Into<OsString>) -> Self {
        Self { scheme: scheme.to_ascii_lowercase(), rest: rest.into() }
    }

    /// Takes a text apart; none when it has no scheme.
    ///
    /// A single letter before the `:` is a drive, and so the beginning of a path.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        (scheme.len() > 1 && is_scheme(scheme)).then(|| Self::new(scheme, rest))
    }

    /// In this process, gone with it.
    pub fn memory() -> Self {
        Self::new(MEMORY, "")
    }

    /// Whether it is in this process, and gone with it.
    pub fn is_memory(&self) -> bool {
        self.scheme == MEMORY
    }

    /// Which kind of place it is, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// What comes after the scheme's `:`, passwords included.
    pub fn rest(&self) -> &OsStr {
        &self.rest
    }

    /// The same as the path of a file or folder.
    pub fn path(&self) -> &Path {
        Path::new(&self.rest)
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-".contains(c))
}

/// A text without the passwords that it has in one of the two usual ways.
fn without_passwords(rest: &str) -> String {
    let rest = match rest.strip_prefix("//") {
        Some(url) => {
            let (authority, path) = url.split_at(url.find(['/', '?']).unwrap_or(url.len()));
            // A password may have an `@` of its own, so it ends at the last one.
            match authority.rsplit_once('@') {
                Some((who, host)) => {
                    let hidden = match who.split_once(':') {
                        Some((user, _)) => format!("{user}:{HIDDEN}"),
                        None => who.to_owned(),
                    };
                    format!("//{hidden}@{host}{path}")
                }
                None => rest.to_owned(),
            }
        }
        None => rest.to_owned(),
    };
    let mut shown = String::with_capacity(rest.len());
    for piece in rest.split_inclusive([';', '&', '?']) {
        match piece.split_once('=') {
            Some((key, value)) if PASSWORD_KEYS.contains(&key.trim().to_ascii_lowercase().as_str()) => {
                let end = value.strip_suffix([';', '&', '?']).map_or("", |kept| &value[kept.len()..]);
                shown.extend([key, "=", HIDDEN, end]);
            }
            _ => shown.push_str(piece),
        }
    }
    shown
}

impl fmt::Display for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rest.to_str() {
            Some(rest) => write!(f, "{}:{}", self.scheme, without_passwords(rest)),
            // Only a path can be no text.
            None => write!(f, "{}:{}", self.scheme, self.rest.display()),
        }
    }
}

impl fmt::Debug for Dsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        for (dsn, shown) in [
            ("postgres://ada:secret@host/db", "postgres://ada:***@host/db"),
            ("postgres://ada:se@cret@host/db", "postgres://ada:***@host/db"),
            ("redis://:secret@host", "redis://:***@host"),
            ("nats://host:4222", "nats://host:4222"),
            (
                "postgres://host/db?user=ada&password=secret&x=1",
                "postgres://host/db?user=ada&password=***&x=1",
            ),
            ("mysql:host=h;Password=secret;dbname=d", "mysql:host=h;Password=***;dbname=d"),
            ("pgsql:host=h;pwd=secret", "pgsql:host=h;pwd=***"),
            // Paths are shown as they are.
            ("log:./a@b:c/d=e", "log:./a@b:c/d=e"),
            ("sqlite:///var/a:b@c/read.db", "sqlite:///var/a:b@c/read.db"),
        ] {
            let parsed = Dsn::parse(dsn).unwrap();
            assert_eq!(parsed.to_string(), shown);
            assert_eq!(format!("{parsed:?}"), format!("{shown:?}"));
        }
    }

    #[test]
    fn a_scheme_is_a_word_of_two_letters_or_more() {
        for text in ["./data", "C:\\data", "", ":x", "a b:x", "./log:x", "9p:x"] {
            assert_eq!(Dsn::parse(text), None, "{text}");
        }
        assert_eq!(Dsn::parse("LOG:x"), Dsn::parse("log:x"));
        assert_eq!(Dsn::parse("log:x").unwrap().path(), Path::new("x"));
    }
}
