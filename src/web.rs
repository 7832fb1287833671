//! The owner's pages: unsubscribe, preferences, consent requests, sign-up, and what one may ask of
//! who holds one's data. HTML over HTTP/1.1 on a listener of its own, behind the sender's reverse
//! proxy; no JavaScript, no cookie, no request to any other host.
//!
//! | path | opened by | GET shows | POST does |
//! |---|---|---|---|
//! | `/u/TOKEN` | unsubscribe link | a button | the no; one-click without a page (RFC 8058) |
//! | `/p/TOKEN` | preferences link | every topic as it stands | what was ticked and unticked |
//! | `/p/TOKEN/data` | the page before | two requests | one of them, into the reviewers' queue |
//! | `/r/TOKEN` | link of a consent request | the question | accept or decline |
//! | `/s/BRAND` | anybody | a form | begins a double opt-in |
//! | `/c/TOKEN` | double opt-in mail | a button | the yes |
//!
//! INVARIANT(reading): no GET, HEAD or OPTIONS writes, and no page submits itself: scanners of mail
//! follow links and run scripts. What a page sends carries a seal that says which link it was made
//! for and when, so a form is sent by somebody who has loaded it.
//!
//! The engine decides; here is only what a person reads, and which words they saw: the wording of a
//! page is stored with every yes (GDPR Art. 7(1)). A token stands in the path, so no page lets a
//! referrer out, is cached or is named in a log.

mod choose;
mod confirm;
mod consent_request;
mod fault;
mod form;
mod measures;
mod pace;
mod page;
mod post;
mod preferences;
mod rights;
mod seal;
mod sign_up;
mod told;
mod topics;
mod unsubscribe;
mod visit;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

pub use self::measures::{Measures, ROUTES, Route};
use self::pace::Paces;
pub use self::post::{Letter, Post};
pub use self::visit::{KeepIp, Peer, Privacy};
use crate::engine::Engine;
use crate::model::actor::{Caller, Role};

/// What the pages stand on.
#[derive(Debug)]
pub struct Site {
    engine: Arc<Engine>,
    caller: Caller,
    privacy: Privacy,
    /// Where mails of the sign-up go; none: there is no sign-up here.
    post: Option<Post>,
    paces: Paces,
    measures: Arc<Measures>,
}

impl Site {
    /// The pages of an engine.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        privacy: Privacy,
        post: Option<Post>,
        measures: Arc<Measures>,
    ) -> Self {
        // Whoever proved themselves by a link speaks for themselves, and for nobody else.
        let caller = Caller {
            credential: Caller::WEB.into(),
            roles: vec![Role::Portal],
            actor: "owner".into(),
        };
        Self { engine, caller, privacy, post, paces: Paces::default(), measures }
    }
}

/// The pages as a service. A request without a `Peer` extension counts as one from nowhere.
pub fn router(site: Arc<Site>) -> Router {
    Router::new()
        .route("/u/{token}", get(unsubscribe::show).post(unsubscribe::take))
        .route("/p/{token}", get(preferences::show).post(preferences::take))
        .route("/p/{token}/data", get(rights::show).post(rights::take))
        .route("/r/{token}", get(consent_request::show).post(consent_request::take))
        .route("/s/{brand}", get(sign_up::show).post(sign_up::take))
        .route("/c/{token}", get(confirm::show).post(confirm::take))
        .route("/robots.txt", get(told::robots))
        .fallback(told::nothing_here)
        .layer(axum::middleware::from_fn(form::to_its_end))
        .layer(axum::middleware::map_response(page::guarded))
        .with_state(site)
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
#[cfg(test)]
mod tests;
