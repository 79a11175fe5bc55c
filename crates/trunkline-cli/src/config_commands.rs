//! `check`, `config` and `explain`: what is wrong with an application file, what it means, and what a code means.
//!
//! Each command is its arguments and a function that prints to what it is given and returns the exit code. The three
//! traits of the configuration language meet the real world here: files, environment and clock.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::{Component, Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use trunkline_config::limits::SOURCE_BYTES_MAX;
use trunkline_config::report::{Style, diagnostics_to_json, draw, tree_to_json};
use trunkline_config::{
    Clock, Environment, Evaluated, Hooks, LoadError, Loader, NotUnicode, Schemas, World, check, codes,
    explain, load, nearest,
};

/// Exit codes of these commands; 2, a wrong command line, is the argument parser's.
pub(crate) const DONE: u8 = 0;
/// The file has errors, or cannot be read.
pub(crate) const FAILED: u8 = 1;
/// There is no such file, or no such code.
pub(crate) const NOT_FOUND: u8 = 4;

/// How a command prints.
pub(crate) struct Printing<'a> {
    /// For programs rather than for people.
    pub(crate) json: bool,
    /// How it looks for people.
    pub(crate) style: Style,
    /// Where data goes: standard output.
    pub(crate) data: &'a mut dyn Write,
    /// Where talk goes: standard error.
    pub(crate) talk: &'a mut dyn Write,
}

/// Check an application file and report every mistake in it
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The application file
    file: String,
}

impl CheckArgs {
    pub(crate) fn run(
        &self,
        hooks: &Hooks,
        schemas: &Schemas,
        printing: &mut Printing<'_>,
    ) -> io::Result<u8> {
        let checked = match check(&self.file, world(), hooks, schemas) {
            Ok(checked) => checked,
            Err(error) => return not_loaded(&self.file, &error, printing),
        };
        let Evaluated { diagnostics, sources, .. } = &checked;
        if printing.json {
            writeln!(printing.data, "{}", diagnostics_to_json(diagnostics, sources))?;
        } else if diagnostics.is_empty() {
            writeln!(printing.talk, "{}: no mistakes", self.file)?;
        } else {
            write!(printing.data, "{}", draw(diagnostics, sources, printing.style))?;
        }
        Ok(if checked.has_errors() { FAILED } else { DONE })
    }
}

/// Print what an application file means, as JSON, with every secret hidden
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The file; any `.tsk` file will do
    file: String,
}

impl ConfigArgs {
    pub(crate) fn run(&self, printing: &mut Printing<'_>) -> io::Result<u8> {
        let evaluated = match load(&self.file, world()) {
            Ok(evaluated) => evaluated,
            Err(error) => return not_loaded(&self.file, &error, printing),
        };
        let Evaluated { diagnostics, sources, root, .. } = &evaluated;
        if printing.json && !diagnostics.is_empty() {
            writeln!(printing.talk, "{}", diagnostics_to_json(diagnostics, sources))?;
        } else {
            write!(printing.talk, "{}", draw(diagnostics, sources, printing.style))?;
        }
        if evaluated.has_errors() {
            // A tree with gaps could be taken for the whole.
            return Ok(FAILED);
        }
        writeln!(printing.data, "{}", tree_to_json(root))?;
        Ok(DONE)
    }
}

/// Explain the code of a mistake
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The code, such as TL1002
    code: String,
}

impl ExplainArgs {
    pub(crate) fn run(&self, printing: &mut Printing<'_>) -> io::Result<u8> {
        if let Some(page) = explain(&self.code) {
            write!(printing.data, "{page}")?;
            return Ok(DONE);
        }
        let near = nearest(&self.code, codes::PAGES.iter().map(|(code, _)| code.as_str()));
        let hint = near.map(|code| format!("; did you mean {code}?")).unwrap_or_default();
        writeln!(printing.talk, "there is no code \"{}\"{hint}", self.code)?;
        Ok(NOT_FOUND)
    }
}

/// The real world.
pub(crate) fn world() -> World<'static> {
    World { loader: &Disk, environment: &Process, clock: &Machine }
}

fn not_loaded(file: &str, error: &LoadError, printing: &mut Printing<'_>) -> io::Result<u8> {
    writeln!(printing.talk, "{file} cannot be read: {error}")?;
    Ok(if *error == LoadError::NotFound { NOT_FOUND } else { FAILED })
}

/// Files by their paths; a file that another names is looked for beside it.
#[derive(Debug)]
struct Disk;

impl Loader for Disk {
    /// `.` and `..` are resolved in the text of the path, so that one file has one name.
    fn resolve(&self, from: &str, path: &str) -> String {
        let folder = Path::new(from).parent().unwrap_or(Path::new(""));
        let mut resolved = PathBuf::new();
        for component in folder.join(path).components() {
            match component {
                Component::CurDir => {}
                Component::ParentDir
                    if matches!(resolved.components().next_back(), Some(Component::Normal(_))) =>
                {
                    resolved.pop();
                }
                component => resolved.push(component),
            }
        }
        resolved.to_string_lossy().into_owned()
    }

    fn load(&self, name: &str) -> Result<Vec<u8>, LoadError> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => LoadError::NotFound,
            _ => LoadError::Failed(error.to_string()),
        };
        // Not more than may be: the path may lead to a device that never ends.
        let limit = SOURCE_BYTES_MAX as u64 + 1;
        let mut bytes = Vec::new();
        File::open(name).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(failed)?;
        if bytes.len() > SOURCE_BYTES_MAX { Err(LoadError::TooLarge) } else { Ok(bytes) }
    }
}

/// The environment of this process.
#[derive(Debug)]
struct Process;

impl Environment for Process {
    fn variable(&self, name: &str) -> Result<Option<String>, NotUnicode> {
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(NotUnicode),
        }
    }
}

/// The clock of this machine.
#[derive(Debug)]
struct Machine;

impl Clock for Machine {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that is passed in")]
    fn unix_micros(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        // Before 1970 the clock is not set; the year shows it.
        now.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a command over a file with this text; gives its exit code, data and talk.
    fn run(
        text: &str,
        json: bool,
        command: impl Fn(String, &mut Printing<'_>) -> io::Result<u8>,
    ) -> (u8, String, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.tsk");
        std::fs::write(&path, text).unwrap();
        std::fs::write(folder.path().join("part.tsk"), "part: true\n").unwrap();
        let (mut data, mut talk) = (Vec::new(), Vec::new());
        let mut printing = Printing { json, style: Style::default(), data: &mut data, talk: &mut talk };
        let exit = command(path.to_string_lossy().into_owned(), &mut printing).unwrap();
        (exit, String::from_utf8(data).unwrap(), String::from_utf8(talk).unwrap())
    }

    fn check_file(file: String, printing: &mut Printing<'_>) -> io::Result<u8> {
        CheckArgs { file }.run(&Hooks::default(), &Schemas::new(), printing)
    }

    fn config_file(file: String, printing: &mut Printing<'_>) -> io::Result<u8> {
        ConfigArgs { file }.run(printing)
    }

    #[test]
    fn a_file_without_mistakes_is_clean() {
        let (exit, data, talk) = run("a: 1\n", false, check_file);
        assert_eq!((exit, data.as_str()), (DONE, ""));
        assert!(talk.ends_with("app.tsk: no mistakes\n"), "{talk}");
        assert_eq!(run("a: 1\n", true, check_file), (DONE, "[]\n".to_owned(), String::new()));
    }

    #[test]
    fn mistakes_are_data() {
        let (exit, data, talk) = run("a: 1\nlist: [1, 2,\nb: 3\n", true, check_file);
        assert_eq!((exit, talk.as_str()), (FAILED, ""));
        let found: serde_json::Value = serde_json::from_str(&data).unwrap();
        assert_eq!((&found[0]["line"], &found[0]["column"]), (&2.into(), &7.into()));
        let (exit, data, _) = run("a: 1\nlist: [1, 2,\nb: 3\n", false, check_file);
        assert_eq!(exit, FAILED);
        assert!(data.contains("line 2 col 7: '[' is never closed"), "{data}");
    }

    #[test]
    fn warnings_are_no_failure() {
        let (exit, data, _) = run("a: 1\na: 2\n", false, check_file);
        assert_eq!(exit, DONE);
        assert!(data.contains("0 errors, 1 warning"), "{data}");
    }

    #[test]
    fn the_tree_is_printed_only_when_it_is_whole() {
        let (exit, data, talk) =
            run("@include \"./x/../part.tsk\"\nb: @go(\"any.Hook\")\n", false, config_file);
        assert_eq!((exit, talk.as_str()), (DONE, ""));
        assert_eq!(data, "{\"part\":true,\"b\":{\"$go\":\"any.Hook\"}}\n");
        let (exit, data, talk) = run("a: $nothing\n", false, config_file);
        assert_eq!((exit, data.as_str()), (FAILED, ""));
        assert!(talk.contains("nothing above defines $nothing"), "{talk}");
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let (exit, _, talk) = run("", false, |file, printing| check_file(file + ".missing", printing));
        assert_eq!(exit, NOT_FOUND);
        assert!(talk.contains("there is no such file"), "{talk}");
        let explain = |code: &str| {
            let code = code.to_owned();
            run("", false, move |_, printing| ExplainArgs { code: code.clone() }.run(printing))
        };
        assert!(matches!(explain("tl1002"), (DONE, page, _) if page.starts_with("# TL1002: ")));
        assert_eq!(explain("TL99").0, NOT_FOUND);
        assert!(explain("TLI002").2.contains("did you mean TL1002?"));
    }
}
