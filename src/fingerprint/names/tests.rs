use proptest::prelude::*;

use super::*;
use crate::model::address::levels;

const KEY: [u8; 16] = *b"0123456789abcdef";

/// Addresses of every length and kind, and what is none; most are plain.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-zA-Z0-9_-]{1,40}@[a-zA-Z0-9]{1,20}\\.[a-zA-Z]{2,10}",
        1 => "[a-z]{1,9}\\+[a-z]{0,9}@[a-z]{1,9}\\.[a-z]{2,9}",
        1 => "[a-z]{1,60}@[a-z]{1,60}\\.[a-z]{1,60}\\.[a-z]{1,60}",
        1 => "[ \t]?\"?[a-zA-Z\u{E4}\u{D6} .+]{1,9}\"?@[a-zA-Z\u{FC}]{1,9}\\.[a-z]{2,9}[ .]?",
        1 => ".{0,30}",
    ]
}

/// One after the other, as the names were found before there were lanes.
fn one_by_one(texts: &[String]) -> (Vec<Option<Fingerprint>>, Vec<(usize, Fingerprint)>) {
    let (fingerprinter, mut bases) = (Fingerprinter::new(KEY), Vec::new());
    let mut canonicaliser = Canonicaliser::default();
    let mut one = |(position, text): (usize, &String)| {
        let canonical = canonicaliser.canonical(text.as_bytes()).ok()?;
        let fingerprint = fingerprinter.fingerprint(canonical);
        if let Some(base) = canonicaliser.base() {
            bases.push((position, fingerprinter.fingerprint(base)));
        }
        Some(fingerprint)
    };
    let fingerprints = texts.iter().enumerate().map(&mut one).collect();
    (fingerprints, bases)
}

#[track_caller]
fn check(texts: &[String], names: &mut Names) {
    let (fingerprints, bases) = one_by_one(texts);
    let position = |(position, one): (usize, &Option<_>)| one.is_none().then_some(position);
    let invalid: Vec<usize> = fingerprints.iter().enumerate().filter_map(position).collect();
    for level in levels() {
        let addresses = texts.iter().map(String::as_bytes);
        Fingerprinter::new(KEY).name_by(level, addresses, names);
        assert_eq!(names.fingerprints().len(), texts.len(), "{level:?}");
        for (found, expected) in names.fingerprints().iter().zip(&fingerprints) {
            assert!(expected.is_none_or(|expected| expected == *found), "{level:?}");
        }
        assert_eq!(names.bases(), bases, "{level:?}");
        assert_eq!(names.invalid(), invalid, "{level:?}");
    }
}

#[test]
fn a_list_of_any_length_is_named_as_one_by_one() {
    let text = |n: usize| format!("{}.{n}@Example.com", "x".repeat(n % 50));
    let mut names = Names::default();
    for count in [0, 1, 7, 8, 9, 63, 64, 65, 127, 128, 129, 200, 3] {
        check(&(0..count).map(text).collect::<Vec<_>>(), &mut names);
    }
}

#[test]
fn what_is_not_plain_is_named_in_its_place() {
    let mut names = Names::default();
    for place in 0..70 {
        let mut texts = vec!["Plain@example.com".to_owned(); 70];
        for other in ["tagged+news@example.com", "none", "\u{E4}@example.com", " a@b.example "] {
            other.clone_into(&mut texts[place]);
            check(&texts, &mut names);
        }
    }
}

#[test]
fn names_print_no_content() {
    assert_eq!(format!("{:?}", Names::default()), "Names(..)");
}

proptest! {
    #[test]
    fn any_list_is_named_as_one_by_one(texts in proptest::collection::vec(text(), 0..150)) {
        check(&texts, &mut Names::default());
    }
}
