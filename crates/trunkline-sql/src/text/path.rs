//! What a parameter names: a root, and the way from there into its JSON.

use std::fmt;
use std::ops::Range;

use super::SqlProblem;

/// Paths longer than this are a mistake; the bound keeps the reading of data from recursing deeply.
const STEPS_MAX: usize = 32;

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathStep {
    /// `.name` or `["name"]`: the field of an object.
    Field(String),
    /// `[0]`: the element of a list, counted from 0.
    Element(usize),
}

/// A parameter's name taken apart: `data.list[0].x`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// The name before the first step.
    pub root: String,
    /// The steps from there.
    pub steps: Vec<PathStep>,
}

impl Path {
    /// Reads a path as it is written in the file, without a colon.
    ///
    /// ```
    /// use trunkline_sql::{Path, PathStep};
    /// let path = Path::parse("data.list[0]")?;
    /// assert_eq!(path.root, "data");
    /// assert_eq!(path.steps, [PathStep::Field("list".into()), PathStep::Element(0)]);
    /// # Ok::<(), trunkline_sql::SqlProblem>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, SqlProblem> {
        let end = text.find(['.', '[']).unwrap_or(text.len());
        let (root, mut rest) = text.split_at(end);
        if root.is_empty() || !root.chars().all(is_name) {
            return Err(problem(0..text.len(), "this is not a path", "write one like `data.items`"));
        }
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let start = text.len() - rest.len();
            let end = match rest.strip_prefix('.') {
                Some(name) => name.find(['.', '[']),
                None => rest.find(']'),
            };
            let end = end.map_or(rest.len(), |end| end + 1);
            let (step, after) = rest.split_at(end);
            steps.push(parse_step(step).map_err(|mut problem| {
                problem.range = start..start + step.len();
                problem
            })?);
            rest = after;
        }
        if steps.len() > STEPS_MAX {
            let what = format!("a path of {} steps, limit {STEPS_MAX}", steps.len());
            return Err(problem(0..text.len(), what, "bind a part nearer to the root"));
        }
        Ok(Self { root: root.to_owned(), steps })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.root)?;
        self.steps.iter().try_for_each(|step| match step {
            PathStep::Field(name) if name.chars().all(is_name) => write!(f, ".{name}"),
            PathStep::Field(name) => write!(f, "[{name:?}]"),
            PathStep::Element(index) => write!(f, "[{index}]"),
        })
    }
}

fn parse_step(text: &str) -> Result<PathStep, SqlProblem> {
    if let Some(name) = text.strip_prefix('.') {
        return match name.chars().next() {
            Some(first) if name.chars().all(is_name) && !first.is_ascii_digit() => {
                Ok(PathStep::Field(name.to_owned()))
            }
            Some(first) if first.is_ascii_digit() => Err(problem(
                0..0,
                format!("`{name}` is not a field's name"),
                "write an element of a list as `[0]`, and an odd name as `[\"0\"]`",
            )),
            _ => Err(problem(0..0, "a field's name is missing after the dot", "name the field")),
        };
    }
    let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or("");
    let quoted = ['"', '\''].iter().find_map(|&quote| inside.strip_prefix(quote)?.strip_suffix(quote));
    if let Some(name) = quoted {
        return Ok(PathStep::Field(name.to_owned()));
    }
    // `parse` would take a sign, too.
    if inside.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(index) = inside.parse()
    {
        return Ok(PathStep::Element(index));
    }
    let what = format!("`{text}` names no element");
    Err(problem(0..0, what, "write an element of a list as `[0]`, and an odd name as `[\"name\"]`"))
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn problem(range: Range<usize>, what: impl Into<String>, fix: &str) -> SqlProblem {
    SqlProblem { range, what: what.into(), fix: Some(fix.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_apart() {
        let path = Path::parse("data.a[12][\"odd-name\"].b").unwrap();
        let field = |name: &str| PathStep::Field(name.to_owned());
        assert_eq!(path.root, "data");
        assert_eq!(path.to_string(), "data.a[12][\"odd-name\"].b");
        assert_eq!(path.steps, [field("a"), PathStep::Element(12), field("odd-name"), field("b")]);
    }

    #[test]
    fn what_is_no_path_is_refused_at_its_place() {
        for (text, range) in
            [("", 0..0), ("data.", 4..5), ("data.0", 4..6), ("data[x]", 4..7), ("data[", 4..5)]
        {
            assert_eq!(Path::parse(text).unwrap_err().range, range, "{text}");
        }
        assert!(Path::parse(&format!("data{}", ".a".repeat(33))).is_err());
    }
}
