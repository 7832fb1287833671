//! Any octets as requests for the owner's pages, one after the other: each gets an answer that keeps
//! to itself and is no fault of ours, and nothing is written but what a true link, or a sign-up,
//! allows.
//!
//! A request is a line `METHOD TARGET`, its fields, an empty line, and the body; a line `====` stands
//! between two. What no mutation would forge has words that stand for it: `{u}`, `{p}`, `{n}`,
//! `{r}` and `{c}` for the tokens of true links, `{seal}` for the seal of a page of the link in the target,
//! `{other}` for that of another link, `{long}` for more than a form may hold.

mod world;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    SET_COOKIE,
};
use axum::http::{HeaderName, Method, Request, StatusCode};
use memchr::memmem::find;

#[cfg(test)]
pub(super) use self::world::CATALOG;
use self::world::{Answer, World};
use super::visit::Peer;
use crate::model::language::Language;

/// Requests of one input: a no after a yes, a form sent twice.
const MOST: usize = 4;

/// Octets that an input may come to by its words.
const LARGEST: usize = 1 << 20;

/// Octets of a page.
const LONGEST: usize = 30_000;

/// What a mailbox provider posts.
const ONE_CLICK: (&str, &str) = ("List-Unsubscribe", "One-Click");

/// Whether the last request got what it asked for.
#[track_caller]
pub(crate) fn target(octets: &[u8]) -> bool {
    let mut world = World::take();
    let before = world.engine.head();
    let (accepted, is_paced) = ask_all(octets, &mut world);
    // Every input begins with the same: whoever changed something leaves another world behind.
    if world.engine.head() == before && !is_paced {
        world.put_back();
    }
    accepted
}

/// Whether the last request got what it asked for, and whether one came too fast.
fn ask_all(octets: &[u8], world: &mut World) -> (bool, bool) {
    let mut rest = Some(octets);
    let (mut accepted, mut is_paced) = (false, false);
    for _ in 0..MOST {
        let Some(octets) = rest else { break };
        let (request, later) = split(octets, b"\n====\n");
        rest = later;
        accepted = false;
        let Some(asked) = Asked::read(request, world) else { break };
        let status = asked.ask(world);
        accepted = status.is_success();
        is_paced |= status == StatusCode::TOO_MANY_REQUESTS;
    }
    (accepted, is_paced)
}

fn split<'a>(octets: &'a [u8], at: &[u8]) -> (&'a [u8], Option<&'a [u8]>) {
    let parts = find(octets, at).and_then(|start| octets.split_at_checked(start));
    match parts {
        Some((before, rest)) => (before, rest.get(at.len()..)),
        None => (octets, None),
    }
}

/// A request, and what it may do.
struct Asked {
    method: Method,
    request: Request<Body>,
    /// What was typed, where a form says it in the plain way.
    typed: Option<String>,
    may_write: bool,
}

impl Asked {
    /// None where it is no request: a server of HTTP passes no such thing on.
    fn read(octets: &[u8], world: &mut World) -> Option<Self> {
        let (head, body) = split(octets, b"\n\n");
        let (line, fields) = split(head, b"\n");
        let line = filled(line, &world.tokens);
        let (method, target) = split(&line, b" ");
        let path = String::from_utf8_lossy(target?).into_owned();
        let words = [
            ("{seal}".to_owned(), world.seal_of(&path)),
            ("{other}".to_owned(), world.site.seal("another link", "", Language::English)),
            ("{long}".to_owned(), "x".repeat(70_000)),
        ];
        let body = body.unwrap_or_default();
        let is_sealed = find(body, b"{seal}").is_some();
        let body = filled(body, &words);
        let fields = fields.unwrap_or_default();

        let mut request = Request::builder().method(method).uri(target?);
        for field in fields.split(|octet| *octet == b'\n').filter(|field| !field.is_empty()) {
            let (name, value) = split(field, b":");
            let name = HeaderName::from_bytes(name).ok()?;
            request = request.header(name, value?.trim_ascii());
        }
        let request = request.extension(Peer([192, 0, 2, 77].into()));
        let request = request.body(Body::from(body.clone())).ok()?;

        let is_plain = request.headers().get(CONTENT_TYPE).is_some_and(|of| {
            let of = of.to_str().unwrap_or_default().to_ascii_lowercase();
            of.split(';').next().unwrap_or_default().trim() == "application/x-www-form-urlencoded"
        });
        let mut form = form_urlencoded::parse(&body);
        let typed = form.clone().find(|(name, _)| name == "email").map(|(_, typed)| typed);
        let is_form = is_plain && request.method() == Method::POST;
        let typed = is_form.then(|| typed.unwrap_or_default().into_owned());
        let is_click = |value: &str| value.trim().eq_ignore_ascii_case(ONE_CLICK.1);
        let says_one_click = form.any(|(name, value)| name == ONE_CLICK.0 && is_click(&value))
            || find(&body, ONE_CLICK.0.as_bytes()).is_some()
                && find(&body.to_ascii_lowercase(), b"one-click").is_some();
        let (method, path) = (request.method().clone(), request.uri().path());
        let is_true = world.tokens.iter().any(|(_, token)| path.contains(&**token));
        let may_write = method == Method::POST
            && (path.starts_with("/s/")
                || is_true && (is_sealed || path.starts_with("/u/") && says_one_click));
        Some(Self { method, request, typed, may_write })
    }

    fn ask(self, world: &mut World) -> StatusCode {
        let Self { method, request, typed, may_write } = self;
        let before = world.engine.head();
        let answer = world.answer(request);
        let has_written = world.engine.head() != before;
        assert!(!has_written || may_write, "{} {method} has written", answer.status);
        assert!(!has_written || !answer.status.is_server_error());
        answer.keeps_to_itself();
        if answer.status == StatusCode::NOT_FOUND && method != Method::HEAD {
            assert!(world.dead_ends.contains(&answer.text), "it tells what is not ours apart");
        }
        if let (Some(shown), Some(typed)) = (answer.shown_again(), typed) {
            let typed: String = typed.chars().take(shown.chars().count().max(1)).collect();
            assert_eq!(shown, typed, "what was typed comes back as something else");
        }
        answer.status
    }
}

impl Answer {
    fn keeps_to_itself(&self) {
        let Self { status, headers, text } = self;
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        assert!(!status.is_server_error(), "{status}: {text}");
        assert_eq!(header(CACHE_CONTROL), Some("no-store"));
        assert_eq!(header(REFERRER_POLICY), Some("no-referrer"));
        let policy = header(CONTENT_SECURITY_POLICY).unwrap_or_default();
        assert!(
            policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(header(SET_COOKIE), None);
        assert!(text.len() < LONGEST, "{} octets", text.len());
        if let Some(language) = header(CONTENT_LANGUAGE)
            && !text.is_empty()
        {
            assert!(text.contains(&format!("<html lang=\"{language}\"")), "{text}");
        }
        assert!(!text.to_ascii_lowercase().contains("<script"), "{text}");
    }

    /// What a form shows of what was typed: as a browser would read it.
    fn shown_again(&self) -> Option<String> {
        let mut tags = self.text.split('<').filter(|tag| tag.starts_with("input "));
        let (_, value) =
            tags.find(|tag| tag.contains("name=\"email\""))?.split_once(" value=\"")?;
        let value = value.split('"').next().unwrap_or_default();
        let plain =
            [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
        Some(plain.iter().fold(value.to_owned(), |text, (from, to)| text.replace(from, to)))
    }
}

/// With what its words stand for.
fn filled(octets: &[u8], words: &[(String, String)]) -> Vec<u8> {
    let (mut full, mut rest) = (Vec::new(), octets);
    while let Some((first, tail)) = rest.split_first() {
        let word =
            words.iter().find_map(|(word, text)| Some((text, rest.strip_prefix(word.as_bytes())?)));
        match word {
            Some((text, after)) if full.len() < LARGEST => {
                full.extend_from_slice(text.as_bytes());
                rest = after;
            }
            _ => {
                full.push(*first);
                rest = tail;
            }
        }
    }
    full
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::actor::Caller;
    use crate::model::event::EventKind;

    #[test]
    fn inputs_of_the_corpus_say_yes() {
        for name in ["accept", "preferences", "confirm"] {
            let input = format!("{}/fuzz/corpus/form/{name}", env!("CARGO_MANIFEST_DIR"));
            let input = std::fs::read(input).unwrap();
            let mut world = World::take();
            ask_all(&input, &mut world);
            let kinds = world.kinds(&Caller::local("anna"));
            let is_yes = |kind: &EventKind| {
                [EventKind::ConsentGranted, EventKind::Resubscribed].contains(kind)
            };
            assert!(kinds.iter().any(is_yes), "{name}: {kinds:?}");
        }
    }
}
