//! The application that a file describes, with its mistakes reported and its store found.

use trunkline::FromFile as _;
use trunkline::{App, ApplicationFile, Opening, Place};
use trunkline_ops::world;

use crate::args::StoreArgs;
use crate::failure::Failure;
use crate::open;
use crate::output::Output;
use crate::queue::QueueArgs;
use crate::render::counted;

/// Reads a file that is to be used: mistakes end the command; that there are warnings is printed, and `check` says
/// which.
pub(crate) fn load(file: &str, output: &mut Output<'_>) -> Result<ApplicationFile, Failure> {
    let read = trunkline_ops::application::load(world(), file)?;
    say_warnings(file, &read, output);
    Ok(read)
}

/// The same with the scenarios of the file beside it.
pub(crate) fn load_with_tests(file: &str, output: &mut Output<'_>) -> Result<ApplicationFile, Failure> {
    let read = trunkline_ops::application::load_with_tests(world(), file)?;
    say_warnings(file, &read, output);
    Ok(read)
}

fn say_warnings(file: &str, read: &ApplicationFile, output: &mut Output<'_>) {
    let warnings = read.evaluated.diagnostics.len() as u64;
    if warnings > 0 {
        let warnings = counted(warnings, "warning");
        output.say(format_args!("{file} has {warnings}; `trunkline check` shows them"));
    }
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
pub(crate) fn queue_place(
    file: &ApplicationFile,
    store: &StoreArgs,
    queue: &QueueArgs,
) -> Result<Place, Failure> {
    let dsn = file.definition.message_queue.dsn.as_deref();
    Ok(queue.place_of(dsn, Some(&place(file, store)?.dsn))?)
}

/// Builds the application over its store and its queue.
pub(crate) async fn open_whole(
    file: ApplicationFile,
    store: &StoreArgs,
    queue: &QueueArgs,
    owner: &str,
    output: &mut Output<'_>,
) -> Result<App, Failure> {
    let place = queue_place(&file, store, queue)?;
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
        // The process is found by its number, where it is not clear which `trunkline run` that is.
        owner: Some(format!("{owner} (process {})", std::process::id())),
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
