//! `/c/TOKEN`, the end of a double opt-in. The mail's link shows a button; the button is the yes.

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
use crate::catalog::{Brand, Catalog};
use crate::engine::owner_link::OwnerLink;
use crate::model::evidence::Method;
use crate::model::language::Language;
use crate::model::verdict::WriteOutcome;
use crate::token::TokenKind;

const SOURCE: &str = "confirmation page";

#[derive(Template)]
#[template(path = "web/confirm.html")]
struct Question {
    frame: Frame,
    question: String,
    /// The button was pressed on a page whose words have changed.
    is_stale: bool,
    seal: String,
}

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Named(token): Named,
    visit: Visit,
) -> Response {
    site.to_confirm(&token, &visit, false).unwrap_or_else(|fault| fault.page(&visit))
}

pub(super) async fn take(
    State(site): State<Arc<Site>>,
    Named(token): Named,
    visit: Visit,
    form: Form,
) -> Response {
    site.confirmed(&token, &visit, &form).await.unwrap_or_else(|fault| fault.page(&visit))
}

impl Site {
    fn to_confirm(&self, token: &str, visit: &Visit, is_stale: bool) -> Result<Response, Fault> {
        let link = self.engine.owner_link(&self.caller, token, TokenKind::Confirm)?;
        let (catalog, language) = (self.engine.catalog(), visit.language);
        let brand = topics::brand_of(&catalog, &link.scopes).ok_or(Fault::UnknownLink)?;
        self.measures.show(Route::Confirm);
        let words = words::of(language);
        if link.in_doubt {
            return Err(Fault::Later);
        }
        if !link.grants || !link.is_whole {
            let why = match link.is_whole {
                true => words.not_confirmed_text,
                false => words.stands_in_the_way,
            };
            let told = Told::first(brand, language, words.not_confirmed, why);
            return Ok(told.page(StatusCode::OK).into_response());
        }
        let frame = Frame::of(brand, language);
        let question = question(&catalog, brand, &link, language);
        let seal = self.seal(token, &question, language);
        let question = Question { frame, question, is_stale, seal };
        Ok(Page::new(StatusCode::OK, &question.frame, &question).into_response())
    }

    async fn confirmed(&self, token: &str, visit: &Visit, form: &Form) -> Result<Response, Fault> {
        let link = self.engine.owner_link(&self.caller, token, TokenKind::Confirm)?;
        let opened = self.opened(token, form.get("seal")).ok_or(Fault::Unsealed)?;
        self.measures.submit(Route::Confirm, Some(opened));
        let (catalog, language) = (self.engine.catalog(), visit.language);
        let brand = topics::brand_of(&catalog, &link.scopes).ok_or(Fault::UnknownLink)?;
        let words = words::of(language);
        let Some(seen) = self.seen(opened, |in_| question(&catalog, brand, &link, in_)) else {
            // Its words have changed: it is asked with those of now.
            return self.to_confirm(token, visit, true);
        };
        let wording = question(&catalog, brand, &link, seen);
        let evidence = visit.reading(seen).evidence(Method::DoubleOptIn, SOURCE, &wording);
        let updated = self.engine.confirm_opt_in(&self.caller, token, Some(evidence)).await?;
        let refused = updated.outcomes.iter().find(|outcome| words.rejection(**outcome).is_some());
        let told = if refused.is_none() {
            let now = &updated.preferences;
            let (title, groups) =
                topics::after_yes(&catalog, now, &link.scopes, words.confirmed, language);
            Told::of(brand, language, title, "").with(groups)
        } else {
            let why = match refused {
                Some(WriteOutcome::Proof) | None => words.not_confirmed_text,
                Some(other) => words.rejection(*other).unwrap_or(words.not_confirmed_text),
            };
            Told::of(brand, language, words.not_confirmed, why)
        };
        Ok(told.page(StatusCode::OK).into_response())
    }
}

/// What the button says yes to.
fn question(catalog: &Catalog, brand: &Brand, link: &OwnerLink, language: Language) -> String {
    let controller = topics::controller_title(catalog, brand.id.controller(), language);
    let what = topics::titled(catalog, &link.scopes, language);
    filled(words::of(language).confirm_question, &[&controller, &what])
}
