//! Reading tokens by how tightly operators bind, and saying what is missing where they are no expression.
//!
//! The first mistake of grammar ends the reading, since what follows it would be guessed. Mistakes that leave no doubt
//! about the rest are gathered on the way.

use super::tokens::{Token, TokenKind};
use super::tree::{Logic, Sign, Tree, TreeKind};
use crate::limits::{MISTAKES_MAX, NESTING_MAX};
use crate::mistake::{Mistake, MistakeKind};
use crate::program::Operator;
use std::ops::Range;

pub(super) struct Parser<'a> {
    pub(super) tokens: Vec<Token<'a>>,
    pub(super) at: usize,
    /// The brackets that are open, by index.
    pub(super) open: Vec<usize>,
    pub(super) mistakes: Vec<Mistake>,
    /// The expressions around this place, each of which is a level of recursion.
    depth: usize,
}

/// The reading has ended: the mistake is among the others.
#[derive(Debug)]
pub(super) struct Stop;

pub(super) type Parsed<T> = Result<T, Stop>;

pub(super) fn parse(tokens: Vec<Token<'_>>) -> Result<Tree<'_>, Vec<Mistake>> {
    let mut parser = Parser { tokens, at: 0, open: Vec::new(), mistakes: Vec::new(), depth: 0 };
    let tree = parser.expression().and_then(|tree| {
        if parser.here().kind == TokenKind::End { Ok(tree) } else { Err(parser.missing("an operator")) }
    });
    let mut mistakes = parser.mistakes;
    match tree {
        Ok(tree) if mistakes.is_empty() => Ok(tree),
        _ => {
            mistakes.sort_by_key(|mistake| mistake.range.start);
            mistakes.truncate(MISTAKES_MAX);
            Err(mistakes)
        }
    }
}

/// What stands between two values.
#[derive(Clone, Copy)]
enum Infix {
    Operator(Operator),
    Logic(Logic),
}

/// How tightly it binds: the higher, the tighter. All of them go from left to right.
fn infix(token: &Token<'_>) -> Option<(u8, Infix)> {
    let known = match (token.kind, token.text) {
        (TokenKind::Sign, "||") => (1, Infix::Logic(Logic::Or)),
        (TokenKind::Sign, "&&") => (2, Infix::Logic(Logic::And)),
        (TokenKind::Sign, "==") => (3, Infix::Operator(Operator::Equal)),
        (TokenKind::Sign, "!=") => (3, Infix::Operator(Operator::NotEqual)),
        (TokenKind::Sign, "<") => (3, Infix::Operator(Operator::Less)),
        (TokenKind::Sign, "<=") => (3, Infix::Operator(Operator::LessOrEqual)),
        (TokenKind::Sign, ">") => (3, Infix::Operator(Operator::Greater)),
        (TokenKind::Sign, ">=") => (3, Infix::Operator(Operator::GreaterOrEqual)),
        (TokenKind::Word, "in") => (3, Infix::Operator(Operator::In)),
        (TokenKind::Sign, "+") => (4, Infix::Operator(Operator::Add)),
        (TokenKind::Sign, "-") => (4, Infix::Operator(Operator::Subtract)),
        (TokenKind::Sign, "*") => (5, Infix::Operator(Operator::Multiply)),
        (TokenKind::Sign, "/") => (5, Infix::Operator(Operator::Divide)),
        (TokenKind::Sign, "%") => (5, Infix::Operator(Operator::Remainder)),
        _ => return None,
    };
    Some(known)
}

impl<'a> Parser<'a> {
    pub(super) fn here(&self) -> Token<'a> {
        self.tokens[self.at]
    }

    pub(super) fn next_kind(&self) -> Option<TokenKind> {
        self.tokens.get(self.at + 1).map(|token| token.kind)
    }

    pub(super) fn is(&self, sign: &str) -> bool {
        let here = self.here();
        here.kind == TokenKind::Sign && here.text == sign
    }

    pub(super) fn takes(&mut self, sign: &str) -> bool {
        let is = self.is(sign);
        self.at += usize::from(is);
        is
    }

    pub(super) fn needs(&mut self, sign: &str) -> Parsed<()> {
        if self.takes(sign) { Ok(()) } else { Err(self.missing(&format!("`{sign}`"))) }
    }

    /// A whole expression: a choice, or what it is between two of its signs.
    pub(super) fn expression(&mut self) -> Parsed<Tree<'a>> {
        self.depth += 1;
        if self.depth > NESTING_MAX + 1 {
            return Err(self.too_deep());
        }
        let mut tree = self.joined()?;
        if self.takes("?") {
            let yes = self.joined()?;
            self.needs(":")?;
            let no = self.expression()?;
            let range = tree.range.start..no.range.end;
            tree = self.tree(TreeKind::If(Box::new([tree, yes, no])), range)?;
        }
        self.depth -= 1;
        Ok(tree)
    }

    /// Values joined by operators. What waits for its right side is kept in a list instead of on the stack, which
    /// would need five levels of recursion for each bracket.
    fn joined(&mut self) -> Parsed<Tree<'a>> {
        let mut waiting: Vec<(Tree<'a>, u8, Infix)> = Vec::new();
        loop {
            let mut value = self.unary()?;
            let next = infix(&self.here());
            while let Some((left, _, infix)) =
                waiting.pop_if(|(_, power, _)| next.is_none_or(|(next, _)| next <= *power))
            {
                value = self.join(left, infix, value)?;
            }
            let Some((power, infix)) = next else { return Ok(value) };
            self.at += 1;
            waiting.push((value, power, infix));
        }
    }

    fn join(&mut self, left: Tree<'a>, infix: Infix, right: Tree<'a>) -> Parsed<Tree<'a>> {
        let range = left.range.start..right.range.end;
        let kind = match (infix, left) {
            (Infix::Operator(operator), left) => TreeKind::Binary(operator, Box::new([left, right])),
            // A chain of one sign is one part, however long it is.
            (Infix::Logic(logic), Tree { kind: TreeKind::Logic(same, mut terms), .. }) if same == logic => {
                terms.push(right);
                TreeKind::Logic(logic, terms)
            }
            (Infix::Logic(logic), left) => TreeKind::Logic(logic, vec![left, right]),
        };
        self.tree(kind, range)
    }

    /// A value behind a chain of `!` or of `-`, of which each two cancel each other out.
    fn unary(&mut self) -> Parsed<Tree<'a>> {
        let first = self.here();
        let sign = match first.text {
            "!" => Sign::Not,
            // The minus before a number belongs to it: the least integer has no positive counterpart.
            "-" if self.next_kind() != Some(TokenKind::Number) => Sign::Negate,
            _ => return self.member(),
        };
        let mut odd = false;
        while self.takes(first.text) {
            odd = !odd;
        }
        let inner = self.member()?;
        if !odd {
            return Ok(inner);
        }
        let range = first.start..inner.range.end;
        self.tree(TreeKind::Unary(sign, Box::new(inner)), range)
    }

    /// The end of the token before this one.
    pub(super) fn end(&self) -> usize {
        self.at.checked_sub(1).map_or(0, |before| self.tokens[before].range().end)
    }

    pub(super) fn tree(&mut self, kind: TreeKind<'a>, range: Range<usize>) -> Parsed<Tree<'a>> {
        let tree = Tree::new(kind, range);
        if tree.height > NESTING_MAX { Err(self.too_deep()) } else { Ok(tree) }
    }

    fn too_deep(&mut self) -> Stop {
        let range = self.tokens[self.at.saturating_sub(1)].range();
        let message = format!("the expression nests deeper than {NESTING_MAX} levels here");
        let mistake = Mistake::new(MistakeKind::Limit, range, message);
        self.mistakes
            .push(mistake.help("a chain of operators nests once for each: put parts of it in brackets"));
        Stop
    }

    /// What should stand here does not.
    pub(super) fn missing(&mut self, wanted: &str) -> Stop {
        let here = self.here();
        let open = self.open.last().map(|&open| self.tokens[open].text);
        let closes = (here.kind == TokenKind::Sign).then(|| opening(here.text)).flatten();
        let before = self.at.checked_sub(1).map_or("", |before| self.tokens[before].text);
        let (wanted, help) = match (here.text, before) {
            ("and", _) => ("an operator", Some("write `&&`")),
            ("or", _) => ("an operator", Some("write `||`")),
            (_, "not") => ("an operator", Some("write `!`")),
            ("not", _) => ("an operator", Some("write `!` before the whole: `!(a in b)`")),
            ("-", "!") | ("!", "-") => (wanted, Some("put what follows in brackets")),
            ("?", _) if wanted == "`:`" => (wanted, Some("a choice within a choice is put in brackets")),
            _ => (wanted, None),
        };
        let message = match (closes, open) {
            _ if here.kind == TokenKind::Field => {
                format!("{wanted} is missing before the backticks, in which a field behind a point is named")
            }
            (Some(_), None) => format!("`{}` closes nothing", here.text),
            (Some(wanted), Some(open)) if wanted != open => {
                format!("`{}` does not close `{open}`", here.text)
            }
            _ if here.kind == TokenKind::End && open.is_some() => return self.unclosed(),
            _ if here.kind == TokenKind::End => format!("{wanted} is missing at the end"),
            _ => format!("{wanted} is missing before `{}`", here.text),
        };
        let mistake = Mistake::new(MistakeKind::Syntax, here.range(), message);
        self.mistakes.push(mistake.help_maybe(help.map(str::to_owned)));
        Stop
    }

    fn unclosed(&mut self) -> Stop {
        for open in &self.open {
            let open = &self.tokens[*open];
            let message = format!("`{}` is never closed", open.text);
            self.mistakes.push(Mistake::new(MistakeKind::Syntax, open.range(), message));
        }
        Stop
    }
}

/// The bracket that belongs to a closing one.
fn opening(sign: &str) -> Option<&'static str> {
    match sign {
        ")" => Some("("),
        "]" => Some("["),
        "}" => Some("{"),
        _ => None,
    }
}
