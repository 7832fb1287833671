//! A page that only tells something.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::fault::Fault;
use super::page::{Frame, Page};
use super::topics::Group;
use super::visit::Visit;
use crate::catalog::Brand;
use crate::model::language::Language;

/// A heading and some paragraphs.
#[derive(Debug, Template)]
#[template(path = "web/told.html")]
pub(super) struct Told {
    frame: Frame,
    title: String,
    paragraphs: Vec<String>,
    /// How topics stand, where that is what it tells.
    groups: Vec<Group>,
}

impl Told {
    /// Of a brand, and of what became of a form.
    pub(super) fn of(brand: &Brand, language: Language, title: &str, text: &str) -> Self {
        let mut frame = Frame::of(brand, language);
        frame.switches = false;
        Self::framed(frame, title, text)
    }

    /// Of a brand, before any form.
    pub(super) fn first(brand: &Brand, language: Language, title: &str, text: &str) -> Self {
        Self::framed(Frame::of(brand, language), title, text)
    }

    /// To whom nothing is held about any more.
    pub(super) fn erased(brand: &Brand, language: Language) -> Self {
        let frame = Frame::of(brand, language);
        let (title, text) = (frame.words.rights, frame.words.access_held_nothing);
        Self::framed(frame, title, text)
    }

    /// Of nobody.
    pub(super) fn bare(language: Language, title: &str, text: &str) -> Self {
        Self::framed(Frame::bare(language), title, text)
    }

    fn framed(frame: Frame, title: &str, text: &str) -> Self {
        let paragraphs = text.split('\n').filter(|line| !line.is_empty());
        let paragraphs = paragraphs.map(ToOwned::to_owned).collect();
        Self { frame, title: title.to_owned(), paragraphs, groups: Vec::new() }
    }

    /// The same, with how these topics stand.
    pub(super) fn with(self, groups: Vec<Group>) -> Self {
        Self { groups, ..self }
    }

    pub(super) fn page(&self, status: StatusCode) -> Page {
        Page::new(status, &self.frame, self)
    }
}

/// For whatever has no page.
pub(super) async fn nothing_here(visit: Visit) -> Response {
    Fault::NothingHere.page(&visit)
}

/// No page of an owner is for a search engine.
pub(super) async fn robots() -> Response {
    "User-agent: *\nDisallow: /\n".into_response()
}
