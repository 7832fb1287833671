use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::catalog::Names;
use crate::catalog::parse::parse;
use crate::engine::sheet::Mailing;
use crate::engine::status::{ConsentState, ScopedBlock, ScopedConsent, ScopedOptOut};
use crate::model::actor::{Actor, ActorClass, Caller};
use crate::model::address::Address;
use crate::model::campaign::Channel;
use crate::model::day::{Day, Timestamp};
use crate::model::event::{Event, EventKind, Statement};
use crate::model::evidence::{Evidence, LegalBasis, Method, Notice};
use crate::model::fact::{Cause, Erasure};
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::scope::Scope;
use crate::model::verdict::Verdict;

const CATALOG: &str = r#"
    [[controller]]
    id = "buehne"
    title = "Stage & Co <Ltd>"
    recipients = ["Mail \"Ltd\""]
    [[controller]]
    id = "hotels"
    title = "Hotels"
    [[brand]]
    id = "festival"
    controller = "buehne"
    title = "Summer"
    topic = [ { id = "newsletter", title = "News" } ]
"#;

const HOSTILE: &str = "<script>alert('x')</script> & \"so on\"\u{202e}";

fn nothing() -> SubjectSheet {
    SubjectSheet {
        address: Address::parse(b"eve@example.com").unwrap(),
        pseudonym: None,
        made_at: Day::new(20_000).start(),
        made_for: Caller::local(""),
        revision: Revision::new(9),
        catalog: Arc::new(parse("c", CATALOG, &Names::default()).unwrap()),
        controllers: Vec::new(),
        consents: Vec::new(),
        opt_outs: Vec::new(),
        blocks: Vec::new(),
        asked: Vec::new(),
        erasure: Erasure::None,
        erasure_id: "".into(),
        mailings: Vec::new(),
        events: Vec::new(),
    }
}

fn event(revision: u64, statement: Statement) -> Event {
    Event {
        revision: Revision::new(revision),
        previous: Revision::ZERO,
        recorded_at: Timestamp::from_parts(1_772_332_505, 0).unwrap(),
        fingerprint: Fingerprint::new(7),
        address: None,
        tagged: false,
        actor: Actor { class: ActorClass::Staff, id: HOSTILE.into(), credential: "crm".into() },
        request_id: "".into(),
        statement,
    }
}

/// One of everything; much of it not given, some of it hostile, some of it long.
fn rich() -> SubjectSheet {
    let empty = nothing();
    let brand = empty.catalog.brands[0].clone();
    let (at_brand, topic) = (Scope::Brand(brand.id), brand.topics[0].id);
    let evidence = Evidence {
        method: Method::Form,
        source: format!("https://example.org/{}", "x".repeat(200)).into(),
        notice: Notice { wording: HOSTILE.into(), version: "7".into(), language: "de".into() },
        occurred_at: Some(Timestamp::from_parts(1_700_000_000, 0).unwrap()),
        ..Evidence::default()
    };
    let granted = Statement {
        scopes: vec![Scope::Topic(topic)],
        controllers: vec![brand.id.controller()],
        legal_basis: Some(LegalBasis::Consent),
        evidence: Some(Arc::new(evidence)),
        ..Statement::new(EventKind::ConsentGranted)
    };
    let blocked = Statement {
        brands: vec![brand.id],
        channels: vec![Channel::Email, Channel::Post],
        cause: Some(Cause::StaffDecision),
        reason: HOSTILE.into(),
        evidence: Some(Arc::default()),
        ..Statement::new(EventKind::Blocked)
    };
    let asked =
        Statement { erasure_id: "case-1".into(), ..Statement::new(EventKind::ErasureRequested) };
    let events = vec![
        event(3, granted),
        event(4, blocked),
        event(5, asked),
        event(6, Statement::new(EventKind::OptedOut)),
    ];
    let consent = |scope, state, legal_basis| ScopedConsent {
        scope,
        state,
        legal_basis,
        event: Some(events[0].clone()),
    };
    SubjectSheet {
        pseudonym: Some(Fingerprint::new(7)),
        made_for: Caller { credential: "office".into(), roles: Vec::new(), actor: "dpo".into() },
        controllers: empty.catalog.controllers.clone(),
        consents: vec![
            consent(Scope::Topic(topic), ConsentState::Granted, Some(LegalBasis::Consent)),
            consent(at_brand, ConsentState::Pending, None),
        ],
        opt_outs: vec![ScopedOptOut { scope: Scope::Everything, event: None }],
        blocks: vec![ScopedBlock {
            brand: brand.id,
            channel: Channel::Email,
            cause: Cause::StaffDecision,
            reason: HOSTILE.into(),
            event: Some(events[1].clone()),
        }],
        asked: vec![(brand.id, Day::new(19_000))],
        erasure: Erasure::Pending,
        erasure_id: "case-1".into(),
        mailings: vec![Mailing { topic, verdict: Verdict::ErasurePending }],
        events,
        ..empty
    }
}

const LANGUAGES: [Language; 2] = [Language::English, Language::German];

#[track_caller]
fn has_nothing_empty(value: &Value, path: &str) {
    match value {
        Value::Null => panic!("{path} is null"),
        Value::String(text) => assert!(!text.is_empty(), "{path} is empty"),
        Value::Array(values) => {
            assert!(!values.is_empty(), "{path} is empty");
            for (place, value) in values.iter().enumerate() {
                has_nothing_empty(value, &format!("{path}[{place}]"));
            }
        }
        Value::Object(fields) => {
            assert!(!fields.is_empty(), "{path} is empty");
            for (name, value) in fields {
                has_nothing_empty(value, &format!("{path}.{name}"));
            }
        }
        Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn programs_never_get_an_empty_property() {
    for sheet in [nothing(), rich()] {
        let document: Value =
            serde_json::from_str(&render(&sheet, Form::Json, Language::German)).unwrap();
        has_nothing_empty(&document, "sheet");
        assert_eq!(document["anything_held"], !sheet.is_empty());
        assert_eq!(document["events"].as_array().map_or(0, Vec::len), sheet.events.len());
    }
}

#[test]
fn programs_get_stable_names_and_titles() {
    let document: Value =
        serde_json::from_str(&render(&rich(), Form::Json, Language::English)).unwrap();
    assert_eq!(document["pseudonym"], format!("{:032x}", 7));
    assert_eq!(document["controllers"][0]["recipients"][0], "Mail \"Ltd\"");
    assert_eq!(document["erasure"]["state"], "pending");
    assert_eq!(document["consents"][0]["scope"]["id"], "topic:festival/newsletter");
    assert_eq!(document["consents"][0]["scope"]["title"], "News");
    assert_eq!(document["mailings"][0]["verdict"], "denied-erasure-pending");
    let event = &document["events"][0];
    assert_eq!(event["kind"], "consent-granted");
    assert_eq!(event["evidence"]["wording"], HOSTILE);
    assert_eq!(event["recorded_at"], "2026-03-01T02:35:05Z");
    // Evidence of which nothing was given is none.
    assert_eq!(document["events"][1].get("evidence"), None);
}

#[test]
fn text_keeps_to_80_columns_and_shows_everything() {
    for language in LANGUAGES {
        for sheet in [nothing(), rich()] {
            let text = render(&sheet, Form::Text, language);
            for line in text.lines() {
                assert!(line.chars().count() <= 80, "{line}");
                assert_eq!(line, line.trim_end(), "no space ends a line");
            }
            assert!(text.contains("eve@example.com"));
        }
        let text = render(&rich(), Form::Text, language);
        for shown in ["Stage & Co <Ltd>", "Mail \"Ltd\"", "case-1", "Summer: News", "#6", "crm"] {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        let unbroken: String = text.split_whitespace().collect();
        assert!(unbroken.contains(&"x".repeat(200)), "a long word is cut, not lost");
    }
}

#[test]
fn a_page_escapes_what_others_wrote_and_loads_nothing() {
    for language in LANGUAGES {
        let page = render(&rich(), Form::Html, language);
        assert!(page.starts_with("<!doctype html>"));
        assert!(page.contains(&format!("<html lang=\"{}\">", language.tag())));
        for forbidden in ["<script", "src=", "href=", "url(", "@import", "<link", "<img", "onload"]
        {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(!page.contains("alert('x')"), "quotes are escaped too");
        assert!(page.contains("Stage &#38; Co &#60;Ltd&#62;"), "{page}");
    }
}

#[test]
fn a_sheet_of_nothing_says_so_and_one_of_a_tombstone_too() {
    let said = |sheet: &SubjectSheet, form| render(sheet, form, Language::English);
    for form in [Form::Text, Form::Html] {
        let text = said(&nothing(), form);
        assert!(text.contains("Nothing is held about this address"), "{text}");
        assert!(!text.contains("Pseudonym") && !text.contains("What stands now"));
        let erased = Statement { erasure_id: "case-1".into(), ..Statement::new(EventKind::Erased) };
        let tombstone = SubjectSheet {
            pseudonym: Some(Fingerprint::new(7)),
            erasure: Erasure::Erased,
            erasure_id: "case-1".into(),
            events: vec![event(6, erased)],
            ..nothing()
        };
        let text = said(&tombstone, form);
        assert!(text.contains("All data about this address were erased."), "{text}");
        assert!(text.contains("Pseudonym") && text.contains("case-1"));
        assert!(!text.contains("on file as a contact"));
    }
}

#[test]
fn no_line_is_shown_for_what_was_not_given() {
    let text = render(&rich(), Form::Text, Language::English);
    for label in ["Document", "Network address", "Request ", "Program"] {
        assert!(!text.contains(label), "{label}: {text}");
    }
    assert_eq!(text.matches("Declared by").count(), 1, "one event says how it was declared");
}
