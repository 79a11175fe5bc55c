//! Large and hostile files. Work that grows with the square of the size would keep these tests busy for many minutes, so
//! that they end soon is what they show; none looks at a clock.

use std::fmt::Write;

use trunkline_config::limits::{EXPANSION_BYTES_MAX, NESTING_MAX, SOURCE_BYTES_MAX};
use trunkline_config::{LoadError, Value};

use crate::world::{Given, lines};

#[test]
fn ten_megabytes_of_statements_are_read_whole() {
    let mut text = String::from("$name: \"x\"\n");
    let mut count = 0;
    while text.len() < 10 << 20 {
        writeln!(
            text,
            "[section{count}]\ndsn: mysql:host=localhost;dbname=store{count} # a comment\nretry {{\n  max: {count}, \
             delays: [1, 2, \"3s\", some text, {{a: b}}]\n  sum: max + 1 * 2\n}}\nwhen: @if($name == \"x\", \"${{name}}-{count}\", no)"
        )
        .unwrap();
        count += 1;
    }
    let evaluated = Given::new(text).evaluated();
    assert_eq!(lines(&evaluated), Vec::<String>::new());
    assert_eq!(evaluated.root.value.as_object().unwrap().len(), count);
    let last = evaluated.root.at(&format!("section{}", count - 1)).unwrap();
    assert_eq!(last.at("when").unwrap().value, Value::Text(format!("x-{}", count - 1)));
    assert_eq!(last.at("retry.sum").unwrap().value, Value::Integer(i64::try_from(count).unwrap() + 1));
}

/// Texts that would be slow if anything were read again for each bracket, quote, comment, line or mistake.
#[test]
fn hostile_texts_take_linear_work() {
    const BYTES: usize = 1 << 16;
    let lines_of = |line: &str| line.repeat(BYTES / line.len());
    for unit in [
        "[",
        "{",
        "(",
        "a: [",
        "a: {\n",
        "a >\n",
        "a: [\n",
        "a: @if(",
        "a: @if(\n",
        "a + @if(",
        "a: 1 + (",
        "a: (\n",
        "]",
        "}",
        "<\n",
        "a {\n<\n",
        "a: \"",
        "a: '\n",
        "a: \"\"\"\n\"\"\"\n",
        "a: ${",
        "a: \"${\"\n",
        "a: x /* ",
        "a: {} /**/ ",
        " /**/",
        "a: {x: 'b, y: {z: 1}, ",
        "a: {x: b:\"c, d: {e: 1}, ",
        "a: [1], ",
        "a: x; ",
        "a: x; \"",
        "a: x, ",
        ",",
        "\n",
        "é",
        "a\n",
        "a: b\n",
        "$a: $b\n",
        "a: $a\n",
        "\"a\": 1\n",
        "[a]\n",
        "[a.b]\nc: 1\n",
        "x > a > b: 1 < <, ",
        "x > a: 1 <, ",
        "-",
        "!",
        "a: !",
        "a ? b : ",
        "a: 1 ? 2 : ",
        "@include \"main.tsk\"\n",
        "@env(\"X\")\n",
        "\\",
        "\"\\",
        "a: \"\\d\"\n",
    ] {
        let texts = [
            lines_of(unit),
            format!("a: {}", lines_of(unit)),
            format!("a: [{}", lines_of(unit)),
            format!("a: {{\n{}", lines_of(unit)),
            format!("a: {{ {} }}", lines_of(unit)),
        ];
        for text in texts {
            let evaluated = Given::new(text).evaluated();
            assert!(evaluated.diagnostics.len() <= 1001, "{unit:?}");
        }
    }
}

#[test]
fn long_chains_of_operators_and_references_are_no_deep_recursion() {
    let count = 20_000;
    let mut text = format!("sum: 1{}\ntext: \"a\"{}\n", " + 1".repeat(count), " + \"a\"".repeat(count));
    for index in 0..count {
        writeln!(
            text,
            "k{index}: \"${{s.k{}}}\"\n$v{}: ${}",
            index + 1,
            index + 1,
            if index == 0 { "first".into() } else { format!("v{index}") }
        )
        .unwrap();
    }
    let text = format!("$first: 0\n[s]\n{text}k{count}: \"end\"\nlast: $v{count}\n");
    let evaluated = Given::new(text).evaluated();
    assert_eq!(lines(&evaluated), Vec::<String>::new());
    assert_eq!(evaluated.root.at("s.sum").unwrap().value, Value::Integer(i64::try_from(count).unwrap() + 1));
    assert_eq!(evaluated.root.at("s.k0").unwrap().value, Value::Text("end".into()));
    assert_eq!(evaluated.root.at("s.last").unwrap().value, Value::Integer(0));
    assert_eq!(evaluated.root.at("s.text").unwrap().value, Value::Text("a".repeat(count + 1)));
}

#[test]
fn nesting_is_bounded_in_every_form() {
    for (open, close) in [
        ("[", "]"),
        ("{x: ", "}"),
        ("{\nx: ", "\n}"),
        ("@if(1, ", ", 2)"),
        ("-(", ")"),
        ("@cache(1, [", "])"),
    ] {
        let nested = |depth: usize| format!("a: {}1{}\nb: 2\n", open.repeat(depth), close.repeat(depth));
        for depth in [NESTING_MAX * 2, 100_000] {
            let evaluated = Given::new(nested(depth)).evaluated();
            // Parentheses that are no expression are text, whatever their number.
            let is_text = matches!(evaluated.root.at("a").unwrap().value, Value::Text(_));
            assert!(is_text || evaluated.has_errors(), "{open}");
        }
        let evaluated = Given::new(nested(NESTING_MAX / 2 - 1)).evaluated();
        assert_eq!(lines(&evaluated), Vec::<String>::new(), "{open}");
    }
    // By references, where no single value is deep.
    let mut text = String::from("$v0: 1\n");
    for index in 0..500 {
        writeln!(text, "$v{}: [$v{index}]", index + 1).unwrap();
    }
    let evaluated = Given::new(text + "a: $v500\n").evaluated();
    assert_eq!(lines(&evaluated)[0], "line 102 col 8: the value nests more than 100 levels deep");
    // By sections.
    let header = format!("[{}]\n", vec!["a"; NESTING_MAX + 1].join("."));
    let evaluated = Given::new(header).evaluated();
    assert_eq!(lines(&evaluated), ["line 1 col 1: nested more than 100 levels deep"]);
}

#[test]
fn growth_by_repetition_is_bounded() {
    for (first, next) in [
        ("\"0123456789abcdef\"", "\"${P}${P}${P}${P}\""),
        ("\"0123456789abcdef\"", "$P + $P + $P + $P"),
        ("[1, 2, 3, 4]", "[$P, $P, $P, $P]"),
        ("{a: 1}", "{a: $P, b: $P, c: $P, d: $P}"),
    ] {
        let mut text = format!("$v0: {first}\n");
        for index in 0..40 {
            writeln!(text, "$v{}: {}", index + 1, next.replace('P', &format!("v{index}"))).unwrap();
        }
        let evaluated = Given::new(text).evaluated();
        let found = lines(&evaluated);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].ends_with(&format!("make more than {} MiB of values", EXPANSION_BYTES_MAX >> 20)),
            "{found:?}"
        );
    }
}

#[test]
fn a_file_beyond_the_limit_is_refused() {
    use trunkline_config::{MemoryEnvironment, MemoryFiles, World, load};
    let files = MemoryFiles::new().with("large.tsk", vec![b'\n'; SOURCE_BYTES_MAX + 1]);
    let environment = MemoryEnvironment::new();
    let world = World { loader: &files, environment: &environment, clock: &crate::world::CLOCK };
    assert_eq!(load("large.tsk", world).unwrap_err(), LoadError::TooLarge);
    assert_eq!(load("missing.tsk", world).unwrap_err(), LoadError::NotFound);
}
