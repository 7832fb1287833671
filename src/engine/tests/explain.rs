//! Explanations over a real engine, of now and of the past.

use super::super::explain::{Explanation, Finding, Inquiry};
use super::*;
use crate::model::event::EventKind;

const ANN: &str = "ann@example.org";

async fn ask(
    engine: &Engine,
    address: &str,
    campaign: &str,
    as_of: Option<Timestamp>,
) -> Result<Explanation, EngineError> {
    let inquiry = Inquiry {
        address: address.as_bytes().into(),
        brand: "festival".to_owned(),
        campaign: campaign.to_owned(),
        as_of,
    };
    engine.explain(&caller(), inquiry).await
}

/// Explains the newsletter's campaign; now it must be what a check answers.
async fn explain(engine: &Engine, address: &str, as_of: Option<Timestamp>) -> Explanation {
    let explanation = ask(engine, address, "advent", as_of).await.unwrap();
    assert_eq!(explanation.findings[0].verdict, explanation.verdict);
    if as_of.is_none() {
        assert_eq!(explanation.verdict, verdict(engine, address).await);
        assert_eq!(explanation.revision, engine.head());
    }
    explanation
}

fn noon(day: u16) -> Option<Timestamp> {
    Some(Timestamp::from_nanos(Day::new(day).start().nanos() + 43_200_000_000_000))
}

async fn then(engine: &Engine, day: u16) -> Verdict {
    explain(engine, ANN, noon(day)).await.verdict
}

fn kind(finding: &Finding) -> Option<EventKind> {
    finding.event.as_ref().map(|event| event.statement.kind)
}

fn with_policy(policy: &str) -> String {
    CATALOG.replace("marketing = \"opt-in\"", policy)
}

#[tokio::test]
async fn an_explanation_names_the_event_and_what_else_would_deny() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let unknown = explain(&engine, ANN, None).await;
    assert_eq!(unknown.verdict, Verdict::UnknownAddress);
    assert_eq!((unknown.findings.len(), kind(&unknown.findings[0])), (1, None));

    write(&engine, consent(&engine), ANN, "").await.unwrap();
    let allowed = explain(&engine, "Ann@Example.org ", None).await;
    assert_eq!(allowed.address.unwrap().as_str(), ANN);
    let [finding] = &allowed.findings[..] else { panic!("{:?}", allowed.findings) };
    assert_eq!(finding.scope, Some(newsletter(&engine)));
    let event = finding.event.as_ref().unwrap();
    assert_eq!(**event.statement.evidence.as_ref().unwrap(), form(), "with its wording");

    write(&engine, opt_out(newsletter(&engine)), ANN, "").await.unwrap();
    write(&engine, opt_out(Scope::Everything), ANN, "").await.unwrap();
    // Said again with other words it is more proof, and not what brought it about.
    let again = Command::OptOut {
        scopes: vec![newsletter(&engine)],
        reason: "called again".into(),
        evidence: None,
    };
    write(&engine, again, ANN, "").await.unwrap();
    let denied = explain(&engine, ANN, None).await;
    let found: Vec<_> = denied.findings.iter().map(|of| (of.verdict, kind(of))).collect();
    let out = Some(EventKind::OptedOut);
    assert_eq!(
        found,
        [
            (Verdict::OptedOutTopic, out),
            (Verdict::OptedOutEverything, out),
            (Verdict::NotRequested, None),
        ]
    );
    let first = denied.findings[0].event.as_ref().unwrap();
    assert_eq!(&*first.statement.reason, "asked");
    engine.stop().await;
}

#[tokio::test]
async fn the_past_is_explained_by_the_facts_of_then() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    clock.set(TODAY + 10);
    write(&engine, consent(&engine), ANN, "").await.unwrap();
    clock.set(TODAY + 20);
    write(&engine, opt_out(newsletter(&engine)), ANN, "").await.unwrap();
    // Others write too, so that the ledger's head is not that of the address.
    for name in 0..30 {
        write(&engine, opt_out(Scope::Everything), &format!("n{name}@x.example"), "r").await.ok();
        write(&engine, consent(&engine), &format!("m{name}@x.example"), "").await.unwrap();
    }
    clock.set(TODAY + 30);
    let recipients = [Box::from(ANN.as_bytes())];
    let links = engine.mint_links(&caller(), "festival", "advent", &recipients).await.unwrap();
    let update = PreferencesUpdate {
        token: links[0].clone().unwrap().preferences_token,
        choices: vec![Choice { scope: newsletter(&engine), wish: Wish::Subscribe }],
        evidence: Some(Arc::new(form())),
        request_id: "".into(),
        body: Vec::new(),
    };
    engine.update_preferences(&caller(), update).await.unwrap();
    clock.set(TODAY + 40);
    let expect = [
        (0, Verdict::UnknownAddress),
        (9, Verdict::UnknownAddress),
        (10, Verdict::AllowedConsent),
        (19, Verdict::AllowedConsent),
        (20, Verdict::OptedOutTopic),
        (29, Verdict::OptedOutTopic),
        (30, Verdict::AllowedConsent),
        (39, Verdict::AllowedConsent),
    ];
    for checkpoint in [false, true] {
        for (day, verdict) in expect {
            assert_eq!(then(&engine, TODAY + day).await, verdict, "day {day}");
        }
        // To the nanosecond: an event counts from its instant on.
        let page = engine.history(&caller(), ANN.as_bytes(), 0, "").await.unwrap();
        let no = page.events.iter().find(|of| of.statement.kind == EventKind::OptedOut).unwrap();
        let at = explain(&engine, ANN, Some(no.recorded_at)).await;
        assert_eq!((at.verdict, at.revision), (Verdict::OptedOutTopic, no.revision));
        let before = Timestamp::from_nanos(no.recorded_at.nanos() - 1);
        let before = explain(&engine, ANN, Some(before)).await;
        assert_eq!(before.verdict, Verdict::AllowedConsent);
        assert!(before.revision < no.revision && before.revision > Revision::ZERO);
        if checkpoint {
            engine.checkpoint().unwrap();
        }
    }
    let early = explain(&engine, ANN, Some(Timestamp::from_nanos(-1))).await;
    assert_eq!((early.verdict, early.revision), (Verdict::UnknownAddress, Revision::ZERO));
    let future = ask(&engine, ANN, "advent", noon(TODAY + 41)).await.unwrap_err();
    let EngineError::Invalid(InvalidRequest { violations }) = future else { panic!("{future:?}") };
    assert_eq!(violations[0].field, "as_of");
    engine.stop().await;
}

#[tokio::test]
async fn the_past_is_explained_by_the_policy_of_then_also_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    let file = "catalog.toml";
    clock.set(TODAY + 10);
    write(&engine, consent(&engine), ANN, "").await.unwrap();
    let short = with_policy("consent_lifetime_days = 5");
    clock.set(TODAY + 11);
    engine.take_catalog(file, &short).await.unwrap();
    clock.set(TODAY + 20);
    engine.take_catalog(file, &with_policy("marketing = \"opt-out\"")).await.unwrap();
    clock.set(TODAY + 30);
    let last = short.clone()
        + "[[campaign]]\nbrand = \"festival\"\nid = \"late\"\n\
        topic = \"newsletter\"\npurpose = \"marketing\"\n";
    engine.take_catalog(file, &last).await.unwrap();
    let check = async |engine: &Engine| {
        for (day, verdict) in [
            (5, Verdict::UnknownAddress),
            (10, Verdict::AllowedConsent),
            (14, Verdict::AllowedConsent),
            // Lapsed, under the version of day 11.
            (15, Verdict::Expired),
            (19, Verdict::Expired),
            // No lifetime, under the version of day 20.
            (20, Verdict::AllowedConsent),
        ] {
            assert_eq!(then(engine, TODAY + day).await, verdict, "day {day}");
        }
        assert_eq!(explain(engine, ANN, None).await.verdict, Verdict::Expired);
        // A campaign of now, explained before there was one.
        let late = ask(engine, ANN, "late", noon(TODAY + 10)).await.unwrap();
        assert_eq!(late.verdict, Verdict::AllowedConsent);
    };
    clock.set(TODAY + 31);
    check(&engine).await;
    let reopen = async || {
        let catalog_source = last.clone();
        let settings = Settings { catalog_source, ..settings(dir.path()) };
        Engine::open(settings, Arc::new(RealDisk), clock.clone()).await.unwrap()
    };
    engine.stop().await;
    drop(engine);
    // By the ledger alone, then by a checkpoint.
    for _ in 0..2 {
        let engine = reopen().await;
        check(&engine).await;
        engine.checkpoint().unwrap();
        engine.stop().await;
    }
}

#[tokio::test]
async fn a_campaign_is_not_found_once_it_is_retired_and_explained_before() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    clock.set(TODAY + 10);
    let retired = CATALOG.to_owned() + "retired = true\n";
    engine.take_catalog("catalog.toml", &retired).await.unwrap();
    clock.set(TODAY + 20);
    for as_of in [None, noon(TODAY + 15)] {
        let error = ask(&engine, ANN, "advent", as_of).await.unwrap_err();
        assert!(matches!(error, EngineError::CampaignRetired { .. }), "{error:?}");
    }
    let before = ask(&engine, ANN, "advent", noon(TODAY + 5)).await.unwrap();
    assert_eq!(before.verdict, Verdict::UnknownAddress);
    let error = ask(&engine, ANN, "nothing", noon(TODAY + 5)).await.unwrap_err();
    assert!(matches!(error, EngineError::UnknownCampaign { .. }), "{error:?}");
    engine.stop().await;
}

#[tokio::test]
async fn a_restriction_of_the_base_is_explained_with_the_bases_event() {
    let dir = TempDir::new().unwrap();
    let clock = TestClock::at(TODAY);
    let engine = open(dir.path(), &clock).await.unwrap();
    let tagged = "ann+news@example.org";
    write(&engine, consent(&engine), tagged, "").await.unwrap();
    clock.set(TODAY + 1);
    write(&engine, opt_out(Scope::Everything), ANN, "").await.unwrap();
    clock.set(TODAY + 2);
    let denied = explain(&engine, tagged, None).await;
    assert_eq!(denied.verdict, Verdict::OptedOutEverything);
    let [finding] = &denied.findings[..] else { panic!("{:?}", denied.findings) };
    assert_eq!(finding.base.as_ref().unwrap().as_str(), ANN);
    assert_eq!(kind(finding), Some(EventKind::OptedOut));
    // The owner's yes that came through the mailbox is newer: the base is asked no more.
    let recipients = [Box::from(tagged.as_bytes())];
    let links = engine.mint_links(&caller(), "festival", "advent", &recipients).await.unwrap();
    let update = PreferencesUpdate {
        token: links[0].clone().unwrap().preferences_token,
        choices: vec![Choice { scope: newsletter(&engine), wish: Wish::Subscribe }],
        evidence: Some(Arc::new(Evidence { source: "again".into(), ..form() })),
        request_id: "".into(),
        body: Vec::new(),
    };
    engine.update_preferences(&caller(), update).await.unwrap();
    clock.set(TODAY + 3);
    assert_eq!(explain(&engine, tagged, None).await.verdict, Verdict::AllowedConsent);
    let before = explain(&engine, tagged, noon(TODAY + 1)).await;
    assert_eq!(before.verdict, Verdict::OptedOutEverything);
    let earliest = explain(&engine, tagged, noon(TODAY)).await;
    assert_eq!(earliest.verdict, Verdict::AllowedConsent);
    engine.stop().await;
}

#[tokio::test]
async fn what_is_no_address_is_an_answer() {
    let dir = TempDir::new().unwrap();
    let engine = open(dir.path(), &TestClock::at(TODAY)).await.unwrap();
    let explanation = explain(&engine, "nonsense", None).await;
    let finding =
        Finding { verdict: Verdict::InvalidAddress, scope: None, event: None, base: None };
    assert_eq!((explanation.address, explanation.findings), (None, vec![finding]));
    engine.stop().await;
}
