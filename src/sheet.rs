//! The data sheet as a document to hand out: JSON for programs (GDPR Art. 20), plain text, and a
//! page for a browser and its printer, in English and German.
//!
//! Text and page are two forms of one `document`; every word of theirs is in `words`. Nothing
//! empty is shown anywhere: what was not given has no line. The page loads nothing and runs
//! nothing, and whatever others wrote is escaped by its template.

mod document;
mod html;
mod json;
#[cfg(test)]
mod tests;
mod text;
pub mod words;

use self::document::Document;
use crate::engine::sheet::SubjectSheet;
use crate::model::language::Language;

/// The form of a data sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// For programs; the same in every language.
    #[default]
    Json,
    /// For a browser and its printer.
    Html,
    /// Plain text of 80 columns.
    Text,
}

impl Form {
    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

/// The sheet in a form and language.
#[must_use]
pub fn render(sheet: &SubjectSheet, form: Form, language: Language) -> String {
    match form {
        Form::Json => json::render(sheet),
        Form::Html => html::render(&Document::of(sheet, language)),
        Form::Text => text::render(&Document::of(sheet, language)),
    }
}
