//! Fuzzes `checks::services`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::services::check(bytes));
