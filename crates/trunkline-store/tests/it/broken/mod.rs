//! The suite fails for stores that break a promise: each of its tests is seen failing.
//!
//! `fault` lists the ways in which a store is broken here, `store` is a memory store with one of them, and
//! `caught` says which promises each fault breaks.

mod append;
mod caught;
mod conditions;
mod content;
mod fault;
mod judge;
mod look;
mod read;
mod reopen;
mod store;
mod versions;
