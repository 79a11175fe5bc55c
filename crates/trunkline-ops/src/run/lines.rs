//! Commands as lines of JSON.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use trunkline::config::nearest;
use trunkline::{CommandId, CommandRequest, Context, DispatchError};
use trunkline_core::Timestamp;

use crate::OpsError;

/// How many lines of a file that are no commands are named; the others are counted.
const NAMED_MAX: usize = 20;

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

/// The commands of a file, one a line, each of which has one of these names; every line is checked before the first one
/// is handed out, and all that are none are named.
pub fn commands_in(path: &Path, names: Vec<String>) -> Result<RunCommands, OpsError> {
    let failed = |source| OpsError::File { what: format!("reading {}", path.display()), source };
    let mut file = File::open(path).map_err(failed)?;
    let (mut total, mut wrong, mut more) = (0, Vec::new(), 0);
    read(BufReader::with_capacity(BUFFER_BYTES, &file), &names, |command| {
        total += 1;
        match command {
            Err(line) if wrong.len() < NAMED_MAX => wrong.push(line),
            Err(_) => more += 1,
            Ok(_) => {}
        }
        true
    })
    .map_err(failed)?;
    if !wrong.is_empty() {
        return Err(OpsError::CommandFile { path: path.to_owned(), wrong, more });
    }
    file.rewind().map_err(failed)?;
    Ok(RunCommands { total: Some(total), ..commands_of(file, names) })
}

/// The commands of an input that can be read once, one a line, each of which has one of these names; a line that is none
/// ends the run when it comes.
pub fn commands_of(input: impl io::Read + Send + 'static, names: Vec<String>) -> RunCommands {
    let (sender, incoming) = mpsc::channel(AHEAD_MAX);
    let read = {
        let sender = sender.clone();
        move || {
            let send = |command| sender.blocking_send(command).is_ok();
            let input = BufReader::with_capacity(BUFFER_BYTES, input);
            let ended = read(input, &names, |command: Result<_, WrongLine>| {
                let is_command = command.is_ok();
                send(command.map_err(|WrongLine { line, reason }| OpsError::CommandLine { line, reason }))
                    && is_command
            });
            if let Err(source) = ended {
                send(Err(OpsError::File { what: "reading the commands".to_owned(), source }));
            }
        }
    };
    if let Err(source) = std::thread::Builder::new().name("commands".to_owned()).spawn(read) {
        // There is room: nothing else was sent.
        let _ = sender.try_send(Err(OpsError::Threads { source }));
    }
    RunCommands { total: None, incoming }
}

/// A line that is no command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongLine {
    /// Its number; the first is 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// Hands out what each line that isn't blank has, until no more is wanted.
fn read(
    mut input: impl BufRead,
    names: &[String],
    mut hand_out: impl FnMut(Result<CommandRequest, WrongLine>) -> bool,
) -> io::Result<()> {
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        if input.read_until(b'\n', &mut text)? == 0 {
            break;
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        if !hand_out(parse(&text, names).map_err(|reason| WrongLine { line, reason })) {
            break;
        }
    }
    Ok(())
}

fn parse(text: &[u8], names: &[String]) -> Result<CommandRequest, String> {
    let line: Line<'_> = serde_json::from_slice(text.trim_ascii()).map_err(|error| error.to_string())?;
    if !names.contains(&line.command) {
        let near = nearest(&line.command, names.iter().map(String::as_str)).map(str::to_owned);
        return Err(DispatchError::UnknownCommand { name: line.command, near }.to_string());
    }
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
