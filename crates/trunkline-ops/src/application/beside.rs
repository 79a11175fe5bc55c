//! An application file joined with the scenarios in the file beside it.

use std::path::Path;

use trunkline::config::{LoadError, Loader};

/// The name of a text that includes the file and the tests beside it.
pub(super) const JOINED: &str = "";

/// The files, and one that joins the application file with its tests.
pub(super) struct Beside<'a> {
    pub(super) files: &'a dyn Loader,
    pub(super) file: &'a str,
}

impl Beside<'_> {
    /// `orders.test.tsk` for `orders.tsk`.
    pub(super) fn test_file(&self) -> Option<String> {
        let path = Path::new(self.file);
        let name = path.file_name()?.to_str()?;
        let name = format!("{}.test.tsk", name.strip_suffix(".tsk").unwrap_or(name));
        path.with_file_name(name).to_str().map(str::to_owned)
    }
}

impl Loader for Beside<'_> {
    fn resolve(&self, from: &str, path: &str) -> String {
        // What the joining text names is named as on the command line.
        if from == JOINED { path.to_owned() } else { self.files.resolve(from, path) }
    }

    fn load(&self, name: &str) -> Result<Vec<u8>, LoadError> {
        if name != JOINED {
            return self.files.load(name);
        }
        let tests = self.test_file().unwrap_or_default();
        Ok(format!("@include {:?}\n@include {:?}\n", self.file, tests).into_bytes())
    }
}
