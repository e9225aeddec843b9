//! Fuzz target: see [`fuzz::layout`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::layout(bytes));
