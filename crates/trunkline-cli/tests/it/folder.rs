//! A folder of its own for each test, and the binary run in it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use tempfile::TempDir;

/// A folder in which commands run.
#[derive(Debug)]
pub(crate) struct Folder(TempDir);

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) exit: i32,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with a store `log:a` of these lines.
    pub(crate) fn with_events(lines: &str) -> Self {
        let folder = Self::new();
        folder.write("events.jsonl", lines);
        let ran = folder.run("import --store log:a events.jsonl --quiet");
        assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{ran:?}");
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// A command that is not started yet. Words are separated by spaces, and single quotes keep some together.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
        command.args(split(words)).current_dir(self.0.path()).stdin(Stdio::null());
        for variable in ["EVENT_STORE_DSN", "QUEUE_DSN", "TRUNKLINE_DATA", "COLUMNS", "CLICOLOR_FORCE"] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, words: &str) -> Ran {
        Ran::of(self.command(words))
    }

    /// Runs a command that reads this from standard input.
    pub(crate) fn run_with(&self, words: &str, input: &[u8]) -> Ran {
        let mut running = self.start(words);
        let mut stdin = running.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let ran = running.end();
        // A command that fails early does not read everything.
        drop(writer.join().unwrap());
        ran
    }

    /// Runs a command and compares all of its outcome: what it printed, with the talk marked by `! `, and, unless
    /// it is 0, the exit code.
    #[track_caller]
    pub(crate) fn check(&self, words: &str, wanted: &str) {
        assert_eq!(self.run(words).outcome(), unindented(wanted), "{words}");
    }

    /// Starts a command with all its streams piped.
    pub(crate) fn start(&self, words: &str) -> Running {
        let mut command = self.command(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        Running {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            stderr: BufReader::new(child.stderr.take().unwrap()),
            child,
        }
    }
}

impl Ran {
    pub(crate) fn of(mut command: Command) -> Self {
        let output = command.output().unwrap();
        Self {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            exit: output.status.code().unwrap_or(-1),
        }
    }

    /// Everything, as one text.
    pub(crate) fn outcome(&self) -> String {
        let mut outcome = self.stdout.clone();
        for line in self.stderr.lines() {
            outcome.extend(["! ", line, "\n"]);
        }
        if self.exit != 0 {
            outcome.extend(["exit code ", &self.exit.to_string(), "\n"]);
        }
        outcome
    }

    /// The lines of standard output, each as JSON.
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A command that goes on while the test does.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: BufReader<ChildStdout>,
    pub(crate) stderr: BufReader<ChildStderr>,
}

impl Running {
    /// The next line of talk; the command has come that far.
    pub(crate) fn said(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next line of data.
    pub(crate) fn printed(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Asks the command to stop, as Ctrl-C does.
    #[cfg(unix)]
    pub(crate) fn interrupt(&self) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    }

    /// Waits for the end without reading any more data.
    pub(crate) fn end_unread(mut self) -> Ran {
        drop(self.stdout);
        let mut stderr = String::new();
        self.stderr.read_to_string(&mut stderr).unwrap();
        let exit = self.child.wait().unwrap().code().unwrap_or(-1);
        Ran { stdout: String::new(), stderr, exit }
    }

    /// Waits for the end; what was read before is not in the outcome.
    pub(crate) fn end(mut self) -> Ran {
        drop(self.stdin.take());
        let mut stderr = self.stderr;
        let errors: JoinHandle<String> = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        let exit = self.child.wait().unwrap().code().unwrap_or(-1);
        Ran { stdout, stderr: errors.join().unwrap(), exit }
    }
}

/// A line with a `CloudEvents` event.
pub(crate) fn cloud_event(id: u64, stream: &str, event_type: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"/shop","type":"{event_type}","subject":"{stream}","time":"2010-12-01T08:26:00Z","data":{{"n":{id}}}}}"#
    )
}

/// Lines with so many events in streams `order-1` to `order-STREAMS`, in turn.
pub(crate) fn cloud_events(count: u64, streams: u64) -> String {
    (1..=count)
        .map(|id| cloud_event(id, &format!("order-{}", (id - 1) % streams + 1), "Noted") + "\n")
        .collect()
}

/// The lines without the spaces that stand before all of them.
pub(crate) fn unindented(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let indent = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    text.lines()
        .map(|line| line.get(indent..).unwrap_or_default().to_owned() + "\n")
        .collect::<String>()
        .trim_end_matches(' ')
        .replace("\n\n", "\n")
}

fn split(words: &str) -> Vec<String> {
    let mut split = Vec::new();
    for (at, piece) in words.split('\'').enumerate() {
        if at % 2 == 1 {
            split.push(piece.to_owned());
        } else {
            split.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    split
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// Every file below a folder, with its bytes.
pub(crate) fn bytes(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    files(folder).into_iter().map(|file| (file.clone(), std::fs::read(file).unwrap())).collect()
}
