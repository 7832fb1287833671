//! The document as one self-contained page: `templates/sheet.html`, whose every insertion askama
//! escapes. No script, no request, no word of its own.

use askama::Template;

use super::document::{Document, Part};

#[derive(Template)]
#[template(path = "sheet.html")]
struct Page<'d> {
    document: &'d Document,
}

pub(super) fn render(document: &Document) -> String {
    // Writing into a string does not fail.
    Page { document }.to_string()
}
