//! The suites fail for queues that break a promise: each of their tests is seen failing.
//!
//! `fault` lists the ways in which a queue is broken here, `queue` is a memory queue with one of them (`deliver`
//! and `operate` say what each fault does), and `caught` says which promises each fault breaks.

mod caught;
mod deliver;
mod fault;
mod operate;
mod queue;
