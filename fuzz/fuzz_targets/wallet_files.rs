//! Fuzzes `checks::wallet_files`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::wallet_files::check(bytes));
