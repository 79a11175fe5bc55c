//! What operators stand between: literals, names, calls, lists and objects, and what is taken from a value by a point or
//! in brackets.

use super::literals;
use super::parser::{Parsed, Parser};
use super::tokens::TokenKind;
use super::tree::{Call, Name, Tree, TreeKind};
use crate::mistake::{Mistake, MistakeKind};
use crate::value::Value;

/// Words that are no name of a variable or function. As fields they are allowed after a point.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Words that are no name anywhere.
const KEYWORDS: [&str; 4] = ["true", "false", "null", "in"];

impl<'a> Parser<'a> {
    /// A value, and what is taken from it.
    pub(super) fn member(&mut self) -> Parsed<Tree<'a>> {
        let mut tree = self.primary()?;
        loop {
            if self.takes(".") {
                tree = self.selected(tree)?;
            } else if self.is("[") {
                tree = self.indexed(tree)?;
            } else if self.is("{") && is_type_name(&tree) {
                self.message(&tree)?;
            } else {
                return Ok(tree);
            }
        }
    }

    fn primary(&mut self) -> Parsed<Tree<'a>> {
        let here = self.here();
        match (here.kind, here.text) {
            (TokenKind::Number, _) => self.number(here.start),
            (TokenKind::Quoted, _) => self.quoted(),
            (TokenKind::Word, "true") => self.literal(Value::from(true)),
            (TokenKind::Word, "false") => self.literal(Value::from(false)),
            (TokenKind::Word, "null") => self.literal(Value::NULL),
            (TokenKind::Word, word) if word != "in" => self.named(false),
            (TokenKind::Sign, "-") if self.next_kind() == Some(TokenKind::Number) => {
                self.at += 1;
                self.number(here.start)
            }
            (TokenKind::Sign, "(") => self.bracketed(),
            (TokenKind::Sign, "[") => self.list(),
            (TokenKind::Sign, "{") => self.object(),
            (TokenKind::Sign, ".") if self.next_kind() == Some(TokenKind::Word) => {
                self.at += 1;
                self.named(true)
            }
            _ => Err(self.missing("a value")),
        }
    }

    fn literal(&mut self, value: Value) -> Parsed<Tree<'a>> {
        let range = self.here().range();
        self.at += 1;
        self.tree(TreeKind::Literal(value), range)
    }

    /// A number, whose minus may begin before it.
    fn number(&mut self, start: usize) -> Parsed<Tree<'a>> {
        let token = self.here();
        self.at += 1;
        let range = start..self.end();
        let value =
            literals::number(token.text, start < token.start, range.clone()).unwrap_or_else(|mistake| {
                self.mistakes.push(mistake);
                Value::NULL
            });
        self.tree(TreeKind::Literal(value), range)
    }

    fn quoted(&mut self) -> Parsed<Tree<'a>> {
        let token = self.here();
        let value = literals::quoted(token.text, token.start).unwrap_or_else(|mistakes| {
            self.mistakes.extend(mistakes);
            Value::NULL
        });
        self.literal(value)
    }

    /// A variable, or a function that is called; behind a point or not.
    fn named(&mut self, global: bool) -> Parsed<Tree<'a>> {
        let token = self.here();
        let name = self.name(&RESERVED)?;
        let start = if global { token.start - 1 } else { token.start };
        if self.is("(") {
            let arguments = self.arguments()?;
            let call = Call { target: None, name, arguments };
            return self.tree(TreeKind::Call(Box::new(call)), start..self.end());
        }
        let kind = if global { TreeKind::Global(name) } else { TreeKind::Name(name) };
        self.tree(kind, start..self.end())
    }

    /// A word that may be none of those.
    fn name(&mut self, refused: &[&str]) -> Parsed<Name<'a>> {
        let token = self.here();
        if token.kind != TokenKind::Word {
            return Err(self.missing("a name"));
        }
        if refused.contains(&token.text) {
            let message = format!("`{}` is a reserved word", token.text);
            let help = format!("a field of this name is written in brackets: `command['{}']`", token.text);
            self.mistakes.push(Mistake::new(MistakeKind::Syntax, token.range(), message).help(help));
        }
        self.at += 1;
        Ok(Name { text: token.text, range: token.range() })
    }

    /// The field or call behind a point that was taken.
    fn selected(&mut self, operand: Tree<'a>) -> Parsed<Tree<'a>> {
        self.refuse_optional();
        let start = operand.range.start;
        let token = self.here();
        if token.kind == TokenKind::Field {
            self.at += 1;
            let text = token.text.trim_matches('`');
            let kind = TreeKind::Select(Box::new(operand), Name { text, range: token.range() });
            return self.tree(kind, start..self.end());
        }
        let name = self.name(&KEYWORDS)?;
        let kind = if self.is("(") {
            let arguments = self.arguments()?;
            TreeKind::Call(Box::new(Call { target: Some(operand), name, arguments }))
        } else {
            TreeKind::Select(Box::new(operand), name)
        };
        self.tree(kind, start..self.end())
    }

    fn indexed(&mut self, operand: Tree<'a>) -> Parsed<Tree<'a>> {
        self.opens();
        self.refuse_optional();
        let index = self.expression()?;
        self.closes("]", "an operator")?;
        let start = operand.range.start;
        self.tree(TreeKind::Index(Box::new([operand, index])), start..self.end())
    }

    /// The expression in brackets, which it has in its range.
    fn bracketed(&mut self) -> Parsed<Tree<'a>> {
        let start = self.here().start;
        self.opens();
        let mut tree = self.expression()?;
        self.closes(")", "an operator")?;
        tree.range = start..self.end();
        Ok(tree)
    }

    fn list(&mut self) -> Parsed<Tree<'a>> {
        let start = self.here().start;
        let items = self.separated("]", true, |parser| {
            parser.refuse_optional();
            parser.expression()
        })?;
        self.tree(TreeKind::List(items), start..self.end())
    }

    fn object(&mut self) -> Parsed<Tree<'a>> {
        let start = self.here().start;
        let entries = self.separated("}", true, |parser| {
            parser.refuse_optional();
            let key = parser.expression()?;
            parser.needs(":")?;
            Ok((key, parser.expression()?))
        })?;
        self.tree(TreeKind::Object(entries), start..self.end())
    }

    fn arguments(&mut self) -> Parsed<Vec<Tree<'a>>> {
        self.separated(")", false, Parser::expression)
    }

    /// A message of that type, which is refused; its fields are passed over.
    fn message(&mut self, name: &Tree<'a>) -> Parsed<()> {
        let mistake =
            Mistake::new(MistakeKind::Unsupported, name.range.clone(), "there are no message types here");
        self.mistakes.push(mistake.help("an object is written `{'name': value}`"));
        self.separated("}", true, |parser| {
            parser.refuse_optional();
            parser.name(&[])?;
            parser.needs(":")?;
            parser.expression()
        })?;
        Ok(())
    }

    /// What stands between an opening bracket, which is here, and a closing one, parted by commas.
    fn separated<T>(
        &mut self,
        close: &str,
        comma_at_end: bool,
        mut item: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        self.opens();
        let mut items = Vec::new();
        loop {
            // CEL allows a comma with nothing before it, too.
            let nothing = items.is_empty() && comma_at_end && self.takes(",");
            if nothing || self.is(close) && (items.is_empty() || comma_at_end) {
                break;
            }
            items.push(item(self)?);
            if !self.takes(",") {
                break;
            }
        }
        self.closes(close, "`,`")?;
        Ok(items)
    }

    fn opens(&mut self) {
        self.open.push(self.at);
        self.at += 1;
    }

    fn closes(&mut self, close: &str, otherwise: &str) -> Parsed<()> {
        if !self.takes(close) {
            return Err(self.missing(otherwise));
        }
        self.open.pop();
        Ok(())
    }

    /// CEL's optional fields, items and entries, which begin with a question mark.
    fn refuse_optional(&mut self) {
        let range = self.here().range();
        if self.takes("?") {
            let message = "there is no `?` for fields that may be missing";
            let mistake = Mistake::new(MistakeKind::Unsupported, range, message);
            self.mistakes.push(mistake.help("write `default(value, otherwise)` or `has(value)`"));
        }
    }
}

/// Whether it may be the name of a message's type.
fn is_type_name(tree: &Tree<'_>) -> bool {
    match &tree.kind {
        TreeKind::Name(_) | TreeKind::Global(_) => true,
        TreeKind::Select(inner, _) => is_type_name(inner),
        _ => false,
    }
}
