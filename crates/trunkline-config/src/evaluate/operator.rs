//! The operators: their names, how many arguments they take, and those that are refused by name.

/// An operator that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Env,
    EnvSecure,
    Go,
    If,
    FileRead,
    Include,
    Date,
    Metrics,
    Cache,
    Learn,
    Optimize,
    ValidateRequired,
    ValidateRange,
    ValidateEnum,
}

/// How an operator is written.
#[derive(Debug)]
pub(super) struct Usage {
    pub(super) name: &'static str,
    pub(super) operator: Operator,
    pub(super) arguments_min: usize,
    pub(super) arguments_max: usize,
    pub(super) form: &'static str,
}

impl Usage {
    const fn new(
        name: &'static str,
        operator: Operator,
        arguments_min: usize,
        arguments_max: usize,
        form: &'static str,
    ) -> Self {
        Self { name, operator, arguments_min, arguments_max, form }
    }
}

const USAGES: &[Usage] = &[
    Usage::new("env", Operator::Env, 1, 2, "@env(\"NAME\") or @env(\"NAME\", default)"),
    Usage::new("env.secure", Operator::EnvSecure, 1, 1, "@env.secure(\"NAME\")"),
    Usage::new("go", Operator::Go, 1, 1, "@go(\"package.Function\")"),
    Usage::new("if", Operator::If, 3, 3, "@if(condition, value, other)"),
    Usage::new("file.read", Operator::FileRead, 1, 1, "@file.read(\"path\")"),
    Usage::new("include", Operator::Include, 1, 1, "@include(\"path\")"),
    Usage::new("date", Operator::Date, 1, 1, "@date(\"Y-m-d\")"),
    Usage::new(
        "metrics",
        Operator::Metrics,
        2,
        3,
        "@metrics(\"name\", value) or @metrics(\"name\", value, {label: text})",
    ),
    Usage::new("cache", Operator::Cache, 2, 2, "@cache(\"5m\", value)"),
    Usage::new("learn", Operator::Learn, 2, 2, "@learn(\"key\", value)"),
    Usage::new("optimize", Operator::Optimize, 2, 2, "@optimize(\"key\", value)"),
    Usage::new(
        "validate.required",
        Operator::ValidateRequired,
        1,
        usize::MAX,
        "@validate.required(value, …)",
    ),
    Usage::new("validate.range", Operator::ValidateRange, 3, 3, "@validate.range(value, min, max)"),
    Usage::new("validate.enum", Operator::ValidateEnum, 2, 2, "@validate.enum(value, [\"a\", \"b\"])"),
];

/// Operators that run code or open connections in other dialects, by the first step of their names.
const REFUSED: &[&str] = &[
    "api",
    "bash",
    "cmd",
    "command",
    "curl",
    "db",
    "eval",
    "exec",
    "fetch",
    "fujsen",
    "graphql",
    "grpc",
    "http",
    "https",
    "javascript",
    "js",
    "kafka",
    "lua",
    "mongodb",
    "mqtt",
    "mysql",
    "nats",
    "php",
    "postgresql",
    "python",
    "query",
    "redis",
    "request",
    "run",
    "shell",
    "smtp",
    "sql",
    "sqlite",
    "system",
    "wasm",
    "webhook",
    "websocket",
];

/// What a name after `@` is.
#[derive(Debug)]
pub(super) enum Known {
    Operator(&'static Usage),
    Refused,
    Unknown,
}

pub(super) fn look_up(name: &str) -> Known {
    if let Some(usage) = USAGES.iter().find(|usage| usage.name == name) {
        return Known::Operator(usage);
    }
    let first = name.split('.').next().unwrap_or(name);
    if REFUSED.contains(&first) { Known::Refused } else { Known::Unknown }
}

/// The names of every operator.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    USAGES.iter().map(|usage| usage.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_has_one_usage() {
        for (index, usage) in USAGES.iter().enumerate() {
            assert!(
                matches!(look_up(usage.name), Known::Operator(found) if found.operator == usage.operator)
            );
            assert!(usage.arguments_min <= usage.arguments_max, "{usage:?}");
            assert!(usage.form.contains(&format!("@{}(", usage.name)), "{usage:?}");
            assert!(USAGES[..index].iter().all(|other| other.operator != usage.operator), "{usage:?}");
        }
        assert!(matches!(look_up("shell.run"), Known::Refused));
        assert!(matches!(look_up("evn"), Known::Unknown));
    }
}
