//! The owner said no and comes back: by the link of an old mail, by a form with double opt-in, by a
//! customer area, and where the policy opens that door, by staff. Always for what was ticked alone.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use maysend::grpc::api::{
    BeginOptInRequest, BlockCause, ConfirmOptInRequest, ConfirmOptInResponse, EventKind,
    GetPreferencesRequest, LegalBasis, Scope, UnsubscribeRequest, Verdict, WriteOutcome,
};
use tonic::{Code, Status};

use crate::desk::{
    CATALOG, Desk, brand, controller, everything, failed, form, no, paper, topic, yes,
};
use crate::process::preference;

const MIA: &str = "mia@example.com";
const APPLIED: WriteOutcome = WriteOutcome::Applied;
const PROOF: WriteOutcome = WriteOutcome::RejectedProof;

async fn confirm(desk: &Desk, token: &str) -> Result<ConfirmOptInResponse, Status> {
    let request = ConfirmOptInRequest { token: token.to_owned(), evidence: None };
    Ok(preference(&desk.channel).confirm_opt_in(request).await?.into_inner())
}

async fn unsubscribe(desk: &Desk, token: &str, scope: Option<Scope>) -> Result<u64, Status> {
    let request = UnsubscribeRequest { token: token.to_owned(), scope, evidence: None };
    Ok(preference(&desk.channel).unsubscribe(request).await?.into_inner().revision)
}

/// The topics that the owner's page shows as subscribed.
async fn page(desk: &Desk, token: &str) -> Result<Vec<Scope>, Status> {
    let request = GetPreferencesRequest { token: token.to_owned() };
    let answer = preference(&desk.channel).get_preferences(request).await?.into_inner();
    let topics = answer.preferences.unwrap().topics.into_iter();
    Ok(topics.filter(|topic| topic.subscribed).map(|topic| topic.scope.unwrap()).collect())
}

/// What a sender hears of each topic.
async fn verdicts(desk: &Desk, address: &str) -> [Verdict; 4] {
    [
        desk.check("opera", "autumn", address).await,
        desk.check("opera", "gala", address).await,
        desk.check("youth", "autumn", address).await,
        desk.check("spa", "autumn", address).await,
    ]
}

const OUT: Verdict = Verdict::DeniedOptedOutEverything;
const IN: Verdict = Verdict::AllowedConsent;

#[tokio::test]
async fn through_the_link_of_an_old_mail() {
    let desk = Desk::open(CATALOG).await;
    desk.grant(brand("opera"), paper(10), MIA).await.unwrap();
    let old_mail = desk.links("opera", "autumn", MIA).await;
    assert!(old_mail.preferences_url.starts_with("https://mail.example/p/"));
    unsubscribe(&desk, &old_mail.unsubscribe_token, Some(everything())).await.unwrap();
    assert_eq!(verdicts(&desk, MIA).await, [OUT; 4]);
    assert_eq!(page(&desk, &old_mail.preferences_token).await.unwrap(), []);

    let newsletter = topic("opera", "newsletter");
    let ticked = desk.update(&old_mail.preferences_token, vec![yes(newsletter.clone())]).await;
    assert_eq!(ticked.unwrap(), [APPLIED]);
    assert_eq!(verdicts(&desk, MIA).await, [IN, OUT, OUT, OUT], "that topic and no other");
    assert_eq!(page(&desk, &old_mail.preferences_token).await.unwrap(), [newsletter]);
    let status = desk.status(MIA).await;
    assert_eq!(status.opt_outs[0].scope, Some(everything()), "the broad no stands");
    assert_eq!(status.opt_outs.len(), 1);
    assert_eq!(desk.history(MIA).await[0].evidence.as_ref().unwrap().wording, form().wording);
    // Another company has no part in it.
    let foreign = desk.update(&old_mail.preferences_token, vec![yes(topic("spa", "offers"))]).await;
    failed(foreign, Code::InvalidArgument, "INVALID_FIELD", &["choices[0].scope"]);
}

#[tokio::test]
async fn through_a_form_and_the_link_that_is_mailed() {
    let desk = Desk::open(CATALOG).await;
    desk.opt_out(everything(), MIA).await;
    let ticked = vec![topic("opera", "premieres"), topic("youth", "newsletter")];
    let begun = desk.begin(ticked.clone(), "Mia@Example.com").await.unwrap();
    assert_eq!(begun.outcome(), APPLIED);
    assert_eq!(begun.confirm_url, format!("https://mail.example/c/{}", begun.confirm_token));
    assert_eq!(verdicts(&desk, MIA).await, [OUT; 4], "who typed it may be anybody");
    assert_eq!(desk.status(MIA).await.consents, [], "and is asked by nobody");

    let confirmed = confirm(&desk, &begun.confirm_token).await.unwrap();
    assert_eq!(confirmed.outcomes().collect::<Vec<_>>(), [APPLIED; 2]);
    let page = confirmed.preferences.unwrap();
    assert_eq!(page.masked_address, "m***@example.com");
    let subscribed = page.topics.into_iter().filter(|topic| topic.subscribed);
    assert_eq!(subscribed.map(|topic| topic.scope.unwrap()).collect::<Vec<_>>(), ticked);
    assert_eq!(verdicts(&desk, MIA).await, [OUT, IN, IN, OUT]);
    let history = desk.history(MIA).await;
    let kinds: Vec<EventKind> = history.iter().map(|event| event.kind()).collect();
    assert_eq!(kinds, [EventKind::ConsentGranted, EventKind::OptInBegun, EventKind::OptedOut]);
    assert_eq!(history[1].evidence.as_ref().unwrap().wording, form().wording);

    let again = confirm(&desk, &begun.confirm_token).await.unwrap();
    assert_eq!(again.outcomes().collect::<Vec<_>>(), [WriteOutcome::Unchanged; 2]);
    assert_eq!(desk.history(MIA).await.len(), 3);
}

#[tokio::test]
async fn a_repeated_form_mails_the_same_link_and_many_forms_few_links() {
    let desk = Desk::open(CATALOG).await;
    let request = BeginOptInRequest {
        address: MIA.to_owned(),
        scopes: vec![brand("opera")],
        evidence: Some(form()),
        request_id: "form-7".to_owned(),
    };
    let mut client = preference(&desk.channel);
    let first = client.begin_opt_in(request.clone()).await.unwrap().into_inner();
    let again = client.begin_opt_in(request.clone()).await.unwrap().into_inner();
    assert_eq!(first, again);
    let other = BeginOptInRequest { scopes: vec![brand("youth")], ..request };
    failed(client.begin_opt_in(other).await, Code::AlreadyExists, "REQUEST_ID_REUSED", &[]);
    for expect in [APPLIED, APPLIED, WriteOutcome::RejectedRecentlyAsked] {
        let begun = desk.begin(vec![brand("opera")], MIA).await.unwrap();
        assert_eq!(begun.outcome(), expect);
        assert_eq!(begun.confirm_token.is_empty(), expect != APPLIED);
    }
}

#[tokio::test]
async fn a_no_that_came_later_makes_the_mailed_link_void() {
    let desk = Desk::open(CATALOG).await;
    let mail = desk.links("opera", "autumn", MIA).await;
    unsubscribe(&desk, &mail.unsubscribe_token, None).await.unwrap();
    let begun = desk.begin(vec![topic("opera", "newsletter")], MIA).await.unwrap();
    // The no that stood already, said once more.
    unsubscribe(&desk, &mail.unsubscribe_token, None).await.unwrap();
    let confirmed = confirm(&desk, &begun.confirm_token).await.unwrap();
    assert_eq!(confirmed.outcomes().collect::<Vec<_>>(), [PROOF]);
    let verdict = desk.check("opera", "autumn", MIA).await;
    assert_eq!(verdict, Verdict::DeniedOptedOutTopic);
}

#[tokio::test]
async fn through_the_customer_area_for_the_topics_that_are_ticked() {
    let desk = Desk::open(CATALOG).await;
    desk.opt_out(everything(), MIA).await;
    let choices = vec![
        yes(topic("opera", "newsletter")),
        no(topic("opera", "premieres")),
        yes(topic("spa", "offers")),
    ];
    assert_eq!(desk.choose(choices.clone(), "", MIA).await.unwrap(), [PROOF, APPLIED, PROOF]);
    let chosen = desk.choose(choices, "session-1", MIA).await.unwrap();
    assert_eq!(chosen, [APPLIED, WriteOutcome::Unchanged, APPLIED]);
    let topic_out = Verdict::DeniedOptedOutTopic;
    assert_eq!(verdicts(&desk, MIA).await, [IN, topic_out, OUT, IN]);
}

#[tokio::test]
async fn a_session_proves_no_mailbox_that_bounced_and_a_staff_block_stays() {
    let desk = Desk::open(CATALOG).await;
    let newsletter = || vec![yes(topic("opera", "newsletter"))];
    let block = async |cause| {
        desk.block(&["opera"], cause, "550", Vec::new(), MIA).await.unwrap();
    };
    block(BlockCause::HardBounce).await;
    assert_eq!(desk.choose(newsletter(), "session-1", MIA).await.unwrap(), [PROOF]);
    let mail = desk.links("opera", "autumn", MIA).await;
    assert_eq!(desk.update(&mail.preferences_token, newsletter()).await.unwrap(), [APPLIED]);
    assert_eq!(desk.check("opera", "autumn", MIA).await, IN, "the mailbox is there again");
    block(BlockCause::StaffDecision).await;
    let again = desk.update(&mail.preferences_token, newsletter()).await.unwrap();
    assert_eq!(again, [WriteOutcome::Unchanged]);
    assert_eq!(desk.check("opera", "autumn", MIA).await, Verdict::DeniedBlocked);
}

#[tokio::test]
async fn a_changed_address_starts_afresh() {
    let desk = Desk::open(CATALOG).await;
    let (old, new) = ("mia@example.com", "mia.b@example.com");
    desk.grant(brand("opera"), paper(10), old).await.unwrap();
    desk.opt_out(brand("youth"), old).await;
    let nobody = desk.look(new).await;
    assert_eq!(nobody, desk.look("stranger@example.com").await.of(new));
    // The customer's record has the new one from now on.
    desk.register("stage", new).await;
    assert_eq!(desk.check("opera", "autumn", new).await, Verdict::DeniedNotRequested);
    assert_eq!(desk.check("youth", "autumn", new).await, Verdict::DeniedNotRequested);
    desk.choose(vec![yes(topic("youth", "newsletter"))], "session-1", new).await.unwrap();
    assert_eq!(desk.check("youth", "autumn", new).await, IN);
    assert_eq!(desk.check("youth", "autumn", old).await, Verdict::DeniedOptedOutBrand);
    // A link of the old mailbox is no proof of the new one.
    let mail = desk.links("opera", "autumn", old).await;
    unsubscribe(&desk, &mail.unsubscribe_token, Some(everything())).await.unwrap();
    assert_eq!(desk.check("youth", "autumn", new).await, IN);
}

#[tokio::test]
async fn out_of_marketing_the_customer_still_gets_tickets_and_answers() {
    let desk = Desk::open(CATALOG).await;
    for scope in [topic("opera", "newsletter"), brand("opera"), controller("stage"), everything()] {
        desk.opt_out(scope, MIA).await;
        assert!(desk.check("opera", "autumn", MIA).await.as_str_name().contains("OPTED_OUT"));
        let tickets = desk.check("opera", "tickets", MIA).await;
        assert_eq!(tickets, Verdict::AllowedTransactional);
        assert_eq!(desk.check("opera", "letter", MIA).await, Verdict::AllowedOneToOne);
    }
}

#[tokio::test]
async fn staff_bring_a_guest_back_where_the_policy_lets_them() {
    let desk = Desk::open(CATALOG).await;
    let offers = || topic("spa", "offers");
    desk.opt_out(everything(), MIA).await;
    let before = desk.look(MIA).await;
    let blank = desk.resubscribe(offers(), " \n", MIA).await;
    failed(blank, Code::InvalidArgument, "INVALID_FIELD", &["explanation"]);
    let opera = desk.resubscribe(topic("opera", "newsletter"), "a letter", MIA).await;
    assert_eq!(opera.unwrap(), WriteOutcome::RejectedPolicy);
    assert_eq!(desk.look(MIA).await, before);

    let back = desk.resubscribe(offers(), "wrote a letter, folder 9", MIA).await;
    assert_eq!(back.unwrap(), APPLIED);
    assert_eq!(verdicts(&desk, MIA).await, [OUT, OUT, OUT, IN]);
    let event = &desk.history(MIA).await[0];
    assert_eq!(event.kind(), EventKind::ConsentGranted, "the broad no stands beside it");
    assert_eq!(event.legal_basis(), LegalBasis::Contract);
    assert_eq!(event.reason, "wrote a letter, folder 9");
    // A no at the topic is taken back, a complaint never.
    desk.opt_out(offers(), MIA).await;
    assert_eq!(desk.resubscribe(offers(), "again", MIA).await.unwrap(), APPLIED);
    assert_eq!(desk.history(MIA).await[0].kind(), EventKind::Resubscribed);
    desk.block(&["spa"], BlockCause::Complaint, "spam", Vec::new(), MIA).await.unwrap();
    let back = desk.resubscribe(offers(), "again", MIA).await;
    assert_eq!(back.unwrap(), WriteOutcome::RejectedComplaint);
}

#[tokio::test]
async fn tokens_of_another_kind_altered_or_invented_open_nothing() {
    let desk = Desk::open(CATALOG).await;
    let mail = desk.links("opera", "autumn", MIA).await;
    let begun = desk.begin(vec![brand("opera")], MIA).await.unwrap();
    let (first, last) = begun.confirm_token.split_at(begun.confirm_token.len() - 1);
    let altered = format!("{first}{}", if last == "A" { "B" } else { "A" });
    let ticked = || vec![yes(brand("opera"))];
    for token in [&mail.unsubscribe_token, &mail.preferences_token, &altered, ""] {
        failed(confirm(&desk, token).await, Code::PermissionDenied, "BAD_TOKEN", &[]);
    }
    for token in [&mail.unsubscribe_token, &begun.confirm_token, "x"] {
        failed(desk.update(token, ticked()).await, Code::PermissionDenied, "BAD_TOKEN", &[]);
        failed(page(&desk, token).await, Code::PermissionDenied, "BAD_TOKEN", &[]);
    }
    let unsubscribed = unsubscribe(&desk, &begun.confirm_token, None).await;
    failed(unsubscribed, Code::PermissionDenied, "BAD_TOKEN", &[]);
    assert_eq!(desk.history(MIA).await.len(), 1, "the request alone");
}

/// Runs `maysend key` on the data directory of the desk.
#[track_caller]
fn key(desk: &Desk, words: &[&str]) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maysend"));
    command.arg("key").args(words).arg("--data-dir").arg(desk.server.data_dir());
    command.stderr(std::process::Stdio::null()).status().unwrap().success()
}

#[tokio::test]
async fn keys_rotate_and_retire_while_the_server_runs() {
    let desk = Desk::open(CATALOG).await;
    desk.grant(brand("opera"), paper(10), MIA).await.unwrap();
    let old = desk.links("opera", "autumn", MIA).await;
    let begun = desk.begin(vec![brand("youth")], MIA).await.unwrap();
    assert!(key(&desk, &["rotate"]));
    desk.server.reload("the token keys are read").await;
    let new = desk.links("opera", "autumn", MIA).await;
    let ticked = || vec![yes(topic("opera", "newsletter"))];
    for mail in [&old, &new] {
        assert!(page(&desk, &mail.preferences_token).await.is_ok());
    }

    assert!(!key(&desk, &["retire", "2"]), "it signs");
    assert!(key(&desk, &["retire", "1"]));
    desk.server.reload("the token keys are read").await;
    let denied = Code::PermissionDenied;
    failed(page(&desk, &old.preferences_token).await, denied, "BAD_TOKEN", &[]);
    failed(confirm(&desk, &begun.confirm_token).await, denied, "BAD_TOKEN", &[]);
    assert_eq!(desk.update(&old.preferences_token, ticked()).await.unwrap(), [PROOF]);
    let no_more = vec![no(topic("opera", "newsletter"))];
    assert_eq!(desk.update(&old.preferences_token, no_more).await.unwrap(), [APPLIED]);
    unsubscribe(&desk, &old.unsubscribe_token, Some(brand("opera"))).await.unwrap();
    let gala = desk.check("opera", "gala", MIA).await;
    assert_eq!(gala, Verdict::DeniedOptedOutBrand, "an old link says no for ever");
    assert_eq!(desk.update(&new.preferences_token, ticked()).await.unwrap(), [APPLIED]);
}

#[tokio::test]
async fn a_bad_key_file_leaves_the_keys_as_they_were() {
    let desk = Desk::open(CATALOG).await;
    let mail = desk.links("opera", "autumn", MIA).await;
    let path = desk.server.data_dir().join("keys.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let other = if text.contains("fingerprint_key = \"0") { "1" } else { "0" };
    let foreign = text.replacen("fingerprint_key = \"", &format!("fingerprint_key = \"{other}"), 1);
    // One digit more in front, one less behind.
    let end = foreign.find("\"\n\n[[token_key]]").unwrap();
    let foreign = format!("{}{}", &foreign[..end - 1], &foreign[end..]);
    for bad in ["nonsense", &foreign, &text.replace("id = 1", "id = 2")] {
        std::fs::write(&path, bad).unwrap();
        desk.server.reload("the token keys are not taken").await;
        assert!(page(&desk, &mail.preferences_token).await.is_ok());
    }
    assert!(desk.server.log().contains("`fingerprint_key` is not that of the data"));
    std::fs::write(&path, &text).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    desk.server.reload("the token keys are not taken").await;
    assert!(desk.server.log().contains("chmod 600"));
    assert!(!desk.server.log().contains(MIA), "no address in the log");
}
