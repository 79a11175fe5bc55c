//! `[queries.NAME]`: what may be asked of the read models.

use indexmap::IndexMap;
use trunkline_config::Diagnostic;
use trunkline_config::read::Field;
use trunkline_sql::{ParameterSpec, ParameterType, Returns, SqlQuery};

use super::query_text::Kept;
use super::{Definition, Reading, codes};
use trunkline_runtime::Dsn;

/// A declared query.
#[derive(Clone, Debug)]
pub struct QueryDefinition {
    /// Its text, its parameters and what it returns.
    pub query: SqlQuery,
    /// The read database that it reads; none when it is the application's own.
    pub read_db: Option<Dsn>,
}

pub(super) fn read(
    field: &Field<'_>,
    reading: &Reading<'_>,
    definition: &Definition,
) -> IndexMap<String, QueryDefinition> {
    let mut section = field.section();
    let queries = section.each().into_iter();
    queries.filter_map(|(name, field)| Some((name.to_owned(), one(&field, reading, definition)?))).collect()
}

fn one(field: &Field<'_>, reading: &Reading<'_>, definition: &Definition) -> Option<QueryDefinition> {
    let mut section = field.section();
    let sql = section.key("sql");
    let text: Option<String> = sql.required();
    let parameters = parameters(&section.key("params"));
    let returns = section.key("returns").one_of(&[
        ("one", Returns::One),
        ("many", Returns::Many),
        ("value", Returns::Value),
    ]);
    let read_db = definition.read_db.other(&section.key("read_db"), reading);
    section.finish();
    let text = text?;
    let query = SqlQuery::new(&text, &parameters, returns.unwrap_or_default());
    let query = query.map_err(|problems| reading.report_sql(&sql, &text, problems)).ok()?;
    let kept = Kept { projections: &definition.projections, read_db: read_db.as_ref() };
    reading.report_sql(&sql, &text, kept.check(&query));
    Some(QueryDefinition { query, read_db })
}

/// `{name: {type, default}}`.
fn parameters(field: &Field<'_>) -> Vec<ParameterSpec> {
    let mut section = field.section();
    let parameters = section.each().into_iter().map(|(name, field)| {
        let mut section = field.section();
        let types = ParameterType::NAMES;
        let kind = section.key("type").one_of(&types);
        let default = section.key("default");
        let null = default.node().is_some_and(|node| node.value == trunkline_config::Value::Null);
        let json = default.node().filter(|_| null || default.is_present());
        section.finish();
        let spec = ParameterSpec {
            name: name.to_owned(),
            kind: kind.unwrap_or_default(),
            default: json.and_then(|node| serde_json::to_string(&node.value).ok()),
        };
        if let Err(error) = spec.check_default() {
            let wrong = Diagnostic::error(codes::BAD_DEFAULT, default.span(), error.to_string());
            field.reader().report(wrong.fix("write a default of that type, or leave it out"));
        }
        spec
    });
    parameters.collect()
}
