//! What the embedded queue can't be opened for, as errors.

use std::io;

use crate::OpenError;

impl OpenError {
    pub(crate) fn io(act: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let act = act.into();
        move |source| Self::Io { act, source }
    }

    /// That the file begins with the mark of another version than this one and the one before, if it does.
    pub(crate) fn other_version(file: &str, bytes: &[u8], wanted: [u8; 8], old: [u8; 8]) -> Result<(), Self> {
        let kind = &wanted[..7];
        match bytes.first_chunk::<8>() {
            Some(found) if *found == wanted || *found == old => Ok(()),
            Some(found) if found.starts_with(kind) && found[7].is_ascii_digit() => {
                let text = |mark: &[u8]| String::from_utf8_lossy(mark).into_owned();
                Err(Self::OtherVersion { file: file.to_owned(), found: text(found), wanted: text(&wanted) })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn corrupt(file: &str, offset: u64, what: &str) -> Self {
        Self::Corrupt { file: file.to_owned(), offset, what: what.to_owned() }
    }
}
