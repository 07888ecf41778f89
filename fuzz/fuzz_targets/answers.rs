//! Fuzzes `checks::answers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::answers::check(bytes));
