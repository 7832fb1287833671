//! Section 5 of the design, proof by proof: what each is good for, and when it is void.

use super::*;
use crate::engine::choice::OwnerChoices;
use crate::engine::erasure::ErasureRequest;
use crate::engine::opt_in::{OptInBegun, OptInRequest};
use crate::engine::preferences::{Preferences, PreferencesUpdated};
use crate::keys::Keys;
use crate::model::actor::Role;
use crate::token::MAX_SCOPES;

const ANN: &str = "ann@example.org";

struct World {
    dir: TempDir,
    clock: Arc<TestClock>,
    engine: Arc<Engine>,
}

impl World {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let clock = TestClock::at(TODAY);
        let engine = open(dir.path(), &clock).await.unwrap();
        Self { dir, clock, engine }
    }

    fn newsletter(&self) -> Scope {
        newsletter(&self.engine)
    }

    async fn no(&self, scope: Scope) {
        write(&self.engine, opt_out(scope), ANN, "").await.unwrap();
    }

    async fn begin(&self, address: &str, request_id: &str) -> OptInBegun {
        let request = OptInRequest {
            address: address.as_bytes().into(),
            scopes: vec![self.newsletter()],
            evidence: Arc::new(form()),
            request_id: request_id.into(),
            body: address.as_bytes().to_vec(),
        };
        self.engine.begin_opt_in(&caller(), request).await.unwrap()
    }

    async fn confirm(&self, token: &str) -> Result<PreferencesUpdated, EngineError> {
        self.engine.confirm_opt_in(&caller(), token, None).await
    }

    #[track_caller]
    fn confirms(&self, token: &str, expect: WriteOutcome) -> impl Future<Output = ()> {
        let token = token.to_owned();
        async move { assert_eq!(self.confirm(&token).await.unwrap().outcomes, [expect]) }
    }

    /// The unsubscribe and the preferences token of a mail of today.
    async fn links(&self) -> [String; 2] {
        let recipients = [ANN.as_bytes().into()];
        let links = self.engine.mint_links(&caller(), "festival", "advent", &recipients).await;
        let links = links.unwrap()[0].clone().unwrap();
        [links.unsubscribe_token, links.preferences_token]
    }

    async fn update(&self, token: &str, wish: Wish) -> Result<PreferencesUpdated, EngineError> {
        let update = PreferencesUpdate {
            token: token.to_owned(),
            choices: vec![Choice { scope: self.newsletter(), wish }],
            evidence: Some(Arc::new(form())),
            request_id: "".into(),
            body: Vec::new(),
        };
        self.engine.update_preferences(&caller(), update).await
    }

    async fn choose(
        &self,
        caller: &Caller,
        address: &str,
        choices: Vec<Choice>,
        session: bool,
        evidence: Evidence,
    ) -> Result<Written, EngineError> {
        let chosen = OwnerChoices {
            address: address.as_bytes().into(),
            choices,
            portal_session: session,
            evidence: Some(Arc::new(evidence)),
            request_id: "".into(),
            body: Vec::new(),
        };
        self.engine.record_owner_choice(caller, chosen).await
    }

    async fn events(&self) -> usize {
        self.engine.history(&caller(), ANN.as_bytes(), 0, "").await.unwrap().events.len()
    }

    async fn erase(&self) {
        let request = ErasureRequest {
            address: ANN.as_bytes().into(),
            reason: "a letter".into(),
            request_id: "".into(),
            body: Vec::new(),
        };
        let case = self.engine.request_erasure(&caller(), request).await.unwrap();
        let vera = Caller::local("vera");
        self.engine.approve_erasure(&vera, &case.id, "".into()).await.unwrap();
    }
}

fn yes(scope: Scope) -> Choice {
    Choice { scope, wish: Wish::Subscribe }
}

fn no(scope: Scope) -> Choice {
    Choice { scope, wish: Wish::Unsubscribe }
}

fn said_now(world: &World) -> Evidence {
    Evidence { occurred_at: Some(world.clock.now()), ..form() }
}

/// A customer area and nothing else.
fn portal() -> Caller {
    Caller { credential: "shop".into(), roles: vec![Role::Portal], actor: "".into() }
}

#[tokio::test]
async fn a_double_opt_in_grants_when_its_link_comes_back_and_once() {
    let world = World::new().await;
    world.no(world.newsletter()).await;
    let begun = world.begin("Ann@Example.org", "").await;
    assert_eq!(begun.outcome, WriteOutcome::Applied);
    assert_eq!(begun.confirm_url, format!("https://example.org/c/{}", begun.confirm_token));
    assert_eq!(verdict(&world.engine, ANN).await, Verdict::OptedOutTopic);
    let confirmed = world.confirm(&begun.confirm_token).await.unwrap();
    assert_eq!(confirmed.outcomes, [WriteOutcome::Applied]);
    assert_eq!(confirmed.preferences.masked_address, "a***@example.org");
    assert!(confirmed.preferences.topics[0].subscribed);
    assert_eq!(verdict(&world.engine, ANN).await, Verdict::AllowedConsent);
    let events = world.events().await;
    for day in [TODAY, TODAY + 1, TODAY + 30] {
        world.clock.set(day);
        world.confirms(&begun.confirm_token, WriteOutcome::Unchanged).await;
    }
    assert_eq!(world.events().await, events, "redeemed again it records nothing");
    world.engine.stop().await;
}

#[tokio::test]
async fn a_confirm_token_lives_seven_days_and_then_needs_another() {
    for (days, expect) in [(6, WriteOutcome::Applied), (7, WriteOutcome::Proof)] {
        let world = World::new().await;
        let begun = world.begin(ANN, "").await;
        world.clock.set(TODAY + days);
        world.confirms(&begun.confirm_token, expect).await;
        world.engine.stop().await;
    }
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_token_whatever_the_day() {
    let world = World::new().await;
    // The last moment of a day.
    let midnight = Day::new(TODAY + 1).start().nanos();
    world.clock.0.store(midnight - 1_000_000, Ordering::Relaxed);
    let first = world.begin(ANN, "form-7").await;
    let events = world.events().await;
    world.clock.set(TODAY + 1);
    assert_eq!(world.begin(ANN, "form-7").await, first);
    assert_eq!(world.events().await, events);
    assert_ne!(world.begin(ANN, "form-8").await.confirm_token, first.confirm_token);
    world.engine.stop().await;
}

#[tokio::test]
async fn no_token_where_no_mail_may_go() {
    let world = World::new().await;
    let invalid = world.begin("nobody", "").await;
    assert_eq!(invalid.outcome, WriteOutcome::InvalidAddress);
    for _ in 0..3 {
        assert!(!world.begin(ANN, "").await.confirm_token.is_empty());
    }
    let fourth = world.begin(ANN, "").await;
    assert_eq!(fourth.outcome, WriteOutcome::RecentlyAsked);
    for begun in [invalid, fourth] {
        assert_eq!((&*begun.confirm_token, &*begun.confirm_url), ("", ""));
    }
    world.clock.set(TODAY + 1);
    assert_eq!(world.begin(ANN, "").await.outcome, WriteOutcome::Applied);
    world.engine.stop().await;
}

#[tokio::test]
async fn an_opt_in_for_more_than_a_link_holds_is_refused_whole() {
    let world = World::new().await;
    let before = world.engine.head();
    for (scopes, field) in [
        (vec![world.newsletter(); MAX_SCOPES + 1], "scopes"),
        (vec![Scope::Everything], "scopes[0]"),
        (Vec::new(), "scopes"),
    ] {
        let request = OptInRequest {
            address: ANN.as_bytes().into(),
            scopes,
            evidence: Arc::new(form()),
            request_id: "".into(),
            body: Vec::new(),
        };
        let refused = world.engine.begin_opt_in(&caller(), request).await.unwrap_err();
        let EngineError::Invalid(invalid) = refused else { panic!("{refused:?}") };
        assert_eq!(invalid.violations[0].field, field);
    }
    assert_eq!(world.engine.head(), before);
    world.engine.stop().await;
}

#[tokio::test]
async fn a_later_no_makes_a_confirm_token_void_also_one_that_was_said_before() {
    let world = World::new().await;
    let programm = {
        let catalog = world.engine.catalog();
        let brand = catalog.brand("festival").unwrap();
        Scope::Topic(brand.topic(&catalog.names, "programm").unwrap().id)
    };
    let [unsubscribe, _] = world.links().await;
    world.engine.unsubscribe(&caller(), &unsubscribe, None, None).await.unwrap();
    let begun = world.begin(ANN, "").await;
    world.no(programm).await;
    // It stood so already; that the owner says it again counts.
    world.engine.unsubscribe(&caller(), &unsubscribe, None, None).await.unwrap();
    world.confirms(&begun.confirm_token, WriteOutcome::Proof).await;
    let begun = world.begin(ANN, "").await;
    world.no(programm).await;
    world.confirms(&begun.confirm_token, WriteOutcome::Applied).await;
    world.no(Scope::Everything).await;
    world.confirms(&begun.confirm_token, WriteOutcome::Proof).await;
    assert_eq!(verdict(&world.engine, ANN).await, Verdict::OptedOutEverything);
    world.engine.stop().await;
}

#[tokio::test]
async fn no_token_says_yes_after_an_erasure_and_a_new_double_opt_in_starts_afresh() {
    let world = World::new().await;
    world.no(world.newsletter()).await;
    let before = world.begin(ANN, "").await;
    let [_, preferences] = world.links().await;
    world.erase().await;
    assert_eq!(verdict(&world.engine, ANN).await, Verdict::Erased);
    world.confirms(&before.confirm_token, WriteOutcome::Erased).await;
    let updated = world.update(&preferences, Wish::Subscribe).await.unwrap();
    assert_eq!(updated.outcomes, [WriteOutcome::Erased]);
    let fresh = world.begin(ANN, "").await;
    world.confirms(&fresh.confirm_token, WriteOutcome::Applied).await;
    assert_eq!(verdict(&world.engine, ANN).await, Verdict::AllowedConsent);
    // The old ones are void for good, but for their noes.
    world.confirms(&before.confirm_token, WriteOutcome::Proof).await;
    let updated = world.update(&preferences, Wish::Subscribe).await.unwrap();
    assert_eq!(updated.outcomes, [WriteOutcome::Proof]);
    let updated = world.update(&preferences, Wish::Unsubscribe).await.unwrap();
    assert_eq!(updated.outcomes, [WriteOutcome::Applied]);
    world.engine.stop().await;
}

#[tokio::test]
async fn a_pending_erasure_lets_no_token_say_yes() {
    let world = World::new().await;
    let begun = world.begin(ANN, "").await;
    let [unsubscribe, preferences] = world.links().await;
    let (id, reason) = ("case".into(), "a letter".into());
    let request = Command::RequestErasure { id, reason, evidence: None, owner_link: false };
    write(&world.engine, request, ANN, "").await.unwrap();
    world.confirms(&begun.confirm_token, WriteOutcome::ErasurePending).await;
    let updated = world.update(&preferences, Wish::Subscribe).await.unwrap();
    assert_eq!(updated.outcomes, [WriteOutcome::ErasurePending]);
    assert_eq!(world.begin(ANN, "").await.outcome, WriteOutcome::ErasurePending);
    let events = world.events().await;
    world.engine.unsubscribe(&caller(), &unsubscribe, None, None).await.unwrap();
    assert_eq!(world.events().await, events + 1, "a no is always taken");
    world.engine.stop().await;
}

#[tokio::test]
async fn a_preferences_token_says_yes_for_400_days_and_no_for_ever() {
    let world = World::new().await;
    let [_, token] = world.links().await;
    world.no(world.newsletter()).await;
    world.clock.set(TODAY + 399);
    let yes = world.update(&token, Wish::Subscribe).await.unwrap();
    assert_eq!(yes.outcomes, [WriteOutcome::Applied]);
    world.clock.set(TODAY + 400);
    let yes = world.update(&token, Wish::Subscribe).await.unwrap();
    assert_eq!(yes.outcomes, [WriteOutcome::Proof]);
    world.clock.set(TODAY + 4_000);
    let no = world.update(&token, Wish::Unsubscribe).await.unwrap();
    assert_eq!(no.outcomes, [WriteOutcome::Applied]);
    assert_eq!(verdict(&world.engine, ANN).await, Verdict::OptedOutTopic);
    world.engine.stop().await;
}

#[tokio::test]
async fn a_token_of_another_kind_or_altered_is_no_token() {
    let world = World::new().await;
    let [unsubscribe, preferences] = world.links().await;
    let confirm = world.begin(ANN, "").await.confirm_token;
    let altered = |token: &str| {
        let last = if token.ends_with('A') { "B" } else { "A" };
        format!("{}{last}", &token[..token.len() - 1])
    };
    let bad = EngineError::BadToken;
    for token in [&unsubscribe, &preferences, &altered(&confirm), "", "x"] {
        assert_eq!(world.confirm(token).await.unwrap_err(), bad, "{token}");
    }
    for token in [&unsubscribe, &confirm, &altered(&preferences)] {
        assert_eq!(world.update(token, Wish::Subscribe).await.unwrap_err(), bad, "{token}");
        assert_eq!(world.engine.preferences(&caller(), token).await.unwrap_err(), bad);
    }
    for token in [&confirm, &altered(&unsubscribe)] {
        let refused = world.engine.unsubscribe(&caller(), token, None, None).await;
        assert_eq!(refused.unwrap_err(), bad, "{token}");
    }
    // Every octet counts.
    for i in 0..confirm.len() {
        let mut octets = confirm.clone().into_bytes();
        octets[i] = if octets[i] == b'Q' { b'g' } else { b'Q' };
        let token = String::from_utf8(octets).unwrap();
        assert_eq!(world.confirm(&token).await.unwrap_err(), bad, "octet {i}");
    }
    world.engine.stop().await;
}

#[tokio::test]
async fn links_of_a_retired_key_say_no_and_show_and_grant_nothing() {
    let world = World::new().await;
    write(&world.engine, consent(&world.engine), ANN, "").await.unwrap();
    let [unsubscribe, preferences] = world.links().await;
    let confirm = world.begin(ANN, "").await.confirm_token;
    let path = world.dir.path().join("keys.toml");
    let (_, old) = Keys::rotate(&path).unwrap();
    world.engine.take_keys(&Keys::load(&path).unwrap()).unwrap();
    // A key that signs no more is as good as before.
    let (shown, _) = world.engine.preferences(&caller(), &preferences).await.unwrap();
    assert_eq!(shown.masked_address, "a***@example.org");
    Keys::retire(&path, old).unwrap();
    world.engine.take_keys(&Keys::load(&path).unwrap()).unwrap();

    let bad = EngineError::BadToken;
    assert_eq!(world.confirm(&confirm).await.unwrap_err(), bad);
    assert_eq!(world.engine.preferences(&caller(), &preferences).await.unwrap_err(), bad);
    let yes = world.update(&preferences, Wish::Subscribe).await.unwrap();
    assert_eq!(yes.outcomes, [WriteOutcome::Proof]);
    assert_eq!(yes.preferences, Preferences::default());
    let no = world.update(&preferences, Wish::Unsubscribe).await.unwrap();
    assert_eq!(
        (&*no.outcomes, no.preferences),
        (&[WriteOutcome::Applied][..], Preferences::default())
    );
    assert_eq!(verdict(&world.engine, ANN).await, Verdict::OptedOutTopic);
    world.engine.unsubscribe(&caller(), &unsubscribe, Some(Scope::Everything), None).await.unwrap();
    assert_eq!(verdict(&world.engine, ANN).await, Verdict::OptedOutTopic);
    let status = world.engine.status(&caller(), ANN.as_bytes(), Revision::ZERO).await.unwrap();
    assert_eq!(status.opt_outs.len(), 2);
    // New links come from the new key.
    let [_, preferences] = world.links().await;
    let yes = world.update(&preferences, Wish::Subscribe).await.unwrap();
    assert_eq!(yes.outcomes, [WriteOutcome::Applied]);
    world.engine.stop().await;
}

#[tokio::test]
async fn a_session_counts_from_a_portal_alone() {
    let world = World::new().await;
    let newsletter = world.newsletter();
    let both = Caller { roles: vec![Role::Portal, Role::Sender], ..portal() };
    let admin = Caller { roles: vec![Role::Admin], ..portal() };
    world.no(newsletter).await;
    let evidence = || said_now(&world);
    for (caller, session) in [(both, true), (admin, true), (portal(), false)] {
        let chosen = world.choose(&caller, ANN, vec![yes(newsletter)], session, evidence()).await;
        assert_eq!(chosen.unwrap().outcomes, [WriteOutcome::Proof], "{caller:?}");
    }
    let staff = Caller { roles: vec![Role::Staff], ..portal() };
    let chosen = world.choose(&staff, ANN, vec![no(newsletter)], true, evidence()).await;
    assert!(matches!(chosen, Err(EngineError::Forbidden(_))), "{chosen:?}");
    let chosen = world.choose(&portal(), ANN, vec![yes(newsletter)], true, evidence()).await;
    assert_eq!(chosen.unwrap().outcomes, [WriteOutcome::Applied]);
    assert_eq!(verdict(&world.engine, ANN).await, Verdict::AllowedConsent);
    world.engine.stop().await;
}

#[tokio::test]
async fn a_session_says_when_and_proves_no_mailbox() {
    let world = World::new().await;
    let newsletter = world.newsletter();
    let silent = world.choose(&portal(), ANN, vec![yes(newsletter)], true, form()).await;
    let Err(EngineError::Invalid(invalid)) = silent else { panic!("{silent:?}") };
    assert_eq!(invalid.violations[0].field, "evidence.occurred_at");
    let bounce = Command::BlockAddresses {
        brands: vec![newsletter.brand().unwrap()],
        channels: vec![Channel::Email],
        cause: Cause::HardBounce,
        reason: "550".into(),
        opt_out: Vec::new(),
    };
    write(&world.engine, bounce, ANN, "").await.unwrap();
    let said = said_now(&world);
    let chosen = world.choose(&portal(), ANN, vec![yes(newsletter)], true, said).await;
    assert_eq!(chosen.unwrap().outcomes, [WriteOutcome::Proof]);
    assert_eq!(verdict(&world.engine, ANN).await, Verdict::HardBounce);
    let begun = world.begin(ANN, "").await;
    world.confirms(&begun.confirm_token, WriteOutcome::Applied).await;
    assert_eq!(verdict(&world.engine, ANN).await, Verdict::AllowedConsent);
    world.engine.stop().await;
}

#[tokio::test]
async fn a_guest_is_taken_at_the_word_only_where_nobody_said_no() {
    let world = World::new().await;
    let newsletter = world.newsletter();
    let guest = async |address, choices| {
        world.choose(&portal(), address, choices, false, form()).await.unwrap().outcomes
    };
    assert_eq!(guest("new@example.org", vec![yes(newsletter)]).await, [WriteOutcome::Applied]);
    world.no(Scope::Everything).await;
    let (applied, proof) = (WriteOutcome::Applied, WriteOutcome::Proof);
    assert_eq!(guest(ANN, vec![yes(newsletter)]).await, [proof]);
    assert_eq!(guest("ann+x@example.org", vec![yes(newsletter)]).await, [proof]);
    let mixed = vec![yes(newsletter), no(Scope::Brand(newsletter.brand().unwrap()))];
    assert_eq!(guest(ANN, mixed.clone()).await, [proof, applied]);
    let invalid = WriteOutcome::InvalidAddress;
    assert_eq!(guest("nobody", mixed).await, [invalid; 2], "one outcome for each choice");
    world.engine.stop().await;
}

#[tokio::test]
async fn a_queued_yes_passes_no_no_that_was_said_meanwhile() {
    let world = World::new().await;
    let newsletter = world.newsletter();
    world.no(newsletter).await;
    let again = world.choose(&portal(), ANN, vec![no(newsletter)], false, form()).await.unwrap();
    assert_eq!(again.outcomes, [WriteOutcome::Applied], "another proof of the same no");
    let said = said_now(&world);
    let again = world.choose(&portal(), ANN, vec![no(newsletter)], false, form()).await.unwrap();
    assert_eq!(again.outcomes, [WriteOutcome::Unchanged]);
    let queued = world.choose(&portal(), ANN, vec![yes(newsletter)], true, said).await.unwrap();
    assert_eq!(queued.outcomes, [WriteOutcome::OptedOut]);
    let now = said_now(&world);
    let chosen = world.choose(&portal(), ANN, vec![yes(newsletter)], true, now).await.unwrap();
    assert_eq!(chosen.outcomes, [WriteOutcome::Applied]);
    world.engine.stop().await;
}

#[tokio::test]
async fn a_queued_yes_of_a_tagged_address_does_not_outweigh_a_later_no_of_its_base() {
    let world = World::new().await;
    let tagged = "ann+x@example.org";
    let newsletter = world.newsletter();
    let said = said_now(&world);
    world.no(Scope::Everything).await;
    let queued = world.choose(&portal(), tagged, vec![yes(newsletter)], true, said).await.unwrap();
    assert_eq!(queued.outcomes, [WriteOutcome::Applied]);
    assert_eq!(verdict(&world.engine, tagged).await, Verdict::OptedOutEverything);
    let now = said_now(&world);
    world.choose(&portal(), tagged, vec![yes(newsletter)], true, now).await.unwrap();
    assert_eq!(verdict(&world.engine, tagged).await, Verdict::AllowedConsent);
    assert_eq!(verdict(&world.engine, ANN).await, Verdict::OptedOutEverything);
    world.engine.stop().await;
}
