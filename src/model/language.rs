//! The languages in which people are spoken to, and which of them a browser asks for.

use std::cmp::{Ordering, Reverse};

/// The language of a text for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// German.
    German,
    /// English.
    #[default]
    English,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::German, Self::English];

    /// Its BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        self.pick("en", "de")
    }

    /// The language of a BCP 47 tag, `de` or `en` as `tag` writes them.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// The text in this language.
    #[must_use]
    pub const fn pick(self, en: &'static str, de: &'static str) -> &'static str {
        match self {
            Self::English => en,
            Self::German => de,
        }
    }
}

/// A value for each language.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PerLanguage<T> {
    german: T,
    english: T,
}

impl<T> PerLanguage<T> {
    /// What `of` makes for each language.
    pub fn make(mut of: impl FnMut(Language) -> T) -> Self {
        Self { german: of(Language::German), english: of(Language::English) }
    }

    /// The value for a language.
    #[must_use]
    pub const fn get(&self, language: Language) -> &T {
        match language {
            Language::German => &self.german,
            Language::English => &self.english,
        }
    }

    const fn get_mut(&mut self, language: Language) -> &mut T {
        match language {
            Language::German => &mut self.german,
            Language::English => &mut self.english,
        }
    }
}

/// Octets of an `Accept-Language` that are looked at. Browsers send a tenth of it.
const MAX_OCTETS: usize = 1_000;

/// How much a language is wished for: by its weight, and of equals the one named first.
type Rank = (u16, Reverse<usize>);

/// The language that an `Accept-Language` prefers (RFC 9110 section 12.5.4); several such lines of
/// a header are one, joined by commas. None where it names neither language, refuses both, or
/// leaves the choice open (`*`).
///
/// A range counts for its first subtag: `de-AT` asks for German. Where a language is named several
/// times its best weight counts; where it is not named, that of `*`. What is malformed is skipped,
/// and so is whatever does not end within the first thousand octets.
#[must_use]
pub fn negotiate(accept_language: &str) -> Option<Language> {
    let mut named = PerLanguage::<Option<Rank>>::default();
    let mut any = None;
    for (place, part) in beginning(accept_language).split(',').enumerate() {
        let Some((range, weight)) = weighted(part) else { continue };
        let wished = match range {
            "*" => &mut any,
            range => match language_of(range) {
                Some(language) => named.get_mut(language),
                None => continue,
            },
        };
        *wished = (*wished).max(Some((weight, Reverse(place))));
    }
    let rank = |language| named.get(language).or(any).filter(|(weight, _)| *weight > 0);
    match rank(Language::German).cmp(&rank(Language::English)) {
        Ordering::Greater => Some(Language::German),
        Ordering::Less => Some(Language::English),
        Ordering::Equal => None,
    }
}

/// The whole parts within the octets that are looked at: one that is cut would say something else.
fn beginning(header: &str) -> &str {
    if header.len() <= MAX_OCTETS {
        return header;
    }
    let (head, _) = header.split_at(header.floor_char_boundary(MAX_OCTETS));
    head.rsplit_once(',').map_or("", |(whole, _)| whole)
}

/// A language range and its weight in thousandths; none where either is malformed.
fn weighted(part: &str) -> Option<(&str, u16)> {
    let (range, weight) = match part.split_once(';') {
        Some((range, weight)) => (range, thousandths(unpadded(weight))?),
        None => (part, 1_000),
    };
    let range = unpadded(range);
    let is_subtag = |subtag: &str| matches!(subtag.len(), 1..=8);
    let is_range = range == "*"
        || range.split('-').all(|subtag| {
            is_subtag(subtag) && subtag.bytes().all(|octet| octet.is_ascii_alphanumeric())
        });
    is_range.then_some((range, weight))
}

/// The weight that `q=0.8` says.
fn thousandths(weight: &str) -> Option<u16> {
    let value = weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?;
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let is_fraction = fraction.len() <= 3 && fraction.bytes().all(|octet| octet.is_ascii_digit());
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok().filter(|_| is_fraction)?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1_000),
        _ => None,
    }
}

fn language_of(range: &str) -> Option<Language> {
    let primary = range.split('-').next().unwrap_or_default();
    Language::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
}

fn unpadded(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const DE: Option<Language> = Some(Language::German);
    const EN: Option<Language> = Some(Language::English);

    #[track_caller]
    fn check(header: &str, expected: Option<Language>) {
        assert_eq!(negotiate(header), expected, "{header:?}");
    }

    #[test]
    fn a_tag_leads_back_to_its_language() {
        for language in Language::ALL {
            assert_eq!(Language::of_tag(language.tag()), Some(language));
            let each = PerLanguage::make(Language::tag);
            assert_eq!(*each.get(language), language.tag());
        }
        assert_eq!((Language::German.tag(), Language::English.tag()), ("de", "en"));
        for other in ["", "DE", "de-AT", "fr"] {
            assert_eq!(Language::of_tag(other), None, "{other:?}");
        }
    }

    #[test]
    fn the_greatest_weight_decides_and_of_equals_the_first() {
        check("de", DE);
        check("en", EN);
        check("de, en", DE);
        check("en, de", EN);
        check("en;q=0.8, de;q=0.9", DE);
        check("en;q=0.899,de;q=0.9", DE);
        check("de;q=0.001, en;q=0.0", DE);
        check("de;q=0.5, en", EN);
        check("de;q=1.000, en;q=1.", DE);
        // What browsers send.
        check("de-AT,de;q=0.9,en-US;q=0.8,en;q=0.7", DE);
        check("en-US,en;q=0.5", EN);
        check("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", EN);
    }

    #[test]
    fn a_range_counts_for_its_first_subtag_in_any_case() {
        check("de-AT", DE);
        check("DE-at-1996", DE);
        check("En-Latn-GB-oed", EN);
        check("deu", None);
        check("den, e, english", None);
        check("i-de", None);
        check("en;q=0.4, de;q=0.1, de-CH;q=0.5", DE);
        check("de;q=0.5, de-CH;q=0.1, en;q=0.4", DE);
    }

    #[test]
    fn the_asterisk_stands_for_what_is_not_named() {
        check("*", None);
        check("fr, *;q=0.5", None);
        check("de;q=0, *", EN);
        check("de;q=0, *;q=0", None);
        check("en;q=0.5, *", DE);
        check("en;q=0.5, *;q=0.4", EN);
        check("en, *", EN);
        check("*, en", DE);
        check("*;q=0, de;q=0.1", DE);
    }

    #[test]
    fn a_weight_of_zero_refuses() {
        check("de;q=0", None);
        check("de;q=0.000", None);
        check("de;q=0, en;q=0", None);
        check("en;q=0, de;q=0.001", DE);
    }

    #[test]
    fn what_is_malformed_is_skipped_and_its_neighbors_count() {
        for malformed in [
            "",
            " ",
            ";",
            "de;",
            "de;q",
            "de;q=",
            "de;q=2",
            "de;q=1.001",
            "de;q=0.0001",
            "de;q=.5",
            "de;q=-1",
            "de;q=+0.5",
            "de;q=0.+5",
            "de;q=1e0",
            "de;q =1",
            "de;q= 1",
            "de;x=1",
            "de;q=1;x",
            "de q=1",
            "de;q=1 1",
            "de_AT",
            "-de",
            "de-",
            "de--AT",
            "de-*",
            "*-AT",
            "**",
            "de-abcdefghi",
            "d\u{e9}",
            "\u{ff44}\u{ff45}",
            "de\n",
            "\"de\"",
            "de;q=0,5",
        ] {
            check(malformed, None);
            check(&format!("{malformed},en;q=0.1"), EN);
            check(&format!("en;q=0.1 ,{malformed}"), EN);
        }
        check(",, ,\t, de ;\tq=0.3 ,", DE);
        check("de; Q=0.3, en;q=0.2", DE);
    }

    #[test]
    fn of_a_long_header_whole_parts_of_its_beginning_count() {
        let filled = |octets: usize| "fr,".repeat(octets / 3);
        check(&format!("{}de", filled(990)), DE);
        check(&format!("de;q=0.1,{}en", filled(1_000)), DE);
        check(&format!("{}en", filled(1_200)), None);
        // Cut before `;q=0` it would ask for what it refuses.
        let cut = format!("en;q=0.1,{}{}de", filled(980), " ".repeat(11));
        assert_eq!(cut.len(), MAX_OCTETS);
        check(&cut, DE);
        check(&format!("{cut};q=0"), EN);
        check(&"x".repeat(1 << 20), None);
        check(&",".repeat(1 << 20), None);
        check(&"\u{fc}".repeat(1 << 20), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_answered(header in "[deDEn*,;=q0-9. \u{fc}-]{0,60}") {
            let answer = negotiate(&header);
            // An empty part says nothing.
            proptest::prop_assert_eq!(negotiate(&format!(",{header}, ")), answer);
        }
    }
}
