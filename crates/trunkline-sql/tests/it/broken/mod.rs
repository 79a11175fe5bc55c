//! The suite fails for read databases that break a promise: each of its tests is seen failing.
//!
//! `fault` lists the ways in which a database is broken here, `database` is one of `SQLite` with one of them, `writer`
//! and `shadow` are what it hands out, and `caught` says which promises each fault breaks.

mod caught;
mod database;
mod fault;
mod shadow;
mod writer;
