//! The seal that a page carries in its form: which link it was made for, and when.
//!
//! It keeps nobody out who loads the page first; it tells a form that was filled in from a request
//! that was made up, names the submission (so that a double click is one), and how long a person
//! took, which a program that confirms does not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Site;
use crate::model::day::Timestamp;

/// What the digest is for.
const LABEL: &str = "page of an owner";

const INSTANT: usize = 8;
const MAC: usize = 16;

/// Opened with the link that it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opened {
    /// Nanoseconds since the page was made.
    pub(super) age: i64,
}

impl Site {
    /// The seal of a page of this link, made now.
    pub(super) fn seal(&self, link: &str) -> String {
        self.seal_at(link, self.engine.now())
    }

    fn seal_at(&self, link: &str, at: Timestamp) -> String {
        let instant = at.nanos().to_be_bytes();
        let mac = self.mac(link, instant);
        URL_SAFE_NO_PAD.encode([&instant[..], &mac].concat())
    }

    /// Whether a seal is ours, and of this link.
    pub(super) fn opened(&self, link: &str, seal: &str) -> Option<Opened> {
        let octets = URL_SAFE_NO_PAD.decode(seal).ok()?;
        let (instant, mac) = octets.split_first_chunk::<INSTANT>()?;
        let mac: [u8; MAC] = mac.try_into().ok()?;
        if !constant_time_eq::constant_time_eq(&self.mac(link, *instant), &mac) {
            return None;
        }
        Some(Opened { age: self.engine.now().nanos() - i64::from_be_bytes(*instant) })
    }

    fn mac(&self, link: &str, instant: [u8; INSTANT]) -> [u8; MAC] {
        self.engine.seal(LABEL, &[&instant[..], link.as_bytes()].concat())
    }
}
