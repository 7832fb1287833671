//! How a brand dresses the owner's pages and the mail of a double opt-in: color, logo, links, texts.
//!
//! All of it stands in the catalog file, the logo too: a page asks no other host for anything, and
//! the ledger's record of the catalog is whole. No verdict hangs on it, so a change of dress neither
//! loosens a policy nor stands in the way of a reload.
//!
//! Everything here is text, never markup: escaping it is the edge's work. INVARIANT(one_line): titles
//! and subjects hold no control character, `parse` sees to it. So a mail's head cannot get a line
//! from them.

mod color;
mod link;
mod logo;
mod mail;
mod svg;
#[cfg(test)]
mod tests;
mod words;

use crate::model::language::{Language, PerLanguage};

pub use self::color::{Color, ColorFault, MIN_CONTRAST};
pub use self::link::{Link, LinkFault, ListId, NoListId};
pub use self::logo::{Logo, LogoFault, LogoKind, MAX_LOGO};
pub use self::mail::{Placeholder, PlaceholderFault};
pub use self::svg::SvgFault;

pub(super) use self::mail::{check_subject, check_text, check_words};

/// The most characters of a text of a page or mail.
pub const MAX_TEXT: usize = 2_000;

/// The most characters of a mail's subject, and of a title in any language.
pub const MAX_TITLE: usize = 200;

/// The dress of a brand. The default is ours: neutral, without logo and links.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    pub(super) color: Color,
    pub(super) logo: Option<Logo>,
    pub(super) privacy: Option<Link>,
    pub(super) imprint: Option<Link>,
    pub(super) list_id: Option<ListId>,
    pub(super) texts: PerLanguage<Texts>,
}

/// The brand's own texts in one language; none where the brand has no text of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Texts {
    pub(super) intro: Option<Box<str>>,
    pub(super) sign_up: Option<Box<str>>,
    pub(super) mail_subject: Option<Box<str>>,
    pub(super) mail_text: Option<Box<str>>,
}

impl Page {
    /// The color of headings and buttons. White on it, and it on white, can be read.
    #[must_use]
    pub const fn color(&self) -> Color {
        self.color
    }

    /// The logo, if the brand has one.
    #[must_use]
    pub const fn logo(&self) -> Option<&Logo> {
        self.logo.as_ref()
    }

    /// The address of the privacy notice, if there is one; `https:`.
    #[must_use]
    pub fn privacy(&self) -> Option<&str> {
        self.privacy.as_ref().map(Link::as_str)
    }

    /// The address of the page that says who is behind the brand, if there is one; `https:`.
    #[must_use]
    pub fn imprint(&self) -> Option<&str> {
        self.imprint.as_ref().map(Link::as_str)
    }

    /// What goes between the angle brackets of `List-Id` (RFC 2919), if the brand has one.
    #[must_use]
    pub fn list_id(&self) -> Option<&str> {
        self.list_id.as_ref().map(ListId::as_str)
    }

    /// What stands above the preferences. Lines may be parted by line feeds.
    #[must_use]
    pub fn intro(&self, language: Language) -> Option<&str> {
        self.texts.get(language).intro.as_deref()
    }

    /// What a person agrees to by signing up: shown above the button, and the wording of the
    /// evidence. Lines may be parted by line feeds.
    #[must_use]
    pub fn sign_up(&self, language: Language) -> Option<&str> {
        self.texts.get(language).sign_up.as_deref()
    }

    /// The subject of the mail of a double opt-in: one line, and not encoded for a header.
    ///
    /// INVARIANT(one_line): relies on it, for its own text and for the title.
    #[must_use]
    pub fn mail_subject(&self, language: Language, brand_title: &str) -> String {
        let own = self.texts.get(language).mail_subject.as_deref();
        mail::fill(own.unwrap_or(words::subject(language)), |placeholder| match placeholder {
            Placeholder::Brand => brand_title,
            // A subject that was read has no others.
            Placeholder::Topics | Placeholder::Link => "",
        })
    }

    /// The text of the mail of a double opt-in: plain, lines parted by line feeds. Without topics
    /// it is about all of the brand.
    #[must_use]
    pub fn mail_text(
        &self,
        language: Language,
        brand_title: &str,
        topic_titles: &[&str],
        link: &str,
    ) -> String {
        let topics = words::list(language, topic_titles);
        let own = self.texts.get(language).mail_text.as_deref();
        mail::fill(own.unwrap_or(words::text(language)), |placeholder| match placeholder {
            Placeholder::Brand => brand_title,
            Placeholder::Topics => &topics,
            Placeholder::Link => link,
        })
    }

    /// The texts that are the brand's own, as the catalog names them: language and key.
    pub fn own_texts(&self) -> impl Iterator<Item = (Language, &'static str)> {
        Language::ALL.into_iter().flat_map(|language| {
            let Texts { intro, sign_up, mail_subject, mail_text } = self.texts.get(language);
            let texts = [
                ("intro", intro),
                ("sign_up", sign_up),
                ("mail_subject", mail_subject),
                ("mail_text", mail_text),
            ];
            let own = texts.into_iter().filter(|(_, text)| text.is_some());
            own.map(move |(key, _)| (language, key))
        })
    }
}
