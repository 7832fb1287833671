//! Titles by language and the dress of a brand, as the file has them.

use super::*;
use crate::catalog::page::{Color, LogoKind, MAX_TEXT, MAX_TITLE, Page};
use crate::model::language::Language::{self, English, German};

/// A brand with these lines in it, which begin on line 10.
fn brand(lines: &str) -> String {
    let rest = "topic = [{ id = \"newsletter\", title = \"N\" }]\n";
    BASE.split_once("topic").unwrap().0.to_owned() + rest + lines
}

fn page(lines: &str) -> Page {
    parsed(&brand(lines)).brands[0].page.as_ref().clone()
}

#[test]
fn titles_are_those_of_the_language_where_there_are_any() {
    let catalog = parsed(
        &BASE
            .replace("title = \"B\"", "title = \"B\"\ntitles = { de = \"B de\", en = \"B en\" }")
            .replace("title = \"F\"", "title = \"F\"\ntitles.en = \"F en\"")
            .replace("title = \"P\"", "title = \"P\", titles = { de = \"P de\" }"),
    );
    let (controller, brand) = (&catalog.controllers[0], &catalog.brands[0]);
    let both = |title: &dyn Fn(Language) -> String| [title(German), title(English)];
    assert_eq!(both(&|language| controller.title_in(language).to_owned()), ["B de", "B en"]);
    assert_eq!(both(&|language| brand.title_in(language).to_owned()), ["F", "F en"]);
    let topic = |place: usize| both(&|l| brand.topics[place].title_in(l).to_owned());
    assert_eq!((topic(0), topic(1)), (["N".into(), "N".into()], ["P de".into(), "P".into()]));
    assert_eq!((&*controller.title, &*brand.title, &*brand.topics[1].title), ("B", "F", "P"));
}

#[test]
fn titles_are_one_line_of_a_language_that_we_speak() {
    let long = "x".repeat(MAX_TITLE + 1);
    let clause = "a text of 1 to 200 characters on one line is needed";
    check(
        &BASE
            .replace("title = \"B\"", "title = \"a\\nb\"\ntitles = { fr = \"B\", de = 1 }")
            .replace("title = \"F\"", &format!("title = \"{long}\"\ntitles = {{ de = \" \" }}"))
            .replace("title = \"N\"", "title = \"a\\u007fb\", titles = { de = \"\", en = \"\\r\" }")
            .replace("title = \"P\"", "title = \"P\", titles = \"P\""),
        &[
            &format!("3: controller[0].title: {clause}"),
            "4: controller[0].titles.fr: unknown key; known are `de`, `en`",
            "4: controller[0].titles.de: expected a string, found an integer",
            &format!("9: brand[0].title: {clause}"),
            &format!("10: brand[0].titles.de: {clause}"),
            &format!("11: brand[0].topic[0].title: {clause}"),
            &format!("11: brand[0].topic[0].titles.de: {clause}"),
            &format!("11: brand[0].topic[0].titles.en: {clause}"),
            "11: brand[0].topic[1].titles: expected a table, found a string",
        ],
    );
    let longest = "\u{fc}".repeat(MAX_TITLE);
    parsed(&BASE.replace("\"F\"", &format!("\"{longest}\"\ntitles.de = \"{longest}\"")));
}

#[test]
fn brand_without_a_page_has_the_plain_one() {
    let plain = parsed(BASE).brands[0].page.clone();
    assert_eq!(*plain, Page::default());
    assert_eq!(plain, parsed(&brand("page = {}\n")).brands[0].page);
    assert_eq!((plain.color(), plain.logo()), (Color::default(), None));
    assert_eq!((plain.privacy(), plain.imprint(), plain.list_id()), (None, None, None));
    for language in Language::ALL {
        assert_eq!((plain.intro(language), plain.sign_up(language)), (None, None));
    }
}

#[test]
fn page_of_the_example_is_what_it_says() {
    let catalog = parsed(EXAMPLE);
    let festival = catalog.brand("festival").unwrap();
    assert_eq!(festival.title_in(English), "Summer Festival");
    let page = &festival.page;
    assert_eq!(page.color().to_string(), "#8a1538");
    let logo = page.logo().unwrap();
    assert_eq!(logo.kind(), LogoKind::Svg);
    assert!(logo.uri().starts_with("data:image/svg+xml;base64,PHN2") && !logo.uri().contains(' '));
    assert_eq!(page.privacy(), Some("https://sommerfestival.example/datenschutz"));
    assert_eq!(page.imprint(), Some("https://sommerfestival.example/impressum"));
    assert_eq!(page.list_id(), Some("festival.sommerfestival.example"));
    assert!(page.intro(German).unwrap().starts_with("Hier bestimmen Sie"));
    assert!(page.intro(English).unwrap().starts_with("Here you decide"));
    assert!(page.sign_up(German).unwrap().starts_with("Ja, die B\u{fc}hne GmbH darf mir"));
    assert!(page.sign_up(English).unwrap().starts_with("Yes, B\u{fc}hne GmbH may send me"));
    for brand in &catalog.brands {
        assert_ne!(brand.page.color(), Color::default(), "{}", brand.title);
        assert!(brand.topics.iter().all(|topic| topic.title.as_ref() == topic.title_in(German)));
    }
    let jugend = catalog.brands[1].topic(&catalog.names, "jugend").unwrap();
    assert_eq!(jugend.title_in(English), "Young Theater");
}

#[test]
fn mail_of_a_brand_has_its_own_words_or_ours() {
    let page = page(
        "[brand.page.de]\nmail_subject = \"Ja zu {brand}?\"\nmail_text = \"\"\"\n{topics}:\n{link}\"\"\"\n\
         [brand.page.en]\nmail_subject = \"{brand}\"\n",
    );
    assert_eq!(page.mail_subject(German, "F"), "Ja zu F?");
    assert_eq!(page.mail_subject(English, "F"), "F");
    assert_eq!(page.mail_text(German, "F", &["N", "P"], "https://l"), "N und P:\nhttps://l");
    let plain = Page::default().mail_text(English, "F", &["N"], "https://l");
    assert_eq!(page.mail_text(English, "F", &["N"], "https://l"), plain);
}

#[test]
fn unknown_keys_of_a_page_are_faulted_with_the_known_ones() {
    check(
        &brand(
            "[brand.page]\ncolour = \"#8a1538\"\n[brand.page.fr]\n[brand.page.de]\ntitle = \"\"\n",
        ),
        &[
            "11: brand[0].page.colour: unknown key; known are `color`, `logo`, `privacy`, \
             `imprint`, `list_id`, `de`, `en`",
            "12: brand[0].page.fr: unknown key; known are `color`, `logo`, `privacy`, \
             `imprint`, `list_id`, `de`, `en`",
            "14: brand[0].page.de.title: unknown key; known are `intro`, `sign_up`, \
             `mail_subject`, `mail_text`",
        ],
    );
    check_after_base(
        "[page]\n",
        &["11: page: unknown key; known are `policy`, `controller`, `brand`, `campaign`"],
    );
}

#[test]
fn wrong_types_of_a_page_are_faulted_once_each() {
    check(&brand("page = \"red\"\n"), &["10: brand[0].page: expected a table, found a string"]);
    check(
        &brand(
            "[brand.page]\ncolor = 1\nlogo = {}\nprivacy = true\nimprint = []\nlist_id = 1.5\n\
             de = \"Hallo\"\n[brand.page.en]\nintro = 1\nsign_up = []\nmail_subject = {}\n\
             mail_text = true\n",
        ),
        &[
            "11: brand[0].page.color: expected a string, found an integer",
            "12: brand[0].page.logo: expected a string, found a table",
            "13: brand[0].page.privacy: expected a string, found a boolean",
            "14: brand[0].page.imprint: expected a string, found an array",
            "15: brand[0].page.list_id: expected a string, found a float",
            "16: brand[0].page.de: expected a table, found a string",
            "18: brand[0].page.en.intro: expected a string, found an integer",
            "19: brand[0].page.en.sign_up: expected a string, found an array",
            "20: brand[0].page.en.mail_subject: expected a string, found a table",
            "21: brand[0].page.en.mail_text: expected a string, found a boolean",
        ],
    );
}

#[test]
fn what_is_wrong_with_a_page_is_told_at_its_key_and_all_at_once() {
    // `<svg onload="x"></svg>`.
    let drawing = "PHN2ZyBvbmxvYWQ9IngiPjwvc3ZnPg==";
    check(
        &brand(&format!(
            "[brand.page]\ncolor = \"#ff8800\"\nlogo = \"data:image/svg+xml;base64,{drawing}\"\n\
             privacy = \"http://a.example\"\nimprint = \"https://a.example/a b\"\n\
             list_id = \"festival\"\n[brand.page.de]\nintro = \"{{brand}}\"\nsign_up = \"}}\"\n\
             mail_subject = \"{{link}}\"\nmail_text = \"{{brand}}: {{topic}}\"\n\
             [brand.page.en]\nmail_text = \"{{brand}}\"\n"
        )),
        &[
            "11: brand[0].page.color: the contrast of `#ff8800` with white is 2.39:1 and must be \
             at least 4.5:1 (WCAG 2.2, 1.4.3); take a darker color, such as `#b56000`",
            "12: brand[0].page.logo: the SVG holds `onload`; a logo runs nothing: take it out",
            "13: brand[0].page.privacy: a link begins with `https://`",
            "14: brand[0].page.imprint: the link holds a character that no URL has; write a space \
             as `%20`, and what lies beyond ASCII octet by octet likewise",
            "15: brand[0].page.list_id: `festival` is no List-Id; write a name under a domain of \
             yours, such as `festival.example.com` (RFC 2919), without angle brackets",
            "17: brand[0].page.de.intro: `{brand}` is no placeholder of this text; it has none, \
             and braces have no place in it",
            "18: brand[0].page.de.sign_up: a brace alone; it has none, and braces have no place \
             in it",
            "19: brand[0].page.de.mail_subject: `{link}` is no placeholder of this text; \
             known are `{brand}`",
            "20: brand[0].page.de.mail_text: `{topic}` is no placeholder of this text; \
             known are `{brand}`, `{topics}`, `{link}`",
            "22: brand[0].page.en.mail_text: the text must hold `{link}` once; it stands there \
             0 times",
        ],
    );
    check(
        &brand("[brand.page]\nlogo = \"logo.svg\"\nimprint = \"https://\"\n"),
        &[
            "11: brand[0].page.logo: a logo is a data URI; it begins with \
             `data:image/svg+xml;base64,` or `data:image/png;base64,`",
            "12: brand[0].page.imprint: the link needs a host after `https://`, such as \
             `https://www.example.com/privacy`; one beyond ASCII is written as its A-label \
             (`xn--...`)",
        ],
    );
}

#[test]
fn texts_are_bounded_and_have_lines() {
    let lines = "a\nb";
    let of = |text: &str| page(&format!("[brand.page.de]\nintro = \"\"\"\n{text}\"\"\"\n"));
    assert_eq!(of(lines).intro(German), Some(lines));
    // As an editor of Windows writes them.
    assert_eq!(of("a\r\nb\r\n").intro(German), Some("a\nb\n"));
    let longest = "\u{fc}".repeat(MAX_TEXT);
    assert_eq!(of(&longest).intro(German), Some(&*longest));
    let text = "a text of 1 to 2000 characters is needed, without control characters other than \
                line feeds";
    let line = "a text of 1 to 200 characters on one line is needed";
    let long = "x".repeat(MAX_TITLE + 1);
    check(
        &brand(&format!(
            "[brand.page.de]\nintro = \"{longest}x\"\nsign_up = \"a\\tb\"\nmail_subject = \"{long}\"\n\
             mail_text = \"{{link}}{longest}\"\n[brand.page.en]\nintro = \" \\n\"\nsign_up = \"\"\n\
             mail_subject = \"a\\nb\"\nmail_text = \"{{link}}\\u0000\"\n"
        )),
        &[
            &format!("11: brand[0].page.de.intro: {text}"),
            &format!("12: brand[0].page.de.sign_up: {text}"),
            &format!("13: brand[0].page.de.mail_subject: {line}"),
            &format!("14: brand[0].page.de.mail_text: {text}"),
            &format!("16: brand[0].page.en.intro: {text}"),
            &format!("17: brand[0].page.en.sign_up: {text}"),
            &format!("18: brand[0].page.en.mail_subject: {line}"),
            &format!("19: brand[0].page.en.mail_text: {text}"),
        ],
    );
}
