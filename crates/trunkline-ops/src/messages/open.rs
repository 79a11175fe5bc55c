//! Opening the queue that a place names.

use std::time::Duration;

use trunkline::{Access, Backends, OpenQueue, OpenQueueOptions, Place};

use crate::QueueError;

/// Opens a queue for who only looks: nothing of it changes, and no right to write is needed.
pub async fn look_at_queue(place: &Place) -> Result<OpenQueue, QueueError> {
    let options = OpenQueueOptions {
        create: false,
        access: Access::Read,
        dead_letter_ttl: Duration::MAX,
        ..OpenQueueOptions::default()
    };
    Ok(Backends::standard().open_messages(place, options).await?)
}

/// Opens a queue in the name of an owner; makes it when there is none, if that is wanted.
pub async fn open_queue(place: &Place, owner: &str, create: bool) -> Result<OpenQueue, QueueError> {
    // How long dead letters are kept is for the application to say, whose file is not known here.
    let options = OpenQueueOptions {
        owner: owner.to_owned(),
        create,
        dead_letter_ttl: Duration::MAX,
        ..OpenQueueOptions::default()
    };
    Ok(Backends::standard().open_messages(place, options).await?)
}
