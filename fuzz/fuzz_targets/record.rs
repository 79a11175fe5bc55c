//! Any bytes are refused, or are a record of which every part can be read.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| trunkline_log::fuzzing::parse_record(bytes));
