//! The command line: what all commands share.

use std::io::{self, Read as _};
use std::path::Path;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser};
use trunkline::{Backends, DsnError, Place, Role};
use trunkline_core::data::{self, InvalidData, RepeatedKey, Unheld};
use trunkline_core::{EventType, InvalidName, Query, QueryItem, StreamName, Tag};

use crate::commands::Command;
use crate::failure::Failure;
use crate::named::Named;
use crate::output::Format;

/// An event store from the command line, and the file that configures an application
#[derive(Debug, Parser)]
#[command(name = "trunkline", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// How data is printed; with json, an error is one object on standard error, too
    #[arg(long, global = true, value_enum, default_value_t, hide_possible_values = true)]
    #[arg(value_name = "human|json", help_heading = "Output")]
    pub(crate) format: Format,

    /// Show people times of this machine's time zone instead of UTC
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) local: bool,

    /// Say nothing but errors and warnings: neither which store is written to, nor progress, nor summaries beside data
    #[arg(long, short, global = true, help_heading = "Output")]
    pub(crate) quiet: bool,

    /// What it names.
    #[arg(skip)]
    pub(crate) named: Named,
}

/// The commands by what they are for, as the top-level help lists them.
const GROUPS: &[(&str, &[&str])] = &[
    ("Events", &["append", "read", "tail", "streams"]),
    ("Moving events", &["import", "export", "migrate"]),
    ("Keeping a store", &["verify", "stats", "backup", "restore", "reconcile"]),
    ("An application", &["init", "check", "test", "run", "doctor", "dispatch", "state", "events"]),
    ("Its read models", &["query", "sql", "projection"]),
    ("Sagas", &["saga"]),
    ("Its file", &["config", "explain"]),
    ("Messages", &["queue", "dlq"]),
];

/// What a first look at the help should show.
const EXAMPLES: &str = "\
Examples:
  trunkline append order-1 --type OrderCreated --data '{\"order_id\":\"1\"}' --expected no-stream
  trunkline read order-1
  trunkline tail --type OrderCreated --format json
  trunkline init --example orders
  trunkline dispatch orders.tsk CreateOrder --data '{\"order_id\":\"1\",\"items\":[],\"total\":0}'";

/// Where a store is looked for, and what goes where.
const NOTES: &str = "\
A command on events works on the store that --store names, else EVENT_STORE_DSN, else the embedded
log in $TRUNKLINE_DATA/events, else the one in ./data/events. One on messages works on the queue that
--queue names, else QUEUE_DSN, else the embedded one in $TRUNKLINE_DATA/queue or ./data/queue. Data goes to standard output,
everything else to standard error.

People are shown times to the second, in UTC unless --local is given. On a terminal, tables are wrapped to
its width and what is wrong is red, unless NO_COLOR is set; elsewhere nothing is wrapped, shortened or
coloured. With --format json a list is JSON Lines, one object on each line; what a query returns, and the
mistakes of a file, are one value. Times are exact there, and in UTC.";

/// How a command ends.
const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed, refused or rejected
  2    the command line is wrong
  3    conflict: someone else appended first
  4    not found: no such store, stream, queue, topic, dead letter, file, backup, command, query,
       projection, saga, row or code
  5    corrupt: the store, the queue, or the backup, is damaged
  130  interrupted before it was done";

impl Cli {
    /// What the command line says, or what to print instead: an error, help, the version.
    pub(crate) fn from_command_line() -> Result<Self, clap::Error> {
        let mut command = with_grouped_help(Self::command());
        let matches = command.try_get_matches_from_mut(std::env::args_os())?;
        let cli = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        Ok(Self { named: Named::of(&matches), ..cli })
    }
}

/// Lists the commands in groups, which clap doesn't; a command without a group is listed last.
fn with_grouped_help(command: clap::Command) -> clap::Command {
    let grouped = |name: &str| GROUPS.iter().any(|(_, names)| names.contains(&name));
    let all: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let others: Vec<&str> = all.iter().copied().filter(|name| !grouped(name)).collect();
    let width = all.iter().map(|name| name.len()).max().unwrap_or_default();
    let mut list = String::new();
    for (heading, names) in GROUPS.iter().copied().chain([("Other", &*others)]) {
        let lines: Vec<String> = names
            .iter()
            .filter_map(|name| command.find_subcommand(name))
            .map(|found| {
                let about = found.get_about().map(ToString::to_string).unwrap_or_default();
                format!("  {:width$}  {about}\n", found.get_name())
            })
            .collect();
        if !lines.is_empty() {
            list.extend([heading, ":\n", &lines.concat(), "\n"]);
        }
    }
    let options = "Options:\n{options}";
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}{options}\n\n{EXAMPLES}\n\n{NOTES}\n\n{EXIT_CODES}\n"
    );
    command.help_template(template)
}

/// The JSON of `--data`, or of the file of `--data-file` without the line break that editors and pipes put at
/// its end.
pub(crate) fn data_of(text: Option<&str>, file: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let (Some(path), None) = (file, text) else {
        return Ok(text.unwrap_or_default().as_bytes().to_vec());
    };
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        io::stdin().lock().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(path).map(|read| bytes = read)
    };
    read.map_err(|source| Failure::file(format!("reading {}", path.display()), source))?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(bytes)
}

/// Data that all readers understand alike; what is no JSON is refused elsewhere.
pub(crate) fn unambiguous(data: Vec<u8>) -> Result<Vec<u8>, Failure> {
    match data::check(&data) {
        Ok(()) | Err(InvalidData::NotJson) => Ok(data),
        Err(InvalidData::RepeatedKey(key)) => Err(repeated(&key)),
        Err(InvalidData::Unheld(unheld)) => Err(unholdable(&unheld)),
    }
}

/// The error for data with a name twice in one object.
pub(crate) fn repeated(key: &RepeatedKey) -> Failure {
    let hint = "nothing was stored; send it again with the one value that is meant";
    Failure::usage(format!("the data: {key}"), hint)
}

/// What is said of data with something in it that no reader can hold.
pub(crate) fn unholdable(unheld: &Unheld) -> Failure {
    Failure::usage(
        format!("the data: {unheld}"),
        "nothing was stored; send it again in a form that readers hold",
    )
}

const STORE_HELP: &str = "The event store: log:PATH for the embedded log in a folder; memory: for one that \
    lasts as long as the command [default: EVENT_STORE_DSN, else log:$TRUNKLINE_DATA/events, \
    else log:./data/events]";

/// Which store.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    #[arg(long, value_name = "DSN", help = STORE_HELP)]
    store: Option<String>,
}

impl StoreArgs {
    /// The store of a command on an application, whose file may name one.
    pub(crate) fn place_of(&self, file: Option<&str>) -> Result<Place, DsnError> {
        Backends::standard().find(Role::Events, self.store.as_deref(), file, |name| std::env::var_os(name))
    }

    /// What the flag says.
    pub(crate) fn given(&self) -> Option<&str> {
        self.store.as_deref()
    }

    /// The store of a command that works without an application file.
    pub(crate) fn place(&self) -> Result<Place, DsnError> {
        self.place_of(None)
    }
}

/// Which events; each kind of filter that is given must match.
#[derive(Debug, Default, Args)]
pub(crate) struct FilterArgs {
    /// Only events of this type; given several times, of any of these types
    #[arg(long = "type", value_name = "TYPE", value_parser = EventType::system)]
    types: Vec<EventType>,

    /// Only events of streams of this aggregate type, the text before the first `-`; may be given several times
    #[arg(long, value_name = "TYPE", value_parser = aggregate_type)]
    aggregate: Vec<String>,

    /// Only events with this tag; given several times, with all of these tags
    #[arg(long, value_name = "KEY:VALUE", value_parser = Tag::system)]
    tag: Vec<Tag>,
}

impl FilterArgs {
    pub(crate) fn query(&self) -> Query {
        let item = QueryItem {
            aggregate_types: self.aggregate.clone(),
            event_types: self.types.clone(),
            tags: self.tag.clone(),
        };
        if item.is_all() { Query::all() } else { item.into() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.types.is_empty() && self.aggregate.is_empty() && self.tag.is_empty()
    }
}

/// An aggregate type is whatever may stand before the `-` of a stream's name.
pub(crate) fn aggregate_type(text: &str) -> Result<String, String> {
    match StreamName::system(&format!("{text}-1")) {
        Ok(stream) if stream.aggregate_type() == text => Ok(text.to_owned()),
        Ok(stream) => Err(format!(
            "an aggregate type is the text before the first `-`, such as `{}`",
            stream.aggregate_type()
        )),
        Err(InvalidName::NotAStream { .. }) => Err("an aggregate type is not empty".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
