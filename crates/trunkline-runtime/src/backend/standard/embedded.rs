//! `embedded:PATH`: the embedded queue in a folder.

use trunkline_queue::{EmbeddedOptions, EmbeddedQueue, Keep};

use super::super::{Access, Backend, OpenQueue, OpenQueueOptions};
use super::{blocking, with_absolute_path, with_path};

pub(super) fn backend() -> Backend {
    Backend::new(["embedded"])
        .check(|_, dsn| with_path(dsn, "folder"))
        .canonical(|dsn| with_absolute_path(dsn, dsn.path()))
        .messages(|dsn, options| {
            blocking(move || {
                let OpenQueueOptions { owner, create, access, dead_letter_ttl } = options;
                let keep = Keep { dead_letter_age: dead_letter_ttl, ..Keep::default() };
                let options = EmbeddedOptions { keep, owner, create, ..EmbeddedOptions::default() };
                let queue = match access {
                    Access::Append => EmbeddedQueue::open(dsn.path(), options)?,
                    Access::Read => EmbeddedQueue::look(dsn.path(), options)?,
                };
                let rolled_back = queue.rolled_back_bytes();
                let closing = queue.clone();
                Ok(OpenQueue::new(queue)
                    .with_rolled_back(rolled_back)
                    .closed_by(move || async move { closing.close().await }))
            })
        })
}
