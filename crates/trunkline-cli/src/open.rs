//! Opening the store that a place names, and saying so.

use std::path::Path;

use trunkline::{Access, Backends, OpenStore, OpenStoreOptions, Place};
use trunkline_ops::words::size;
use trunkline_store::{BackupReport, LogStore, MaintainError};

use crate::failure::Failure;
use crate::output::Output;

/// Opens a store for reading, also beside a process that appends to it.
pub(crate) async fn for_reading(place: &Place) -> Result<OpenStore, Failure> {
    let options = OpenStoreOptions { access: Access::Read, ..OpenStoreOptions::default() };
    Ok(Backends::standard().open_events(place, options).await?)
}

/// Opens a store for appending, and makes it when there is none; says which one that is.
pub(crate) async fn for_appending(
    place: &Place,
    owner: &str,
    output: &mut Output<'_>,
) -> Result<OpenStore, Failure> {
    let options = OpenStoreOptions { owner: owner.to_owned(), ..OpenStoreOptions::default() };
    with_options(place, options, output).await
}

/// Opens a store for appending with these options.
pub(crate) async fn with_options(
    place: &Place,
    options: OpenStoreOptions,
    output: &mut Output<'_>,
) -> Result<OpenStore, Failure> {
    let opened = Backends::standard().open_events(place, options).await?;
    say(place, &opened, output);
    Ok(opened)
}

/// Says which store was opened, and what became of it then.
pub(crate) fn say(place: &Place, opened: &OpenStore, output: &mut Output<'_>) {
    output.say(format_args!("store {place}"));
    if opened.rolled_back_bytes() > 0 {
        let bytes = size(opened.rolled_back_bytes());
        output.warn(format_args!("rolled back {bytes} of an append that was cut off and never acknowledged"));
    }
}

/// Makes a store of a backup.
pub(crate) fn restore(
    from: &Path,
    place: &Place,
    whole: bool,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<BackupReport, Failure> {
    if place.dsn.is_memory() {
        let hint = "it is gone with the command; restore to log:PATH";
        return Err(MaintainError::Unsupported { what: "restoring", hint }.into());
    }
    Ok(LogStore::restore(from, place.dsn.path(), whole, progress)?)
}
