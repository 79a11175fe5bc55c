//! Applications of a text, and what tests say of them.

use trunkline::FromFile as _;
use trunkline::config::{FixedClock, MemoryEnvironment, MemoryFiles, World};
use trunkline::{AppBuilder, ApplicationFile, CommandRequest, DispatchError, EventId, Outcome, Registered};

/// The methods of a store that a test leaves to the one within.
macro_rules! forward_reads {
    () => {
        fn read_all(&self, read: trunkline_store::AllRead) -> trunkline_store::EventStream {
            self.inner.read_all(read)
        }

        fn streams(&self, read: trunkline_store::StreamsRead) -> trunkline_store::StreamList {
            self.inner.streams(read)
        }

        fn head(&self) -> BoxFuture<'_, Result<trunkline::Position, trunkline::ReadError>> {
            self.inner.head()
        }

        fn wait_beyond(
            &self,
            position: trunkline::Position,
        ) -> BoxFuture<'_, Result<trunkline::Position, trunkline::ReadError>> {
            self.inner.wait_beyond(position)
        }
    };
}

pub(crate) use forward_reads;

/// A text read as an application file.
pub(crate) fn read(text: &str, registered: &Registered) -> ApplicationFile {
    let files = MemoryFiles::new().with("app.tsk", text);
    let world = World { loader: &files, environment: &MemoryEnvironment::new(), clock: &FixedClock(0) };
    ApplicationFile::load("app.tsk", world, registered).unwrap()
}

/// The builder with what a text declares.
pub(crate) fn with_file(builder: AppBuilder, text: &str) -> AppBuilder {
    let file = read(text, &builder.registered());
    builder.file(file)
}

/// A request under an id.
pub(crate) fn request(id: &str, name: &str, data: &str) -> CommandRequest {
    CommandRequest::new(name, data.to_owned()).id(id.parse().unwrap())
}

/// An outcome in a few words.
pub(crate) fn said(outcome: &Result<Outcome, DispatchError>) -> String {
    match outcome {
        Err(error) => format!("error: {error}"),
        Ok(outcome) => {
            let again = if outcome.repeated { "again " } else { "" };
            match (outcome.accepted(), outcome.rejection()) {
                (Some(accepted), _) => {
                    let events: Vec<String> = accepted
                        .events
                        .iter()
                        .map(|event| {
                            let data = String::from_utf8_lossy(&event.data);
                            format!("{}@{} {} {data}", event.stream, event.version, event.event_type)
                        })
                        .collect();
                    format!("{again}accepted: {}", events.join(", "))
                }
                (_, Some(rejection)) => format!("{again}rejected: {}", rejection.reason),
                _ => unreachable!("an outcome is one or the other"),
            }
        }
    }
}

/// The seed in `TRUNKLINE_SEED`, else a new one; printed, so that a failure shows it.
#[expect(clippy::print_stdout, reason = "the output of a test is shown when it fails")]
pub(crate) fn seed() -> u64 {
    let given = std::env::var("TRUNKLINE_SEED").ok().map(|text| text.parse().unwrap());
    let seed = given.unwrap_or_else(|| {
        u32::from_le_bytes(*EventId::generate().into_bytes().last_chunk().unwrap()).into()
    });
    println!("TRUNKLINE_SEED={seed}");
    seed
}
