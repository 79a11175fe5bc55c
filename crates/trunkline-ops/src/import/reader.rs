//! The thread that reads: the import can be stopped while it waits for input, and lines are checked while those
//! before are being stored.

use std::io::{self, BufReader};

use tokio::sync::mpsc;

use super::batch::{Batch, Batches};
use crate::StreamRule;

/// How many batches wait to be stored; one is enough to keep both sides busy.
const BATCHES_AHEAD: usize = 1;

/// How much of the input is read at once.
const BUFFER_BYTES: usize = 1 << 20;

/// What comes from the thread; the last is never a batch, so that an end that was not reached is noticed.
#[derive(Debug)]
pub(super) enum Incoming {
    Batch(Batch),
    Failed(io::Error),
    /// Nothing is read: the system starts no thread.
    NoThread(io::Error),
    End,
}

/// Begins to read.
pub(super) fn start(
    input: Box<dyn io::Read + Send>,
    lines_per_batch: usize,
    streams: Option<StreamRule>,
) -> mpsc::Receiver<Incoming> {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    let read = {
        let sender = sender.clone();
        move || {
            let input = BufReader::with_capacity(BUFFER_BYTES, input);
            read(Batches::new(input, lines_per_batch, streams), &sender);
        }
    };
    if let Err(error) = std::thread::Builder::new().name("import".to_owned()).spawn(read) {
        // There is room: nothing else was sent.
        let _ = sender.try_send(Incoming::NoThread(error));
    }
    receiver
}

fn read<R: io::BufRead>(mut batches: Batches<R>, sender: &mpsc::Sender<Incoming>) {
    loop {
        let (next, is_last) = match batches.next() {
            Ok(Some(batch)) => (Incoming::Batch(batch), false),
            Ok(None) => (Incoming::End, true),
            Err(error) => (Incoming::Failed(error), true),
        };
        // Nobody receives any more once the import has stopped.
        if sender.blocking_send(next).is_err() || is_last {
            return;
        }
    }
}
