//! What the macros refuse, and in which words.

#[test]
fn what_has_no_names_is_refused_at_its_place() {
    trybuild::TestCases::new().compile_fail("tests/refused/*.rs");
}
