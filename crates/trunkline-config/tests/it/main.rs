//! Everything about the crate as its users meet it, in one binary.

mod codes;
mod example;
mod pages;
mod properties;
mod reading;
mod secrets;
mod size;
mod world;
