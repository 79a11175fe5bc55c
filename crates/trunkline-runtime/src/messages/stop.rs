//! Asking runners to end: they take nothing new, finish what they hold, and return.

use tokio::sync::watch;

/// Asks runners to stop, when it is called or dropped.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// What a runner looks at.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stopper {
    /// A stopper, and what its runners look at.
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    /// Asks every runner to end.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Whether it was asked.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits until it is asked.
    pub async fn asked(&self) {
        let mut receiver = self.0.clone();
        // An error means that the stopper was dropped, which asks to stop as well.
        drop(receiver.wait_for(|asked| *asked).await);
    }
}
