//! The processor's time of a dispatch over the memory store, less that of the same append alone.
//!
//! The two take turns, each over a store of its own that begins with the same events.

use std::hint::black_box;
use std::sync::Arc;

use futures::TryStreamExt;
use tokio::runtime::Runtime;
use trunkline::{
    Append, CommandId, EventStore, EventType, Expected, MemoryStore, Metadata, NewEvent, RecordedEvent, Tag,
    Version,
};
use trunkline_store::AllRead;

use super::Scale;
use super::app::failed;
use super::cases::Case;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::rounds::computed;
use crate::say::say;
use crate::statistics::{Summary, float};

/// What tags of command ids begin with.
const COMMAND_TAG: &str = "$command:";

/// What a case costs, in µs a command.
#[derive(Clone, Debug)]
pub(super) struct Cost {
    pub(super) case: Case,
    pub(super) dispatch: Summary,
    pub(super) append: Summary,
    /// Round by round, the one less the other.
    pub(super) beyond: Summary,
}

/// The costs of all cases; each round has all of them in turn.
pub(super) fn measure(scale: Scale, interrupt: &Interrupt, runtime: &Runtime) -> Result<Vec<Cost>> {
    let cases = Case::all();
    let mut rounds = vec![Vec::new(); cases.len()];
    // The first round only warms up.
    for round in 0..=scale.rounds {
        for (case, rounds) in cases.iter().zip(&mut rounds) {
            interrupt.check()?;
            let both = runtime.block_on(one(*case, scale.commands))?;
            if round > 0 {
                rounds.push(both);
            }
        }
        say(&format!("dispatch over memory  round {round} of {}", scale.rounds));
    }
    let costs = cases.into_iter().zip(rounds).map(|(case, rounds)| {
        let of = |figure: fn(&(f64, f64)) -> f64| Summary::of(&rounds.iter().map(figure).collect::<Vec<_>>());
        Cost {
            case,
            dispatch: of(|both| both.0),
            append: of(|both| both.1),
            beyond: of(|both| both.0 - both.1),
        }
    });
    Ok(costs.collect())
}

/// One turn of each: µs of a dispatch, and of the same append.
async fn one(case: Case, commands: usize) -> Result<(f64, f64)> {
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    let app = case.kind.open(Arc::clone(&store)).await?;
    let mut before = 0;
    for number in 0..commands {
        if let Some(sent) = case.before(number)? {
            sent.to(&app).await?;
            before += 1;
        }
    }
    let sent = (0..commands).map(|number| case.command(number)).collect::<Result<Vec<_>>>()?;
    let begun = computed();
    for sent in sent {
        let outcome = black_box(sent.to(&app).await?);
        if outcome.accepted().is_some() != case.is_accepted() {
            let reason = outcome.rejection().map_or("it was accepted", |rejection| &rejection.reason);
            return Err(failed(format!("{}: {reason}", case.name)));
        }
    }
    let dispatch = computed().saturating_sub(begun);

    let events: Vec<RecordedEvent> =
        store.read_all(AllRead::default()).try_collect().await.map_err(failed)?;
    // From where on sagas are started was recorded when the application was built, by no command.
    let of_commands = events.iter().filter(|event| event.stream() != "$sagas-starts");
    let mut appends = of_commands.map(append).collect::<Result<Vec<_>>>()?;
    let measured = appends.split_off(before);
    let wanted = if case.appends() { commands } else { 0 };
    if measured.len() != wanted {
        let (expected, found) = (wanted as u64, measured.len() as u64);
        return Err(Failure::Wrong { engine: "trunkline", what: case.name, expected, found });
    }
    let bare: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    for append in appends {
        bare.append(append).await.map_err(failed)?;
    }
    let begun = computed();
    for append in measured {
        black_box(bare.append(append).await.map_err(failed)?);
    }
    let append = computed().saturating_sub(begun);
    let each = |time: std::time::Duration| time.as_secs_f64() * 1e6 / float(commands as u64);
    Ok((each(dispatch), each(append)))
}

/// The append that stored this event.
fn append(event: &RecordedEvent) -> Result<Append> {
    let stream = event.stream_name();
    let expected = match event.version() {
        _ if stream.is_system() => Expected::Any,
        version => Expected::At(Version::new(version.get() - 1)),
    };
    let command = event.tags().find_map(|tag| tag.strip_prefix(COMMAND_TAG));
    let command = command.map(CommandId::new).transpose().map_err(failed)?;
    Ok(Append { command, ..Append::to(stream, expected).event(new_event(event)?) })
}

/// A stored event as it was before it was stored.
pub(super) fn new_event(event: &RecordedEvent) -> Result<NewEvent> {
    let tags = event.tags().filter(|tag| !tag.starts_with(COMMAND_TAG)).map(Tag::new);
    Ok(NewEvent {
        event_id: event.event_id(),
        event_type: EventType::system(event.event_type()).map_err(failed)?,
        schema_version: event.schema_version(),
        data: event.data_bytes(),
        metadata: Metadata::parse(event.metadata().to_vec()).map_err(failed)?,
        tags: tags.collect::<std::result::Result<_, _>>().map_err(failed)?,
        occurred_at: Some(event.occurred_at()),
        recorded_at: None,
    })
}
