//! Any octets as a message: whatever can be read of it is said, in so many points, and nothing of
//! its text is said back.

use super::*;
use crate::cli::Format;
use crate::cli::point::State;

/// More than the longest report has octets: what is said does not grow with the message.
const LONGEST: usize = 4 << 10;

/// Whether the message has no fault.
#[track_caller]
pub(crate) fn target(octets: &[u8]) -> bool {
    let Ok(letter) = Letter::read(octets) else { return false };
    let examined = examine(&letter);
    assert_eq!(examined, examine(&letter));
    for point in &examined.points {
        assert_eq!(point.mend.is_empty(), point.state == State::Ok, "{point:?}");
    }
    let said = report(&examined.points, Called::Faults, Format::Human);
    assert!(said.is_ascii() && said.len() < LONGEST, "{said}");
    let tokens = examined.header.iter().chain(examined.text.iter().flatten());
    for token in tokens.filter(|token| token.len() > 40) {
        assert!(!said.contains(token.as_str()), "a token is told");
    }
    let is_sound = exit(&examined.points) == Exit::Done;
    // A sound one has a link to ask the server about.
    assert!(!is_sound || examined.header.is_some());
    for name in [header::LIST_UNSUBSCRIBE, "DKIM-Signature"] {
        assert_eq!(plainly(octets, name), letter.named(name).count(), "{name}");
    }
    is_sound
}

/// How many fields of the header have this name, by its lines alone.
fn plainly(octets: &[u8], name: &str) -> usize {
    let (mut found, mut in_field) = (0, false);
    for line in octets.split(|octet| *octet == b'\n') {
        if in_field && (line.starts_with(b" ") || line.starts_with(b"\t")) {
            continue;
        }
        let Some(colon) = line.iter().position(|octet| *octet == b':') else { break };
        in_field = true;
        let field = line.get(..colon).unwrap_or_default();
        found += usize::from(field.trim_ascii_end().eq_ignore_ascii_case(name.as_bytes()));
    }
    found
}
