//! The tables of projections, by the names under which scenarios expect rows of them.

use std::sync::Arc;

use trunkline_nearest::nearest;
use trunkline_sql::{Model, Trial};

/// The tables of projections.
#[derive(Debug)]
pub struct Tables(Vec<Table>);

/// A table of a projection.
#[derive(Debug)]
pub struct Table {
    /// The projection.
    pub projection: String,
    /// Its name in the projection.
    pub name: String,
    columns: Vec<String>,
}

/// Why a name is no table's or column's.
#[derive(Debug)]
pub struct TableProblem {
    /// What is wrong.
    pub what: String,
    /// The nearest right name.
    pub near: Option<String>,
    /// What to write instead, where no name is near.
    pub fix: String,
}

impl Tables {
    /// The tables of these models.
    pub fn of<'m>(models: impl Iterator<Item = &'m Arc<Model>>) -> Self {
        Self(of_models(models))
    }

    /// The table of a name: `orders`, or `shop.orders` of the projection `shop`.
    pub fn find(&self, name: &str) -> Result<&Table, TableProblem> {
        let is_meant = |table: &&Table| match name.split_once('.') {
            Some((projection, name)) => table.projection == projection && is(&table.name, name),
            None => is(&table.name, name),
        };
        let mut found = self.0.iter().filter(is_meant);
        let Some(first) = found.next() else {
            let near = nearest(name, self.0.iter().map(|table| table.name.as_str())).map(str::to_owned);
            return Err(TableProblem {
                what: format!("no projection has a table \"{name}\""),
                near,
                fix: self.listed(),
            });
        };
        if found.next().is_some() {
            let holders = self.0.iter().filter(is_meant);
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
        if self.0.is_empty() {
            return "declare a projection that makes it: [projections.NAME]".to_owned();
        }
        let names: Vec<&str> = self.0.iter().map(|table| table.name.as_str()).collect();
        format!("there is {}", names.join(", "))
    }
}

impl Table {
    /// What is wrong with a column's name, when the table has none of it.
    pub fn lacks(&self, column: &str) -> Option<TableProblem> {
        if self.columns.iter().any(|known| is(known, column)) {
            return None;
        }
        let near = nearest(column, self.columns.iter().map(String::as_str)).map(str::to_owned);
        let what = format!("the table \"{}\" has no column \"{column}\"", self.name);
        Some(TableProblem { what, near, fix: format!("it has {}", self.columns.join(", ")) })
    }
}

/// Databases ignore upper and lower case in names.
fn is(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other)
}

fn of_models<'m>(models: impl Iterator<Item = &'m Arc<Model>>) -> Vec<Table> {
    let of_model = |model: &Arc<Model>| {
        // A schema that can't be made is reported where it stands.
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
