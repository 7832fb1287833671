//! What the rule rests on, shown for every character there is.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_public_assigned;

use super::*;

/// Every character but those that Unicode does not know; all of them are refused.
fn every_non_ascii_character() -> impl Iterator<Item = char> {
    ('\u{80}'..=char::MAX).filter(|&c| is_public_assigned(c))
}

fn is_lower(c: char) -> bool {
    c.to_lowercase().eq([c])
}

fn may_stand(c: char) -> bool {
    c.is_ascii() || general::is_visible(c)
}

#[test]
fn the_confusable_characters_are_those_whose_form_is_ascii() {
    let confusable = |&c: &char| {
        let composed: String = std::iter::once(c).nfc().collect();
        let lower: String = composed.chars().flat_map(char::to_lowercase).collect();
        composed.is_ascii() || lower.is_ascii()
    };
    let found: Vec<char> = every_non_ascii_character().filter(confusable).collect();
    assert_eq!(found, general::CONFUSABLE);
}

/// Why the canonical form is its own: after NFC, lower case and NFC, nothing is left to lower.
#[test]
fn composing_makes_no_capital_and_nothing_invisible() {
    for c in every_non_ascii_character() {
        let parts: Vec<char> = std::iter::once(c).nfd().collect();
        if parts != [c] && parts.iter().all(|&part| is_lower(part)) {
            assert!(is_lower(c), "{c:?}");
        }
        for lower in c.to_lowercase() {
            assert!(is_lower(lower), "{c:?}");
            assert!(!may_stand(c) || may_stand(lower), "{c:?}");
        }
        for part in parts {
            assert!(!may_stand(c) || may_stand(part), "{c:?}");
        }
    }
}

/// No mark joins a character that has a meaning in an address.
#[test]
fn composing_leaves_the_syntax_alone() {
    for c in every_non_ascii_character().filter(|c| !general::CONFUSABLE.contains(c)) {
        let syntax = |part: char| part.is_ascii_punctuation() && !"<=>".contains(part);
        assert!(!std::iter::once(c).nfd().any(syntax), "{c:?}");
    }
}

#[test]
fn what_idna_ignores_is_invisible() {
    let mut ignored = 0;
    for c in every_non_ascii_character() {
        let domain = format!("a{c}b.example");
        let ascii = Uts46::new().to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        );
        if ascii.is_ok_and(|ascii| ascii == "ab.example") {
            ignored += 1;
            assert!(!general::is_visible(c), "{c:?}");
        }
    }
    assert!(ignored > 200, "only {ignored} were seen");
}

#[test]
fn the_ranges_of_invisible_characters_are_in_order() {
    assert!(general::INVISIBLE.iter().all(|(first, last)| first <= last));
    assert!(general::INVISIBLE.is_sorted_by(|one, next| one.1 < next.0));
}

#[test]
fn every_character_has_one_canonical_form() {
    for c in every_non_ascii_character() {
        let raw = format!("a{c}@d.example");
        let decomposed: String = raw.nfd().collect();
        match canonical(&raw) {
            Ok(form) => {
                for other in [&form, &decomposed].into_iter().filter(|&other| *other != raw) {
                    assert_eq!(canonical(other).as_deref(), Ok(&*form), "{c:?}");
                }
            }
            Err(InvalidAddress::Confusable) => assert!(general::CONFUSABLE.contains(&c), "{c:?}"),
            Err(why) => {
                assert_eq!((why, may_stand(c)), (InvalidAddress::Character, false), "{c:?}")
            }
        }
    }
}

/// Golden value. Where it differs the rule is no longer version 1: old data would not be found.
#[test]
fn rule_version_1_is_what_it_was() {
    assert_eq!(RULE_VERSION, 1);
    let mut digest = crc32fast::Hasher::new();
    // Blocks without a free place, so that no later Unicode adds to them.
    for block in ['\0'..='\u{24F}', '\u{400}'..='\u{52F}', '\u{1E00}'..='\u{1EFF}'] {
        for c in block {
            for raw in
                [format!("a{c}@d.example"), format!("\"a{c} \"@d.example"), format!("j@d{c}.ex")]
            {
                match canonical(&raw) {
                    Ok(form) => digest.update(form.as_bytes()),
                    Err(_) => digest.update(b"invalid"),
                }
                digest.update(b"\n");
            }
        }
    }
    assert_eq!(digest.finalize(), 3_796_240_184);
}
