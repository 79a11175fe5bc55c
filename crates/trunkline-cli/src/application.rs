//! The application that a file describes, with its mistakes said and its store found.

use std::io;

use serde_json::json;
use trunkline::config::World;
use trunkline::{App, ApplicationFile, OpenStore, Place, Registered};
use trunkline_store::LogStoreOptions;

use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::open;
use crate::output::{Format, Output};
use crate::render::{Mistakes, style_for};
use crate::world::{not_loaded, world};

/// Reads a file that is to be used: mistakes end the command, warnings are said.
pub(crate) fn load(file: &str, output: &mut Output<'_>) -> Result<ApplicationFile, Failure> {
    load_in(world(), file, output)
}

/// Reads a file of a world that is not the real one, or not only.
pub(crate) fn load_in(
    world: World<'_>,
    file: &str,
    output: &mut Output<'_>,
) -> Result<ApplicationFile, Failure> {
    // This binary has no Rust handlers, and knows it: what nobody handles can't be used.
    let registered = Registered { complete: true, ..Registered::default() };
    let read = ApplicationFile::load(file, world, &registered).map_err(|error| not_loaded(file, error))?;
    let mistakes = Mistakes::of(&read.evaluated, style_for(&io::stderr()));
    match read.mistakes().count() {
        0 if read.evaluated.diagnostics.is_empty() => Ok(read),
        0 if output.format == Format::Human => {
            output.say(&mistakes);
            Ok(read)
        }
        0 => {
            output.say(json!({ "warnings": mistakes.listed() }));
            Ok(read)
        }
        errors => {
            let unprinted = Some(Box::new(mistakes));
            Err(Failure::Mistakes { file: file.to_owned(), errors: errors as u64, unprinted })
        }
    }
}

/// Where the file's events are, or where the flag says.
pub(crate) fn place(file: &ApplicationFile, store: &StoreArgs) -> Result<Place, Failure> {
    Ok(store.place_of(file.definition.event_store.dsn.as_deref())?)
}

/// Builds the application over its store.
pub(crate) fn open(
    file: ApplicationFile,
    store: &StoreArgs,
    owner: &str,
    output: &mut Output<'_>,
) -> Result<(App, OpenStore), Failure> {
    let place = place(&file, store)?;
    let defaults = LogStoreOptions::default();
    let options = LogStoreOptions {
        segment_bytes: file.definition.event_store.segment_bytes.unwrap_or(defaults.segment_bytes),
        sync: !file.definition.event_store.never_sync,
        owner: owner.to_owned(),
        ..LogStoreOptions::default()
    };
    let opened = open::with_options(&place, options, output)?;
    let app = App::builder().shared_store(opened.store.clone()).file(file).build()?;
    Ok((app, opened))
}
