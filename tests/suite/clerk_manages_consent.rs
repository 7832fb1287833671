//! A clerk follows a consent from the first question to its end: asks where that is allowed, records
//! what comes back, sees where it stands, and cannot undo a no.

use maysend::grpc::api::{
    BlockCause, BrandActions, ConsentState, EventKind, GetStatusResponse, Scope, Verdict,
    WriteOutcome,
};
use tonic::Code;

use crate::desk::{
    CATALOG, Desk, brand, controller, everything, failed, form, imported, no, paper, topic, yes,
};

const MIA: &str = "mia@example.com";
const APPLIED: WriteOutcome = WriteOutcome::Applied;

fn newsletter() -> Scope {
    topic("opera", "newsletter")
}

/// The consent state of a scope; NOT_REQUESTED where the status does not list it.
fn state(status: &GetStatusResponse, scope: &Scope) -> ConsentState {
    let of_scope = status.consents.iter().find(|consent| consent.scope.as_ref() == Some(scope));
    of_scope.map_or(ConsentState::NotRequested, |consent| consent.state())
}

#[tokio::test]
async fn a_consent_goes_through_its_states() {
    let desk = Desk::open(CATALOG).await;
    desk.register("stage", MIA).await;
    let mut seen = Vec::new();
    let mut look = async |scope: &Scope| {
        let status = desk.status(MIA).await;
        seen.push((state(&status, scope), desk.check("opera", "autumn", MIA).await));
    };
    look(&brand("opera")).await;
    assert_eq!(desk.mark("opera", "ask", &[MIA]).await.unwrap(), [APPLIED]);
    look(&brand("opera")).await;
    // The answer came back by letter, more than two years ago.
    assert_eq!(desk.grant(newsletter(), paper(731), MIA).await.unwrap(), APPLIED);
    look(&newsletter()).await;
    // And again, just short of two years ago.
    assert_eq!(desk.grant(newsletter(), paper(728), MIA).await.unwrap(), APPLIED);
    look(&newsletter()).await;
    assert_eq!(desk.withdraw(newsletter(), MIA).await, APPLIED);
    look(&newsletter()).await;
    assert_eq!(
        seen,
        [
            (ConsentState::NotRequested, Verdict::DeniedNotRequested),
            (ConsentState::Pending, Verdict::DeniedPending),
            (ConsentState::Expired, Verdict::DeniedExpired),
            (ConsentState::Granted, Verdict::AllowedConsent),
            (ConsentState::Refused, Verdict::DeniedRefused),
        ]
    );
    let kinds: Vec<EventKind> = desk.history(MIA).await.iter().map(|event| event.kind()).collect();
    assert_eq!(
        kinds,
        [
            EventKind::ConsentRefused,
            EventKind::ConsentGranted,
            EventKind::ConsentGranted,
            EventKind::ConsentRequested,
            EventKind::Registered,
        ]
    );
}

#[tokio::test]
async fn asking_takes_a_permission_that_few_have() {
    let desk = Desk::open(CATALOG).await;
    let all = [
        "new",
        "refused",
        "topic",
        "brand",
        "company",
        "all",
        "wished",
        "spam",
        "stopped",
        "granted",
        "asked",
        "stranger",
        "other-house",
    ];
    let addresses = all.map(|name| format!("{name}@example.com"));
    let [
        new,
        refused,
        topic_out,
        brand_out,
        company_out,
        all_out,
        wished,
        spam,
        stopped,
        granted,
        asked,
        stranger,
        other_house,
    ] = addresses.each_ref().map(String::as_str);
    for address in &addresses[..11] {
        desk.register("stage", address).await;
    }
    desk.register("inn", other_house).await;
    desk.withdraw(newsletter(), refused).await;
    desk.opt_out(newsletter(), topic_out).await;
    desk.opt_out(brand("opera"), brand_out).await;
    desk.opt_out(controller("stage"), company_out).await;
    desk.opt_out(everything(), all_out).await;
    let block = async |cause, address| {
        desk.block(&["opera"], cause, "on the phone", Vec::new(), address).await.unwrap();
    };
    block(BlockCause::OwnerRequest, wished).await;
    block(BlockCause::Complaint, spam).await;
    block(BlockCause::StaffDecision, stopped).await;
    desk.grant(newsletter(), paper(10), granted).await.unwrap();
    assert_eq!(desk.mark("opera", "ask", &[asked]).await.unwrap(), [APPLIED]);

    let mut list: Vec<&str> = addresses.iter().map(String::as_str).collect();
    // Named twice, asked once.
    list.extend([new, "nobody", "NEW@example.com"]);
    let out = WriteOutcome::RejectedOptedOut;
    let recently = WriteOutcome::RejectedRecentlyAsked;
    let external = WriteOutcome::RejectedUnknownAddress;
    let expected = [
        (new, APPLIED),
        (refused, WriteOutcome::RejectedRefused),
        (topic_out, out),
        (brand_out, out),
        (company_out, out),
        (all_out, out),
        (wished, out),
        (spam, WriteOutcome::RejectedComplaint),
        (stopped, WriteOutcome::RejectedBlocked),
        (granted, WriteOutcome::RejectedAlreadyGranted),
        (asked, recently),
        (stranger, external),
        (other_house, external),
        (new, recently),
        ("nobody", WriteOutcome::RejectedInvalidAddress),
        ("NEW@example.com", recently),
    ];
    let mut before = Vec::new();
    for address in &addresses[1..] {
        before.push(desk.look(address).await);
    }
    let outcomes = desk.mark("opera", "ask", &list).await.unwrap();
    let outcomes: Vec<_> = list.iter().copied().zip(outcomes).collect();
    assert_eq!(outcomes, expected);
    for (address, before) in addresses[1..].iter().zip(before) {
        assert_eq!(desk.look(address).await, before, "who may not be asked is left alone");
    }
    assert_eq!(desk.check("opera", "autumn", new).await, Verdict::DeniedPending);
    assert_eq!(desk.check("opera", "ask", new).await, Verdict::DeniedRecentlyAsked);
}

#[tokio::test]
async fn only_a_consent_request_that_may_go_out_is_marked() {
    let desk = Desk::open(CATALOG).await;
    desk.register("stage", MIA).await;
    let before = desk.look(MIA).await;
    let mark = async |brand, campaign| desk.mark(brand, campaign, &[MIA]).await;
    for campaign in ["autumn", "tickets", "letter"] {
        let refused = mark("opera", campaign).await;
        failed(refused, Code::InvalidArgument, "INVALID_FIELD", &["campaign"]);
    }
    failed(mark("opera", "").await, Code::InvalidArgument, "INVALID_FIELD", &["campaign"]);
    failed(mark("", "ask").await, Code::InvalidArgument, "INVALID_FIELD", &["brand"]);
    failed(mark("opera", "spring").await, Code::NotFound, "UNKNOWN_CAMPAIGN", &[]);
    failed(mark("oper", "ask").await, Code::NotFound, "UNKNOWN_BRAND", &[]);
    failed(mark("opera", "old-ask").await, Code::NotFound, "CAMPAIGN_RETIRED", &[]);
    failed(
        desk.mark("opera", "ask", &[]).await,
        Code::InvalidArgument,
        "NO_ADDRESSES",
        &["addresses"],
    );
    assert_eq!(desk.look(MIA).await, before);
}

#[tokio::test]
async fn a_consent_is_renewed_in_the_weeks_before_it_lapses() {
    let desk = Desk::open(CATALOG).await;
    // Two years, and the last sixty days of them.
    for (days, verdict, outcome) in [
        (10, Verdict::DeniedAlreadyGranted, WriteOutcome::RejectedAlreadyGranted),
        (668, Verdict::DeniedAlreadyGranted, WriteOutcome::RejectedAlreadyGranted),
        (672, Verdict::AllowedConsentRequest, APPLIED),
        (728, Verdict::AllowedConsentRequest, APPLIED),
        (735, Verdict::AllowedConsentRequest, APPLIED),
    ] {
        let address = &*format!("mia{days}@example.com");
        desk.grant(newsletter(), paper(days), address).await.unwrap();
        assert_eq!(desk.check("opera", "ask", address).await, verdict, "{days} days");
        assert_eq!(desk.mark("opera", "ask", &[address]).await.unwrap(), [outcome], "{days} days");
        let live = days < 730;
        let expect = if live { Verdict::AllowedConsent } else { Verdict::DeniedExpired };
        assert_eq!(desk.check("opera", "autumn", address).await, expect, "{days} days");
    }
}

#[tokio::test]
async fn the_owner_accepts_or_declines_by_the_link_of_the_request() {
    let desk = Desk::open(CATALOG).await;
    let (ann, bob, eve) = ("ann@example.com", "bob@example.com", "eve@example.com");
    for address in [ann, bob, eve] {
        desk.register("stage", address).await;
    }
    assert_eq!(desk.mark("opera", "ask", &[ann, bob, eve]).await.unwrap(), [APPLIED; 3]);
    let answer = async |choices, address| {
        let links = desk.links("opera", "ask", address).await;
        assert!(links.preferences_url.starts_with("https://mail.example/r/"), "{links:?}");
        desk.update(&links.preferences_token, choices).await.unwrap()
    };
    assert_eq!(answer(vec![yes(newsletter())], ann).await, [APPLIED]);
    assert_eq!(answer(vec![no(newsletter())], bob).await, [APPLIED]);
    for (address, expect, verdict) in [
        (ann, ConsentState::Granted, Verdict::AllowedConsent),
        (bob, ConsentState::Refused, Verdict::DeniedRefused),
        (eve, ConsentState::NotRequested, Verdict::DeniedPending),
    ] {
        assert_eq!(state(&desk.status(address).await, &newsletter()), expect);
        assert_eq!(desk.check("opera", "autumn", address).await, verdict);
    }
    assert_eq!(desk.history(bob).await[0].kind(), EventKind::ConsentRefused);
    // Who changes their mind does so by the same link.
    assert_eq!(answer(vec![yes(newsletter())], bob).await, [APPLIED]);
    assert_eq!(desk.check("opera", "autumn", bob).await, Verdict::AllowedConsent);
}

#[tokio::test]
async fn staff_withdraw_a_consent_and_cannot_undo_it() {
    let desk = Desk::open(CATALOG).await;
    desk.grant(newsletter(), form(), MIA).await.unwrap();
    assert_eq!(desk.withdraw(newsletter(), MIA).await, APPLIED);
    let before = desk.look(MIA).await;
    assert_eq!(desk.withdraw(newsletter(), MIA).await, WriteOutcome::Unchanged);
    let refused = WriteOutcome::RejectedRefused;
    for evidence in [form(), paper(0), imported(1)] {
        assert_eq!(desk.grant(newsletter(), evidence, MIA).await.unwrap(), refused);
    }
    assert_eq!(desk.mark("opera", "ask", &[MIA]).await.unwrap(), [refused]);
    let policy = WriteOutcome::RejectedPolicy;
    assert_eq!(desk.resubscribe(newsletter(), "a letter", MIA).await.unwrap(), policy);
    assert_eq!(desk.look(MIA).await, before);
}

#[tokio::test]
async fn an_address_is_external_to_whoever_has_it_not_on_file() {
    let desk = Desk::open(CATALOG).await;
    let external = Verdict::DeniedUnknownAddress;
    for (brand, campaign) in [("opera", "autumn"), ("opera", "ask"), ("spa", "autumn")] {
        assert_eq!(desk.check(brand, campaign, MIA).await, external, "{brand} {campaign}");
    }
    assert_eq!(desk.status(MIA).await.registered_with, <[&str; 0]>::default());
    desk.register("inn", MIA).await;
    assert_eq!(desk.check("spa", "autumn", MIA).await, Verdict::AllowedNoObjection);
    assert_eq!(desk.check("opera", "autumn", MIA).await, external, "another company");
    // A consent puts it on file with the company that got it.
    desk.grant(newsletter(), form(), MIA).await.unwrap();
    assert_eq!(desk.status(MIA).await.registered_with, ["stage", "inn"]);
    assert_eq!(desk.check("opera", "gala", MIA).await, Verdict::DeniedNotRequested);
}

/// How an address comes to stand as it does.
const STATES: &[&str] = &[
    "unknown",
    "registered",
    "asked",
    "granted",
    "granted brand",
    "old",
    "lapsed",
    "topic out",
    "other topic out",
    "brand out",
    "company out",
    "all out",
    "withdrew",
    "withdrew brand",
    "wished",
    "complained",
    "bounced",
    "stopped",
    "stopped and wished",
    "granted and stopped",
    "all out but one",
    "elsewhere",
    "stopped elsewhere",
];

async fn bring_about(desk: &Desk, state: &str, address: &str) {
    let block = async |brand: &str, cause| {
        desk.block(&[brand], cause, "on the phone", Vec::new(), address).await.unwrap();
    };
    let premieres = || topic("opera", "premieres");
    if state != "unknown" && state != "elsewhere" {
        desk.register("stage", address).await;
    }
    match state {
        "unknown" | "registered" => {}
        "asked" => drop(desk.mark("opera", "ask", &[address]).await.unwrap()),
        "granted" => drop(desk.grant(newsletter(), form(), address).await.unwrap()),
        "granted brand" => drop(desk.grant(brand("opera"), paper(3), address).await.unwrap()),
        "old" => drop(desk.grant(brand("opera"), paper(700), address).await.unwrap()),
        "lapsed" => drop(desk.grant(brand("opera"), paper(800), address).await.unwrap()),
        "topic out" => drop(desk.opt_out(newsletter(), address).await),
        "other topic out" => drop(desk.opt_out(premieres(), address).await),
        "brand out" => drop(desk.opt_out(brand("opera"), address).await),
        "company out" => drop(desk.opt_out(controller("stage"), address).await),
        "all out" => drop(desk.opt_out(everything(), address).await),
        "withdrew" => drop(desk.withdraw(newsletter(), address).await),
        "withdrew brand" => drop(desk.withdraw(brand("opera"), address).await),
        "wished" => block("opera", BlockCause::OwnerRequest).await,
        "complained" => block("opera", BlockCause::Complaint).await,
        "bounced" => block("opera", BlockCause::HardBounce).await,
        "stopped" => block("opera", BlockCause::StaffDecision).await,
        "stopped and wished" => {
            block("opera", BlockCause::StaffDecision).await;
            block("opera", BlockCause::OwnerRequest).await;
        }
        "granted and stopped" => {
            desk.grant(newsletter(), form(), address).await.unwrap();
            block("opera", BlockCause::StaffDecision).await;
        }
        "all out but one" => {
            desk.opt_out(everything(), address).await;
            desk.choose(vec![yes(newsletter())], "session-1", address).await.unwrap();
        }
        "elsewhere" => drop(desk.register("inn", address).await),
        "stopped elsewhere" => block("spa", BlockCause::StaffDecision).await,
        other => panic!("{other}"),
    }
}

fn actions<'a>(status: &'a GetStatusResponse, brand: &str) -> &'a BrandActions {
    status.actions.iter().find(|actions| actions.brand == brand).unwrap()
}

/// What an address would hear where any topic may be asked for.
async fn asked(desk: &Desk, brand: &str, address: impl Fn(&str) -> String) -> WriteOutcome {
    let campaigns: &[&str] = if brand == "opera" { &["ask", "ask-premieres"] } else { &["ask"] };
    let mut outcomes = Vec::new();
    for campaign in campaigns {
        outcomes.extend(desk.mark(brand, campaign, &[&address(campaign)]).await.unwrap());
    }
    *outcomes.iter().find(|outcome| **outcome == APPLIED).unwrap_or(&outcomes[0])
}

#[tokio::test]
async fn what_the_status_offers_is_what_the_commands_do() {
    let desk = Desk::open(CATALOG).await;
    let mut seen = std::collections::BTreeSet::new();
    for (i, state) in STATES.iter().enumerate() {
        for of in ["opera", "youth", "spa"] {
            // Each command meets an address of its own in that state.
            let address = |deed: &str| format!("s{i}-{of}-{deed}@example.com");
            for deed in ["ask", "ask-premieres", "record", "withdraw", "lift"] {
                bring_about(&desk, state, &address(deed)).await;
            }
            let status = desk.status(&address("ask")).await;
            let offered = actions(&status, of).clone();
            for deed in ["record", "withdraw", "lift"] {
                let status = desk.status(&address(deed)).await;
                assert_eq!(*actions(&status, of), offered, "{state}");
            }
            // For a reason that is not on record yet.
            let withdrawn = address("withdraw");
            let withdrawn = desk.withdraw_for(brand(of), "another call", &withdrawn).await;
            let done = BrandActions {
                brand: of.to_owned(),
                mark_consent_requested: asked(&desk, of, address).await.into(),
                record_consent: desk
                    .grant(brand(of), form(), &address("record"))
                    .await
                    .unwrap()
                    .into(),
                withdraw_consent: withdrawn.into(),
                lift_blocks: desk.lift(of, &address("lift")).await.into(),
            };
            assert_eq!(offered, done, "{state}, {of}");
            seen.extend([done.mark_consent_requested, done.record_consent, done.lift_blocks]);
        }
    }
    assert!(seen.len() > 9, "many outcomes are seen: {seen:?}");
}
