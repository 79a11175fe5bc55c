//! A connection on a thread of its own, so that who asks it is not held up while it works or waits for others.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use futures::channel::oneshot;
use rusqlite::Connection;

use super::fault::is_damage;

type Work = Box<dyn FnOnce(&mut Slot) + Send>;

/// The connection, once it was needed and could be opened.
struct Slot {
    connection: Option<Connection>,
    open: Box<dyn Fn() -> rusqlite::Result<Connection> + Send>,
    /// What is done with a file that turns out damaged.
    give_up: Box<dyn Fn() + Send>,
}

impl Slot {
    /// The connection; opened when it isn't yet, also after it couldn't be.
    fn connection(&mut self) -> rusqlite::Result<&mut Connection> {
        if self.connection.is_none() {
            self.connection = Some((self.open)()?);
        }
        Ok(self.connection.as_mut().expect("it was opened above"))
    }

    /// Asks the connection; one of a damaged file is closed, and the file given up.
    fn ask<T>(&mut self, ask: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let answer = self.connection().and_then(ask);
        if self.connection.is_some() && answer.as_ref().is_err_and(is_damage) {
            self.connection = None;
            (self.give_up)();
        }
        answer
    }
}

/// A connection on a thread of its own, opened when it is first asked, and closed, after what was asked, when this is
/// dropped.
pub(super) struct ConnectionThread {
    name: &'static str,
    // Held to send, and by the first who asks while the thread is begun.
    running: Mutex<State>,
}

enum State {
    New(Option<Slot>),
    Running { work: Sender<Work>, thread: JoinHandle<()> },
}

/// The thread can't be begun, or has panicked.
pub(super) struct NoThread(pub(super) String);

impl ConnectionThread {
    /// A connection that is opened like this, to a file of which this is done when it turns out damaged.
    pub(super) fn new(
        name: &'static str,
        open: impl Fn() -> rusqlite::Result<Connection> + Send + 'static,
        give_up: impl Fn() + Send + 'static,
    ) -> Self {
        let slot = Slot { connection: None, open: Box::new(open), give_up: Box::new(give_up) };
        Self { name, running: Mutex::new(State::New(Some(slot))) }
    }

    /// Asks it; what is asked is done in order, also when nobody waits for it any more.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<rusqlite::Result<T>, NoThread> {
        let (answer, answered) = oneshot::channel();
        self.send(Box::new(move |slot| {
            // Who has gone doesn't want to know.
            let _ = answer.send(slot.ask(ask));
        }))?;
        answered.await.map_err(|_| self.gone())
    }

    fn send(&self, work: Work) -> Result<(), NoThread> {
        let mut state = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::New(slot) = &mut *state {
            let mut slot = slot.take().ok_or_else(|| self.gone())?;
            let (sender, asked) = channel::<Work>();
            let run = move || {
                for work in asked {
                    work(&mut slot);
                }
            };
            let thread = Builder::new().name(self.name.to_owned()).spawn(run);
            *state =
                State::Running { work: sender, thread: thread.map_err(|error| self.not_started(&error))? };
        }
        let State::Running { work: sender, .. } = &*state else { return Err(self.gone()) };
        sender.send(work).map_err(|_| self.gone())
    }

    fn not_started(&self, error: &std::io::Error) -> NoThread {
        NoThread(format!("its thread \"{}\" can't be started: {error}", self.name))
    }

    fn gone(&self) -> NoThread {
        NoThread(format!("its thread \"{}\" has ended", self.name))
    }
}

/// What was asked is still done.
impl Drop for ConnectionThread {
    fn drop(&mut self) {
        let state = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let State::Running { work, thread } = std::mem::replace(state, State::New(None)) {
            drop(work);
            // The caller of a thread that panicked has its error already.
            let _ = thread.join();
        }
    }
}
