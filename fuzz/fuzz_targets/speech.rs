//! Fuzzes `checks::speech`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::speech::check(bytes));
