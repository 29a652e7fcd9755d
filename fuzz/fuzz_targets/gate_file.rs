#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| failstop_outside::gate_file::check(bytes));
