//! `/p/TOKEN`, the preference center: every topic of the controller's brands, to tick and untick.
//!
//! The form says what was ticked when it was shown and what is ticked now; only what differs is a
//! choice, so a page that lay open for a day undoes nothing that was said meanwhile. A click that is
//! made twice is one: the submission has a name of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Site;
use super::fault::Fault;
use super::form::Form;
use super::measures::Route;
use super::page::{Frame, Page};
use super::told::Told;
use super::topics::{self, Group};
use super::visit::Visit;
use super::words::filled;
use crate::catalog::{Brand, Catalog};
use crate::engine::owner_link::OwnerLink;
use crate::engine::preferences::{Preferences, PreferencesUpdate, PreferencesUpdated};
use crate::model::command::{Choice, Wish};
use crate::model::evidence::Method;
use crate::model::fact::Erasure;
use crate::model::scope::Scope;
use crate::model::verdict::WriteOutcome;
use crate::token::TokenKind;

const SOURCE: &str = "preference center";

/// What a submission's name is made for.
const SUBMISSION: &str = "submission of an owner's page";

#[derive(Template)]
#[template(path = "web/preferences.html")]
struct Center {
    frame: Frame,
    /// What became of the form; empty on the first look.
    banner: &'static str,
    problems: Vec<&'static str>,
    masked: String,
    intro: String,
    consent: String,
    controller: String,
    groups: Vec<Group>,
    link: OwnerLink,
    is_erasing: bool,
    /// Whether a box may be ticked; any may be unticked.
    may_tick: bool,
    token: String,
    seal: String,
}

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Path(token): Path<String>,
    visit: Visit,
) -> Response {
    site.center(&token, &visit).await.unwrap_or_else(|fault| fault.page(&visit))
}

pub(super) async fn take(
    State(site): State<Arc<Site>>,
    Path(token): Path<String>,
    visit: Visit,
    form: Form,
) -> Response {
    site.chosen(&token, &visit, &form).await.unwrap_or_else(|fault| fault.page(&visit))
}

impl Site {
    async fn center(&self, token: &str, visit: &Visit) -> Result<Response, Fault> {
        let link = self.engine.owner_link(&self.caller, token, TokenKind::Preferences)?;
        let preferences = match link.shows {
            true => self.engine.preferences(&self.caller, token).await?.0,
            false => Preferences::default(),
        };
        self.measures.show(Route::Preferences);
        self.page_of(token, visit, link, &preferences, "", Vec::new())
    }

    fn page_of(
        &self,
        token: &str,
        visit: &Visit,
        link: OwnerLink,
        preferences: &Preferences,
        banner: &'static str,
        problems: Vec<&'static str>,
    ) -> Result<Response, Fault> {
        let (catalog, language) = (self.engine.catalog(), visit.language);
        let brand = topics::brand_of(&catalog, &link.scopes).ok_or(Fault::UnknownLink)?;
        let erasure = topics::erasure(preferences);
        if erasure == Erasure::Erased {
            return Ok(Told::erased(brand, language).page(StatusCode::OK).into_response());
        }
        let frame = Frame::of(brand, language);
        let controller = topics::controller_title(&catalog, brand.id.controller(), language);
        let center = Center {
            banner,
            problems,
            masked: topics::isolated(&preferences.masked_address),
            intro: brand.page.intro(language).unwrap_or_default().to_owned(),
            consent: filled(frame.words.consent, &[&controller]),
            groups: topics::groups(&catalog, preferences, frame.words, language),
            controller,
            is_erasing: erasure == Erasure::Pending,
            may_tick: link.grants && erasure == Erasure::None,
            link,
            token: token.to_owned(),
            seal: self.seal(token),
            frame,
        };
        Ok(Page::new(StatusCode::OK, &center.frame, &center).into_response())
    }

    async fn chosen(&self, token: &str, visit: &Visit, form: &Form) -> Result<Response, Fault> {
        let link = self.engine.owner_link(&self.caller, token, TokenKind::Preferences)?;
        let opened = self.opened(token, form.get("seal")).ok_or(Fault::Unsealed)?;
        self.measures.submit(Route::Preferences, Some(opened));
        let catalog = self.engine.catalog();
        let brand = topics::brand_of(&catalog, &link.scopes).ok_or(Fault::UnknownLink)?;
        let choices = choices(&catalog, brand, form).ok_or(Fault::Malformed)?;
        let words = super::words::of(visit.language);
        if choices.is_empty() {
            let preferences = match link.shows {
                true => self.engine.preferences(&self.caller, token).await?.0,
                false => Preferences::default(),
            };
            return self.page_of(
                token,
                visit,
                link,
                &preferences,
                words.nothing_changed,
                Vec::new(),
            );
        }
        let controller = topics::controller_title(&catalog, brand.id.controller(), visit.language);
        let consent = filled(words.consent, &[&controller]);
        let updated = self.update(token, visit, form, brand, &consent, choices).await?;
        let PreferencesUpdated { preferences, outcomes, .. } = updated;
        let problems: BTreeSet<&str> =
            outcomes.iter().filter_map(|o| words.rejection(*o)).collect();
        let banner = if problems.is_empty() { words.saved } else { words.partly_saved };
        self.page_of(token, visit, link, &preferences, banner, problems.into_iter().collect())
    }

    /// Records choices made on a page of this brand, whose words for a yes are `consent`.
    pub(super) async fn update(
        &self,
        token: &str,
        visit: &Visit,
        form: &Form,
        brand: &Brand,
        consent: &str,
        choices: Vec<Choice>,
    ) -> Result<PreferencesUpdated, Fault> {
        // A no needs no wording, and the intro of a brand is part of what was read before a yes.
        let says_yes = choices.iter().any(|choice| choice.wish == Wish::Subscribe);
        let wording = match (says_yes, brand.page.intro(visit.language)) {
            (false, _) => String::new(),
            (true, None) => consent.to_owned(),
            (true, Some(intro)) => format!("{intro}\n{consent}"),
        };
        let body = form.text();
        let update = PreferencesUpdate {
            token: token.to_owned(),
            choices,
            evidence: Some(visit.evidence(Method::Link, SOURCE, &wording)),
            request_id: self.submission(&body).into(),
            body,
        };
        Ok(self.engine.update_preferences(&self.caller, update).await?)
    }

    /// The name of a submission: the same form from the same page, however often it is sent.
    fn submission(&self, form: &[u8]) -> String {
        format!("web-{}", URL_SAFE_NO_PAD.encode(self.engine.seal(SUBMISSION, form)))
    }
}

/// What differs between the page and the form. None: it names what is no topic.
fn choices(catalog: &Catalog, brand: &Brand, form: &Form) -> Option<Vec<Choice>> {
    if !form.get("all").is_empty() {
        let scope = Scope::Controller(brand.id.controller());
        return Some(vec![Choice { scope, wish: Wish::Unsubscribe }]);
    }
    let (was, now): (BTreeSet<&str>, BTreeSet<&str>) =
        (form.all("was").collect(), form.all("topic").collect());
    let chosen = |names: Vec<&&str>, wish| {
        let choice = move |name: &&str| Some(Choice { scope: topics::scope(catalog, name)?, wish });
        names.into_iter().map(choice).collect::<Option<Vec<_>>>()
    };
    let noes = chosen(was.difference(&now).collect(), Wish::Unsubscribe)?;
    let yeses = chosen(now.difference(&was).collect(), Wish::Subscribe)?;
    Some([noes, yeses].concat())
}

/// Whether all of it stands.
pub(super) fn stands(outcomes: &[WriteOutcome]) -> bool {
    outcomes.iter().all(|o| matches!(o, WriteOutcome::Applied | WriteOutcome::Unchanged))
}
