//! Commands as lines of JSON.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use trunkline::{CommandId, CommandRequest, Context};
use trunkline_core::Timestamp;

use crate::OpsError;

/// Lines that are read ahead.
const AHEAD_MAX: usize = 256;

/// How much of a file is read at once.
const BUFFER_BYTES: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    command: String,
    id: Option<String>,
    occurred_at: Option<String>,
    actor: Option<String>,
    tenant: Option<String>,
    correlation_id: Option<String>,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// Commands to come, read by a thread of its own, and how many there are, where that is known.
#[derive(Debug)]
pub struct RunCommands {
    pub(super) total: Option<u64>,
    pub(super) incoming: mpsc::Receiver<Result<CommandRequest, OpsError>>,
}

impl RunCommands {
    /// How many there are, where that is known.
    pub fn total(&self) -> Option<u64> {
        self.total
    }
}

/// The commands of a file, one a line; every line is checked before the first one is handed out.
pub fn commands_in(path: &Path) -> Result<RunCommands, OpsError> {
    let failed = |source| OpsError::File { what: format!("reading {}", path.display()), source };
    let mut file = File::open(path).map_err(failed)?;
    let (mut total, mut wrong) = (0, None);
    read(BufReader::with_capacity(BUFFER_BYTES, &file), |command| {
        total += 1;
        wrong = command.err();
        wrong.is_none()
    });
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    file.rewind().map_err(failed)?;
    Ok(RunCommands { total: Some(total), ..commands_of(file) })
}

/// The commands of an input that can be read once, one a line; a line that is none ends the run when it comes.
pub fn commands_of(input: impl io::Read + Send + 'static) -> RunCommands {
    let (sender, incoming) = mpsc::channel(AHEAD_MAX);
    std::thread::spawn(move || {
        read(BufReader::with_capacity(BUFFER_BYTES, input), |command| sender.blocking_send(command).is_ok());
    });
    RunCommands { total: None, incoming }
}

/// Hands out the command of each line that has one, until the receiver is gone.
fn read(mut input: impl BufRead, mut hand_out: impl FnMut(Result<CommandRequest, OpsError>) -> bool) {
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        let command = match input.read_until(b'\n', &mut text) {
            Ok(0) => return,
            Ok(_) if text.trim_ascii().is_empty() => continue,
            Ok(_) => parse(&text),
            Err(error) => Err(error.to_string()),
        };
        let command = command.map_err(|reason| OpsError::CommandLine { line: number, reason });
        let failed = command.is_err();
        if !hand_out(command) || failed {
            return;
        }
    }
}

fn parse(text: &[u8]) -> Result<CommandRequest, String> {
    let line: Line<'_> = serde_json::from_slice(text.trim_ascii()).map_err(|error| error.to_string())?;
    let id = line.id.map(|id| CommandId::new(&id)).transpose().map_err(|error| format!("id: {error}"))?;
    let time = |text: String| text.parse::<Timestamp>().map_err(|error| format!("occurred_at: {error}"));
    let context = Context {
        actor: line.actor,
        tenant: line.tenant,
        correlation_id: line.correlation_id,
        occurred_at: line.occurred_at.map(time).transpose()?,
        ..Context::default()
    };
    let data = line.data.get().as_bytes().to_vec();
    Ok(CommandRequest { id, ..CommandRequest::new(line.command, data).context(context) })
}
