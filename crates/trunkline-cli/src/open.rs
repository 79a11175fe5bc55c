//! Opening the store that a place names, and saying so.

use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::HumanBytes;
use trunkline::{Dsn, OpenStore, Place};
use trunkline_store::{BackupReport, LogStore, LogStoreOptions, MaintainError, OpenError};

use crate::failure::Failure;
use crate::output::Output;

/// How long is waited for who has the store open: a command that appends something is done within that.
const IN_USE_MAX: Duration = Duration::from_secs(2);

/// How often one looks whether the store is still in use.
const LOOKED: Duration = Duration::from_millis(10);

/// Opens a store for reading, also beside a process that appends to it.
pub(crate) fn for_reading(place: &Place) -> Result<OpenStore, Failure> {
    OpenStore::for_reading(&place.dsn).map_err(|error| failed(error, place))
}

/// Opens a store for appending, and makes it when there is none; says which one that is.
pub(crate) async fn for_appending(
    place: &Place,
    owner: &str,
    output: &mut Output<'_>,
) -> Result<OpenStore, Failure> {
    let options = LogStoreOptions { owner: owner.to_owned(), ..LogStoreOptions::default() };
    with_options(place, options, output).await
}

/// Opens a store for appending with these options.
pub(crate) async fn with_options(
    place: &Place,
    options: LogStoreOptions,
    output: &mut Output<'_>,
) -> Result<OpenStore, Failure> {
    if !options.sync {
        output.warn(format_args!(
            "sync is \"never\" for {place}: a power cut loses events that were acknowledged"
        ));
    }
    let end = Instant::now() + IN_USE_MAX;
    let opened = loop {
        match OpenStore::for_appending(&place.dsn, options.clone()) {
            Err(OpenError::InUse { .. }) if Instant::now() < end => tokio::time::sleep(LOOKED).await,
            opened => break opened.map_err(|error| failed(error, place))?,
        }
    };
    output.say(format_args!("store {place}"));
    if opened.rolled_back_bytes() > 0 {
        let bytes = HumanBytes(opened.rolled_back_bytes());
        output.warn(format_args!("rolled back {bytes} of an append that was cut off and never acknowledged"));
    }
    Ok(opened)
}

/// Makes a store of a backup.
pub(crate) fn restore(
    from: &Path,
    place: &Place,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<BackupReport, Failure> {
    match &place.dsn {
        Dsn::Memory => Err(Failure::Maintain(MaintainError::Unsupported {
            what: "restoring",
            hint: "it is gone with the command; restore to log:PATH",
        })),
        Dsn::Log(path) => Ok(LogStore::restore(from, path, progress)?),
    }
}

fn failed(source: OpenError, place: &Place) -> Failure {
    Failure::Open { source, place: place.clone() }
}
