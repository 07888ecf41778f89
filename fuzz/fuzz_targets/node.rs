//! Fuzzes `checks::node`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::node::check(bytes));
