//! Fuzzes `checks::directory`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::directory::check(bytes));
