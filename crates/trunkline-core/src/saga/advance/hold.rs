//! Holding a saga whose definition doesn't name what it waits for, and letting it go on once it does.
//!
//! Neither has a position: what comes meanwhile is not heard of, and is read again when the saga is free.

use super::super::transition::{Freed, Stuck, Transition, TransitionCause};
use super::super::{Missing, SagaState};
use super::{Effect, Ignored, Machine};

impl Machine<'_> {
    /// Holds the saga if it has to be; an error when it is held, so that nothing has an effect on it.
    pub(super) fn hold(&mut self) -> Effect {
        if self.state.held.is_none() {
            let Some(missing) = self.names.missing(&self.state) else { return Ok(()) };
            if let Some(transition) = hold(&self.state, &missing) {
                self.record(transition);
            }
        }
        Err(Ignored::Held)
    }

    /// Holds the saga if it has to be, and lets it go on if it need not be held any more.
    pub(super) fn looked_at(&mut self) -> Effect {
        if self.state.held.is_none() {
            self.hold()?;
            return Err(Ignored::Known);
        }
        if self.names.missing(&self.state).is_some() {
            return Err(Ignored::Held);
        }
        self.free();
        Ok(())
    }

    /// Lets the saga go on where it was.
    pub(super) fn free(&mut self) {
        let step = self.state.waiting.as_ref().map(|waiting| waiting.step.clone()).unwrap_or_default();
        let cause = TransitionCause { operator: self.cause.operator.clone(), ..TransitionCause::default() };
        self.record(Transition::Freed(Freed { cause, step }));
    }
}

/// What holds a saga under way whose definition lacks this; nothing where it is held already, or has ended.
pub fn hold(state: &SagaState, missing: &Missing) -> Option<Transition> {
    let under_way = state.status.is_some_and(|status| !status.is_ended());
    if !under_way || state.held.is_some() {
        return None;
    }
    let waiting = state.waiting.as_ref()?;
    Some(Transition::Stuck(Stuck {
        cause: TransitionCause::default(),
        step: waiting.step.clone(),
        part: waiting.part,
        reason: format!("{missing}; {}", missing.remedy()),
        answered: false,
        held: true,
    }))
}
