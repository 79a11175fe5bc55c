//! The files of this checkout, as git sees them, and the commands that run in it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

/// A text file: its path from the root, with `/` between the parts, and what is in it.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    #[cfg(test)]
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.has_extension("rs")
    }

    pub(crate) fn is_markdown(&self) -> bool {
        self.has_extension("md")
    }

    fn has_extension(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, found)| found == extension)
    }
}

/// The checkout this command was built from.
pub(crate) struct Repository {
    root: PathBuf,
}

impl Repository {
    pub(crate) fn here() -> Self {
        // Cargo sets the variable for what it runs; a binary started by hand remembers where it was built.
        let manifest_folder = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest_folder.parent().map_or_else(|| PathBuf::from("."), PathBuf::from);
        Self { root }
    }

    pub(crate) fn root(&self) -> &str {
        self.root.to_str().unwrap_or(".")
    }

    /// A command that runs at the root.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// The cargo that runs us, so that its version is the same throughout.
    pub(crate) fn cargo(&self) -> Command {
        self.command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
    }

    pub(crate) fn read(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.root.join(path))
            .map_err(|error| format!("unable to read {path}: {error}"))
    }

    /// Every path that is tracked, or would be by `git add`, and still exists.
    pub(crate) fn paths(&self) -> Result<BTreeSet<String>, String> {
        let mut git = self.command("git");
        // A clone that belongs to somebody else (CI runs as root) is safe to list.
        git.arg("-c").arg(format!("safe.directory={}", self.root()));
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listing = output(&mut git)?;
        let listing =
            String::from_utf8(listing).map_err(|_| "a file's name is not UTF-8; rename it".to_owned())?;
        let exists = |path: &&str| !path.is_empty() && self.root.join(path).is_file();
        Ok(listing.split('\0').filter(exists).map(str::to_owned).collect())
    }

    /// The text files among `paths`; what is not UTF-8 (golden bytes, images) is left out.
    pub(crate) fn texts(&self, paths: &BTreeSet<String>) -> Result<Vec<File>, String> {
        let mut files = Vec::new();
        for path in paths {
            let bytes = std::fs::read(self.root.join(path))
                .map_err(|error| format!("unable to read {path}: {error}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(File { path: path.clone(), text });
            }
        }
        Ok(files)
    }
}

/// Runs `command` and returns what it printed; a failure carries its complaint.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("unable to start {program}: {error}"))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }
}
