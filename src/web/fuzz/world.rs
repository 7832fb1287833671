//! Pages over an engine in memory, with true links to them: made anew once an input has changed it,
//! and the same each time.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{env, fs, process};

use axum::http::HeaderMap;
use http_body_util::BodyExt as _;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tower::ServiceExt as _;

use super::*;
use crate::engine::boot::Settings;
use crate::engine::clock::Clock;
use crate::engine::opt_in::OptInRequest;
use crate::ledger::Options;
use crate::ledger::fault::FaultDisk;
use crate::model::day::{Day, Timestamp};
use crate::model::evidence::{Evidence, Method as How, Notice};
use crate::web::*;

pub(in crate::web) const CATALOG: &str = r#"
[policy]
marketing = "opt-in"
[[controller]]
id = "buehne"
title = "Buehne GmbH"
[[brand]]
id = "festival"
controller = "buehne"
title = "Sommerfestival"
policy = { consent_request = "allowed" }
topic = [ { id = "news", title = "Newsletter" }, { id = "programm", title = "Programm" } ]
[[brand]]
id = "theater"
controller = "buehne"
title = "Theater"
topic = [ { id = "premieren", title = "Premieren" } ]
[[campaign]]
brand = "festival"
id = "advent"
topic = "news"
purpose = "marketing"
[[campaign]]
brand = "festival"
id = "ask"
topic = "news"
purpose = "consent-request"
"#;

/// Of nobody's mailboxes.
const KEYS: &[u8] = br#"fingerprint_key = "000102030405060708090a0b0c0d0e0f"

[[token_key]]
id = 1
secret = "015a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
state = "signing"
"#;

/// Of whom something is on file.
const ANN: &str = "ann@example.com";

/// Of whom nothing is.
const BOB: &str = "bob@example.com";

/// A day on which nothing goes on.
#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(Day::new(20_000).start().nanos() + 43_200_000_000_000)
    }
}

pub(super) struct World {
    pub(super) engine: Arc<Engine>,
    pub(super) site: Arc<Site>,
    /// Words of an input, and the tokens that they stand for.
    pub(super) tokens: Vec<(String, String)>,
    /// All pages that there are for what is not there.
    pub(super) dead_ends: Vec<String>,
    router: Router,
    letters: mpsc::Receiver<Letter>,
    runtime: Runtime,
}

/// An answer, read whole.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

/// The world that nothing has changed yet.
static UNTOUCHED: Mutex<Option<World>> = Mutex::new(None);

/// Worlds so far: each has a directory for its lock and its keys, while it opens.
static WORLDS: AtomicU32 = AtomicU32::new(0);

impl World {
    pub(super) fn take() -> Self {
        let world = UNTOUCHED.lock().unwrap_or_else(PoisonError::into_inner).take();
        world.unwrap_or_else(Self::new)
    }

    pub(super) fn put_back(self) {
        *UNTOUCHED.lock().unwrap_or_else(PoisonError::into_inner) = Some(self);
    }

    fn new() -> Self {
        let runtime = sound(Builder::new_current_thread().enable_time().build());
        let engine = runtime.block_on(open());
        let (post, letters) = Post::queue(8);
        let privacy = Privacy { ip: KeepIp::Whole, forwarded: true };
        let site = Site::new(engine.clone(), privacy, Some(post), Arc::default());
        let site = Arc::new(site);
        let tokens = runtime.block_on(tokens(&engine));
        let router = router(site.clone());
        let dead_ends = Vec::new();
        let mut world = Self { engine, site, tokens, dead_ends, router, letters, runtime };
        for nowhere in ["/u/x?lang=de", "/u/x?lang=en", "/x?lang=de", "/x?lang=en"] {
            let answer = world.answer(sound(Request::get(nowhere).body(Body::empty())));
            world.dead_ends.push(answer.text);
        }
        world
    }

    /// What is on record of both.
    #[cfg(test)]
    pub(super) fn kinds(&self, staff: &Caller) -> Vec<crate::model::event::EventKind> {
        let of = |address: &str| {
            let history = self.engine.history(staff, address.as_bytes(), 0, "");
            let events = self.runtime.block_on(history).map(|page| page.events);
            events.unwrap_or_default().into_iter().map(|event| event.statement.kind)
        };
        [ANN, BOB].into_iter().flat_map(of).collect()
    }

    /// The seal that the page there has; empty where there is no form.
    pub(super) fn seal_of(&mut self, path: &str) -> String {
        let request = Request::get(path).body(Body::empty());
        let page = request.map(|request| self.answer(request).text).unwrap_or_default();
        let seal =
            page.split("name=\"seal\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        seal.unwrap_or_default().to_owned()
    }

    pub(super) fn answer(&mut self, request: Request<Body>) -> Answer {
        let router = self.router.clone();
        let answer = self.runtime.block_on(async {
            let (parts, body) = sound(router.oneshot(request).await).into_parts();
            let text = sound(sound(body.collect().await).to_bytes().to_vec().try_into());
            Answer { status: parts.status, headers: parts.headers, text }
        });
        // A relay that keeps up.
        while self.letters.try_recv().is_ok() {}
        answer
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.runtime.block_on(self.engine.stop());
    }
}

async fn open() -> Arc<Engine> {
    let number = WORLDS.fetch_add(1, Ordering::Relaxed);
    let dir = env::temp_dir().join(format!("maysend-fuzz-{}-{number}", process::id()));
    sound(fs::create_dir(&dir));
    let keys = dir.join("keys.toml");
    let file = fs::File::options().create_new(true).write(true).mode(0o600).open(&keys);
    sound(sound(file).write_all(KEYS));
    let settings = Settings {
        data_dir: dir.clone(),
        key_file: Some(keys),
        catalog_file: "catalog.toml".to_owned(),
        catalog_source: CATALOG.to_owned(),
        public_url: Some("https://mail.example".to_owned()),
        accept_clock: false,
        ledger: Options { segment_octets: 1 << 20, reserve_octets: 1 << 16, address_rule: 1 },
    };
    let engine = Engine::open(settings, Arc::new(FaultDisk::new()), Arc::new(Noon)).await;
    sound(fs::remove_dir_all(dir));
    sound(engine)
}

async fn tokens(engine: &Engine) -> Vec<(String, String)> {
    let caller = Caller::local("");
    let mut tokens = Vec::new();
    for (campaign, whose, no, yes) in
        [("advent", ANN, "{u}", "{p}"), ("ask", ANN, "", "{r}"), ("advent", BOB, "", "{n}")]
    {
        let whose = [whose.as_bytes().into()];
        let minted = sound(engine.mint_links(&caller, "festival", campaign, &whose).await);
        let Some(Some(links)) = minted.into_iter().next() else { unreachable!("no links") };
        tokens.push((no.to_owned(), links.unsubscribe_token));
        tokens.push((yes.to_owned(), links.preferences_token));
    }
    tokens.retain(|(word, _)| !word.is_empty());
    let topic = topics::scope(&engine.catalog(), "festival/news");
    let notice = Notice { wording: "Yes.".into(), version: "".into(), language: "en".into() };
    let evidence =
        Evidence { method: How::Form, source: "form".into(), notice, ..Evidence::default() };
    let request = OptInRequest {
        address: ANN.as_bytes().into(),
        scopes: topic.into_iter().collect(),
        evidence: Arc::new(evidence),
        request_id: "".into(),
        body: Vec::new(),
    };
    tokens
        .push(("{c}".to_owned(), sound(engine.begin_opt_in(&caller, request).await).confirm_token));
    tokens
}

/// What has no reason to fail here.
#[track_caller]
fn sound<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| unreachable!("{error:?}"))
}
