//! Every code of this crate with its page from `docs/errors`, for `trunkline explain`.

/// Defines constants of codes, and `PAGES` of all of them with their pages from `docs/errors`, for the crates of
/// this workspace.
#[doc(hidden)]
#[macro_export]
macro_rules! error_codes {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal;)*) => {
        $($(#[doc = $doc])* pub const $name: $crate::Code = $crate::Code::new($code);)*

        /// Every code of this crate with its page, a Markdown text.
        pub const PAGES: &[($crate::Code, &str)] = &[$((
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors/", $code, ".md")),
        )),*];
    };
}

/// The page of a code of this crate; upper and lower case are the same.
pub fn explain(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| known.as_str().eq_ignore_ascii_case(code)).map(|(_, page)| *page)
}

crate::error_codes! {
    // The text.
    /// The file is not UTF-8.
    NOT_UTF8 = "TL1001";
    /// A bracket or block is never closed.
    NEVER_CLOSED = "TL1002";
    /// A closer that does not match what is open.
    WRONG_CLOSER = "TL1003";
    /// A quoted string is never closed.
    STRING_NEVER_CLOSED = "TL1004";
    /// An escape that does not exist.
    UNKNOWN_ESCAPE = "TL1005";
    /// Something stands where a key should.
    NOT_A_KEY = "TL1006";
    /// A key without a separator.
    NO_SEPARATOR = "TL1007";
    /// A doubled separator.
    DOUBLED_SEPARATOR = "TL1008";
    /// Two statements on one line.
    TWO_STATEMENTS = "TL1009";
    /// Text after a complete value.
    TEXT_AFTER_VALUE = "TL1010";
    /// A section header that is not one.
    BAD_SECTION = "TL1011";
    /// A section header inside an open block.
    SECTION_IN_BLOCK = "TL1012";
    /// A number that does not fit.
    NUMBER_TOO_LARGE = "TL1013";
    /// A range that runs backwards.
    REVERSED_RANGE = "TL1014";
    /// Nested too deeply.
    TOO_DEEP = "TL1015";
    /// A comment is never closed.
    COMMENT_NEVER_CLOSED = "TL1016";
    /// `${…}` that does not hold a name or path.
    BAD_INTERPOLATION = "TL1017";
    /// An expression lacks a value.
    NO_OPERAND = "TL1018";
    /// Nothing between two commas.
    NO_ITEM = "TL1019";
    /// Too many mistakes to list.
    TOO_MANY = "TL1020";

    // What it means.
    /// A variable that is not defined above.
    UNDEFINED_VARIABLE = "TL1101";
    /// A path that names nothing in the file.
    UNDEFINED_PATH = "TL1102";
    /// A value that depends on itself.
    CYCLE = "TL1103";
    /// A bare word in an expression that names no key above.
    UNDEFINED_NAME = "TL1104";
    /// An operation on values it is not made for.
    WRONG_OPERAND = "TL1105";
    /// A result that is not a number of 64 bits.
    ARITHMETIC = "TL1106";
    /// The values grow too large.
    TOO_LARGE = "TL1107";
    /// An operator that does not exist.
    UNKNOWN_OPERATOR = "TL1108";
    /// An operator that is refused.
    REFUSED_OPERATOR = "TL1109";
    /// Arguments an operator does not take.
    WRONG_ARGUMENTS = "TL1110";
    /// A secret that is not set.
    SECRET_MISSING = "TL1111";
    /// An environment variable that is not text.
    VARIABLE_NOT_TEXT = "TL1112";
    /// A file that cannot be read.
    UNREADABLE_FILE = "TL1113";
    /// A file that includes itself.
    INCLUDE_CYCLE = "TL1114";
    /// Too many files, or too deep.
    TOO_MANY_INCLUDES = "TL1115";
    /// A value that its validation refuses.
    INVALID = "TL1116";
    /// A secret where it could be seen.
    SECRET_EXPOSED = "TL1117";

    // What is allowed, but probably not meant.
    /// A key that is set twice.
    DUPLICATE_KEY = "TL1151";
    /// A value replaced by a section or block.
    REPLACED_BY_SECTION = "TL1152";
    /// An operator in quotes.
    QUOTED_OPERATOR = "TL1153";
    /// A comparison that can only have one outcome.
    NEVER_EQUAL = "TL1154";
    /// A variable in unquoted text.
    VARIABLE_IN_TEXT = "TL1155";

    // What the program expects.
    /// A hook that the program does not have.
    UNKNOWN_HOOK = "TL1201";
    /// A key that nothing reads.
    UNKNOWN_KEY = "TL1202";
    /// A key that must be there and is not.
    MISSING_KEY = "TL1203";
    /// A value of the wrong type.
    WRONG_TYPE = "TL1204";
    /// Text that is not a duration.
    BAD_DURATION = "TL1205";
    /// Text that is not a size.
    BAD_SIZE = "TL1206";
    /// A word that is not one of those allowed.
    UNKNOWN_WORD = "TL1207";
    /// A number outside its range.
    OUT_OF_RANGE = "TL1208";
    /// A section that nothing reads.
    UNKNOWN_SECTION = "TL1209";
}
