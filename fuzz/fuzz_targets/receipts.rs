//! Fuzzes `checks::receipts`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::receipts::check(bytes));
