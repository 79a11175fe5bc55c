//! Whatever an expression says, compiling and evaluating it end, in bounded stack, time and memory.

use trunkline_cel::limits::{NESTING_MAX, SOURCE_BYTES_MAX, TOKENS_MAX};
use trunkline_cel::{EvaluateErrorKind, Expression, MistakeKind, Scope, Value, Variables};

fn compile(source: &str) -> Result<Expression, String> {
    Expression::compile(source, &Scope::new(["x", "state"])).map_err(|mistakes| {
        assert!(mistakes.iter().all(|mistake| source.get(mistake.range.clone()).is_some()), "{mistakes:?}");
        mistakes.iter().map(|mistake| mistake.message.clone()).collect::<Vec<_>>().join("; ")
    })
}

fn limit_of(source: &str) -> MistakeKind {
    Expression::compile(source, &Scope::new(["x"])).unwrap_err()[0].kind
}

fn fails(source: &str, x: Value) -> String {
    let error = compile(source).unwrap().evaluate(&Variables::new().with("x", x)).unwrap_err();
    assert_eq!(error.kind, EvaluateErrorKind::Limit);
    error.message
}

#[test]
fn nesting_is_bounded_whatever_nests() {
    let deep = 5000;
    for source in [
        "(".repeat(deep) + "x" + &")".repeat(deep),
        "[".repeat(deep) + "x" + &"]".repeat(deep),
        "!".repeat(deep) + "x",
        "-".repeat(deep) + "1",
        "x".to_owned() + &".a".repeat(deep),
        "x".to_owned() + &"[0]".repeat(deep),
        "1".to_owned() + &"+1".repeat(deep),
        "1".to_owned() + &"==1".repeat(deep),
        "x ? 1 : ".repeat(700) + "2",
        "x".to_owned() + &".map(a, a".repeat(deep) + &")".repeat(deep),
        "{'a': ".repeat(deep) + "1" + &"}".repeat(deep),
    ] {
        assert!(matches!(limit_of(&source), MistakeKind::Limit | MistakeKind::Syntax), "{source}");
    }
    // Up to the limit, everything is compiled.
    for source in [
        "(".repeat(NESTING_MAX) + "x" + &")".repeat(NESTING_MAX),
        "[".repeat(NESTING_MAX - 1) + "x" + &"]".repeat(NESTING_MAX - 1),
        "{'a':".repeat(NESTING_MAX - 1) + "x" + &"}".repeat(NESTING_MAX - 1),
        "size(".repeat(NESTING_MAX - 1) + "x" + &")".repeat(NESTING_MAX - 1),
        "x ? 1 : ".repeat(NESTING_MAX - 1) + "2",
        "x.map(a, ".repeat(NESTING_MAX - 1) + "x" + &")".repeat(NESTING_MAX - 1),
        "1".to_owned() + &"+1".repeat(NESTING_MAX - 1),
        "!".repeat(TOKENS_MAX - 1) + "x",
    ] {
        assert!(compile(&source).is_ok(), "{source}: {:?}", compile(&source));
    }
    // Near the limit of tokens, what chains without brackets.
    for source in [
        "x".to_owned() + &".a".repeat(TOKENS_MAX / 2 - 1),
        "x".to_owned() + &"[0]".repeat(TOKENS_MAX / 3 - 1),
        "1".to_owned() + &"==1".repeat(TOKENS_MAX / 2 - 1),
        "x".to_owned() + &".size()".repeat(TOKENS_MAX / 4 - 1),
        "x ? 1 : ".repeat(TOKENS_MAX / 5) + "2",
        "(x ? 1 : ".repeat(TOKENS_MAX / 6 - 1) + "2" + &")".repeat(TOKENS_MAX / 6 - 1),
    ] {
        assert_eq!(limit_of(&source), MistakeKind::Limit, "{source}");
    }
    // Below the limit of tokens, the nesting alone is found.
    let chain = |length: usize| "x".to_owned() + &" + x".repeat(length);
    assert_eq!(compile(&chain(NESTING_MAX)).unwrap_err(), "the expression nests deeper than 100 levels here");
    assert_eq!(limit_of(&chain(TOKENS_MAX / 2 - 10)), MistakeKind::Limit);
    let alternatives = vec!["x == 'a'"; 400].join(" || ");
    assert!(compile(&alternatives).is_ok(), "a chain of || does not nest");
}

/// Half of what a thread has where nobody asks for more is enough, without optimisation, too.
#[test]
fn the_deepest_expressions_need_no_large_stack() {
    let deep = |open: &str, levels: usize, close: &str| open.repeat(levels) + "x" + &close.repeat(levels);
    let levels = NESTING_MAX - 1;
    let deepest = [
        deep("(", NESTING_MAX, ")"),
        deep("[", levels, "]"),
        deep("{'a': ", levels, "}"),
        deep("size(", levels, ")"),
        deep("x.map(a, ", levels, ")"),
        deep("x[", levels, "]"),
        deep("x ? x : ", levels, ""),
        deep("(x ? x : ", levels / 2, ")"),
        deep("x || x && x == x + x * -(", NESTING_MAX / 6, ")"),
    ];
    // These nest too deep, which is known only after every operator of every level waits for its right side.
    let deeper =
        ["1||1&&1<1+1*(", "1||1&&1<1+1*-x[", "1||1&&1<1+1*{x:"].map(|open| deep(open, NESTING_MAX, ""));
    let run = move || {
        let variables = Variables::new().with("x", Value::list([Value::from(true)]));
        for source in &deepest {
            // Whether there is a value is not asked.
            drop(compile(source).unwrap().evaluate(&variables));
        }
        for source in &deeper {
            assert!(compile(source).is_err(), "{source}");
        }
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn size_is_bounded() {
    assert_eq!(limit_of(&"x".repeat(SOURCE_BYTES_MAX + 1)), MistakeKind::Limit);
    assert_eq!(limit_of(&vec!["1"; TOKENS_MAX].join(",")), MistakeKind::Limit);
}

#[test]
fn loops_in_loops_over_much_end() {
    let many = Value::list((0..10_000).map(Value::from));
    assert_eq!(
        fails("x.all(a, x.all(b, a + b >= 0))", many.clone()),
        "the evaluation takes more than 1000000 steps"
    );
    // No failure of that kind is made up for.
    let wanted = "the evaluation takes more than 1000000 steps";
    assert_eq!(fails("x.exists(a, x.exists(b, a + b < 0)) || true", many.clone()), wanted);
    assert_eq!(fails("default(x.map(a, x.map(b, b)), 1)", many.clone()), wanted);
    assert_eq!(fails("x.map(a, a in x)", many.clone()), wanted);
    assert_eq!(fails("x.map(a, x[9999 - a] + x[a])", Value::from_json(many.to_json()).unwrap()), wanted);
    // What goes through a long text or a large object, or fails and is made up for, costs more than a step.
    let long = format!(
        r#"{{"text":"{}","list":{}}}"#,
        " ".repeat(1 << 20),
        "[".to_owned() + &"0,".repeat(10_000) + "0]"
    );
    let long = Value::from_json(long).unwrap();
    for each in [
        "trim(x.text) == ''",
        "x.text < 'a'",
        "!x.text.contains('a')",
        "x.text.indexOf('a') < 0",
        "x.text.lastIndexOf('a', 1) < 0",
        "x.text.charAt(1) == ' '",
        "size('%x'.format([x.text])) > 0",
        "size('%s'.format([x.list])) > 0",
        "size(strings.quote(x.text)) > 0",
        "x.text == default(x.text, 1)",
        "x.text.a || true",
    ] {
        assert_eq!(fails(&format!("x.list.all(a, {each})"), long.clone()), wanted, "{each}");
    }
    let wide = Value::object((0..10_000).map(|n| (format!("k{n}"), Value::from(n))));
    let wide = Value::from_json(wide.to_json()).unwrap();
    assert_eq!(fails("x.map(k, x.k0 + x.k1 + x.k2)", wide.clone()), wanted);
    assert_eq!(fails("x.all(k, has(x.k0) && !has(x.nothing))", wide), wanted);
    assert_eq!(fails("x.exists(a, a.b > 0) || true", Value::list((0..20_000).map(Value::from))), wanted);
}

#[test]
fn what_an_expression_makes_is_bounded() {
    let text = Value::from("a".repeat(1 << 20));
    // Both end it: copying costs steps, too.
    fails("[1].map(i, x + x).map(i, i + i).map(i, i + i).map(i, i + i).map(i, i + i)", text.clone());
    // Parts that are shared would be written out.
    let shared = "[x, x].map(a, [x, x])".to_owned() + &".map(a, [a, a])".repeat(40);
    assert!(fails(&shared, Value::from("0123456789")).contains("16 MiB"));
    assert!(fails("'%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s'.format([x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x])", text.clone()).contains("MiB"));
    assert!(fails("x.replace('', x)", Value::from("a".repeat(10_000))).contains("16 MiB"));
    fails("[x, x, x, x, x, x, x, x, x, x, x].join(x)", Value::from("a".repeat(1 << 20)));
}

#[test]
fn a_state_that_wraps_itself_ends_before_the_stack_does() {
    let wrap = compile("[state]").unwrap();
    let mut state = Value::NULL;
    for level in 0..200 {
        match wrap.evaluate(&Variables::new().with("state", state.clone())) {
            Ok(next) => state = next,
            Err(error) => {
                assert_eq!(level, 127);
                assert_eq!(error.message, "the result nests deeper than 127 levels");
                assert!(Value::from_json(state.to_json()).is_ok());
                return;
            }
        }
    }
    panic!("it goes on for ever");
}

#[test]
fn expressions_and_values_are_shared_between_threads() {
    let sum = compile("sum(x)").unwrap();
    let x = Value::from_json("[1,2,3]").unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (sum, x) = (sum.clone(), x.clone());
            std::thread::spawn(move || sum.evaluate(&Variables::new().with("x", x)).unwrap().as_i64())
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), Some(6));
    }
}

#[test]
fn reads_tells_what_an_evaluation_may_need() {
    let scope = Scope::new(["event", "state", "meta"]);
    let expression =
        Expression::compile("default(state.a, event.data.b) + state.c[event.position]", &scope).unwrap();
    for (path, wanted) in [
        ("state", true),
        ("state.a", true),
        ("state.b", false),
        ("event", true),
        ("event.data", true),
        ("event.data.b", true),
        ("event.data.b.c", true),
        ("event.data.c", false),
        ("event.position", true),
        ("event.metadata", false),
        ("meta", false),
    ] {
        assert_eq!(expression.reads(path), wanted, "{path}");
    }
    let whole = Expression::compile("event.map(k, event[k])", &scope).unwrap();
    assert!(whole.reads("event.metadata"));
}
