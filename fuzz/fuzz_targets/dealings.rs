//! Fuzzes `checks::dealings`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::dealings::check(bytes));
