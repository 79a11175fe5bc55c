//! What is known of a request's data before a handler reads it.

use trunkline_core::data::{self, Digest, InvalidData};

use super::{CommandRequest, Rejection};

/// What was seen of a command's data.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// What it is recognised by when the command is sent again; none where nothing is kept, or the id alone counts.
    pub(super) digest: Option<Digest>,
    /// Why it is refused: what it has that readers differ in, or can't hold.
    pub(super) fault: Option<InvalidData>,
}

impl Seen {
    /// Goes over the data once. What isn't JSON is left to the handler, which says so.
    pub(super) fn of(request: &CommandRequest) -> Self {
        if request.derived {
            return Self::default();
        }
        let has_id = request.id.is_some();
        let checked = if has_id {
            data::digest(&request.data).map(Some)
        } else {
            data::check(&request.data).map(|()| None)
        };
        let as_it_is = || has_id.then(|| Digest::of_bytes(&request.data));
        match checked {
            Ok(digest) => Self { digest, fault: None },
            Err(InvalidData::NotJson) => Self { digest: as_it_is(), fault: None },
            Err(fault) => Self { digest: as_it_is(), fault: Some(fault) },
        }
    }

    /// Why the data is refused, if it is.
    pub(super) fn refusal(&self) -> Option<Rejection> {
        let fault = self.fault.as_ref()?;
        let field = fault.path().map(|path| match path {
            "" => "command".to_owned(),
            path => format!("command.{path}"),
        });
        Some(Rejection::data(fault.to_string(), field))
    }
}
