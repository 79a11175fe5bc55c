//! The application as its users see it: built from code and from files, over stores that fail when told to.
#![expect(clippy::unwrap_used, reason = "a surprise in a test is a panic, in its harness too")]

mod backpressure;
mod building;
mod codes;
mod contention;
mod counter;
mod declared;
mod derive;
mod doors;
mod given_up;
mod histories;
#[cfg(unix)]
mod killed;
mod laws;
mod messages;
mod metadata;
mod middleware;
mod older_history;
mod once;
#[cfg(unix)]
mod orders;
#[cfg(unix)]
mod outbox;
#[cfg(unix)]
mod own_state;
#[cfg(unix)]
mod projected;
mod projections;
mod queue_place;
mod read_dbs;
mod replay;
mod saga_held;
mod saga_ids;
mod saga_index;
mod saga_large;
mod saga_post;
mod saga_runs;
mod saga_starts;
mod saga_verify;
mod sagas;
mod scenarios;
mod shapes;
mod snapshots;
mod states;
mod system;
mod told;
mod typed;
mod typed_wiring;
mod verified;
mod versions;
mod webhook;
mod wire;
mod wiring;
mod world;
mod years;
