//! Whatever follows a segment's header, recovery ends, stays within it, and agrees with itself once it is mended.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| {
    let (synced_end, bytes) = input;
    trunkline_log::fuzzing::recover_segment(bytes, u64::from(synced_end));
});
