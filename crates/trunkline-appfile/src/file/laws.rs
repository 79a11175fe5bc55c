//! `[laws.NAME]`: what must hold of the read models, whatever happens.

use indexmap::IndexMap;
use trunkline_config::read::{Field, Section};
use trunkline_sql::{Returns, SqlQuery};

use super::query_text::Kept;
use super::{Definition, Reading};
use trunkline_runtime::Dsn;

/// A law: what must hold once everything has come to rest.
#[derive(Clone, Debug)]
pub struct LawDefinition {
    /// The law, in words.
    pub says: String,
    /// Its breaches, a row each.
    pub breaches: SqlQuery,
    /// How many things it was held against.
    pub of: Option<SqlQuery>,
    /// The read database that it is held against; none when it is the application's own.
    pub read_db: Option<Dsn>,
}

pub(super) fn read(
    field: &Field<'_>,
    reading: &Reading<'_>,
    definition: &Definition,
) -> IndexMap<String, LawDefinition> {
    let mut section = field.section();
    let laws = section.each().into_iter().filter_map(|(name, field)| {
        let mut section = field.section();
        let says = section.key("says").required::<String>();
        let read_db = definition.read_db.other(&section.key("read_db"), reading);
        let kept = Kept { projections: &definition.projections, read_db: read_db.as_ref() };
        let breaches = query(&mut section, "breaches", Returns::Many, reading, &kept);
        let is_counted = section.key("of").is_present();
        let of = is_counted.then(|| query(&mut section, "of", Returns::Value, reading, &kept)).flatten();
        section.finish();
        Some((name.to_owned(), LawDefinition { says: says?, breaches: breaches?, of, read_db }))
    });
    laws.collect()
}

fn query(
    section: &mut Section<'_>,
    key: &str,
    returns: Returns,
    reading: &Reading<'_>,
    kept: &Kept<'_>,
) -> Option<SqlQuery> {
    let field = section.key(key);
    let text: String = field.required()?;
    let query = SqlQuery::new(&text, &[], returns);
    let query = query.map_err(|problems| reading.report_sql(&field, &text, problems)).ok()?;
    reading.report_sql(&field, &text, kept.check(&query));
    Some(query)
}
