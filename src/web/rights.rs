//! `/p/TOKEN/data`: what is held about me, and erase me. Both are requests: people decide and answer
//! (GDPR Art. 12, 15, 17), so a link in the wrong hands gets nothing out, and destroys nothing.
//!
//! A request for erasure stops all mail at once, which is why it takes a tick and a button.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
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
use crate::engine::erasure::CaseState;
use crate::engine::error::EngineError;
use crate::engine::rights::OwnerRequest;
use crate::model::evidence::Method;
use crate::model::fact::Erasure;
use crate::token::TokenKind;

const SOURCE: &str = "page of requests";

/// What a form lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    Address,
    Certainty,
    /// The page is old: what it asks for may have been done since.
    Freshness,
}

#[derive(Template)]
#[template(path = "web/rights.html")]
struct Requests {
    frame: Frame,
    masked: String,
    lead: String,
    is_erasing: bool,
    asks_address: bool,
    email: String,
    sure: bool,
    lack: Option<Lack>,
    token: String,
    seal: String,
}

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Named(token): Named,
    visit: Visit,
) -> Response {
    site.requests(&token, &visit).await.unwrap_or_else(|fault| fault.page(&visit))
}

pub(super) async fn take(
    State(site): State<Arc<Site>>,
    Named(token): Named,
    visit: Visit,
    form: Form,
) -> Response {
    site.requested(&token, &visit, &form).await.unwrap_or_else(|fault| fault.page(&visit))
}

impl Site {
    async fn requests(&self, token: &str, visit: &Visit) -> Result<Response, Fault> {
        let page = self.blank_request(token, visit, &Form::default(), None).await?;
        self.measures.show(Route::Rights);
        Ok(page)
    }

    async fn blank_request(
        &self,
        token: &str,
        visit: &Visit,
        sent: &Form,
        lack: Option<Lack>,
    ) -> Result<Response, Fault> {
        let asks_address = self.engine.needs_address(&self.caller, token).await?;
        let link = self.engine.owner_link(&self.caller, token, TokenKind::Preferences)?;
        let (catalog, language) = (self.engine.catalog(), visit.language);
        let brand = topics::brand_of(&catalog, &link.scopes).ok_or(Fault::UnknownLink)?;
        let preferences = self.at_present(token, &link).await?;
        let erasure = topics::erasure(&preferences);
        if erasure == Erasure::Erased {
            return Ok(Told::erased(brand, language).page(StatusCode::OK).into_response());
        }
        let frame = Frame::of(brand, language);
        let page = Requests {
            masked: topics::isolated(&preferences.masked_address),
            lead: filled(frame.words.rights_lead, &[&topics::controllers(&catalog, language)]),
            is_erasing: erasure == Erasure::Pending,
            asks_address,
            email: sent.typed("email"),
            sure: !sent.get("sure").is_empty(),
            lack,
            token: token.to_owned(),
            seal: self.seal(token, "", language),
            frame,
        };
        let status = match lack {
            Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
            None => StatusCode::OK,
        };
        Ok(Page::new(status, &page.frame, &page).into_response())
    }

    async fn requested(&self, token: &str, visit: &Visit, form: &Form) -> Result<Response, Fault> {
        let link = self.engine.owner_link(&self.caller, token, TokenKind::Preferences)?;
        if link.shows && !link.grants {
            return Err(if link.in_doubt { Fault::Later } else { Fault::TooOld });
        }
        let opened = self.opened(token, form.get("seal")).ok_or(Fault::Unsealed)?;
        self.measures.submit(Route::Rights, Some(opened));
        if !opened.is_fresh() {
            return self.blank_request(token, visit, form, Some(Lack::Freshness)).await;
        }
        let words = words::of(visit.language);
        let typed = form.get("email").trim();
        let request = |wording: &str| OwnerRequest {
            token: token.to_owned(),
            typed: (!typed.is_empty()).then(|| typed.as_bytes().into()),
            words: Arc::default(),
            evidence: Some(visit.evidence(Method::Link, SOURCE, wording)),
        };
        let told = match form.get("request") {
            "access" => {
                let request = request(words.access_text);
                let taken = self.engine.request_access_by_owner(&self.caller, request).await;
                taken.map(|taken| match taken.request {
                    Some(open) => (
                        words.access_done,
                        filled(words.access_done_text, &[&open.id.number().to_string()]),
                    ),
                    None => (words.rights, words.access_held_nothing.to_owned()),
                })
            }
            "erasure" if form.get("sure").is_empty() => {
                return self.blank_request(token, visit, form, Some(Lack::Certainty)).await;
            }
            "erasure" => {
                let wording = format!("{}\n{}", words.erasure_text, words.erasure_sure);
                let request = request(&wording);
                let case = self.engine.request_erasure_by_owner(&self.caller, request).await;
                case.map(|case| match case.state {
                    CaseState::Erased => (words.rights, words.access_held_nothing.to_owned()),
                    CaseState::Pending | CaseState::Rejected => {
                        (words.erasure_done, filled(words.erasure_done_text, &[&case.id]))
                    }
                })
            }
            _ => return Err(Fault::Malformed),
        };
        let (title, text) = match told {
            Ok(told) => told,
            // The one field that a person fills in.
            Err(EngineError::Invalid(invalid))
                if invalid.violations.iter().all(|violation| violation.field == "address") =>
            {
                return self.blank_request(token, visit, form, Some(Lack::Address)).await;
            }
            Err(error) => return Err(error.into()),
        };
        let catalog = self.engine.catalog();
        let brand = topics::brand_of(&catalog, &link.scopes).ok_or(Fault::UnknownLink)?;
        Ok(Told::of(brand, visit.language, title, &text).page(StatusCode::OK).into_response())
    }
}
