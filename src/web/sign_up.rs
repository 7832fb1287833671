//! `/s/BRAND`: the form by which anybody asks for mails, and the double opt-in that it begins.
//!
//! A brand links it, or has a form of its own that posts here: so it takes a form without a seal.
//! That is safe, for all it does is to send one neutral mail, and the engine and `pace` bound those.
//! Whatever is known of an address, the answer is the same, and comes before the mail goes; nor does
//! its time tell, which a write takes and a refusal does not. On a full disk both do.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use tokio::time::Instant;

use super::Site;
use super::fault::Fault;
use super::form::Form;
use super::measures::Route;
use super::page::{Frame, Page};
use super::post::Letter;
use super::told::Told;
use super::topics;
use super::visit::{Named, Visit};
use super::words::filled;
use crate::catalog::{Brand, Catalog};
use crate::engine::error::EngineError;
use crate::engine::opt_in::OptInRequest;
use crate::model::evidence::Method;
use crate::model::language::Language;
use crate::model::scope::Scope;
use crate::model::verdict::WriteOutcome;

const SOURCE: &str = "sign-up page";

/// Of a form of the brand's own: which words it has, the brand knows.
const ELSEWHERE: &str = "sign-up form elsewhere";

/// What an answer takes at least: longer than a write takes on a disk that is well. Tests and fuzzers
/// ask thousands of times.
const AT_LEAST: Duration =
    if cfg!(any(test, fuzzing)) { Duration::ZERO } else { Duration::from_millis(150) };

#[derive(Template)]
#[template(path = "web/sign_up.html")]
struct Blank {
    frame: Frame,
    lead: String,
    consent: String,
    topics: Vec<Tick>,
    email: String,
    lack: Lack,
    seal: String,
}

/// What a form lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Lack {
    address: bool,
    topic: bool,
    /// The words that the page has now.
    words: bool,
}

/// A box to tick. None is ticked by us (CJEU C-673/17, Planet49).
struct Tick {
    name: String,
    title: String,
    ticked: bool,
}

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Named(brand): Named,
    visit: Visit,
) -> Response {
    site.blank(&brand, &visit).unwrap_or_else(|fault| fault.page(&visit))
}

pub(super) async fn take(
    State(site): State<Arc<Site>>,
    Named(brand): Named,
    visit: Visit,
    form: Form,
) -> Response {
    site.signed_up(&brand, &visit, &form).await.unwrap_or_else(|fault| fault.page(&visit))
}

impl Site {
    fn blank(&self, brand: &str, visit: &Visit) -> Result<Response, Fault> {
        let catalog = self.engine.catalog();
        let brand = self.brand_with_topics(&catalog, brand)?;
        self.measures.show(Route::SignUp);
        Ok(self.form_of(&catalog, brand, visit.language, &Form::default(), Lack::default()))
    }

    async fn signed_up(&self, brand: &str, visit: &Visit, form: &Form) -> Result<Response, Fault> {
        let (catalog, language) = (self.engine.catalog(), visit.language);
        let post = self.post.as_ref().ok_or(Fault::NothingHere)?;
        let brand = self.brand_with_topics(&catalog, brand)?;
        let chosen = form.all("topic").map(|name| topics::scope(&catalog, name));
        let chosen: Option<Vec<Scope>> = chosen.collect();
        let of_brand = |scope: &Scope| scope.brand() == Some(brand.id);
        let chosen = chosen.filter(|all| all.iter().all(of_brand)).ok_or(Fault::Malformed)?;
        let mut scopes: Vec<Scope> = Vec::new();
        for scope in chosen {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        let typed = form.get("email").trim();
        if scopes.is_empty() || typed.is_empty() {
            let lack = Lack { address: typed.is_empty(), topic: scopes.is_empty(), words: false };
            return Ok(self.form_of(&catalog, brand, language, form, lack));
        }
        let opened = self.opened(&sealed(brand, &catalog), form.get("seal"));
        let seen = opened.and_then(|of| self.seen(of, |in_| consent(&catalog, brand, in_)));
        if opened.is_some() && seen.is_none() {
            let lack = Lack { words: true, ..Lack::default() };
            return Ok(self.form_of(&catalog, brand, language, form, lack));
        }
        if !self.paces.allows(visit.ip) {
            self.measures.paced.add(1);
            return Err(Fault::TooFast);
        }
        self.measures.submit(Route::SignUp, opened);
        let at_least = Instant::now() + AT_LEAST;
        // A place for the mail first: what is begun without one would count against the address.
        let place = post.place().ok_or(Fault::Later)?;
        let (source, read) = seen.map_or((ELSEWHERE, language), |seen| (SOURCE, seen));
        let consent = consent(&catalog, brand, read);
        let request = OptInRequest {
            address: typed.as_bytes().into(),
            scopes: scopes.clone(),
            evidence: visit.reading(read).evidence(Method::Form, source, &consent),
            request_id: "".into(),
            body: Vec::new(),
        };
        let begun = self.engine.begin_opt_in(&self.caller, request).await;
        // Nobody learns from the answer what is known of an address.
        let is_address = match begun {
            Ok(begun) if begun.outcome == WriteOutcome::Applied => {
                let (to, link) = (typed.to_owned(), begun.confirm_url);
                place.put(Letter { to, brand: brand.id, language, scopes, link });
                true
            }
            Ok(begun) => begun.outcome != WriteOutcome::InvalidAddress,
            Err(error @ EngineError::Damaged { .. }) => {
                tracing::error!(%error, "a sign-up failed");
                true
            }
            Err(error) => {
                tokio::time::sleep_until(at_least).await;
                return Err(error.into());
            }
        };
        if !is_address {
            let lack = Lack { address: true, ..Lack::default() };
            return Ok(self.form_of(&catalog, brand, language, form, lack));
        }
        tokio::time::sleep_until(at_least).await;
        let words = super::words::of(language);
        let told = Told::of(brand, language, words.sign_up_sent, words.sign_up_sent_text);
        Ok(told.page(StatusCode::OK).into_response())
    }

    /// A brand that there is something to sign up for.
    fn brand_with_topics<'c>(&self, catalog: &'c Catalog, id: &str) -> Result<&'c Brand, Fault> {
        let brand = catalog.brand(id).filter(|brand| !brand.topics.is_empty());
        brand.filter(|_| self.post.is_some()).ok_or(Fault::NothingHere)
    }

    /// The form, empty or as it was sent with what is wrong with it.
    fn form_of(
        &self,
        catalog: &Catalog,
        brand: &Brand,
        language: Language,
        sent: &Form,
        lack: Lack,
    ) -> Response {
        let frame = Frame::of(brand, language);
        let controller = topics::controller_title(catalog, brand.id.controller(), language);
        let topics = brand.topics.iter().map(|topic| {
            let name = topics::name(catalog, Scope::Topic(topic.id));
            let ticked = sent.all("topic").any(|sent| sent == name);
            Tick { name, title: topic.title_in(language).to_owned(), ticked }
        });
        let consent = consent(catalog, brand, language);
        let blank = Blank {
            lead: filled(frame.words.sign_up_lead, &[&controller]),
            seal: self.seal(&sealed(brand, catalog), &consent, language),
            consent,
            topics: topics.collect(),
            email: sent.typed("email"),
            lack,
            frame,
        };
        let status = match lack == Lack::default() {
            true => StatusCode::OK,
            false => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Page::new(status, &blank.frame, &blank).into_response()
    }
}

/// What the seal of a sign-up is for: no token has a slash.
fn sealed(brand: &Brand, catalog: &Catalog) -> String {
    format!("s/{}", catalog.names.brand(brand.id))
}

/// What one agrees to by signing up, in the brand's words or in ours.
fn consent(catalog: &Catalog, brand: &Brand, language: Language) -> String {
    let ours = || {
        let controller = topics::controller_title(catalog, brand.id.controller(), language);
        filled(super::words::of(language).sign_up_consent, &[&controller])
    };
    brand.page.sign_up(language).map_or_else(ours, ToOwned::to_owned)
}
