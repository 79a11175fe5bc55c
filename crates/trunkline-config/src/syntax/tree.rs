//! What the parser makes of a text: statements and expressions with their places. Nothing is looked up and nothing is
//! computed here.

use crate::source::Span;

/// A file: its statements in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// The statements.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `[a.b]`: what follows belongs to that section.
    Section(Vec<Name>),
    /// `key: value`, or a block.
    Entry(Name, Expr),
    /// `$name: value`.
    Variable(Name, Expr),
    /// `@include "path"` on a line of its own.
    Include(Call),
}

/// A key, variable or operator name.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The name without quotes, `$` or `@`.
    pub text: String,
    /// Where it stands, with them.
    pub span: Span,
}

/// An expression, the right side of a separator or an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `null`, or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// `8000-9000`.
    Range(i64, i64),
    /// Unquoted text.
    Text(String),
    /// A quoted string.
    Quoted(Vec<Piece>),
    /// A bare word: the value of an earlier key.
    Name(String),
    /// `$name`.
    Variable(String),
    /// `[…]`.
    Array(Vec<Expr>),
    /// `{…}` or a block; holds no sections.
    Object(Vec<Statement>),
    /// `!a` or `-a`.
    Unary(UnaryOp, Box<Expr>),
    /// `a + b - c`: operators of one strength, from left to right. A list, so that a long chain is not a deep tree.
    Chain(Box<Expr>, Vec<Operation>),
    /// `c ? a : b`.
    Ternary(Box<[Expr; 3]>),
    /// `@name(…)`.
    Call(Call),
    /// Text that is the expression instead if every bare word in it names an earlier key.
    Loose(String, Box<Expr>),
    /// A mistake that has been reported.
    Invalid,
}

/// A piece of a quoted string.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Text, escapes undone.
    Text(String),
    /// `${a}` or `${a.b}`: the steps of the path.
    Reference(Vec<String>, Span),
}

/// One more operator and its right side.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// The operator.
    pub op: BinaryOp,
    /// Where it stands.
    pub op_span: Span,
    /// The right side.
    pub right: Expr,
}

/// `@name(…)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The name with its dots.
    pub name: Name,
    /// What stands in the parentheses.
    pub arguments: Vec<Expr>,
    /// The whole.
    pub span: Span,
}

/// Operators with one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `!`
    Not,
    /// `-`
    Negate,
}

/// Operators with two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

impl BinaryOp {
    /// Every operator, loosest first, those of one strength together; longer signs before their beginnings.
    pub const LEVELS: &[&[(&str, Self)]] = &[
        &[("||", Self::Or)],
        &[("&&", Self::And)],
        &[("==", Self::Equal), ("!=", Self::NotEqual)],
        &[("<=", Self::LessOrEqual), (">=", Self::GreaterOrEqual), ("<", Self::Less), (">", Self::Greater)],
        &[("+", Self::Add), ("-", Self::Subtract)],
        &[("*", Self::Multiply), ("/", Self::Divide), ("%", Self::Remainder)],
    ];

    /// The operator as it is written.
    pub fn sign(self) -> &'static str {
        let all = Self::LEVELS.iter().copied().flatten();
        all.clone().find(|(_, op)| *op == self).map_or("", |(sign, _)| sign)
    }
}
