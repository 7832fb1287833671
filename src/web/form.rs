//! What a form sent: names and values, of bounded size, from either way that forms are encoded.

use std::sync::Arc;

use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, Limited};

use super::Site;
use super::fault::Fault;
use super::visit::Visit;

/// Octets of a form: a page of some hundred topics, each named twice.
const MOST: usize = 64 << 10;

/// Fields of a form.
const MAX_FIELDS: usize = 2_000;

/// A form as it came.
#[derive(Debug, Default)]
pub(super) struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// The first value of this name; empty where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// Every value of this name.
    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let named = move |(field, _): &&(String, String)| field == name;
        self.fields.iter().filter(named).map(|(_, value)| &**value)
    }

    /// RFC 8058 section 3.1: what a mailbox provider sends, and nothing else does.
    pub(super) fn is_one_click(&self) -> bool {
        self.get("List-Unsubscribe") == "One-Click"
    }

    /// The form in one text, seal and all: that of a second look at the page is another.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(self.fields.iter().map(|(name, value)| (name, value)));
        text.finish().into_bytes()
    }
}

impl FromRequest<Arc<Site>> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Arc<Site>) -> Result<Self, Response> {
        let of = request.headers().get(CONTENT_TYPE).and_then(|of| of.to_str().ok());
        let of =
            of.and_then(|of| of.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
        let (mut parts, body) = request.into_parts();
        let Ok(visit) =
            <Visit as axum::extract::FromRequestParts<_>>::from_request_parts(&mut parts, site)
                .await;
        let refused = |fault: Fault| fault.page(&visit).into_response();
        let body = Limited::new(body, MOST).collect().await;
        let body = body.map_err(|_| refused(Fault::TooLarge))?.to_bytes();
        let fields = match &*of {
            "multipart/form-data" => {
                let request = Request::from_parts(parts, body.into());
                parted(request, site).await.ok_or_else(|| refused(Fault::Malformed))?
            }
            // Also where nobody says so, or it is called something else: a no is not lost for that.
            _ => form_urlencoded::parse(&body).into_owned().take(MAX_FIELDS).collect(),
        };
        Ok(Self { fields })
    }
}

async fn parted(request: Request, site: &Arc<Site>) -> Option<Vec<(String, String)>> {
    let mut parts = Multipart::from_request(request, site).await.ok()?;
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.ok()? {
        let name = part.name().unwrap_or_default().to_owned();
        if fields.len() < MAX_FIELDS {
            fields.push((name, part.text().await.ok()?));
        }
    }
    Some(fields)
}
