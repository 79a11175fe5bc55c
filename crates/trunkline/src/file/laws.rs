//! `[laws.NAME]`: what must hold of the read models, whatever happens.

use indexmap::IndexMap;
use trunkline_config::read::{Field, Section};
use trunkline_sql::{Model, Query, Returns, SqliteReadDatabase};

use super::{ProjectionDefinition, Reading};

/// A law: what must hold once everything has come to rest.
#[derive(Clone, Debug)]
pub struct LawDefinition {
    /// The law, in words.
    pub says: String,
    /// Its breaches, a row each.
    pub breaches: Query,
    /// How many things it was held against.
    pub of: Option<Query>,
}

pub(super) fn read(
    field: &Field<'_>,
    reading: &Reading<'_>,
    projections: &IndexMap<String, ProjectionDefinition>,
) -> IndexMap<String, LawDefinition> {
    let models: Vec<&Model> = projections.values().map(|projection| &*projection.model).collect();
    let mut section = field.section();
    let laws = section.each().into_iter().filter_map(|(name, field)| {
        let mut section = field.section();
        let says = section.key("says").required::<String>();
        let breaches = query(&mut section, "breaches", Returns::Many, reading, &models);
        let is_counted = section.key("of").is_present();
        let of = is_counted.then(|| query(&mut section, "of", Returns::Value, reading, &models)).flatten();
        section.finish();
        Some((name.to_owned(), LawDefinition { says: says?, breaches: breaches?, of }))
    });
    laws.collect()
}

fn query(
    section: &mut Section<'_>,
    key: &str,
    returns: Returns,
    reading: &Reading<'_>,
    models: &[&Model],
) -> Option<Query> {
    let field = section.key(key);
    let text: String = field.required()?;
    let query = Query::new(&text, &[], returns);
    let query = query.map_err(|problems| reading.report_sql(&field, &text, problems)).ok()?;
    reading.report_sql(&field, &text, SqliteReadDatabase::check_query_over(models, &query));
    Some(query)
}
