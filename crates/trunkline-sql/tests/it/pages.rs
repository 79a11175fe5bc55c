//! Pages of SQL texts: each block of source is followed by what becomes of it.
//!
//! ` ```event `, ` ```item `, ` ```schema ` and ` ```query ` are sources; a ` ```tables ` block makes the tables that the
//! sources after it are held against. What follows is ` ```prepared `, one statement a line with its parameters, or
//! ` ```problems `, one a line: the bytes, what they are, the problem and its remedy.

use std::fmt::Write as _;

use trunkline_sql::{
    Action, Dialect as _, Model, ParameterScope, Returns, SqlProblem, SqlQuery, SqliteDialect, Statement,
    compile, schema,
};

const PAGES: [(&str, &str); 2] =
    [("texts.md", include_str!("../pages/texts.md")), ("prepared.md", include_str!("../pages/prepared.md"))];

struct Block<'a> {
    kind: &'a str,
    line: usize,
    text: String,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let (mut blocks, mut open): (Vec<Block<'_>>, Option<Block<'_>>) = (Vec::new(), None);
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(kind)) => open = Some(Block { kind, line: number + 1, text: String::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => writeln!(block.text, "{line}").unwrap(),
            (None, None) => {}
        }
    }
    blocks
}

fn described(sql: &str, result: Result<Vec<Statement>, Vec<SqlProblem>>) -> String {
    let mut text = String::new();
    for statement in result.as_ref().unwrap_or(&Vec::new()) {
        text += &statement.render(&SqliteDialect).text().replace('\n', "⏎");
        let names: Vec<String> =
            statement.parameters().iter().map(|parameter| parameter.path.to_string()).collect();
        text += if names.is_empty() { "" } else { "  with " };
        text += &names.join(", ");
        text.push('\n');
    }
    for problem in result.err().unwrap_or_default() {
        let range = problem.range.clone();
        write!(text, "{}-{} {:?}: {}", range.start, range.end, &sql[range.clone()], problem.what).unwrap();
        text += &problem.fix.map_or(String::new(), |fix| format!("; {fix}"));
        text.push('\n');
    }
    text
}

/// What becomes of a source, held against tables where there are some.
fn outcome(kind: &str, sql: &str, tables: Option<&str>) -> String {
    let made = || vec![schema(tables.unwrap_or_default()).unwrap()];
    let checked = |model: Model| {
        let problems = SqliteDialect.check(&model);
        if problems.is_empty() {
            None
        } else {
            Some(problems.into_iter().map(|found| found.problem).collect())
        }
    };
    let compiled = match kind {
        "event" => compile(sql, ParameterScope::Event),
        "item" => compile(sql, ParameterScope::Item),
        "schema" => compile(sql, ParameterScope::Schema),
        "query" => SqlQuery::new(sql, &[], Returns::Many).map(|query| vec![query.statement().clone()]),
        other => panic!("no source is called {other}"),
    };
    let problems: Option<Vec<SqlProblem>> = match (kind, tables, &compiled) {
        (_, None, _) | (_, _, Err(_)) => None,
        ("schema", _, Ok(statements)) => checked(Model::new("m", vec![statements.clone()], vec![]).unwrap()),
        ("query", ..) => {
            let model = Model::new("m", made(), vec![]).unwrap();
            let problems =
                SqliteDialect.check_query(&[&model], &SqlQuery::new(sql, &[], Returns::Many).unwrap());
            (!problems.is_empty()).then_some(problems)
        }
        _ => {
            let list = || Action::list("data.items").unwrap();
            let action = if kind == "item" { Action::for_each(list(), sql) } else { Action::once(sql) };
            checked(Model::new("m", made(), vec![("E".to_owned(), vec![action.unwrap()])]).unwrap())
        }
    };
    described(sql, problems.map_or(compiled, Err))
}

#[test]
fn every_text_on_the_pages_becomes_what_they_say() {
    let mut wrong = String::new();
    for (name, page) in PAGES {
        let mut tables = None;
        let mut source: Option<Block<'_>> = None;
        let mut checked = 0;
        for block in blocks(page) {
            match (block.kind, source.take()) {
                ("tables", None) => tables = Some(block.text),
                ("prepared" | "problems", Some(source)) => {
                    let found = outcome(source.kind, source.text.trim_end(), tables.as_deref());
                    if found != block.text {
                        writeln!(wrong, "{name}:{}:\n{found}", block.line).unwrap();
                    }
                    checked += 1;
                }
                (_, None) => source = Some(block),
                (kind, Some(before)) => panic!("{name}:{}: {kind} after {}", block.line, before.kind),
            }
        }
        assert!(checked > 0 && source.is_none(), "{name}: a source without an outcome");
    }
    assert!(wrong.is_empty(), "found otherwise:\n{wrong}");
}
