//! The application that a file describes, with its mistakes said and its store found.

use std::io;

use trunkline::FromFile as _;
use trunkline::config::World;
use trunkline::{App, ApplicationFile, Opening, Place, Registered};

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
) -> Result<App, Failure> {
    build(file, store, None, owner, output).await
}

/// Where the file's messages wait, or where the flag says.
pub(crate) fn queue_place(file: &ApplicationFile, queue: &QueueArgs) -> Result<Place, Failure> {
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
) -> Result<App, Failure> {
    let place = queue_place(&file, queue)?;
    build(file, store, Some(place), owner, output).await
}

async fn build(
    file: ApplicationFile,
    store: &StoreArgs,
    queue: Option<Place>,
    owner: &str,
    output: &mut Output<'_>,
) -> Result<App, Failure> {
    let place = place(&file, store)?;
    if file.definition.event_store.never_sync {
        output.warn(format_args!(
            "sync is \"never\" for {place}: a power cut loses events that were acknowledged"
        ));
    }
    let opening = Opening {
        owner: Some(owner.to_owned()),
        events: Some(place.clone()),
        messages: queue.clone(),
        ..Opening::default()
    };
    let app = App::builder().opening(opening).file(file).build().await?;
    if let Some(opened) = app.opened_store() {
        open::say(&place, opened, output);
    }
    if let Some(place) = queue {
        output.say(format_args!("queue {place}"));
    }
    Ok(app)
}
