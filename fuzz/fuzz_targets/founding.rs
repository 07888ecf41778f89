//! Fuzzes `checks::founding`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::founding::check(bytes));
