//! Reading an application file that is to be used, or to be tested (`beside`).

mod beside;

use trunkline::config::World;
use trunkline::{ApplicationFile, Registered};

use self::beside::{Beside, JOINED};
use crate::error::errors_of;
use crate::{OpsError, not_loaded};

/// Reads a file that is to be used: one with errors is of no use.
///
/// Nothing is registered beside it, so a command without a handler is an error.
pub fn load(world: World<'_>, file: &str) -> Result<ApplicationFile, OpsError> {
    load_text(world, file, file)
}

/// Reads a file with the scenarios of the one beside it, where there is one: `orders.test.tsk` for `orders.tsk`.
pub fn load_with_tests(world: World<'_>, file: &str) -> Result<ApplicationFile, OpsError> {
    let beside = Beside { files: world.loader, file };
    match beside.test_file() {
        Some(tests) if world.loader.load(&tests).is_ok() => {
            load_text(World { loader: &beside, ..world }, JOINED, file)
        }
        _ => load(world, file),
    }
}

/// Reads a text, which errors call by the name of the file.
fn load_text(world: World<'_>, text: &str, file: &str) -> Result<ApplicationFile, OpsError> {
    let registered = Registered { complete: true, ..Registered::default() };
    let read = ApplicationFile::load(text, world, &registered).map_err(|error| not_loaded(file, error))?;
    if errors_of(&read.evaluated) > 0 {
        return Err(OpsError::Mistakes { file: file.to_owned(), evaluated: Box::new(read.evaluated) });
    }
    Ok(read)
}
