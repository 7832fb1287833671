//! What a form sent: names and values, of bounded size, from either way that forms are encoded. And
//! that it is worked on to its end.

use std::sync::Arc;

use axum::extract::{FromRequest, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, Limited};

use super::Site;
use super::fault::Fault;
use super::visit::Visit;

/// Octets of a form: a page of some hundred topics, each named twice.
const MOST: usize = 64 << 10;

/// Characters of what is shown again.
const MAX_SHOWN: usize = 320;

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

    /// What was typed there, to be shown again where it was wrong.
    pub(super) fn typed(&self, name: &str) -> String {
        self.get(name).chars().take(MAX_SHOWN).collect()
    }

    /// RFC 8058 section 3.1: what a mailbox provider sends, and nothing else does.
    pub(super) fn is_one_click(&self) -> bool {
        self.get("List-Unsubscribe").trim().eq_ignore_ascii_case("One-Click")
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
        let parts = match &*of {
            "multipart/form-data" => {
                parted(Request::from_parts(parts, body.clone().into()), site).await
            }
            _ => None,
        };
        // Also where nobody says so, or it is called something else: a no is not lost for that.
        let fields = parts.unwrap_or_else(|| {
            form_urlencoded::parse(&body).into_owned().take(MAX_FIELDS + 1).collect()
        });
        // What is cut off would look unticked.
        if fields.len() > MAX_FIELDS {
            return Err(refused(Fault::TooLarge));
        }
        Ok(Self { fields })
    }
}

/// A form is worked on in a task of its own: whoever presses a button and closes the window has
/// pressed it, and so has a mail program that does not wait for the answer.
pub(super) async fn to_its_end(request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    #[expect(clippy::disallowed_methods, reason = "the engine answers what it has when it stops")]
    let answer = tokio::spawn(next.run(request)).await;
    answer.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// The fields of a form in parts; none where it is not in parts.
async fn parted(request: Request, site: &Arc<Site>) -> Option<Vec<(String, String)>> {
    let mut parts = Multipart::from_request(request, site).await.ok()?;
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.ok()? {
        let name = part.name().unwrap_or_default().to_owned();
        if fields.len() <= MAX_FIELDS {
            fields.push((name, part.text().await.ok()?));
        }
    }
    Some(fields)
}
