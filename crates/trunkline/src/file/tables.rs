//! The tables of a file's projections, by the names under which scenarios expect rows of them.

use std::sync::Arc;

use trunkline_config::nearest;
use trunkline_sql::{Model, Trial};

use super::Definition;

/// The tables of projections.
pub(crate) struct Tables {
    all: Vec<Table>,
    /// Whether there are projections whose tables aren't known: their class isn't, or they have mistakes.
    pub(super) some_unread: bool,
}

/// A table of a projection.
pub(crate) struct Table {
    pub(crate) projection: String,
    /// Its name in the projection.
    pub(crate) name: String,
    columns: Vec<String>,
}

/// Why a name is no table's or column's.
pub(crate) struct TableProblem {
    pub(crate) what: String,
    pub(super) near: Option<String>,
    pub(super) fix: String,
}

impl Tables {
    pub(super) fn of(definition: &Definition, declared: usize) -> Self {
        let projections = &definition.projections;
        let models = projections.values().map(|projection| &projection.model);
        Self { all: of_models(models), some_unread: projections.len() < declared }
    }

    /// The tables of these projections and no others.
    pub(crate) fn of_all<'m>(models: impl Iterator<Item = &'m Arc<Model>>) -> Self {
        Self { all: of_models(models), some_unread: false }
    }

    /// The table of a name: `orders`, or `shop.orders` of the projection `shop`.
    pub(crate) fn find(&self, name: &str) -> Result<&Table, TableProblem> {
        let is_meant = |table: &&Table| match name.split_once('.') {
            Some((projection, name)) => table.projection == projection && is(&table.name, name),
            None => is(&table.name, name),
        };
        let mut found = self.all.iter().filter(is_meant);
        let Some(first) = found.next() else {
            let near = nearest(name, self.all.iter().map(|table| table.name.as_str())).map(str::to_owned);
            return Err(TableProblem {
                what: format!("no projection has a table \"{name}\""),
                near,
                fix: self.listed(),
            });
        };
        if found.next().is_some() {
            let holders = self.all.iter().filter(is_meant);
            let whole: Vec<String> =
                holders.map(|table| format!("\"{}.{}\"", table.projection, table.name)).collect();
            return Err(TableProblem {
                what: format!("several projections have a table \"{name}\""),
                near: None,
                fix: format!("write {}", whole.join(" or ")),
            });
        }
        Ok(first)
    }

    fn listed(&self) -> String {
        if self.all.is_empty() {
            return "declare a projection that makes it: [projections.NAME]".to_owned();
        }
        let names: Vec<&str> = self.all.iter().map(|table| table.name.as_str()).collect();
        format!("there is {}", names.join(", "))
    }
}

impl Table {
    /// What is wrong with a column's name, when the table has none of it.
    pub(super) fn lacks(&self, column: &str) -> Option<TableProblem> {
        if self.columns.iter().any(|known| is(known, column)) {
            return None;
        }
        let near = nearest(column, self.columns.iter().map(String::as_str)).map(str::to_owned);
        let what = format!("the table \"{}\" has no column \"{column}\"", self.name);
        Some(TableProblem { what, near, fix: format!("it has {}", self.columns.join(", ")) })
    }
}

/// Databases don't tell upper and lower case apart in names.
fn is(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other)
}

fn of_models<'m>(models: impl Iterator<Item = &'m Arc<Model>>) -> Vec<Table> {
    let of_model = |model: &Arc<Model>| {
        // A schema that can't be made is told where it stands.
        let tables = Trial::new(model).and_then(|trial| trial.tables()).unwrap_or_default();
        let projection = model.name().to_owned();
        tables.into_iter().map(move |table| Table {
            projection: projection.clone(),
            name: table.table,
            columns: table.columns,
        })
    };
    models.flat_map(of_model).collect()
}
