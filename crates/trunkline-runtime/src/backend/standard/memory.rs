//! `memory:`: in this process, gone with it.

use std::sync::Arc;

use trunkline_core::SystemClock;
use trunkline_queue::{Keep, MemoryQueue};
use trunkline_store::MemoryStore;

use super::super::{Backend, DsnProblem, OpenQueue, OpenStore, Role};

pub(super) fn backend() -> Backend {
    let backend = Backend::new(["memory"])
        .check(|role, dsn| if dsn.rest().is_empty() { Ok(()) } else { Err(not_alone(role)) })
        .events(|_, _| async { Ok(OpenStore::new(MemoryStore::new())) })
        .messages(|_, options| async move {
            let keep = Keep { dead_letter_age: options.dead_letter_ttl, ..Keep::default() };
            Ok(OpenQueue::new(MemoryQueue::with(keep, Arc::new(SystemClock))))
        });
    #[cfg(feature = "sqlite")]
    let backend =
        backend.read_models(&trunkline_sql::SqliteDialect, |_| async { super::sqlite::in_memory() });
    backend
}

fn not_alone(role: Role) -> DsnProblem {
    let stays = match role {
        Role::Events => "log:PATH for a store that stays",
        Role::Messages => "embedded:PATH for a queue that stays",
        Role::ReadModels => "sqlite:PATH for a read database that stays",
    };
    DsnProblem {
        what: "`memory:` is followed by something; it takes nothing".to_owned(),
        hint: Some(format!("write memory: alone, or {stays}")),
    }
}
