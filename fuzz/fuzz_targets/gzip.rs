#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| trm_fuzz::run("gzip", bytes));
