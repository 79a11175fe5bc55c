//! The bounds on what a configuration file may make this crate do, each with its reason.

/// How deep brackets, blocks, parentheses, chained conditions and values may nest.
///
/// Parsing and evaluating recurse once for each level, so this bounds the stack; it also stays below the 127
/// levels that common JSON readers accept, so that the output of `config` can be read anywhere.
pub const NESTING_MAX: usize = 100;

/// Bytes of one text. Spans are 32-bit offsets, and no configuration is written at this size by hand.
pub const SOURCE_BYTES_MAX: usize = 64 << 20;

/// Files one inside the other: deeper chains are a mistake, and each level costs stack.
pub const INCLUDE_DEPTH_MAX: usize = 16;

/// Inclusions in one evaluation. A chain of files that each include the next one twice would otherwise double
/// with every link.
pub const INCLUDES_MAX: usize = 100;

/// Bytes that references, joins and interpolation may copy in one evaluation.
///
/// A dozen lines that each repeat the line before eight times would otherwise fill the memory.
pub const EXPANSION_BYTES_MAX: usize = 64 << 20;

/// Diagnostics kept of one result. After a thousand mistakes the file is not what it was taken for, and the rest
/// would only cost memory.
pub const DIAGNOSTICS_MAX: usize = 1000;

/// Diagnostics drawn for people; programs get all of them.
pub const DRAWN_MAX: usize = 100;
