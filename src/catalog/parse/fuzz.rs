//! Any octets as a catalog file: a catalog whose names hold on a second reading, or errors that
//! name a line of the file.

use super::*;

/// Whether the octets are a catalog.
#[track_caller]
pub(crate) fn target(octets: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(octets) else { return false };
    let names = crate::fuzz::names();
    match parse("catalog.toml", text, &names) {
        Ok(catalog) => {
            assert!(catalog.names.extends(&names), "a number changed its meaning");
            let again = parse("catalog.toml", text, &catalog.names);
            assert_eq!(again.as_ref(), Ok(&catalog), "a second reading hands out other numbers");
            true
        }
        Err(errors) => {
            let lines = text.matches('\n').count() + 1;
            assert!(errors.iter().next().is_some(), "refused without a reason");
            for error in errors.iter() {
                assert!((1..=lines).contains(&error.line), "{error}");
                assert!(!error.fault.to_string().is_empty());
            }
            false
        }
    }
}
