//! Fuzzes `checks::logs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::logs::check(bytes));
