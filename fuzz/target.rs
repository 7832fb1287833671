//! The binary that libFuzzer drives: the target that the environment variable `TARGET` names.
#![no_main]

use std::sync::LazyLock;

use maysend::fuzz::{Target, target};

static CHOSEN: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("TARGET").expect("TARGET names a target of maysend::fuzz");
    target(&name).unwrap_or_else(|| panic!("there is no target `{name}`"))
});

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    CHOSEN(octets);
});
