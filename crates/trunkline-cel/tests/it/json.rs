//! What is read from JSON, what is refused, and what is written.

use bytes::Bytes;
use trunkline_cel::Value;

fn read(text: &str) -> Value {
    Value::from_json(text.to_owned()).unwrap()
}

fn refused(text: &str) -> String {
    Value::from_json(text.to_owned()).unwrap_err().to_string()
}

#[test]
fn untouched_json_keeps_its_bytes() {
    for text in ["  [1,  2.50, -0, 1E2 ]\n", r#"{"b":1,"a":"\u00e9\/"}"#, "-0", "1.0", " \"x\" ", "null"] {
        assert_eq!(read(text).to_json(), text);
        assert_eq!(read(text).clone().to_json(), text);
    }
    let order = read(r#"{"items": [ {"n" : 1.50} ], "price": 2.50}"#);
    assert_eq!(order.get("items").unwrap().to_json(), r#"[ {"n" : 1.50} ]"#);
    assert_eq!(order.get("price").unwrap().to_json(), "2.50");
}

#[test]
fn the_bytes_that_are_given_back_are_not_copied() {
    let text = Bytes::from(r#"{"items":[1,2,3]}"#);
    let order = Value::from_json(text.clone()).unwrap();
    assert_eq!(order.to_json().as_ptr(), text.as_ptr());
    assert_eq!(order.get("items").unwrap().to_json().as_ptr(), text[9..].as_ptr());
}

#[test]
fn the_last_of_two_fields_of_one_name_counts() {
    let value = read(r#"{"a":1,"b":2,"a":{"c":3},"\u0061":4}"#);
    assert_eq!(value.get("a").and_then(|a| a.as_i64()), Some(4));
    let names: Vec<String> = value.fields().unwrap().map(|(name, _)| name).collect();
    assert_eq!(names, ["b", "a"]);
    assert_eq!(value, read(r#"{"a":4,"b":2}"#));
    // With more fields than are compared pair by pair.
    let many: Vec<String> = (0..100).map(|n| format!(r#""k{}":{n}"#, n % 40)).collect();
    let value = read(&format!("{{{}}}", many.join(",")));
    assert_eq!(value.fields().unwrap().count(), 40);
    assert_eq!(value.get("k3").and_then(|k| k.as_i64()), Some(83));
    assert_eq!(value.get("k39").and_then(|k| k.as_i64()), Some(79));
}

#[test]
fn integers_are_exact_or_no_value() {
    assert_eq!(read("9223372036854775807").as_i64(), Some(i64::MAX));
    assert_eq!(read("-9223372036854775808").as_i64(), Some(i64::MIN));
    for text in ["9223372036854775808", "-9223372036854775809"] {
        let value = read(text);
        assert_eq!((value.as_i64(), value.as_f64()), (None, None), "{text}");
        assert_eq!(value.type_name(), "an integer that does not fit 64 bits");
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
    }
    assert_eq!(read("9223372036854775808.0").as_f64(), Some(9_223_372_036_854_775_808.0));
    assert_eq!(read("1.0").as_i64(), None);
}

#[test]
fn what_is_no_json_is_refused_with_its_place() {
    for (text, wanted) in [
        ("", "a value is missing where the text ends at byte 0"),
        ("[1", "`,` or `]` is missing where the text ends at byte 2"),
        ("[1,]", "a value is missing before `]` at byte 3"),
        ("{a:1}", "a name in quotes is missing before `a` at byte 1"),
        (r#"{"a" 1}"#, "`:` is missing before `1` at byte 5"),
        (r#"{"a":1,}"#, "a name in quotes is missing before `}` at byte 7"),
        ("1 2", "the JSON text is over, but more follows at byte 2"),
        ("01", "a number does not begin with a needless 0 at byte 0"),
        ("1.", "a digit is missing where the text ends at byte 2"),
        ("-x", "a digit is missing before `x` at byte 1"),
        ("tru", "a value is missing before `t` at byte 0"),
        ("NaN", "a value is missing before `N` at byte 0"),
        ("\"a", "the text is not closed at byte 0"),
        ("\"a\\", "an escape is missing where the text ends at byte 3"),
        ("\"\\x\"", "there is no such escape at byte 2"),
        ("\"\\u12\"", "`\\u` needs four hexadecimal digits at byte 3"),
        ("\"a\nb\"", "a control character in a text must be escaped at byte 2"),
    ] {
        assert_eq!(refused(text), wanted, "{text}");
    }
    assert_eq!(Value::from_json(&b"\"\xff\""[..]).unwrap_err().to_string(), "not UTF-8 at byte 1");
    // Below the depth of values, too.
    let deep = |inner: &str| refused(&("[".repeat(200) + inner + &"]".repeat(200)));
    assert_eq!(deep("tru"), "a value is missing before `t` at byte 200");
    assert_eq!(deep("{\"a\" 1}"), "`:` is missing before `1` at byte 205");
    assert_eq!(deep("[1,]"), "a value is missing before `]` at byte 203");
    assert_eq!(deep("{\"a\":[1}"), "`,` or `]` is missing before `}` at byte 207");
    assert_eq!(refused(&"[".repeat(200)), "a value is missing where the text ends at byte 200");
}

#[test]
fn what_is_json_and_no_value_is_passed_on_as_it_is_written() {
    let deep = "[".repeat(128) + "{\"a\":[{},[],1,\"\\ud800\"]}" + &"]".repeat(128);
    for (odd, name) in [
        ("18446744073709551615", "an integer that does not fit 64 bits"),
        ("-1E400", "a number that does not fit a double"),
        (r#""a\ud800b""#, "text with half of a surrogate pair"),
        (r#""\udc00""#, "text with half of a surrogate pair"),
        (r#""\ud800\u0041""#, "text with half of a surrogate pair"),
    ] {
        let read = read(&format!(r#"{{"odd": {odd}, "n": 1}}"#));
        assert_eq!(read.get("n").and_then(|n| n.as_i64()), Some(1), "{odd}");
        let value = read.get("odd").unwrap();
        assert_eq!((value.type_name(), value.may_be_odd()), (name, true), "{odd}");
        assert_eq!((value.as_i64(), value.as_f64(), value.as_str()), (None, None, None), "{odd}");
        let copied = Value::object([("copy", value), ("n", 1.into())]).to_json();
        assert_eq!(copied, format!(r#"{{"copy":{odd},"n":1}}"#));
    }
    let read = read(&format!(r#"{{"odd":{deep},"n":1,"deep":{}1{}}}"#, "[".repeat(126), "]".repeat(126)));
    assert_eq!(read.get("n").and_then(|n| n.as_i64()), Some(1));
    let value = read.get("odd").unwrap();
    assert_eq!(Value::list([value.clone()]).to_json(), format!("[{deep}]"));
    let innermost = (0..126).fold(value, |value, _| value.at(0).unwrap());
    assert_eq!((innermost.type_name(), innermost.at(0)), ("nested deeper than values can be", None));
    assert_eq!(read.clone(), read);
}

#[test]
fn a_name_with_half_of_a_surrogate_pair_is_passed_on_too() {
    let text = r#"{"\ud800":1,"\ud801":2,"n":3,"\\ud800":4}"#;
    let read = read(text);
    assert_eq!(read.get("n").and_then(|n| n.as_i64()), Some(3));
    assert_eq!(read.get("\\ud800").and_then(|n| n.as_i64()), Some(4));
    let scope = trunkline_cel::Scope::new(["event"]);
    let variables = trunkline_cel::Variables::new().with("event", read);
    let evaluate = |source: &str| {
        let made = trunkline_cel::Expression::compile(source, &scope).unwrap().evaluate(&variables);
        made.map(|value| String::from_utf8(value.to_json().to_vec()).unwrap())
            .map_err(|error| error.to_string())
    };
    let put = r#"{"\\ud800":4,"m":1,"n":3,"\ud800":1,"\ud801":2}"#;
    assert_eq!(evaluate("put(event, 'm', 1)").as_deref(), Ok(put));
    assert_eq!(evaluate("event == event").as_deref(), Ok("true"));
    let error = evaluate("event.map(name, upper(name))").unwrap_err();
    assert!(error.contains("text with half of a surrogate pair"), "{error}");
}

#[test]
fn escapes_are_read_and_written() {
    let value = read(r#""\"\\\/\b\f\n\r\t\u00e9\ud834\udd1e""#);
    assert_eq!(value.as_str(), Some("\"\\/\u{8}\u{c}\n\r\té\u{1d11e}"));
    let written = Value::from(value.as_str().unwrap()).to_json();
    assert_eq!(written, "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\té\u{1d11e}\"");
    assert_eq!(Value::from_json(written).unwrap(), value);
}

#[test]
fn values_are_serialised_alike() {
    let text = r#"{"a":[1,2.5,null,true,"x"],"b":{}}"#;
    assert_eq!(serde_json::to_string(&read(text)).unwrap(), text);
    let built = Value::object([
        ("b", Value::object::<&str>([])),
        ("a", Value::list([1.into(), Value::from_f64(2.5).unwrap(), Value::NULL, true.into(), "x".into()])),
    ]);
    assert_eq!(serde_json::to_string(&built).unwrap(), text);
    assert_eq!(built, read(text));
    assert_eq!(built.to_json(), text);
}

#[test]
fn values_are_built_from_what_rust_has() {
    let none: Option<&str> = None;
    let value =
        Value::object([("n", Value::from(none)), ("s", Value::from(Some("x"))), ("s", Value::from(1_i64))]);
    assert_eq!(value.to_json(), r#"{"n":null,"s":1}"#);
    assert!(Value::default().is_null() && value.get("n").unwrap().is_null());
    assert_eq!(Value::from_f64(f64::NAN).map(|value| value.to_json()), None);
    assert_eq!(read("[1,[2]]").at(1).and_then(|item| item.at(0)).and_then(|item| item.as_i64()), Some(2));
    assert_eq!(read("[1,2]").items().unwrap().count(), 2);
    assert!(read("{}").items().is_none() && read("[]").fields().is_none() && read("1").get("a").is_none());
}
