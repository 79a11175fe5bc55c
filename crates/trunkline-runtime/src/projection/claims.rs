//! The right to run projections: it is claimed in each read database that keeps some of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use trunkline_core::Position;
use trunkline_sql::{Claim, DatabaseError, ReadDatabase};
use trunkline_store::EventStoreExt as _;

use super::set::One;
use super::{ProjectionError, Projections};

/// The right to run projections, in each database that keeps some of them.
pub(super) type Claims = Vec<Box<dyn Claim>>;

/// How long is waited for who has claimed the read database: a command with a question is done within that.
const CLAIMED_MAX: Duration = Duration::from_secs(2);

/// How often one looks what another process has done.
const LOOKED: Duration = Duration::from_millis(10);

impl Projections {
    /// Claims the read databases of these projections; one who has them only for a question is waited for.
    pub(super) async fn claim(&self, of: impl IntoIterator<Item = &One>) -> Result<Claims, ProjectionError> {
        let databases = each_once(of).await?;
        let end = Instant::now() + CLAIMED_MAX;
        loop {
            match claim_all(&databases).await? {
                Ok(claims) => return Ok(claims),
                Err(Held { holder, place }) if Instant::now() >= end => {
                    return Err(ProjectionError::RunElsewhere { holder, place });
                }
                Err(_) => tokio::time::sleep(LOOKED).await,
            }
        }
    }

    /// Claims the read databases, or waits until who has them has come so far; nothing then.
    pub(super) async fn claim_unless_current(
        &self,
        behind: &[&One],
        goal: Position,
        limit: Duration,
    ) -> Result<Option<Claims>, ProjectionError> {
        let databases = each_once(behind.iter().copied()).await?;
        let end = Instant::now() + limit;
        loop {
            let Held { holder, place } = match claim_all(&databases).await? {
                Ok(claims) => return Ok(Some(claims)),
                Err(held) => held,
            };
            let mut late = false;
            for one in behind {
                late |= !self.is_current(one, goal).await?;
            }
            if !late {
                return Ok(None);
            }
            if Instant::now() >= end {
                return Err(ProjectionError::RunElsewhere { holder, place });
            }
            tokio::time::sleep(LOOKED).await;
        }
    }

    /// Whether nothing is to be done for a projection until a position: it is there or further on, by these statements,
    /// and what it saw last is what is there.
    pub(super) async fn is_current(&self, one: &One, goal: Position) -> Result<bool, ProjectionError> {
        let standing = one.target.standing().await?;
        let Some(standing) = standing.filter(|standing| !standing.is_changed) else {
            return Ok(false);
        };
        let kept = standing.kept?;
        if kept.position() < goal {
            return Ok(false);
        }
        let Some(last) = kept.last else { return Ok(true) };
        // Events may have come and been applied since the goal was set.
        let there = self.store.event_at(last.position).await?.map(|event| event.event_id());
        Ok(last.store == self.store.id() && there == Some(last.event_id))
    }
}

/// Who has claimed a database, and which.
struct Held {
    holder: String,
    place: String,
}

/// Claims all databases or none.
async fn claim_all(databases: &[&Arc<dyn ReadDatabase>]) -> Result<Result<Claims, Held>, DatabaseError> {
    let mut claims = Claims::new();
    for database in databases {
        match database.claim().await? {
            Ok(claim) => claims.push(claim),
            Err(holder) => return Ok(Err(Held { holder, place: database.place() })),
        }
    }
    Ok(Ok(claims))
}

/// The databases of projections, each once.
async fn each_once<'p>(
    of: impl IntoIterator<Item = &'p One>,
) -> Result<Vec<&'p Arc<dyn ReadDatabase>>, DatabaseError> {
    let mut databases: Vec<&Arc<dyn ReadDatabase>> = Vec::new();
    for one in of {
        let database = one.registry.get().await?;
        if databases.iter().all(|known| known.place() != database.place()) {
            databases.push(database);
        }
    }
    Ok(databases)
}
