//! Tests of the log as its users have it: crashes, faults, damage, random operations, many threads, old files.

mod backup;
mod beside;
mod check;
mod crash;
mod damage;
mod draft;
mod fault;
mod flips;
mod format;
mod golden;
mod locked;
mod many;
mod model;
mod play;
mod random;
mod reference;
mod script;
mod wrapped;
