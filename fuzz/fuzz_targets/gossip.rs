//! Fuzzes `checks::gossip`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::gossip::check(bytes));
