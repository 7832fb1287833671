//! The seal that a page carries in its form: which link it was made for, and when.
//!
//! It keeps nobody out who loads the page first; it tells a form that was filled in from a request
//! that was made up, names the submission (so that a double click is one), and how long a person
//! took, which a program that confirms does not. It also holds a digest of the words to which a yes
//! agrees, so that none is recorded with words that the page did not have.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Site;
use crate::model::language::Language;

/// What the digests are for.
const LABEL: &str = "page of an owner";
const WORDS: &str = "words of an owner's page";

const INSTANT: usize = 8;
const DIGEST: usize = 8;
const MAC: usize = 16;

/// How long a page says yes: less than a submission's name is remembered (24 hours), so that a form
/// that is sent once more says no second yes.
const FRESH: i64 = 12 * 3600 * 1_000_000_000;

/// Opened with the link that it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opened {
    /// Nanoseconds since the page was made.
    pub(super) age: i64,
    words: [u8; DIGEST],
}

impl Opened {
    /// Whether the page is recent enough for a yes.
    pub(super) const fn is_fresh(self) -> bool {
        self.age < FRESH
    }
}

impl Site {
    /// The seal of a page of this link, made now; `words` are those that a yes on it agrees to.
    pub(super) fn seal(&self, link: &str, words: &str, in_: Language) -> String {
        let instant = self.engine.now().nanos().to_be_bytes();
        let digest = self.digest(words, in_);
        let mac = self.mac(link, instant, digest);
        URL_SAFE_NO_PAD.encode([&instant[..], &digest, &mac].concat())
    }

    /// Whether a seal is ours, and of this link.
    pub(super) fn opened(&self, link: &str, seal: &str) -> Option<Opened> {
        let octets = URL_SAFE_NO_PAD.decode(seal).ok()?;
        let (instant, rest) = octets.split_first_chunk::<INSTANT>()?;
        let (words, mac) = rest.split_first_chunk::<DIGEST>()?;
        let mac: [u8; MAC] = mac.try_into().ok()?;
        if !constant_time_eq::constant_time_eq(&self.mac(link, *instant, *words), &mac) {
            return None;
        }
        let age = self.engine.now().nanos() - i64::from_be_bytes(*instant);
        Some(Opened { age, words: *words })
    }

    /// In which language the page had these words; none where it had others: the catalog changed.
    pub(super) fn seen(
        &self,
        opened: Opened,
        words: impl Fn(Language) -> String,
    ) -> Option<Language> {
        let is = |in_: &Language| self.digest(&words(*in_), *in_) == opened.words;
        Language::ALL.into_iter().find(is)
    }

    fn digest(&self, words: &str, in_: Language) -> [u8; DIGEST] {
        let words = format!("{}\n{words}", in_.tag());
        let [a, b, c, d, e, f, g, h, ..] = self.engine.seal(WORDS, words.as_bytes());
        [a, b, c, d, e, f, g, h]
    }

    fn mac(&self, link: &str, instant: [u8; INSTANT], words: [u8; DIGEST]) -> [u8; MAC] {
        self.engine.seal(LABEL, &[&instant[..], &words, link.as_bytes()].concat())
    }
}
