//! `/u/TOKEN`: out, with one request of a mailbox provider (RFC 8058) or with a button.
//!
//! The token says no and nothing else, so a form without a seal is refused only because it is no
//! form of ours: what a provider sends bears the body that the RFC names.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};

use super::Site;
use super::fault::Fault;
use super::form::Form;
use super::measures::Route;
use super::page::{Frame, Page};
use super::told::Told;
use super::topics;
use super::visit::{Named, Visit};
use super::words::{self, filled};
use crate::model::evidence::Method;
use crate::model::scope::Scope;
use crate::token::TokenKind;

/// Where the no came from, in the event.
const SOURCE: &str = "unsubscribe page";

#[derive(Template)]
#[template(path = "web/unsubscribe.html")]
struct Question {
    frame: Frame,
    question: String,
    controller: String,
    seal: String,
}

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Named(token): Named,
    visit: Visit,
) -> Response {
    site.question(&token, &visit).unwrap_or_else(|fault| fault.page(&visit))
}

pub(super) async fn take(
    State(site): State<Arc<Site>>,
    Named(token): Named,
    visit: Visit,
    form: Form,
) -> Response {
    let taken = if form.is_one_click() {
        site.one_click(&token, &visit).await
    } else {
        site.unsubscribed(&token, &visit, &form).await
    };
    taken.unwrap_or_else(|fault| fault.page(&visit))
}

impl Site {
    fn question(&self, token: &str, visit: &Visit) -> Result<Response, Fault> {
        let link = self.engine.owner_link(&self.caller, token, TokenKind::Unsubscribe)?;
        let catalog = self.engine.catalog();
        let brand = topics::brand_of(&catalog, &link.scopes).ok_or(Fault::UnknownLink)?;
        self.measures.show(Route::Unsubscribe);
        let language = visit.language;
        let controller = topics::controller_title(&catalog, brand.id.controller(), language);
        let frame = Frame::of(brand, language);
        let what = topics::titled(&catalog, &link.scopes, language);
        let question = filled(frame.words.unsubscribe_question, &[&what, &controller]);
        let question =
            Question { controller, question, seal: self.seal(token, "", language), frame };
        Ok(Page::new(StatusCode::OK, &question.frame, &question).into_response())
    }

    /// The body is the proof: no page was seen.
    async fn one_click(&self, token: &str, visit: &Visit) -> Result<Response, Fault> {
        self.measures.submit(Route::OneClick, None);
        let evidence = visit.evidence(Method::OneClick, "List-Unsubscribe", "");
        self.engine.unsubscribe(&self.caller, token, None, Some(evidence)).await?;
        Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], "unsubscribed\n").into_response())
    }

    async fn unsubscribed(
        &self,
        token: &str,
        visit: &Visit,
        form: &Form,
    ) -> Result<Response, Fault> {
        let opened = self.opened(token, form.get("seal"));
        let link = self.engine.owner_link(&self.caller, token, TokenKind::Unsubscribe)?;
        if opened.is_none() {
            return Err(Fault::Unsealed);
        }
        self.measures.submit(Route::Unsubscribe, opened);
        let own = link.scopes.first().copied();
        let controller = own.and_then(Scope::brand).map(|id| Scope::Controller(id.controller()));
        // None: what the link is for, whatever the catalog has of it by now.
        let scope = if form.get("all").is_empty() { None } else { controller };
        let evidence = visit.evidence(Method::Link, SOURCE, "");
        self.engine.unsubscribe(&self.caller, token, scope, Some(evidence)).await?;
        let (catalog, language) = (self.engine.catalog(), visit.language);
        let words = words::of(language);
        let out_of = topics::titled(&catalog, scope.or(own).as_slice(), language);
        let text = filled(words.unsubscribed_text, &[&out_of]);
        let told = match topics::brand_of(&catalog, &link.scopes) {
            Some(brand) => Told::of(brand, language, words.unsubscribed, &text),
            None => Told::bare(language, words.unsubscribed, ""),
        };
        Ok(told.page(StatusCode::OK).into_response())
    }
}
