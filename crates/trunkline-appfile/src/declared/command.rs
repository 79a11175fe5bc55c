//! A declared command: its stream is loaded, its rules are judged, its events made.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use serde_json::Value as Json;
use trunkline_cel::{EvaluateError, EvaluateErrorKind, Expression, Value, Variables};
use trunkline_core::data::{self, InvalidData, Unheld};
use trunkline_core::{CommandId, Expected, NewEvent, StreamName, Tag, Version};
use trunkline_store::EventStoreExt;
use uuid::Uuid;

use super::Aggregates;
use super::aggregate::number;
use crate::file::{CommandDefinition, EmitDefinition, Expect};
use crate::schema::Schema;
use trunkline_runtime::Folded;
use trunkline_runtime::{CommandContext, CommandLogic, Decided, HandleError};
use trunkline_runtime::{CommandRequest, Rejection};

/// A command that the file declares.
#[derive(Debug)]
pub(crate) struct DeclaredCommand {
    definition: CommandDefinition,
    /// All declared aggregates, by name.
    aggregates: Arc<Aggregates>,
}

impl CommandLogic for DeclaredCommand {
    fn handle<'a>(&'a self, context: CommandContext<'a>) -> BoxFuture<'a, Result<Decided, HandleError>> {
        Box::pin(async move {
            let mut variables = self.variables(context, self.definition.schema.as_ref())?;
            let stream = self.stream_name(&variables)?;
            let Folded { state, version } = match self.aggregates.get(stream.aggregate_type()) {
                Some(aggregate) => aggregate.load(&context, &stream).await?,
                // Without a declared aggregate, nothing but the version is known.
                None => Folded {
                    state: Value::object::<&str>([]),
                    version: context.store.version(&stream).await?,
                },
            };
            self.expect(&stream, version)?;
            variables.set("state", state);
            variables.set("version", number(version.get()));
            let known = self.aggregates.get(stream.aggregate_type()).is_some();
            self.decide(stream, version, &Loaded { variables, known: known && version > Version::EMPTY })
        })
    }

    fn stream(&self, context: CommandContext<'_>) -> Result<Option<StreamName>, HandleError> {
        // Data of another shape is refused when it is decided, whichever stream that is for.
        self.stream_name(&self.variables(context, None)?).map(Some)
    }

    fn emits(&self) -> Option<Vec<String>> {
        Some(self.definition.emit.iter().map(|emit| emit.event_type.as_str().to_owned()).collect())
    }
}

impl DeclaredCommand {
    /// The command that a file declares, over the aggregates that it declares.
    pub(super) fn new(definition: CommandDefinition, aggregates: Arc<Aggregates>) -> Self {
        Self { definition, aggregates }
    }

    /// What is known before anything is read, if the data has this shape.
    fn variables(
        &self,
        context: CommandContext<'_>,
        schema: Option<&Schema>,
    ) -> Result<Variables, Rejection> {
        let command = self.command(context.request, context.id, schema)?;
        Ok(Variables::new().with("command", command).with("meta", meta(&context)))
    }

    /// The command's data, of this shape, absent fields assigned.
    fn command(
        &self,
        request: &CommandRequest,
        id: &CommandId,
        schema: Option<&Schema>,
    ) -> Result<Value, Rejection> {
        let not_json = |error: &dyn std::fmt::Display| Rejection::data(error.to_string(), None);
        let data = if self.definition.assign.is_empty() {
            request.data.clone()
        } else {
            assigned(&self.definition.assign, &request.data, id)?
        };
        if let Some(schema) = schema {
            let data: Json = serde_json::from_slice(&data).map_err(|error| not_json(&error))?;
            schema.check(&data).map_err(|violation| {
                let field = match violation.field.as_str() {
                    "" => "command".to_owned(),
                    path => format!("command.{path}"),
                };
                Rejection::data(violation.reason, Some(field))
            })?;
        }
        let value = Value::from_json(data).map_err(|error| not_json(&error))?;
        if value.fields().is_some() {
            Ok(value)
        } else {
            Err(Rejection::data("the data is not a JSON object", None))
        }
    }

    fn stream_name(&self, variables: &Variables) -> Result<StreamName, HandleError> {
        let value = self.definition.stream.evaluate(variables).map_err(refusal)?;
        let Some(name) = value.as_str() else {
            return Err(HandleError::failed("its `stream` gives something that is not text"));
        };
        let stream = StreamName::new(name).map_err(|error| Rejection::data(error.to_string(), None))?;
        match &self.definition.aggregate {
            Some(kind) if stream.aggregate_type() != kind => Err(HandleError::Failed(format!(
                "its `stream` gives \"{stream}\", which is no stream of the aggregate \"{kind}\""
            ))),
            _ => Ok(stream),
        }
    }

    fn expect(&self, stream: &StreamName, version: Version) -> Result<(), Rejection> {
        match self.definition.expect {
            Expect::NoStream if version > Version::EMPTY => {
                Err(Rejection::expect(format!("{stream} exists already")))
            }
            Expect::Exists if version == Version::EMPTY => {
                Err(Rejection::expect(format!("{stream} does not exist")))
            }
            _ => Ok(()),
        }
    }

    fn decide(&self, stream: StreamName, version: Version, loaded: &Loaded) -> Result<Decided, HandleError> {
        for rule in &self.definition.require {
            if !loaded.holds(&rule.that)? {
                let reason = rule.otherwise.evaluate(&loaded.variables);
                let reason = reason.map_err(|error| loaded.refusal(error))?;
                return Err(Rejection::rule(reason).into());
            }
        }
        let mut events = Vec::with_capacity(self.definition.emit.len());
        for emit in &self.definition.emit {
            let follows = match &emit.when {
                Some(when) => loaded.holds(when)?,
                None => true,
            };
            if follows {
                events.push(event(emit, loaded)?);
            }
        }
        let reply = match &self.definition.reply {
            Some(reply) => Some(loaded.value(reply)?.to_json()),
            None => None,
        };
        if events.is_empty() {
            return Ok(Decided { reply, ..Decided::default() });
        }
        Ok(Decided { reply, ..Decided::append(stream, Expected::At(version), events) })
    }
}

/// What expressions are evaluated over once the stream is loaded.
struct Loaded {
    variables: Variables,
    /// Whether the state is what an aggregate's rules have made of events.
    known: bool,
}

impl Loaded {
    fn value(&self, expression: &Expression) -> Result<Value, HandleError> {
        expression.evaluate(&self.variables).map_err(|error| self.refusal(error))
    }

    /// What an expression that must be true or false says.
    fn holds(&self, expression: &Expression) -> Result<bool, HandleError> {
        self.value(expression)?.as_bool().ok_or_else(|| {
            HandleError::Failed(format!("`{}` gives neither true nor false", expression.source()))
        })
    }

    /// What can't be evaluated is refused, as [`refusal`] does; but where the state lacks what is read of it, that is
    /// the file's mistake and no answer to who sent the command: nothing is decided until the file is right.
    fn refusal(&self, error: EvaluateError) -> HandleError {
        let of_state = error.field.as_deref().is_some_and(|field| field.starts_with("state."));
        if !(self.known && of_state && error.kind == EvaluateErrorKind::Missing) {
            return refusal(error);
        }
        let state = self.variables.get("state").and_then(Value::fields);
        let has: Vec<String> = state.into_iter().flatten().map(|(name, _)| format!("`{name}`")).collect();
        let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
        let field = error.field.as_deref().unwrap_or("state");
        HandleError::Failed(format!(
            "{error} (it has {has}): the file's rules read what they have not set; name a field that they set, or \
             write `default({field}, …)`"
        ))
    }
}

/// What can't be evaluated is refused: mostly the command lacks a field, and the answer says which.
fn refusal(error: EvaluateError) -> HandleError {
    let reason = error.to_string();
    Rejection::data(reason, error.field).into()
}

fn refused(emit: &EmitDefinition, unheld: &Unheld) -> Rejection {
    let field = match unheld.path.as_str() {
        "" => "event.data".to_owned(),
        path => format!("event.data.{path}"),
    };
    Rejection::data(format!("the data of {}: {unheld}", emit.event_type), Some(field))
}

fn event(emit: &EmitDefinition, loaded: &Loaded) -> Result<NewEvent, HandleError> {
    let value = loaded.value(&emit.data)?;
    let data = value.to_json();
    // What came in by the door was looked at there; what was stored before it was, or was put around it, wasn't.
    // A name twice is stored already then, and passed on as it is written.
    if value.may_be_odd()
        && let Err(InvalidData::Unheld(unheld)) = data::check(&data)
    {
        return Err(refused(emit, &unheld).into());
    }
    let mut event = NewEvent::new(emit.event_type.clone(), data);
    if let Some(tags) = &emit.tags {
        let value = loaded.value(tags)?;
        let wrong = || HandleError::Failed(format!("`{}` gives no list of texts", tags.source()));
        for tag in value.items().ok_or_else(wrong)? {
            let tag = Tag::new(tag.as_str().ok_or_else(wrong)?)
                .map_err(|error| Rejection::data(error.to_string(), None))?;
            event.tags.push(tag);
        }
    }
    Ok(event)
}

/// The data with a UUID in each of these fields that is absent or null: the same for the same command id, so
/// that a command that is sent again makes nothing new.
fn assigned(fields: &[String], data: &Bytes, id: &CommandId) -> Result<Bytes, Rejection> {
    let mut object: serde_json::Map<String, Json> = serde_json::from_slice(data)
        .map_err(|error| Rejection::data(format!("the data is not a JSON object: {error}"), None))?;
    let namespace = Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_str().as_bytes());
    let mut changed = false;
    for field in fields {
        let value = object.entry(field.as_str()).or_insert(Json::Null);
        if value.is_null() {
            *value = Uuid::new_v5(&namespace, field.as_bytes()).to_string().into();
            changed = true;
        }
    }
    if !changed {
        return Ok(data.clone());
    }
    Ok(serde_json::to_vec(&object).expect("an object of JSON is JSON").into())
}

fn meta(context: &CommandContext<'_>) -> Value {
    let &CommandContext { request, id, occurred_at, .. } = context;
    let text = |text: Option<&str>| text.map_or(Value::NULL, Value::from);
    let correlation = request.context.correlation_id.as_deref().unwrap_or(id.as_str());
    Value::object([
        ("id", Value::from(id.as_str())),
        ("actor", text(request.context.actor.as_deref())),
        ("occurred_at", Value::from(occurred_at.to_string())),
        ("correlation_id", Value::from(correlation)),
    ])
}
