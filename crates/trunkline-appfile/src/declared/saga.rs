//! A declared saga: its expressions, as the machine's behaviour.

use trunkline_cel::{EvaluateError, Expression, Value, Variables};
use trunkline_core::RecordedEvent;
use trunkline_core::saga::{
    Behaviour, BehaviourProblem, Compensation, Json, LastSend, Next, Outgoing, Outline, SagaPart, Start,
    Step, Turn, View, Wait,
};

use super::event_value;
use crate::file::{
    Compensate, EventDefinitionName, EventTurn, LastDefinition, SendDefinition, StepDefinition,
    StepsDefinition, outline,
};

/// A saga that the file declares.
#[derive(Debug)]
pub(crate) struct DeclaredSaga(pub(crate) StepsDefinition);

impl Behaviour for DeclaredSaga {
    fn events(&self) -> Vec<String> {
        self.0.events().map(|event| event.name).collect()
    }

    fn outline(&self) -> Outline {
        outline(&self.0)
    }

    fn start_type(&self) -> &str {
        &self.0.start.name
    }

    fn key(&self, event: &RecordedEvent) -> Result<Option<String>, BehaviourProblem> {
        let key = evaluated(&self.0.correlate, &of_event(event)?)?;
        Ok(match key {
            key if key.is_null() => None,
            key => Some(key.to_text()),
        })
    }

    fn start(&self, event: &RecordedEvent) -> Result<Option<Start>, BehaviourProblem> {
        if event.event_type() != self.0.start.name {
            return Ok(None);
        }
        let starts = match &self.0.start_when {
            Some(when) => holds(when, &of_event(event)?)?,
            None => true,
        };
        let state = || Json::parse(b"{}").expect("this is JSON");
        Ok(starts.then(|| Start { state: state(), timeout: self.0.timeout }))
    }

    fn next(&self, saga: &View<'_>, after: Option<&str>) -> Result<Next, BehaviourProblem> {
        let next = match after {
            Some(after) => {
                let place = self.0.steps.iter().position(|step| step.name == after);
                place.ok_or_else(|| BehaviourProblem(format!("there is no step \"{after}\" any more")))? + 1
            }
            None => 0,
        };
        let Some(definition) = self.0.steps.get(next) else { return Ok(Next::End) };
        let in_step = |problem: BehaviourProblem| BehaviourProblem(format!("{}: {problem}", definition.name));
        let variables = of_saga(&View { step: Some(&definition.name), ..*saga }).map_err(in_step)?;
        let taken = definition.when.as_ref().map_or(Ok(true), |when| holds(when, &variables));
        if !taken.map_err(in_step)? {
            return Ok(Next::Skip(definition.name.clone()));
        }
        step(definition, saga, &variables).map(Next::from).map_err(in_step)
    }

    fn evolve(
        &self,
        saga: &View<'_>,
        event: &RecordedEvent,
        done: Option<&str>,
    ) -> Result<Option<Json>, BehaviourProblem> {
        let step = self.0.steps.iter().find(|step| Some(step.name.as_str()) == done);
        let Some(remember) = step.and_then(|step| step.remember.as_ref()) else { return Ok(None) };
        let remembered = evaluated(remember, &both(saga, event)?)?;
        let new = remembered.fields().ok_or_else(|| {
            BehaviourProblem(format!(
                "`{}` gives {}, not an object",
                remember.source(),
                remembered.type_name()
            ))
        })?;
        let state = value(saga.state)?;
        let old = state.fields().into_iter().flatten();
        let kept = old.filter(|(name, _)| remembered.get(name).is_none());
        json(&Value::object(kept.chain(new))).map(Some)
    }

    fn turn(&self, saga: &View<'_>, event: &RecordedEvent) -> Result<Option<Turn>, BehaviourProblem> {
        let Some(on) = self.0.on.get(event.event_type()) else { return Ok(None) };
        let variables = both(saga, event)?;
        if !on.when.as_ref().map_or(Ok(true), |when| holds(when, &variables))? {
            return Ok(None);
        }
        Ok(Some(match (on.then, &on.reason) {
            (EventTurn::Complete, _) => Turn::Complete,
            (EventTurn::Fail, Some(reason)) => Turn::Fail(evaluated(reason, &variables)?.to_text()),
            (EventTurn::Fail, None) => Turn::Fail(event.event_type().to_owned()),
        }))
    }

    fn last(&self, saga: &View<'_>, part: SagaPart) -> Result<Option<LastSend>, BehaviourProblem> {
        let (definition, name) = match part {
            SagaPart::Failed => (&self.0.failed, "failed"),
            _ => (&self.0.completed, "completed"),
        };
        let Some(definition) = definition else { return Ok(None) };
        let in_step = |problem: BehaviourProblem| BehaviourProblem(format!("{name}: {problem}"));
        let saga = &View { step: Some(name), ..*saga };
        let variables = of_saga(saga).map_err(in_step)?;
        last(definition, saga, &variables).map(Some).map_err(in_step)
    }
}

fn step(
    definition: &StepDefinition,
    saga: &View<'_>,
    variables: &Variables,
) -> Result<Step, BehaviourProblem> {
    let Compensation { send, wait } = last(&definition.last, saga, variables)?;
    let wait = Wait { failed: names(&definition.failed), ..wait };
    let compensate = match &definition.compensate {
        Compensate::Unsaid | Compensate::Nothing => None,
        Compensate::Send(undo) => Some(last(undo, saga, variables)?),
    };
    Ok(Step { name: definition.name.clone(), send, wait, compensate })
}

fn last(
    definition: &LastDefinition,
    saga: &View<'_>,
    variables: &Variables,
) -> Result<LastSend, BehaviourProblem> {
    let LastDefinition { send, done, timeout, retry, .. } = definition;
    let wait = Wait { done: names(done), failed: Vec::new(), timeout: *timeout, retry: *retry };
    Ok(Compensation { send: outgoing(send, saga, variables)?, wait })
}

fn outgoing(
    definition: &SendDefinition,
    saga: &View<'_>,
    variables: &Variables,
) -> Result<Outgoing, BehaviourProblem> {
    let data = json(&evaluated(&definition.data, variables)?)?;
    let key = match &definition.key {
        Some(key) => evaluated(key, variables)?.to_text(),
        None => saga.id.to_owned(),
    };
    let send = Outgoing::new(definition.topic.as_str(), definition.command.as_str(), data);
    Ok(send.key(key).delay(definition.delay))
}

fn names(events: &[EventDefinitionName]) -> Vec<String> {
    events.iter().map(|event| event.name.clone()).collect()
}

fn of_event(event: &RecordedEvent) -> Result<Variables, BehaviourProblem> {
    let value = event_value(event).map_err(|error| BehaviourProblem(error.to_string()))?;
    Ok(Variables::new().with("event", value))
}

fn of_saga(saga: &View<'_>) -> Result<Variables, BehaviourProblem> {
    let text = |text: Option<&str>| text.map_or(Value::NULL, Value::from);
    let value = Value::object([
        ("id", Value::from(saga.id)),
        ("start", value(saga.start)?),
        ("state", value(saga.state)?),
        ("step", text(saga.step)),
        ("reason", text(saga.reason)),
    ]);
    Ok(Variables::new().with("saga", value))
}

fn both(saga: &View<'_>, event: &RecordedEvent) -> Result<Variables, BehaviourProblem> {
    let mut variables = of_saga(saga)?;
    variables.set("event", event_value(event).map_err(|error| BehaviourProblem(error.to_string()))?);
    Ok(variables)
}

fn value(json: &Json) -> Result<Value, BehaviourProblem> {
    Value::from_json(json.to_bytes()).map_err(|error| BehaviourProblem(error.to_string()))
}

fn json(value: &Value) -> Result<Json, BehaviourProblem> {
    Json::parse(&value.to_json()).map_err(|error| BehaviourProblem(error.to_string()))
}

fn evaluated(expression: &Expression, variables: &Variables) -> Result<Value, BehaviourProblem> {
    expression.evaluate(variables).map_err(|error: EvaluateError| BehaviourProblem(error.to_string()))
}

fn holds(expression: &Expression, variables: &Variables) -> Result<bool, BehaviourProblem> {
    expression.evaluate_bool(variables).map_err(|error| BehaviourProblem(error.to_string()))
}
