//! Trunkline: a typed decider over the memory store.

use std::error::Error;

use trunkline::{App, MemoryStore};

use crate::cpu::{computed, each};
use crate::orders::{Asked, COMMANDS};
use crate::typed::Orders;

pub(crate) async fn round(asked: &Asked) -> Result<f64, Box<dyn Error>> {
    let app = App::builder().store(MemoryStore::new()).decider::<Orders>().build().await?;
    for command in asked.before() {
        app.dispatch(command).await?;
    }
    let commands = asked.commands();
    let begun = computed();
    for command in commands {
        let outcome = app.dispatch(command).await?;
        assert!(outcome.accepted().is_some(), "{outcome:?}");
    }
    Ok(each(begun, COMMANDS))
}
