//! Words that tie the text to one machine: hosts of package registries, and absolute paths of somebody's own.
//!
//! Each is put together from parts, so that this file does not hold what it looks for.

use super::Problem;
use crate::repository::File;

const HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("npmjs", ".org"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("proxy.golang", ".org"),
];

const FOLDERS: &[&str] = &[concat!("/", "work/"), concat!("/", "home/"), concat!("/", "root/")];

pub(super) fn check(file: &File) -> Vec<Problem> {
    // Cargo writes the lock file, and names its registry there.
    if file.path.split('/').next_back() == Some("Cargo.lock") {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for (line, text) in (1..).zip(file.text.lines()) {
        for host in HOSTS.iter().filter(|host| text.contains(*host)) {
            let what = format!("the host `{host}` of a package registry is named");
            problems.push(Problem::new(
                &file.path,
                line,
                what,
                "say `the registry`, and let cargo know which",
            ));
        }
        for folder in FOLDERS.iter().filter(|folder| has_absolute(text, folder)) {
            let what = format!("the absolute path `{folder}` exists on one machine only");
            problems.push(Problem::new(
                &file.path,
                line,
                what,
                "write a relative path, or `/srv/` in an example",
            ));
        }
    }
    problems
}

/// Whether `folder` begins a path; inside a longer one (`docs/work/`) it is just a name.
fn has_absolute(text: &str, folder: &str) -> bool {
    let goes_on = |char: char| char.is_alphanumeric() || "._-~}".contains(char);
    text.match_indices(folder).any(|(at, _)| !text[..at].ends_with(goes_on))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::lines;

    #[test]
    fn each_host_is_reported() {
        for host in HOSTS {
            let text = format!("one\nsee https://static.{host}/x\n");
            assert_eq!(
                lines(&check(&File::new("a.md", &text))),
                [format!(
                    "a.md:2: the host `{host}` of a package registry is named; \
                     say `the registry`, and let cargo know which"
                )]
            );
        }
    }

    #[test]
    fn each_absolute_path_is_reported() {
        for folder in FOLDERS {
            for text in [format!("cd {folder}x"), format!("\"{folder}x\""), format!("file://{folder}x")] {
                assert_eq!(
                    lines(&check(&File::new("a", &text))),
                    [format!(
                        "a:1: the absolute path `{folder}` exists on one machine only; \
                         write a relative path, or `/srv/` in an example"
                    )]
                );
            }
        }
    }

    #[test]
    fn a_folder_of_that_name_further_down_is_fine() {
        for folder in FOLDERS {
            assert!(check(&File::new("a", &format!("docs{folder}x ..{folder}x ${{A}}{folder}x"))).is_empty());
        }
    }

    #[test]
    fn the_lock_file_is_cargos() {
        assert!(check(&File::new("fuzz/Cargo.lock", HOSTS[0])).is_empty());
    }
}
