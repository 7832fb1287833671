//! `/r/TOKEN`: a mail asked for consent; accept or decline what it asked for, and nothing else.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::Site;
use super::fault::Fault;
use super::form::Form;
use super::measures::Route;
use super::page::{Frame, Page};
use super::preferences::stands;
use super::told::Told;
use super::topics;
use super::visit::Visit;
use super::words::{self, filled};
use crate::engine::owner_link::OwnerLink;
use crate::model::command::{Choice, Wish};
use crate::token::TokenKind;

#[derive(Template)]
#[template(path = "web/consent_request.html")]
struct Question {
    frame: Frame,
    intro: String,
    question: String,
    consent: String,
    grants: bool,
    seal: String,
}

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Path(token): Path<String>,
    visit: Visit,
) -> Response {
    site.asked(&token, &visit).unwrap_or_else(|fault| fault.page(&visit))
}

pub(super) async fn take(
    State(site): State<Arc<Site>>,
    Path(token): Path<String>,
    visit: Visit,
    form: Form,
) -> Response {
    site.answered(&token, &visit, &form).await.unwrap_or_else(|fault| fault.page(&visit))
}

impl Site {
    /// The link of a consent request.
    fn request_link(&self, token: &str) -> Result<OwnerLink, Fault> {
        let link = self.engine.owner_link(&self.caller, token, TokenKind::Preferences)?;
        if link.asked { Ok(link) } else { Err(Fault::UnknownLink) }
    }

    fn asked(&self, token: &str, visit: &Visit) -> Result<Response, Fault> {
        let link = self.request_link(token)?;
        let (catalog, language) = (self.engine.catalog(), visit.language);
        let brand = topics::brand_of(&catalog, &link.scopes).ok_or(Fault::UnknownLink)?;
        self.measures.show(Route::ConsentRequest);
        let frame = Frame::of(brand, language);
        let controller = topics::controller_title(&catalog, brand.id.controller(), language);
        let what = topics::titled(&catalog, &link.scopes, language);
        let question = Question {
            intro: brand.page.intro(language).unwrap_or_default().to_owned(),
            question: filled(frame.words.request_question, &[&controller, &what]),
            consent: filled(frame.words.consent_by_button, &[&controller]),
            grants: link.grants,
            seal: self.seal(token),
            frame,
        };
        Ok(Page::new(StatusCode::OK, &question.frame, &question).into_response())
    }

    async fn answered(&self, token: &str, visit: &Visit, form: &Form) -> Result<Response, Fault> {
        let link = self.request_link(token)?;
        let opened = self.opened(token, form.get("seal")).ok_or(Fault::Unsealed)?;
        self.measures.submit(Route::ConsentRequest, Some(opened));
        let wish = match form.get("answer") {
            "accept" => Wish::Subscribe,
            "decline" => Wish::Unsubscribe,
            _ => return Err(Fault::Malformed),
        };
        let (catalog, language) = (self.engine.catalog(), visit.language);
        let brand = topics::brand_of(&catalog, &link.scopes).ok_or(Fault::UnknownLink)?;
        let choices = link.scopes.iter().map(|scope| Choice { scope: *scope, wish }).collect();
        let words = words::of(language);
        let controller = topics::controller_title(&catalog, brand.id.controller(), language);
        let consent = filled(words.consent_by_button, &[&controller]);
        let updated = self.update(token, visit, form, brand, &consent, choices).await?;
        let what = topics::titled(&catalog, &link.scopes, language);
        let told = match (wish, stands(&updated.outcomes)) {
            (Wish::Unsubscribe, _) => {
                let text = filled(words.declined_text, &[&what]);
                Told::of(brand, language, words.declined, &text)
            }
            (Wish::Subscribe, true) => {
                let now = topics::within(&updated.preferences, &link.scopes);
                let title = topics::ending(&now, words.accepted, words);
                let groups = topics::groups(&catalog, &now, words, language);
                Told::of(brand, language, title, "").with(groups)
            }
            (Wish::Subscribe, false) => {
                let why = updated.outcomes.iter().find_map(|outcome| words.rejection(*outcome));
                Told::of(brand, language, words.not_done, why.unwrap_or(words.stands_in_the_way))
            }
        };
        Ok(told.page(StatusCode::OK).into_response())
    }
}
