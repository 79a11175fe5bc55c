//! Statements: their parameters, the text that a database prepares, and the way back from there to the text in the file.

use std::ops::Range;

use trunkline_nearest::nearest;

use super::{Kind, Path, SqlProblem, tokens};
use crate::Dialect;

/// What the parameters of a text may name.
#[derive(Clone, Copy, Debug)]
pub enum ParameterScope<'a> {
    /// Nothing: a schema knows no event.
    Schema,
    /// The parts of an event.
    Event,
    /// The parts of an event, and `item`, the element of the list that the statement runs for.
    Item,
    /// These and no others, without paths.
    Named(&'a [&'a str]),
    /// Whatever is named, without paths.
    Any,
}

/// The parts of an event that parameters name; the first two have paths.
const EVENT: [&str; 9] = [
    "data",
    "metadata",
    "stream",
    "stream_id",
    "version",
    "position",
    "event_id",
    "event_type",
    "occurred_at",
];

/// A parameter of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// What it names.
    pub path: Path,
    /// Where it first stands in the text, with its colon.
    pub range: Range<usize>,
}

/// One statement of a text, for any [`Dialect`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    source: String,
    start: usize,
    parameters: Vec<Parameter>,
    /// Where parameters stand in the source, in order, and which ones they are.
    uses: Vec<(Range<usize>, usize)>,
}

impl Statement {
    /// The statement as it is written in the file.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The bytes of the text that the statement takes.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.source.len()
    }

    /// The parameters, each once.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The text that a database of this dialect prepares: with a placeholder for each parameter.
    pub fn render(&self, dialect: &dyn Dialect) -> Rendered<'_> {
        let mut text = String::with_capacity(self.source.len());
        let mut shifts = Vec::with_capacity(self.uses.len() * 2);
        let mut written = 0;
        for (place, parameter) in &self.uses {
            text.push_str(&self.source[written..place.start]);
            shifts.push((text.len(), self.start + place.start));
            dialect.placeholder(parameter + 1, &mut text);
            shifts.push((text.len(), self.start + place.end));
            written = place.end;
        }
        text.push_str(&self.source[written..]);
        Rendered { statement: self, text, shifts }
    }

    /// Where a name first stands in the statement, as bytes of the file's text.
    pub(crate) fn range_of(&self, name: &str) -> Option<Range<usize>> {
        let found = tokens(&self.source).find(|token| {
            let text = self.source[token.range.clone()].trim_matches(['"', '`', '[', ']']);
            matches!(token.kind, Kind::Word | Kind::QuotedName) && text.eq_ignore_ascii_case(name)
        })?;
        Some(self.start + found.range.start..self.start + found.range.end)
    }
}

/// A statement as one kind of database prepares it, and the way back from there to the text in the file.
#[derive(Clone, Debug)]
pub struct Rendered<'s> {
    statement: &'s Statement,
    text: String,
    /// Where placeholders begin and end: in this text, and in the file's.
    shifts: Vec<(usize, usize)>,
}

impl<'s> Rendered<'s> {
    /// The statement.
    pub fn statement(&self) -> &'s Statement {
        self.statement
    }

    /// The text that the database prepares.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text alone.
    pub fn into_text(self) -> String {
        self.text
    }

    /// The place in the file's text that an offset in this text belongs to.
    pub fn source_offset(&self, at: usize) -> usize {
        let before = self.shifts.iter().take_while(|(end, _)| *end <= at).last();
        let (from, to) = before.copied().unwrap_or((0, self.statement.start));
        (to + at.saturating_sub(from)).min(self.statement.range().end)
    }

    /// The word, name or parameter at an offset of this text, as bytes of the file's text.
    pub fn source_range(&self, at: usize) -> Range<usize> {
        let (offset, start) = (self.source_offset(at), self.statement.start);
        let inside = tokens(&self.statement.source)
            .map(|token| start + token.range.start..start + token.range.end)
            .find(|range| range.contains(&offset));
        inside.unwrap_or_else(|| self.statement.range())
    }
}

/// Compiles a text of one or several statements.
///
/// Quotes, comments and `::` are left alone; statements that are empty are left out.
///
/// ```
/// use trunkline_sql::{ParameterScope, compile};
/// let statements = compile("UPDATE t SET n = :data.n WHERE id = :stream_id; DELETE FROM u", ParameterScope::Event)?;
/// assert_eq!(statements[0].parameters()[1].path.to_string(), "stream_id");
/// assert_eq!(statements[1].source(), "DELETE FROM u");
/// assert_eq!(statements.len(), 2);
/// # Ok::<(), Vec<trunkline_sql::SqlProblem>>(())
/// ```
pub fn compile(text: &str, scope: ParameterScope<'_>) -> Result<Vec<Statement>, Vec<SqlProblem>> {
    let mut statements = Vec::new();
    let mut problems = Vec::new();
    for range in statement_ranges(text) {
        statements.push(statement(text, range, scope, &mut problems));
    }
    if problems.is_empty() { Ok(statements) } else { Err(problems) }
}

/// Where the statements stand, without the white space, comments and semicolons around them.
fn statement_ranges(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut open: Option<Range<usize>> = None;
    let mut ending = Ending::default();
    for token in tokens(text) {
        match token.kind {
            Kind::Space => {}
            Kind::Semicolon if ending.is_closed() => {
                ranges.extend(open.take());
                ending = Ending::default();
            }
            kind => {
                ending = ending.after(kind, &text[token.range.clone()]);
                let start = open.map_or(token.range.start, |range| range.start);
                open = Some(start..token.range.end);
            }
        }
    }
    ranges.extend(open);
    ranges
}

/// How far a statement is recognised, to know whether a `;` ends it: within `CREATE TRIGGER … BEGIN …; END` it doesn't.
#[derive(Clone, Copy, Default)]
enum Ending {
    #[default]
    First,
    /// This many words of `CREATE TEMP TRIGGER`.
    Create(u8),
    InTrigger,
    AfterInner,
    AfterEnd,
    Other,
}

impl Ending {
    fn after(self, kind: Kind, text: &str) -> Self {
        let is = |word: &str| kind == Kind::Word && text.eq_ignore_ascii_case(word);
        match self {
            Self::First if is("CREATE") => Self::Create(1),
            Self::Create(_) if is("TRIGGER") => Self::InTrigger,
            Self::Create(1) => Self::Create(2),
            Self::First | Self::Create(_) | Self::Other => Self::Other,
            Self::AfterInner if is("END") => Self::AfterEnd,
            Self::InTrigger | Self::AfterInner | Self::AfterEnd if kind == Kind::Semicolon => {
                Self::AfterInner
            }
            Self::InTrigger | Self::AfterInner | Self::AfterEnd => Self::InTrigger,
        }
    }

    fn is_closed(self) -> bool {
        !matches!(self, Self::InTrigger | Self::AfterInner)
    }
}

fn statement(
    text: &str,
    range: Range<usize>,
    scope: ParameterScope<'_>,
    problems: &mut Vec<SqlProblem>,
) -> Statement {
    let source = &text[range.clone()];
    let mut statement =
        Statement { source: source.to_owned(), start: range.start, parameters: Vec::new(), uses: Vec::new() };
    for token in tokens(source) {
        let piece = &source[token.range.clone()];
        let place = range.start + token.range.start..range.start + token.range.end;
        match token.kind {
            Kind::Parameter => match parameter(piece, &place, scope) {
                Ok(path) => statement.bind(path, token.range, place),
                Err(problem) => problems.push(problem),
            },
            Kind::OtherParameter => problems.push(SqlProblem {
                range: place,
                what: format!("`{piece}` is a parameter without a value"),
                fix: Some(match scope {
                    ParameterScope::Schema => "write the value itself".to_owned(),
                    ParameterScope::Event | ParameterScope::Item => {
                        "name the value, as in `:data.id`".to_owned()
                    }
                    ParameterScope::Named(_) | ParameterScope::Any => {
                        "name the parameter, as in `:id`".to_owned()
                    }
                }),
            }),
            Kind::Unclosed => {
                let sign: String = piece.chars().take(if piece.starts_with('/') { 2 } else { 1 }).collect();
                problems.push(SqlProblem {
                    range: place,
                    what: format!("`{sign}` is never closed"),
                    fix: Some("close it".to_owned()),
                });
            }
            _ => {}
        }
    }
    statement
}

impl Statement {
    /// Adds a parameter that stands at a place of the source, which is another one of the file's text.
    fn bind(&mut self, path: Path, at: Range<usize>, place: Range<usize>) {
        let known = self.parameters.iter().position(|parameter| parameter.path == path);
        let index = known.unwrap_or_else(|| {
            self.parameters.push(Parameter { path, range: place });
            self.parameters.len() - 1
        });
        self.uses.push((at, index));
    }
}

fn parameter(piece: &str, place: &Range<usize>, scope: ParameterScope<'_>) -> Result<Path, SqlProblem> {
    // The range of a path's own problem counts from after the colon.
    let path = Path::parse(&piece[1..]).map_err(|mut problem| {
        let start = place.start + 1;
        problem.range = start + problem.range.start..start + problem.range.end;
        problem
    })?;
    let root = path.root.as_str();
    let problem = |what: String, fix: Option<String>| SqlProblem { range: place.clone(), what, fix };
    let (known, has_paths): (Vec<&str>, bool) = match scope {
        ParameterScope::Schema => {
            return Err(problem(
                format!("`{piece}` has no value here: a schema is made before there is an event"),
                Some("write the value itself".to_owned()),
            ));
        }
        ParameterScope::Event => (EVENT.to_vec(), matches!(root, "data" | "metadata")),
        ParameterScope::Item => {
            (std::iter::once("item").chain(EVENT).collect(), matches!(root, "data" | "metadata" | "item"))
        }
        ParameterScope::Named(names) => (names.to_vec(), false),
        ParameterScope::Any => (vec![root], false),
    };
    if !known.contains(&root) {
        return Err(problem(unknown(root, scope), suggestion(root, &known, scope)));
    }
    if !has_paths && !path.steps.is_empty() {
        let fix = Some(format!("write `:{root}`"));
        return Err(problem(format!("`:{root}` has no parts"), fix));
    }
    Ok(path)
}

fn unknown(root: &str, scope: ParameterScope<'_>) -> String {
    match scope {
        ParameterScope::Event if root == "item" => "`:item` is there only with `for_each`".to_owned(),
        ParameterScope::Event | ParameterScope::Item => format!("an event has no `{root}`"),
        _ => format!("there is no parameter `{root}`"),
    }
}

fn suggestion(root: &str, known: &[&str], scope: ParameterScope<'_>) -> Option<String> {
    let is_event = matches!(scope, ParameterScope::Event | ParameterScope::Item);
    match nearest(root, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `:{near}`?")),
        None if root == "item" => {
            Some("name the list: `{ for_each: \"data.items\", sql: \"…\" }`".to_owned())
        }
        None if is_event => Some(format!("a field of the event's data is `:data.{root}`")),
        None if known.is_empty() => None,
        None => Some(format!("it has `{}`", known.join("`, `"))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Model, ModelProblem, SqlQuery, SqlValue};

    /// A dialect that no database has.
    #[derive(Debug)]
    struct Signs;

    impl Dialect for Signs {
        fn placeholder(&self, number: usize, text: &mut String) {
            text.push('#');
            text.push_str(&number.to_string());
        }

        fn quoted(&self, name: &str) -> String {
            name.to_owned()
        }

        fn bound<'v>(&self, value: SqlValue<'v>) -> SqlValue<'v> {
            value
        }

        fn check(&self, _: &Model) -> Vec<ModelProblem> {
            Vec::new()
        }

        fn check_query(&self, _: &[&Model], _: &SqlQuery) -> Vec<SqlProblem> {
            Vec::new()
        }
    }

    fn sources(text: &str) -> Vec<String> {
        compile(text, ParameterScope::Event)
            .unwrap()
            .iter()
            .map(|statement| statement.source().to_owned())
            .collect()
    }

    #[test]
    fn statements_end_at_semicolons_outside_of_triggers() {
        assert_eq!(sources(" ;A; -- x;\n B /* ; */ C;; "), ["A", "B /* ; */ C"]);
        let trigger =
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET x = CASE y WHEN 1 THEN 2 END; END";
        assert_eq!(sources(&format!("{trigger}; SELECT 1")), [trigger, "SELECT 1"]);
        assert_eq!(sources("BEGIN; END"), ["BEGIN", "END"]);
    }

    #[test]
    fn a_parameter_that_comes_twice_is_bound_once() {
        let statements = compile("SELECT :data.a, :version, :data.a", ParameterScope::Event).unwrap();
        assert_eq!(statements[0].render(&Signs).text(), "SELECT #1, #2, #1");
        assert_eq!(statements[0].parameters().len(), 2);
    }

    proptest! {
        #[test]
        fn offsets_lead_back_to_the_same_letters(
            pieces in prop::collection::vec(prop_oneof!["[a-z]{1,5} ", Just(":data.long.path ".to_owned()), Just(":version ".to_owned())], 1..12),
        ) {
            let text = format!("  {}; x", pieces.concat());
            let statement = &compile(&text, ParameterScope::Event).unwrap()[0];
            let mut prepared = 0;
            let rendered = statement.render(&Signs);
            for token in tokens(statement.source()) {
                let source = statement.range().start + token.range.start;
                prop_assert_eq!(rendered.source_offset(prepared), source);
                prepared += match token.kind {
                    Kind::Parameter => 2,
                    _ => token.range.len(),
                };
            }
            prop_assert_eq!(prepared, rendered.text().len());
        }
    }
}
