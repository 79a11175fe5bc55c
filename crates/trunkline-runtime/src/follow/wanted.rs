//! Which events a follower of the log wants.

use std::collections::BTreeSet;
use std::sync::Arc;

use trunkline_core::{EventType, Query, QueryItem, RecordedEvent};

/// Which events a follower wants.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// Every event.
    All,
    /// Those of these types; none when there are no types.
    Types(Arc<BTreeSet<String>>),
}

impl Wanted {
    /// The events of these types.
    pub(crate) fn types(types: impl IntoIterator<Item = String>) -> Self {
        Self::Types(Arc::new(types.into_iter().collect()))
    }

    /// Whether an event is wanted.
    pub(super) fn has(&self, event: &RecordedEvent) -> bool {
        match self {
            Self::All => true,
            Self::Types(types) => types.contains(event.event_type()),
        }
    }

    /// Whether no event is wanted.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Types(types) if types.is_empty())
    }

    /// The query that finds what is wanted through the index.
    pub(crate) fn query(&self) -> Query {
        match self {
            Self::All => Query::all(),
            Self::Types(types) => {
                // What is no event type is the type of no event.
                let types = types.iter().filter_map(|name| EventType::system(name).ok()).collect();
                QueryItem { event_types: types, ..QueryItem::default() }.into()
            }
        }
    }
}
