//! The reference of the command line, `docs/reference/cli.md`, is what `--help` prints.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::folder::Folder;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/cli.md");

/// Set to write the page instead of comparing it.
const UPDATE: &str = "TRUNKLINE_UPDATE";

const OPENING: &str = "\
# The command line

What `trunkline --help` prints, and the help of every command.
A test keeps this page equal to it; `TRUNKLINE_UPDATE=1 cargo test -p trunkline-cli` writes it anew.

With `--format json`, a failure is one object on standard error: `error`, with `code` (the name of the exit code: `failed`, `usage`, `conflict`, `not_found`, `corrupt` or `interrupted`), `message`, `hint` where something can be done, `explain` where a page says more (`trunkline explain` prints it), and the facts that a program acts on, such as `stream` and `found` of a conflict.
";

/// The commands that the top-level help lists: indented by two, a name, two spaces, what it is for.
fn commands(help: &str) -> Vec<String> {
    let until_options = help.split("\nOptions:").next().unwrap();
    until_options
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// The verbs that a command's help lists, if it has any.
fn verbs(help: &str) -> Vec<String> {
    let list = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

fn help(folder: &Folder, command: &str) -> String {
    let ran = folder.run(&format!("{command} --help"));
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{command}");
    ran.stdout.lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>().trim_end().to_owned()
}

/// Writes the help of a command's verbs, and of theirs.
fn write_verbs(folder: &Folder, command: &str, help: &str, page: &mut String) {
    for verb in verbs(help) {
        let command = format!("{command} {verb}");
        let help = self::help(folder, &command);
        assert!(help.contains("\nExamples:\n"), "{command} has examples");
        write!(page, "\n### {command}\n\n```text\n{help}\n```\n").unwrap();
        write_verbs(folder, &command, &help, page);
    }
}

#[test]
fn the_reference_is_what_help_prints() {
    let folder = Folder::new();
    let top = help(&folder, "");
    let mut page = format!("{OPENING}\n```text\n{top}\n```\n");
    let commands = commands(&top);
    assert!(commands.len() >= 10, "{commands:?}");
    for command in &commands {
        let help = help(&folder, command);
        assert!(help.contains("\nExamples:\n"), "{command} has examples");
        write!(page, "\n## {command}\n\n```text\n{help}\n```\n").unwrap();
        write_verbs(&folder, command, &help, &mut page);
    }
    let path = Path::new(PAGE);
    if std::env::var_os(UPDATE).is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &page).unwrap();
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(written == page, "docs/reference/cli.md is not what --help prints; {UPDATE}=1 writes it anew");
}
