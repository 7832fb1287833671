//! The tables `[brand.page]`, `[brand.page.de]` and `[brand.page.en]`, and titles by language.

use std::sync::Arc;

use super::super::Titles;
use super::super::page::{
    self, Color, Link, ListId, Logo, MAX_TEXT, MAX_TITLE, Page, PlaceholderFault, Texts,
};
use super::fault::Fault;
use super::section::{Keys, Lines, Section};
use crate::model::language::{Language, PerLanguage};

const DE: &str = Language::German.tag();
const EN: &str = Language::English.tag();

const TITLES: Keys = Keys { required: &[], optional: &[DE, EN], reserved: &[] };
const PAGE: Keys = Keys {
    required: &[],
    optional: &["color", "logo", "privacy", "imprint", "list_id", DE, EN],
    reserved: &[],
};
const TEXTS: Keys = Keys {
    required: &[],
    optional: &["intro", "sign_up", "mail_subject", "mail_text"],
    reserved: &[],
};

/// The key `titles` of a controller, brand or topic.
pub(super) fn titles(entry: &Section<'_>) -> Titles {
    let own = entry.section("titles", &TITLES);
    PerLanguage::make(|language| {
        own.as_ref()?.words(language.tag(), Lines::One, MAX_TITLE).map(Into::into)
    })
}

/// The key `page` of a brand. What is at fault is reported and keeps its default.
pub(super) fn of_brand(entry: &Section<'_>) -> Arc<Page> {
    let Some(own) = entry.section("page", &PAGE) else { return Arc::default() };
    let page = Page {
        color: own.parsed("color", Color::parse).unwrap_or_default(),
        logo: own.parsed("logo", Logo::parse),
        privacy: own.parsed("privacy", Link::parse),
        imprint: own.parsed("imprint", Link::parse),
        list_id: own.parsed("list_id", ListId::parse),
        texts: PerLanguage::make(|language| {
            own.section(language.tag(), &TEXTS).map(|own| texts(&own)).unwrap_or_default()
        }),
    };
    Arc::new(page)
}

fn texts(own: &Section<'_>) -> Texts {
    let text = |key, lines, max, check: fn(&str) -> Result<(), PlaceholderFault>| {
        let text = own.words(key, lines, max)?;
        if let Err(fault) = check(&text) {
            own.fault(key, Fault::Placeholder(fault));
        }
        Some(text.into())
    };
    Texts {
        intro: text("intro", Lines::Many, MAX_TEXT, page::check_words),
        sign_up: text("sign_up", Lines::Many, MAX_TEXT, page::check_words),
        mail_subject: text("mail_subject", Lines::One, MAX_TITLE, page::check_subject),
        mail_text: text("mail_text", Lines::Many, MAX_TEXT, page::check_text),
    }
}
