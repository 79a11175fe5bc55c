//! The application that a file describes, with its mistakes said and its store found.

use std::io;

use trunkline::FromFile as _;
use trunkline::config::World;
use trunkline::messages::FileCheckpoints;
use trunkline::{App, ApplicationFile, OpenStore, Place, QueuePlace, Registered};
use trunkline_store::LogStoreOptions;

use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::open;
use crate::output::Output;
use crate::queue::{QueueArgs, QueueFailure};
use crate::render::{Mistakes, counted, style_for};
use crate::world::{not_loaded, world};

/// Reads a file that is to be used: mistakes end the command; that there are warnings is said, and `check` says
/// which.
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
    let errors = read.mistakes().count() as u64;
    if errors > 0 {
        let unprinted = Some(Box::new(Mistakes::of(&read.evaluated, style_for(&io::stderr()))));
        return Err(Failure::Mistakes { file: file.to_owned(), errors, unprinted });
    }
    let warnings = read.evaluated.diagnostics.len() as u64;
    if warnings > 0 {
        let warnings = counted(warnings, "warning");
        output.say(format_args!("{file} has {warnings}; `trunkline check` shows them"));
    }
    Ok(read)
}

/// Where the file's events are, or where the flag says.
pub(crate) fn place(file: &ApplicationFile, store: &StoreArgs) -> Result<Place, Failure> {
    Ok(store.place_of(file.definition.event_store.dsn.as_deref())?)
}

/// Builds the application over its store.
pub(crate) async fn open(
    file: ApplicationFile,
    store: &StoreArgs,
    owner: &str,
    output: &mut Output<'_>,
) -> Result<(App, OpenStore), Failure> {
    build(file, store, None, owner, output).await
}

/// Where the file's messages wait, or where the flag says.
pub(crate) fn queue_place(file: &ApplicationFile, queue: &QueueArgs) -> Result<QueuePlace, Failure> {
    let dsn = file.definition.message_queue.dsn.as_deref();
    Ok(queue.place_of(dsn).map_err(QueueFailure::from)?)
}

/// Builds the application over its store and its queue.
pub(crate) async fn open_whole(
    file: ApplicationFile,
    store: &StoreArgs,
    queue: &QueueArgs,
    owner: &str,
    output: &mut Output<'_>,
) -> Result<(App, OpenStore), Failure> {
    let place = queue_place(&file, queue)?;
    build(file, store, Some(place), owner, output).await
}

async fn build(
    file: ApplicationFile,
    store: &StoreArgs,
    queue: Option<QueuePlace>,
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
    let opened = open::with_options(&place, options, output).await?;
    let mut builder = App::builder().shared_store(opened.store.clone()).owner(owner).file(file);
    if let Some(file) = place.dsn.snapshots() {
        builder = builder.snapshots(file);
    }
    if let Some(file) = place.dsn.sagas() {
        builder = builder.saga_index(file);
    }
    if let Some(folder) = place.dsn.checkpoints() {
        builder = builder.checkpoints(FileCheckpoints::new(folder));
    }
    if let Some(place) = queue {
        output.say(format_args!("queue {place}"));
        builder = builder.queue_place(place);
    }
    let app = builder.build()?;
    Ok((app, opened))
}
