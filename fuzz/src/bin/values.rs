//! Fuzz target: see [`fuzz::values`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::values(bytes));
