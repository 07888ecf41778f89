//! Fuzzes `checks::chain`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::chain::check(bytes));
