//! Queries: which events a filtered read returns, and which events make a condition fail.

use crate::{EventType, RecordedEvent, Tag};

/// A selection of events: those that match at least one item; without items, all events.
///
/// ```
/// use trunkline_core::{Query, QueryItem};
/// let query = Query::from(
///     QueryItem::default().event_type("OrderCreated".parse()?).tag("sku:85123A".parse()?),
/// );
/// assert!(!query.is_all());
/// # Ok::<(), trunkline_core::InvalidName>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The items; an event that matches any of them is selected.
    pub items: Vec<QueryItem>,
}

/// One item of a [`Query`]: every part that is not empty must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryItem {
    /// The event's stream has one of these aggregate types.
    pub aggregate_types: Vec<String>,
    /// The event has one of these types.
    pub event_types: Vec<EventType>,
    /// The event has all of these tags.
    pub tags: Vec<Tag>,
}

impl Query {
    /// All events.
    pub fn all() -> Self {
        Self::default()
    }

    /// Whether every event is selected, because there is no item or one that asks for nothing.
    pub fn is_all(&self) -> bool {
        self.items.is_empty() || self.items.iter().any(QueryItem::is_all)
    }

    /// Whether the event is selected.
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        self.items.is_empty() || self.items.iter().any(|item| item.matches(event))
    }

    /// Adds another item: events that match it are selected too.
    #[must_use]
    pub fn or(mut self, item: QueryItem) -> Self {
        self.items.push(item);
        self
    }
}

impl QueryItem {
    /// Whether the item asks for nothing and so matches every event.
    pub fn is_all(&self) -> bool {
        self.aggregate_types.is_empty() && self.event_types.is_empty() && self.tags.is_empty()
    }

    /// Also accepts this aggregate type.
    #[must_use]
    pub fn aggregate_type(mut self, aggregate_type: &str) -> Self {
        self.aggregate_types.push(aggregate_type.to_owned());
        self
    }

    /// Also accepts this event type.
    #[must_use]
    pub fn event_type(mut self, event_type: EventType) -> Self {
        self.event_types.push(event_type);
        self
    }

    /// Also demands this tag.
    #[must_use]
    pub fn tag(mut self, tag: Tag) -> Self {
        self.tags.push(tag);
        self
    }

    fn matches(&self, event: &RecordedEvent) -> bool {
        let kind = event.aggregate_type();
        (self.aggregate_types.is_empty() || self.aggregate_types.iter().any(|wanted| wanted == kind))
            && (self.event_types.is_empty()
                || self.event_types.iter().any(|wanted| wanted.as_str() == event.event_type()))
            && self.tags.iter().all(|wanted| event.tags().any(|tag| tag == wanted.as_str()))
    }
}

impl From<QueryItem> for Query {
    fn from(item: QueryItem) -> Self {
        Self { items: vec![item] }
    }
}
