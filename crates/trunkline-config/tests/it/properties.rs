//! What holds for every text: nothing panics, nothing runs on, every span lies inside its text, and a printed tree reads
//! back as itself.
//!
//! Most texts are put together from the pieces that mean something to the parser, since random letters hardly ever get
//! past the first line.

use proptest::prelude::*;
use trunkline_config::limits::DIAGNOSTICS_MAX;
use trunkline_config::report::{Style, diagnostics_to_json, draw, tree_to_json};
use trunkline_config::syntax::{self, Call, Expr, ExprKind, Piece, Statement};
use trunkline_config::{Node, Object, Sources, Span, Value, print};

use crate::pages::blocks;
use crate::world::Given;

const PIECES: &[&str] = &[
    "a",
    "b",
    "key",
    "a: ",
    "b = ",
    "key: ",
    "$v",
    "$v: ",
    "${v}",
    "${a.b}",
    "${",
    "[a]\n",
    "[a.b]\n",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "<",
    ">",
    " > ",
    " < ",
    ",",
    ", ",
    ";",
    "; ",
    ":",
    "=",
    "==",
    "\n",
    "\n",
    "\n  ",
    " ",
    "\t",
    "\r\n",
    "\"",
    "'",
    "\"\"\"",
    "\"x\"",
    "'y'",
    "\\",
    "\\n",
    "\\u{e9}",
    "\\u{",
    "#",
    " # c",
    "// c",
    "/*",
    " /* ",
    "*/",
    "1",
    "-1",
    "0xFF",
    "3.5",
    "1-2",
    "9-1",
    "007",
    "99999999999999999999",
    "true",
    "null",
    " + ",
    " - ",
    " * ",
    " / ",
    " ? ",
    " : ",
    " && ",
    " || ",
    "!",
    "-",
    " == ",
    "@env(\"X\")",
    "@env(",
    "@if(",
    "@go(\"a.b\")",
    "@include \"main.tsk\"",
    "@include(\"",
    "@",
    "@x",
    "@shell(",
    "é",
    "€",
    "𝄞",
    "\u{feff}",
    "some text",
    "block {\n",
    "block >\n",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..60).prop_map(|pieces| pieces.concat())
}

/// Runs a text through everything and checks what must hold of the outcome.
fn check_everything(given: &str) -> Result<(), TestCaseError> {
    let mut sources = Sources::new();
    let file = sources.add("main.tsk", given);
    // Spans count without the byte order mark; a second one is a part of the text.
    let text = sources.text(file).to_owned();
    let inside = |span: Span| text.get(span.start as usize..span.end as usize).is_some();

    let (tree, diagnostics) = syntax::parse(file, &text);
    let mut spans = Vec::new();
    statements(&tree.statements, &mut spans);
    spans.extend(diagnostics.iter().flat_map(|found| found.labels.iter().map(|label| label.span)));
    for span in spans {
        prop_assert!(inside(span), "{span:?} is not inside {text:?}");
    }

    let evaluated = Given::new(given).checked();
    prop_assert!(evaluated.diagnostics.len() <= DIAGNOSTICS_MAX + 1);
    for found in &evaluated.diagnostics {
        prop_assert!(found.labels.iter().all(|label| inside(label.span)), "{found:?}");
        let at = evaluated.sources.locate(found.span());
        prop_assert!(
            at.line >= 1 && at.column >= 1 && (at.line, at.column) <= (at.end_line, at.end_column),
            "{at:?}"
        );
    }
    let mut spans = Vec::new();
    nodes(&evaluated.root, &mut spans);
    prop_assert!(spans.into_iter().all(inside));
    // The tree is JSON that any reader takes, and every report can be drawn.
    let json: Result<serde_json::Value, _> = serde_json::from_str(&tree_to_json(&evaluated.root));
    prop_assert!(json.is_ok(), "{json:?}");
    let printed = Given::new(print(evaluated.root.value.as_object().unwrap())).evaluated();
    prop_assert!(printed.diagnostics.is_empty(), "{:?}", printed.diagnostics);
    prop_assert_eq!(tree_to_json(&printed.root), tree_to_json(&evaluated.root));
    let drawn = draw(&evaluated.diagnostics, &evaluated.sources, Style::default());
    prop_assert_eq!(drawn.is_empty(), evaluated.diagnostics.is_empty());
    let listed = diagnostics_to_json(&evaluated.diagnostics, &evaluated.sources);
    prop_assert_eq!(listed.as_array().map(Vec::len), Some(evaluated.diagnostics.len()));
    Ok(())
}

fn statements(all: &[Statement], spans: &mut Vec<Span>) {
    for statement in all {
        match statement {
            Statement::Section(path) => spans.extend(path.iter().map(|name| name.span)),
            Statement::Entry(name, value) | Statement::Variable(name, value) => {
                spans.push(name.span);
                expr(value, spans);
            }
            Statement::Include(include) => call(include, spans),
        }
    }
}

fn call(call: &Call, spans: &mut Vec<Span>) {
    spans.extend([call.span, call.name.span]);
    call.arguments.iter().for_each(|argument| expr(argument, spans));
}

fn expr(all: &Expr, spans: &mut Vec<Span>) {
    spans.push(all.span);
    match &all.kind {
        ExprKind::Array(items) => items.iter().for_each(|item| expr(item, spans)),
        ExprKind::Object(inner) => statements(inner, spans),
        ExprKind::Unary(_, operand) | ExprKind::Loose(_, operand) => expr(operand, spans),
        ExprKind::Chain(first, links) => {
            expr(first, spans);
            for link in links {
                spans.push(link.op_span);
                expr(&link.right, spans);
            }
        }
        ExprKind::Ternary(parts) => parts.iter().for_each(|part| expr(part, spans)),
        ExprKind::Call(inner) => call(inner, spans),
        ExprKind::Quoted(pieces) => spans.extend(pieces.iter().filter_map(|piece| match piece {
            Piece::Reference(_, span) => Some(*span),
            Piece::Text(_) => None,
        })),
        _ => {}
    }
}

fn nodes(node: &Node, spans: &mut Vec<Span>) {
    spans.push(node.span);
    match &node.value {
        Value::Array(items) => items.iter().for_each(|item| nodes(item, spans)),
        Value::Object(object) => {
            for (_, entry) in object.iter() {
                spans.push(entry.key_span);
                nodes(&entry.node, spans);
            }
        }
        _ => {}
    }
}

/// A tree of values, with spans that say nothing.
fn tree() -> impl Strategy<Value = Node> {
    let mut sources = Sources::new();
    let file = sources.add("none", "");
    let span = Span::new(file, 0, 0);
    let node = move |value| Node { value, span };
    let text = prop_oneof![soup(), ".{0,12}", Just("\"\"\"".to_owned()), Just("$a${b}@env('X')".to_owned())];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        Just(Value::Integer(i64::MIN)),
        (-1e18..1e18).prop_map(Value::Float),
        prop::num::f64::NORMAL.prop_map(Value::Float),
        text.prop_map(Value::Text),
        Just(Value::Text("8000-9000".to_owned())),
        Just(Value::Hook("events.ConfigureSagas".to_owned())),
    ]
    .prop_map(node);
    let values = leaf.prop_recursive(5, 40, 6, move |inner| {
        let key = prop_oneof!["[a-z_][a-z0-9_-]{0,5}", ".{0,5}", Just("true".to_owned())];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(move |items| node(Value::Array(items))),
            prop::collection::vec((key, inner), 0..6)
                .prop_map(move |entries| node(Value::Object(object(entries, span)))),
        ]
    });
    prop::collection::vec(("[a-z]{1,4}", values), 0..6)
        .prop_map(move |entries| node(Value::Object(object(entries, span))))
}

fn object(entries: Vec<(String, Node)>, span: Span) -> Object {
    let mut object = Object::new();
    for (key, node) in entries {
        object.insert(key, span, node);
    }
    object
}

/// The same tree whatever its spans are; `Debug` tells the types of numbers apart.
fn shape(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| shape(&item.value)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(object) => {
            let entries = object.iter().map(|(key, entry)| format!("{key:?}:{}", shape(&entry.node.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        scalar => format!("{scalar:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_text_put_together_from_pieces_is_survived(text in soup()) {
        check_everything(&text)?;
    }

    #[test]
    fn marks_of_byte_order_before_any_text_are_survived(marks in 0..4_usize, text in soup()) {
        check_everything(&["\u{feff}".repeat(marks), text].concat())?;
    }

    #[test]
    fn any_text_at_all_is_survived(text in any::<String>()) {
        check_everything(&text)?;
    }

    #[test]
    fn a_printed_tree_reads_back_as_itself(tree in tree()) {
        let printed = print(tree.value.as_object().unwrap());
        let read = Given::new(printed.clone()).evaluated();
        prop_assert!(read.diagnostics.is_empty(), "{printed}\n{:?}", read.diagnostics);
        prop_assert_eq!(shape(&read.root.value), shape(&tree.value), "{}", printed);
        prop_assert_eq!(print(read.root.value.as_object().unwrap()), printed);
    }

    #[test]
    fn a_valid_file_that_is_cut_or_spoilt_is_survived(page in 0..SOURCES.len(), at in any::<prop::sample::Index>(), piece in prop::sample::select(PIECES)) {
        for source in sources_of(SOURCES[page]) {
            let places: Vec<usize> = (0..=source.len()).filter(|&at| source.is_char_boundary(at)).collect();
            let at = places[at.index(places.len())];
            check_everything(&source[..at])?;
            check_everything(&[&source[..at], piece, &source[at..]].concat())?;
        }
    }
}

const SOURCES: [&str; 4] = [
    include_str!("../pages/application.md"),
    include_str!("../pages/expressions.md"),
    include_str!("../pages/operators.md"),
    include_str!("../pages/structure.md"),
];

fn sources_of(page: &str) -> impl Iterator<Item = String> {
    // The texts that grow are left out: they are slow by intention.
    blocks(page)
        .into_iter()
        .filter(|(info, body)| info == "tsk" && !body.contains("$g: [$f"))
        .map(|(_, body)| body)
        .take(6)
}
