//! Any octets as a catalog file: a catalog whose names hold on a second reading and whose mails and
//! pages hold nothing that breaks them, or errors that name a line of the file.

use super::*;
use crate::catalog::page::MIN_CONTRAST;
use crate::model::language::Language;

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
            catalog.brands.iter().for_each(dressed);
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

/// What a page or mail of the brand may be relied on for.
#[track_caller]
fn dressed(brand: &Brand) {
    const LINK: &str = "https://link.example/";
    let page = &brand.page;
    let contrast = page.color().contrast_with_white().replace(":1", "").parse();
    assert!(contrast.is_ok_and(|contrast: f64| contrast >= MIN_CONTRAST), "{}", page.color());
    for text in [page.privacy(), page.imprint(), page.list_id(), page.logo().map(|l| l.uri())] {
        let is_plain = |octet: u8| octet.is_ascii_graphic() && !b"<>\"".contains(&octet);
        assert!(text.is_none_or(|text| text.bytes().all(is_plain)), "{text:?}");
    }
    for language in Language::ALL {
        let title = brand.title_in(language);
        let topics: Vec<&str> = brand.topics.iter().map(|topic| topic.title_in(language)).collect();
        let subject = page.mail_subject(language, title);
        for line in topics.iter().copied().chain([title, &subject]) {
            assert!(!line.is_empty() && !line.contains(char::is_control), "{line:?}");
        }
        let links = |text: String| text.matches(LINK).count();
        let others = links(page.mail_text(language, title, &topics, ""));
        assert_eq!(links(page.mail_text(language, title, &topics, LINK)), others + 1);
    }
}
