//! What projections make of a store's events, out of sight: for scenarios.

use futures::StreamExt as _;
use serde_json::{Map, Value};
use trunkline_sql::{ApplyError, Trial};
use trunkline_store::{AllRead, EventStore};

use super::present::present;
use super::{OnError, Projections, Tables};

impl Projections {
    /// The rows of a table after all events of a store.
    ///
    /// An event that fails is passed over only where the file has the projection put such events aside.
    pub(crate) async fn tried(
        &self,
        store: &dyn EventStore,
        table: &str,
    ) -> Result<Vec<Map<String, Value>>, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let tables = Tables::of(self.all.values().map(|one| &one.definition.model));
        let table = tables.find(table).map_err(|problem| problem.what)?;
        let one = self.one(&table.projection).map_err(|error| text(&error))?;
        let mut trial = Trial::new(&one.definition.model).map_err(|error| text(&error))?;
        let mut events = store.read_all(AllRead::default());
        while let Some(event) = events.next().await.transpose().map_err(|error| text(&error))? {
            if !one.types.contains(event.event_type()) {
                continue;
            }
            let applied = present(std::slice::from_ref(&event), &one.types, &self.upcasters)
                .map_err(ApplyError::Failed)
                .and_then(|events| trial.apply(&events));
            match applied {
                Err(ApplyError::Failed(_)) if one.definition.on_error == OnError::Park => {}
                applied => applied.map_err(|error| format!("`{}` stops: {error}", table.projection))?,
            }
        }
        trial.rows(&table.name).map_err(|error| text(&error))
    }
}
