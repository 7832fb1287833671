//! `/r/TOKEN`: a mail asked for consent; accept or decline what it asked for, and nothing else.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::Site;
use super::choose::Choosing;
use super::fault::Fault;
use super::form::Form;
use super::measures::Route;
use super::page::{Frame, Page};
use super::told::Told;
use super::topics;
use super::visit::{Named, Visit};
use super::words::{self, filled};
use crate::catalog::{Brand, Catalog};
use crate::engine::owner_link::OwnerLink;
use crate::model::language::Language;
use crate::token::TokenKind;

const SOURCE: &str = "consent request";

#[derive(Template)]
#[template(path = "web/consent_request.html")]
struct Question {
    frame: Frame,
    intro: String,
    question: String,
    consent: String,
    link: OwnerLink,
    /// The answer came from a page that says yes no longer.
    is_stale: bool,
    seal: String,
}

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Named(token): Named,
    visit: Visit,
) -> Response {
    site.asked(&token, &visit, false).unwrap_or_else(|fault| fault.page(&visit))
}

pub(super) async fn take(
    State(site): State<Arc<Site>>,
    Named(token): Named,
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

    fn asked(&self, token: &str, visit: &Visit, is_stale: bool) -> Result<Response, Fault> {
        let link = self.request_link(token)?;
        let (catalog, language) = (self.engine.catalog(), visit.language);
        let brand = topics::brand_of(&catalog, &link.scopes).ok_or(Fault::UnknownLink)?;
        self.measures.show(Route::ConsentRequest);
        let question = Question {
            intro: brand.page.intro(language).unwrap_or_default().to_owned(),
            question: question(&catalog, brand, &link, language),
            consent: consent(&catalog, brand, language),
            is_stale,
            seal: self.seal(token, &wording(&catalog, brand, &link, language), language),
            frame: Frame::of(brand, language),
            link,
        };
        Ok(Page::new(StatusCode::OK, &question.frame, &question).into_response())
    }

    async fn answered(&self, token: &str, visit: &Visit, form: &Form) -> Result<Response, Fault> {
        let link = self.request_link(token)?;
        let opened = self.opened(token, form.get("seal")).ok_or(Fault::Unsealed)?;
        self.measures.submit(Route::ConsentRequest, Some(opened));
        let (catalog, language) = (self.engine.catalog(), visit.language);
        let brand = topics::brand_of(&catalog, &link.scopes).ok_or(Fault::UnknownLink)?;
        let words = words::of(language);
        let of = Choosing { token, visit, form, source: SOURCE };
        let told = match form.get("answer") {
            "decline" => {
                self.choose(of, &link.scopes, &[], "").await?;
                let what = topics::titled(&catalog, &link.scopes, language);
                Told::of(brand, language, words.declined, &filled(words.declined_text, &[&what]))
            }
            // What it asks for is gone, and the brand is more than that.
            "accept" if !link.is_whole => {
                Told::of(brand, language, words.not_done, words.stands_in_the_way)
            }
            "accept" => {
                let seen = self.seen(opened, |in_| wording(&catalog, brand, &link, in_));
                let Some(seen) = seen.filter(|_| opened.is_fresh()) else {
                    return self.asked(token, visit, true);
                };
                let visit = visit.reading(seen);
                let wording = wording(&catalog, brand, &link, seen);
                let of = Choosing { visit: &visit, ..of };
                let chosen = self.choose(of, &[], &link.scopes, &wording).await?;
                if chosen.is_stale {
                    return self.asked(token, &visit, true);
                }
                if chosen.stands() {
                    let now = &chosen.preferences;
                    let (title, groups) =
                        topics::after_yes(&catalog, now, &link.scopes, words.accepted, language);
                    Told::of(brand, language, title, "").with(groups)
                } else {
                    let why = chosen.outcomes.iter().find_map(|outcome| words.rejection(*outcome));
                    let why = why.unwrap_or(words.stands_in_the_way);
                    Told::of(brand, language, words.not_done, why)
                }
            }
            _ => return Err(Fault::Malformed),
        };
        Ok(told.page(StatusCode::OK).into_response())
    }
}

fn question(catalog: &Catalog, brand: &Brand, link: &OwnerLink, language: Language) -> String {
    let controller = topics::controller_title(catalog, brand.id.controller(), language);
    let what = topics::titled(catalog, &link.scopes, language);
    filled(words::of(language).request_question, &[&controller, &what])
}

fn consent(catalog: &Catalog, brand: &Brand, language: Language) -> String {
    let controller = topics::controller_title(catalog, brand.id.controller(), language);
    filled(words::of(language).consent_by_button, &[&controller])
}

/// All that is read before a yes.
fn wording(catalog: &Catalog, brand: &Brand, link: &OwnerLink, language: Language) -> String {
    let question = question(catalog, brand, link, language);
    let consent = consent(catalog, brand, language);
    let parts = [brand.page.intro(language).unwrap_or_default(), &question, &consent];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}
