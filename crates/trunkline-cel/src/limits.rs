//! The bounds on what an expression may make this crate do, each with its reason.

/// Bytes of one expression's text. Nobody writes longer ones.
pub const SOURCE_BYTES_MAX: usize = 16 << 10;

/// Names, numbers, texts and signs in one expression. Nobody writes more.
pub const TOKENS_MAX: usize = 2000;

/// How deep an expression may nest, brackets and chains of operators alike: reading, compiling and evaluating it recurse
/// once for each level, on a stack that may be small.
pub const NESTING_MAX: usize = 100;

/// How deep a value may nest: what is made here must be read again, and common JSON readers stop at 127 levels.
pub const VALUE_NESTING_MAX: usize = 127;

/// Bytes of a JSON text. No event is larger than 16 MiB, and a list of them must still be readable.
pub const JSON_BYTES_MAX: usize = 256 << 20;

/// Bytes that a value made by an expression may take as JSON. It becomes an event, whose data is at most 16 MiB;
/// parts that are shared in memory are written out each time, so that a short expression could mean any size.
pub const VALUE_BYTES_MAX: u64 = 16 << 20;

/// Steps of one evaluation: a step is a part of the expression evaluated, or sixteen bytes or entries gone through.
///
/// A rule over an order of 25 lines takes a hundred. This many take up to a tenth of a second, which is long for a
/// command, and ends a loop within a loop over a big document.
pub const STEPS_MAX: u32 = 1_000_000;

/// Bytes that a compiled regular expression may take: large counts of repetitions would fill the memory.
pub const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Mistakes reported of one expression. After a hundred the text is not what it was taken for.
pub const MISTAKES_MAX: usize = 100;
