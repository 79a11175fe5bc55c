//! `#[derive(Event)]` and `#[derive(Command)]`: names and versions of the variants of an enum.
//!
//! The traits and their documentation are in `trunkline`, which re-exports these macros.

mod implement;
mod variants;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `trunkline::Event` for an enum with one variant for each type of event.
///
/// A variant has named fields, one value, or nothing.
/// Its name is the stored event type; `#[serde(rename = "OldName")]` keeps a stored name when the variant's
/// changes.
/// `#[event(version = 2)]` says the version of its data's shape, which is 1 otherwise.
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    implement::event(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Implements `trunkline::Command` for an enum with one variant for each command.
///
/// A variant has named fields, one value, or nothing.
/// Its name is the command's; `#[serde(rename = "Name")]` gives it another.
#[proc_macro_derive(Command)]
pub fn derive_command(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    implement::command(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
