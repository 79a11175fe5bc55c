//! Commands as lines of JSON, read by a thread of its own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use trunkline::{CommandId, CommandRequest, Context};

use crate::failure::{Failure, Result};

/// Commands that are read ahead.
const AHEAD_MAX: usize = 256;

#[derive(Deserialize)]
struct Line<'a> {
    command: String,
    id: String,
    occurred_at: String,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// How many commands a file has.
pub(super) fn count(path: &Path) -> Result<u64> {
    let mut lines = open(path)?.split(b'\n');
    lines.try_fold(0, |count, line| line.map(|_| count + 1)).map_err(Failure::io(act(path)))
}

/// The commands of a file, in order.
pub(super) fn read(path: &Path) -> Result<mpsc::Receiver<Result<CommandRequest>>> {
    let lines = open(path)?.split(b'\n');
    let path = path.to_owned();
    let (sender, commands) = mpsc::channel(AHEAD_MAX);
    std::thread::spawn(move || {
        for line in lines {
            let command = line.map_err(Failure::io(act(&path))).and_then(|line| parse(&line));
            // Nobody wants any more.
            if sender.blocking_send(command).is_err() {
                return;
            }
        }
    });
    Ok(commands)
}

fn act(path: &Path) -> String {
    format!("read {}", path.display())
}

fn open(path: &Path) -> Result<BufReader<File>> {
    Ok(BufReader::with_capacity(1 << 20, File::open(path).map_err(Failure::io(act(path)))?))
}

fn parse(line: &[u8]) -> Result<CommandRequest> {
    let wrong = |error: &dyn std::fmt::Display| Failure::Usage(format!("a line is no command: {error}"));
    let line: Line<'_> = serde_json::from_slice(line).map_err(|error| wrong(&error))?;
    let id = CommandId::new(&line.id).map_err(|error| wrong(&error))?;
    let occurred_at = line.occurred_at.parse().map_err(|error| wrong(&error))?;
    let data = line.data.get().as_bytes().to_vec();
    let context = Context { occurred_at: Some(occurred_at), ..Context::default() };
    Ok(CommandRequest::new(line.command, data).id(id).context(context))
}
