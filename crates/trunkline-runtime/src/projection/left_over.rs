//! What projections have left in read databases that are not declared any more: listed, and dropped where somebody says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use trunkline_nearest::nearest;
use trunkline_sql::{
    AnswerLimits, AskError, DatabaseError, Parameters, QueryAnswer, ReadDatabase, SqlQuery, State,
};

use super::{ProjectionError, Projections};

/// Rows of a projection that the application doesn't have: it was renamed or removed, or it is another application's that
/// keeps its rows in the same database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOver {
    /// The projection.
    pub name: String,
    /// The read database.
    pub read_db: String,
    /// How many generations it has there.
    pub generations: u64,
}

impl Projections {
    /// Answers a query from the tables of these projections alone: what is left of others is neither found nor in the way.
    pub async fn ask(
        &self,
        database: &dyn ReadDatabase,
        query: &SqlQuery,
        parameters: &Parameters<'_>,
        limits: &AnswerLimits,
    ) -> Result<QueryAnswer, AskError> {
        let names: BTreeSet<String> = self.names().map(str::to_owned).collect();
        let limits = AnswerLimits { projections: Some(Arc::new(names)), ..limits.clone() };
        database.ask(query, parameters, &limits).await
    }

    /// What other projections have left in the read databases of these.
    pub async fn left_over(&self) -> Result<Vec<LeftOver>, DatabaseError> {
        let mut all = Vec::new();
        for database in self.databases.all() {
            let database = database.get().await?;
            let mut names: BTreeMap<String, u64> = BTreeMap::new();
            for name in database.paused().await? {
                names.insert(name, 0);
            }
            for generation in database.generations().await? {
                if generation.state != State::Dropped {
                    *names.entry(generation.projection).or_default() += 1;
                }
            }
            names.retain(|name, _| !self.all.contains_key(name));
            let read_db = database.place();
            let of = |(name, generations)| LeftOver { name, read_db: read_db.clone(), generations };
            all.extend(names.into_iter().map(of));
        }
        Ok(all)
    }

    /// Drops all that is left of a projection that is none of these, wherever that is.
    pub async fn drop_left_over(&self, name: &str) -> Result<Vec<LeftOver>, ProjectionError> {
        if self.all.contains_key(name) {
            return Err(ProjectionError::Declared { name: name.to_owned() });
        }
        let mut left = self.left_over().await?;
        let near = nearest(name, left.iter().map(|one| one.name.as_str())).map(str::to_owned);
        left.retain(|one| one.name == name);
        if left.is_empty() {
            return Err(ProjectionError::Unknown { name: name.to_owned(), near });
        }
        for database in self.databases.all() {
            let database = database.get().await?;
            if left.iter().all(|one| one.read_db != database.place()) {
                continue;
            }
            // Whoever runs projections there may be the one whose rows these are.
            let _claim = match database.claim().await? {
                Ok(claim) => claim,
                Err(holder) => {
                    return Err(ProjectionError::RunElsewhere { holder, place: database.place() });
                }
            };
            database.drop_projection(name).await?;
        }
        Ok(left)
    }
}
