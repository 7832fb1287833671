//! A page as it goes out: its frame, its style, and the headers that keep it to itself.

use std::sync::LazyLock;

use askama::Template;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::words::{self, Words};
use crate::catalog::Brand;
use crate::model::language::Language;

/// The color where no brand has one: that of the data sheet.
const OURS: &str = "#1f4e79";

/// The style of all pages, but for the color.
const STYLE: &str = include_str!("../../templates/web/style.css");

/// What every page has around its own.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) words: &'static Words,
    /// Who speaks: the brand, or nobody where the link is not ours.
    pub(super) sender: String,
    pub(super) logo: Option<String>,
    pub(super) privacy: Option<String>,
    pub(super) imprint: Option<String>,
    /// Whether it links to itself in the other language. What tells of a form's end does not: the
    /// link would lead back to the form.
    pub(super) switches: bool,
    style: String,
}

impl Frame {
    /// Of a brand.
    pub(super) fn of(brand: &Brand, language: Language) -> Self {
        Self {
            words: words::of(language),
            sender: brand.title_in(language).to_owned(),
            logo: brand.page.logo().map(|logo| logo.uri().to_owned()),
            privacy: brand.page.privacy().map(ToOwned::to_owned),
            imprint: brand.page.imprint().map(ToOwned::to_owned),
            switches: true,
            style: styled(&brand.page.color().to_string()),
        }
    }

    /// Of nobody: the link is not ours, or its brand is gone.
    pub(super) fn bare(language: Language) -> Self {
        let words = words::of(language);
        let (sender, style) = (String::new(), styled(OURS));
        Self { words, sender, logo: None, privacy: None, imprint: None, switches: true, style }
    }

    /// The other language, for the link to it.
    pub(super) fn other(&self) -> &'static Words {
        let other = Language::ALL.into_iter().find(|language| language.tag() != self.words.tag);
        words::of(other.unwrap_or(Language::English))
    }

    pub(super) fn style(&self) -> &str {
        &self.style
    }
}

fn styled(color: &str) -> String {
    format!(":root{{--mark:{color}}}\n{STYLE}")
}

/// A page, ready to go.
#[derive(Debug)]
pub(super) struct Page {
    status: StatusCode,
    policy: String,
    language: &'static str,
    html: String,
}

impl Page {
    /// Renders a template; its style is the only one that a browser takes.
    pub(super) fn new(status: StatusCode, frame: &Frame, template: &impl Template) -> Self {
        let digest = STANDARD.encode(Sha256::digest(frame.style.as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'"
        );
        // Writing into a string does not fail.
        let html = template.render().unwrap_or_default();
        Self { status, policy, language: frame.words.tag, html }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.html).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(self.language));
        if let Ok(policy) = HeaderValue::from_str(&self.policy) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

/// What every answer carries: it is kept nowhere, framed nowhere, and tells nobody where one was.
static HEADERS: LazyLock<[(HeaderName, HeaderValue); 8]> = LazyLock::new(|| {
    let fixed = |name, value| (name, HeaderValue::from_static(value));
    let named = |name: &'static str, value| fixed(HeaderName::from_static(name), value);
    [
        fixed(CACHE_CONTROL, "no-store"),
        fixed(REFERRER_POLICY, "no-referrer"),
        fixed(VARY, "accept-language"),
        fixed(X_CONTENT_TYPE_OPTIONS, "nosniff"),
        fixed(X_FRAME_OPTIONS, "DENY"),
        named("x-robots-tag", "noindex, nofollow"),
        named("cross-origin-opener-policy", "same-origin"),
        named("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ]
});

/// Adds the headers of every answer, and a policy that allows nothing to those that are no page.
pub(super) async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in &*HEADERS {
        headers.insert(name, value.clone());
    }
    let nothing = "default-src 'none'; frame-ancestors 'none'";
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(nothing));
    response
}
