//! The functions, in one table. Each is called as `name(first, second)` or `first.name(second)`.

mod convert;
mod format;
mod gather;
mod objects;
mod places;
mod texts;
mod times;

pub(crate) use times::zone;

use crate::error::{EvaluateErrorKind, Failure};
use crate::evaluate::{Outcome, Run, failure, sized};
use crate::program::Node;
use crate::value::{ListView, ObjectView, Value, View};

/// A function that an expression can call.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// How it is written, for whoever wrote it otherwise.
    pub(crate) form: &'static str,
    pub(crate) least: usize,
    pub(crate) most: usize,
    pub(crate) run: fn(&mut Call<'_, '_>) -> Outcome,
}

const fn function(
    name: &'static str,
    form: &'static str,
    least: usize,
    most: usize,
    run: fn(&mut Call<'_, '_>) -> Outcome,
) -> Function {
    Function { name, form, least, most, run }
}

/// The only function whose name has a point in it.
pub(crate) const QUOTE: &str = "strings.quote";

/// Every function there is.
pub(crate) static ALL: [Function; 45] = [
    function("charAt", "text.charAt(place)", 2, 2, places::char_at),
    function("contains", "text.contains(part)", 2, 2, texts::contains),
    function("double", "double(value)", 1, 1, convert::double),
    function("drop", "drop(object, name)", 2, 2, objects::drop),
    function("duration", "duration(text)", 1, 1, times::duration),
    function("dyn", "dyn(value)", 1, 1, convert::same),
    function("endsWith", "text.endsWith(part)", 2, 2, texts::ends_with),
    function("format", "text.format(list)", 2, 2, format::format),
    function("getDate", "timestamp.getDate(zone)", 1, 2, times::get_date),
    function("getDayOfMonth", "timestamp.getDayOfMonth(zone)", 1, 2, times::get_day_of_month),
    function("getDayOfWeek", "timestamp.getDayOfWeek(zone)", 1, 2, times::get_day_of_week),
    function("getDayOfYear", "timestamp.getDayOfYear(zone)", 1, 2, times::get_day_of_year),
    function("getFullYear", "timestamp.getFullYear(zone)", 1, 2, times::get_full_year),
    function("getHours", "timestamp.getHours(zone)", 1, 2, times::get_hours),
    function("getMilliseconds", "timestamp.getMilliseconds(zone)", 1, 2, times::get_milliseconds),
    function("getMinutes", "timestamp.getMinutes(zone)", 1, 2, times::get_minutes),
    function("getMonth", "timestamp.getMonth(zone)", 1, 2, times::get_month),
    function("getSeconds", "timestamp.getSeconds(zone)", 1, 2, times::get_seconds),
    function("indexOf", "text.indexOf(part, from)", 2, 3, places::index_of),
    function("int", "int(value)", 1, 1, convert::int),
    function("join", "list.join(separator)", 1, 2, texts::join),
    function("lastIndexOf", "text.lastIndexOf(part, from)", 2, 3, places::last_index_of),
    function("lower", "lower(text)", 1, 1, texts::lower),
    function("lowerAscii", "lowerAscii(text)", 1, 1, texts::lower_ascii),
    function("max", "max(a, b)", 1, usize::MAX, gather::max),
    function("merge", "merge(a, b)", 2, 2, objects::merge),
    function("min", "min(a, b)", 1, usize::MAX, gather::min),
    function("put", "put(object, name, value)", 3, 3, objects::put),
    function("replace", "text.replace(part, by)", 3, 4, texts::replace),
    function("reverse", "text.reverse()", 1, 1, texts::reverse),
    function("round", "round(number, digits)", 1, 2, convert::round),
    function("size", "size(value)", 1, 1, gather::size),
    function("split", "text.split(separator)", 2, 3, texts::split),
    function("startsWith", "text.startsWith(part)", 2, 2, texts::starts_with),
    function("string", "string(value)", 1, 1, convert::string),
    function(QUOTE, "strings.quote(text)", 1, 1, format::quote),
    function("substring", "text.substring(from, to)", 2, 3, places::substring),
    function("sum", "sum(list)", 1, 1, gather::sum),
    function("timestamp", "timestamp(text)", 1, 1, times::timestamp),
    function("trim", "trim(text)", 1, 1, texts::trim),
    function("type", "type(value)", 1, 1, convert::type_of),
    function("upper", "upper(text)", 1, 1, texts::upper),
    function("upperAscii", "upperAscii(text)", 1, 1, texts::upper_ascii),
    function("bool", "bool(value)", 1, 1, convert::bool),
    function("bytes", "bytes(text)", 1, 1, convert::bytes),
];

pub(crate) fn find(name: &str) -> Option<&'static Function> {
    ALL.iter().find(|function| function.name == name)
}

/// A function with its arguments.
pub(crate) struct Call<'c, 'e> {
    pub(crate) run: &'c mut Run<'e>,
    pub(crate) function: &'static Function,
    pub(crate) node: &'c Node,
    pub(crate) arguments: &'c [Node],
    pub(crate) values: &'c [Value],
}

impl<'c> Call<'c, '_> {
    pub(crate) fn text(&self, index: usize) -> Outcome<&'c str> {
        self.values[index].as_str().ok_or_else(|| self.wrong(index, "text"))
    }

    pub(crate) fn int(&self, index: usize) -> Outcome<i64> {
        self.values[index].as_i64().ok_or_else(|| self.wrong(index, "an int"))
    }

    pub(crate) fn list(&self, index: usize) -> Outcome<ListView<'c>> {
        if let View::List(list) = self.values[index].view() {
            Ok(list)
        } else {
            Err(self.wrong(index, "a list"))
        }
    }

    pub(crate) fn object(&self, index: usize) -> Outcome<ObjectView<'c>> {
        if let View::Object(object) = self.values[index].view() {
            Ok(object)
        } else {
            Err(self.wrong(index, "an object"))
        }
    }

    pub(crate) fn charge(&mut self, through: usize) -> Outcome<()> {
        self.run.charge(self.node, through)
    }

    /// An argument of the wrong type.
    #[cold]
    pub(crate) fn wrong(&self, index: usize, wanted: &str) -> Failure {
        let taker = format!("`{}`", self.function.name);
        self.run.wrong_type(self.node, &self.arguments[index], &self.values[index], &taker, wanted)
    }

    /// An argument of the right type with which it cannot be done.
    #[cold]
    pub(crate) fn refused(&self, index: usize, message: impl Into<String>) -> Failure {
        let field = self.run.path(&self.arguments[index]);
        failure(EvaluateErrorKind::Value, self.node, field, message)
    }

    /// An argument as messages name it.
    pub(crate) fn name(&self, index: usize) -> String {
        self.run.describe(&self.arguments[index])
    }

    /// A text that was made.
    pub(crate) fn made_text(&mut self, text: String) -> Outcome {
        self.charge(text.len())?;
        sized(self.node, Value::from(text))
    }
}
