//! `/p/TOKEN`, the preference center: every topic of the controller's brands, to tick and untick.
//!
//! The form says what was ticked when it was shown and what is ticked now; only what differs is a
//! choice. A page that lay open for long says no and no longer yes, so it undoes nothing that was
//! said meanwhile.

use std::collections::BTreeSet;
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
use super::told;
use super::topics::{self, Group};
use super::visit::{Named, Visit};
use super::words::filled;
use crate::catalog::{Brand, Catalog, PlusTags};
use crate::engine::error::EngineError;
use crate::engine::owner_link::OwnerLink;
use crate::engine::preferences::Preferences;
use crate::model::fact::Erasure;
use crate::model::language::Language;
use crate::model::scope::Scope;
use crate::token::TokenKind;

const SOURCE: &str = "preference center";

/// What became of the form; nothing on the first look.
#[derive(Debug, Default)]
struct Told {
    banner: &'static str,
    problems: BTreeSet<&'static str>,
}

#[derive(Template)]
#[template(path = "web/preferences.html")]
struct Center {
    frame: Frame,
    told: Told,
    masked: String,
    intro: String,
    consent: String,
    controller: String,
    groups: Vec<Group>,
    link: OwnerLink,
    /// A no to the address without its tag counts here, and is not seen here.
    is_tagged: bool,
    is_erasing: bool,
    /// Whether a box may be ticked; any may be unticked.
    may_tick: bool,
    token: String,
    seal: String,
}

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Named(token): Named,
    visit: Visit,
) -> Response {
    site.center(&token, &visit).await.unwrap_or_else(|fault| fault.page(&visit))
}

pub(super) async fn take(
    State(site): State<Arc<Site>>,
    Named(token): Named,
    visit: Visit,
    form: Form,
) -> Response {
    site.chosen(&token, &visit, &form).await.unwrap_or_else(|fault| fault.page(&visit))
}

impl Site {
    async fn center(&self, token: &str, visit: &Visit) -> Result<Response, Fault> {
        let link = self.engine.owner_link(&self.caller, token, TokenKind::Preferences)?;
        let preferences = self.at_present(token, &link).await?;
        self.measures.show(Route::Preferences);
        self.page_of(token, visit, link, &preferences, Told::default())
    }

    /// How it stands. Nothing where the link shows nothing, or the past is damaged: a no goes still.
    pub(super) async fn at_present(
        &self,
        token: &str,
        link: &OwnerLink,
    ) -> Result<Preferences, Fault> {
        if !link.shows {
            return Ok(Preferences::default());
        }
        match self.engine.preferences(&self.caller, token).await {
            Ok((preferences, _)) => Ok(preferences),
            Err(EngineError::Damaged { .. }) => Ok(Preferences::default()),
            Err(error) => Err(error.into()),
        }
    }

    fn page_of(
        &self,
        token: &str,
        visit: &Visit,
        mut link: OwnerLink,
        preferences: &Preferences,
        told: Told,
    ) -> Result<Response, Fault> {
        let (catalog, language) = (self.engine.catalog(), visit.language);
        let brand = topics::brand_of(&catalog, &link.scopes).ok_or(Fault::UnknownLink)?;
        let erasure = topics::erasure(preferences);
        if erasure == Erasure::Erased {
            return Ok(told::Told::erased(brand, language).page(StatusCode::OK).into_response());
        }
        link.shows &= !preferences.topics.is_empty();
        let frame = Frame::of(brand, language);
        let controller = topics::controller_title(&catalog, brand.id.controller(), language);
        let center = Center {
            told,
            masked: topics::isolated(&preferences.masked_address),
            intro: brand.page.intro(language).unwrap_or_default().to_owned(),
            consent: filled(frame.words.consent, &[&controller]),
            groups: topics::groups(&catalog, preferences, frame.words, language),
            controller,
            is_tagged: link.tagged
                && preferences.masked_address.is_empty()
                && catalog.plus_tags == PlusTags::WidenRestrictions,
            is_erasing: erasure == Erasure::Pending,
            may_tick: link.grants && erasure == Erasure::None,
            link,
            token: token.to_owned(),
            seal: self.seal(token, &offer(&catalog, brand, language), language),
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
        let words = super::words::of(visit.language);
        let mut wishes = Wishes::of(&catalog, brand, form);
        let mut problems = BTreeSet::new();
        if wishes.is_gone {
            problems.insert(words.stands_in_the_way);
        }
        let seen = self.seen(opened, |language| offer(&catalog, brand, language));
        let seen = seen.filter(|_| opened.is_fresh());
        if seen.is_none() && !wishes.yeses.is_empty() {
            wishes.yeses.clear();
            problems.insert(words.stale);
        }
        let mut preferences = None;
        if !wishes.noes.is_empty() || !wishes.yeses.is_empty() {
            let visit = visit.reading(seen.unwrap_or(visit.language));
            let wording = agreed(&catalog, brand, &wishes.yeses, visit.language);
            let of = Choosing { token, visit: &visit, form, source: SOURCE };
            let chosen = self.choose(of, &wishes.noes, &wishes.yeses, &wording).await?;
            problems.extend(chosen.outcomes.iter().filter_map(|o| words.rejection(*o)));
            problems.extend(chosen.problem.map(|fault| fault.of_yeses(words)));
            problems.extend(chosen.is_stale.then_some(words.stale));
            preferences = Some(chosen.preferences);
        }
        let banner = match (&preferences, problems.is_empty()) {
            (Some(_), true) => words.saved,
            (Some(_), false) => words.partly_saved,
            (None, _) => words.nothing_changed,
        };
        let preferences = match preferences {
            Some(preferences) => preferences,
            None => self.at_present(token, &link).await?,
        };
        self.page_of(token, visit, link, &preferences, Told { banner, problems })
    }
}

/// What a form wishes.
#[derive(Debug, Default)]
struct Wishes {
    noes: Vec<Scope>,
    yeses: Vec<Scope>,
    /// Something was ticked that the catalog has no longer.
    is_gone: bool,
}

impl Wishes {
    /// What differs between the page and the form.
    fn of(catalog: &Catalog, brand: &Brand, form: &Form) -> Self {
        if !form.get("all").is_empty() {
            let noes = vec![Scope::Controller(brand.id.controller())];
            return Self { noes, ..Self::default() };
        }
        let (was, now): (BTreeSet<&str>, BTreeSet<&str>) =
            (form.all("was").collect(), form.all("topic").collect());
        let noes = was.difference(&now).filter_map(|name| topics::stopped(catalog, name));
        let yeses = now.difference(&was).map(|name| topics::scope(catalog, name));
        let (there, gone): (Vec<_>, Vec<_>) = yeses.partition(Option::is_some);
        let yeses = there.into_iter().flatten().collect();
        Self { noes: noes.collect(), yeses, is_gone: !gone.is_empty() }
    }
}

/// All words of the page that a yes can be to.
fn offer(catalog: &Catalog, brand: &Brand, language: Language) -> String {
    let offered = topics::offered(catalog, brand.id.controller(), language);
    format!("{}\n{offered}", agreed(catalog, brand, &[], language))
}

/// The words to which these yeses agree: the intro of a brand is part of what was read.
fn agreed(catalog: &Catalog, brand: &Brand, to: &[Scope], language: Language) -> String {
    let controller = topics::controller_title(catalog, brand.id.controller(), language);
    let consent = filled(super::words::of(language).consent, &[&controller]);
    let titles = topics::titled(catalog, to, language);
    let parts = [brand.page.intro(language).unwrap_or_default(), &titles, &consent];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}
