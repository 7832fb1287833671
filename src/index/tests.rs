//! The index against a naive one: a `HashMap` of profiles, decided by the rules.

mod images;

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU16;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index as Pick, select};
use proptest::test_runner::TestRunner;

use super::compiled::Asked;
use super::plan::Plan;
use super::*;
use crate::catalog::{
    ConsentRequests, Marketing, Names, PlusTags, Policy, StaffConsent, StaffResubscribe,
    UnknownAddresses,
};
use crate::decide;
use crate::model::campaign::{Campaign, CampaignId, Channel, Purpose};
use crate::model::day::Today;
use crate::model::fact::{Basis, Block, Cause, Origin};
use crate::model::scope::{BrandId, ControllerId, Scope, TopicId};
use crate::model::verdict::Verdict;

/// Two controllers, three brands, four topics.
#[derive(Debug, Clone)]
struct World {
    names: Names,
    controllers: Vec<ControllerId>,
    brands: Vec<BrandId>,
    topics: Vec<TopicId>,
}

fn world() -> World {
    let mut names = Names::default();
    let controllers: Vec<_> =
        ["a", "b"].map(|word| names.add_controller(word).unwrap()).into_iter().collect();
    let brands: Vec<_> = [(0, "x"), (0, "y"), (1, "z")]
        .map(|(c, word): (usize, _)| names.add_brand(controllers[c], word).unwrap())
        .into_iter()
        .collect();
    let topics = [(0, "t"), (0, "u"), (1, "v"), (2, "w")]
        .map(|(b, word): (usize, _)| names.add_topic(brands[b], word).unwrap())
        .into_iter()
        .collect();
    World { names, controllers, brands, topics }
}

impl World {
    fn scopes(&self) -> Vec<Scope> {
        let mut scopes = vec![Scope::Everything];
        scopes.extend(self.controllers.iter().copied().map(Scope::Controller));
        scopes.extend(self.brands.iter().copied().map(Scope::Brand));
        scopes.extend(self.topics.iter().copied().map(Scope::Topic));
        scopes
    }
}

/// Some share their low half, some their high half, as no keyed hash would have them.
fn fingerprints() -> Vec<Fingerprint> {
    let spread = |n: u128| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let low = u128::from(u64::MAX);
    let mut all: Vec<u128> = (1..9).map(spread).collect();
    all.extend((9..11).map(|n| spread(n) & !low | spread(1) & low));
    all.extend((11..13).map(|n| spread(n) & low | spread(1) & !low));
    all.into_iter().map(Fingerprint::new).collect()
}

/// A change that owns its effects.
#[derive(Debug, Clone)]
struct Write {
    fingerprint: Fingerprint,
    revision: Revision,
    tagged: bool,
    owner_proof: Option<OwnerProof>,
    effects: Vec<Effect>,
}

impl Write {
    fn change(&self) -> Change<'_> {
        Change {
            fingerprint: self.fingerprint,
            revision: self.revision,
            tagged: self.tagged,
            owner_proof: self.owner_proof,
            effects: &self.effects,
        }
    }
}

#[derive(Debug, Default)]
struct Naive {
    known: HashMap<Fingerprint, Known>,
    owner_yes: HashMap<Fingerprint, Revision>,
}

impl Naive {
    fn apply(&mut self, write: &Write) {
        let known = self.known.entry(write.fingerprint).or_default();
        known.last = write.revision;
        for effect in &write.effects {
            known.profile.apply(*effect);
        }
        if write.tagged && write.owner_proof.is_some() {
            self.owner_yes.insert(write.fingerprint, write.revision);
        }
        if write.effects.contains(&Effect::Erasure(Erasure::Erased)) {
            self.owner_yes.remove(&write.fingerprint);
        }
    }

    fn verdict(&self, question: &Question, ask: &Ask) -> Verdict {
        let nobody = Known::default();
        let own = self.known.get(&ask.address).unwrap_or(&nobody);
        let yes = self.owner_yes.get(&ask.address).copied().unwrap_or_default();
        let base = ask.base.filter(|_| question.plus_tags == PlusTags::WidenRestrictions);
        let base = base.map(|base| self.known.get(&base).unwrap_or(&nobody));
        let base = base.filter(|base| base.last >= yes).map(|base| &base.profile);
        let Question { campaign, policy, today, .. } = question;
        decide::decide(&own.profile, base, campaign, policy, *today).verdict
    }
}

/// One campaign under one policy on one day.
#[derive(Debug, Clone)]
struct Question {
    campaign: Campaign,
    policy: Policy,
    plus_tags: PlusTags,
    today: Today,
}

impl Question {
    fn compiled(&self) -> Compiled {
        let (campaign, policy) = (self.campaign.clone(), self.policy.clone());
        Compiled::new(Arc::new(campaign), Arc::new(policy), self.plus_tags)
    }
}

#[derive(Debug, Clone)]
struct Ask {
    address: Fingerprint,
    base: Option<Fingerprint>,
    invalid: bool,
}

fn a_day() -> impl Strategy<Value = Day> {
    prop_oneof![8 => 100..130_u16, 1 => Just(0), 1 => Just(u16::MAX)].prop_map(Day::new)
}

fn an_effect() -> impl Strategy<Value = Effect> {
    let world = world();
    let scope = || select(world.scopes());
    let brand = || select(world.brands.clone());
    let channel = select(vec![Channel::Email, Channel::Post]);
    let cause = select(vec![
        Cause::OwnerRequest,
        Cause::StaffDecision,
        Cause::HardBounce,
        Cause::Complaint,
    ]);
    let origin =
        select(vec![Origin::Refusal, Origin::OptOut, Origin::OwnerRequest, Origin::Complaint]);
    let basis = select(vec![Basis::ExistingCustomer, Basis::Consent]);
    let block = (brand(), channel, cause).prop_map(|(brand, channel, cause)| Block {
        brand,
        channel,
        cause,
    });
    let erasure = select(vec![Erasure::None, Erasure::None, Erasure::Pending, Erasure::Erased]);
    prop_oneof![
        3 => select(world.controllers.clone()).prop_map(Effect::Register),
        12 => (scope(), basis, a_day())
            .prop_map(|(scope, basis, day)| Effect::Yes { scope, basis, day }),
        4 => (scope(), origin).prop_map(|(scope, origin)| Effect::No { scope, origin }),
        3 => scope().prop_map(Effect::Undeclare),
        1 => block.clone().prop_map(Effect::Block),
        1 => block.prop_map(Effect::Unblock),
        3 => (brand(), a_day()).prop_map(|(brand, day)| Effect::Asked(brand, day)),
        1 => erasure.prop_map(Effect::Erasure),
    ]
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let proof = prop_oneof![
        2 => Just(None),
        1 => Just(Some(OwnerProof::Mailbox)),
        1 => Just(Some(OwnerProof::Session)),
    ];
    let write = (select(fingerprints()), 1..4_u64, any::<bool>(), proof, vec(an_effect(), 0..7));
    vec(write, 0..40).prop_map(|writes| {
        let mut last = 0;
        let number = |(fingerprint, step, tagged, owner_proof, effects)| {
            last += step;
            Write { fingerprint, revision: Revision::new(last), tagged, owner_proof, effects }
        };
        writes.into_iter().map(number).collect()
    })
}

fn a_policy() -> impl Strategy<Value = Policy> {
    let days = || prop_oneof![6 => 0..25_u16, 1 => Just(u16::MAX)];
    let flags = any::<[bool; 3]>();
    (flags, days(), prop_oneof![1 => Just(0), 3 => days()], days()).prop_map(
        |([opt_in, deny, forbid], cooldown, lifetime, window)| Policy {
            marketing: if opt_in { Marketing::OptIn } else { Marketing::OptOut },
            unknown_address: if deny { UnknownAddresses::Deny } else { UnknownAddresses::Allow },
            consent_request: match forbid {
                true => ConsentRequests::Forbidden,
                false => ConsentRequests::Allowed,
            },
            consent_request_cooldown_days: cooldown,
            consent_lifetime_days: NonZeroU16::new(lifetime),
            consent_renewal_window_days: window,
            staff_resubscribe: StaffResubscribe::Forbidden,
            staff_consent: StaffConsent::WithEvidence,
            opt_in_mails_per_day: 3,
        },
    )
}

fn a_question() -> impl Strategy<Value = Question> {
    let purposes = vec![
        Purpose::Marketing,
        Purpose::Marketing,
        Purpose::Transactional,
        Purpose::OneToOne,
        Purpose::ConsentRequest,
        Purpose::ConsentRequest,
    ];
    let channels = vec![Channel::Email, Channel::Email, Channel::Post];
    let widen = vec![PlusTags::WidenRestrictions, PlusTags::WidenRestrictions, PlusTags::Exact];
    let topic = select(world().topics);
    let of = (topic, any::<bool>(), select(purposes), select(channels));
    let when = (a_day(), 0..5_u8);
    (of, a_policy(), select(widen), when).prop_map(|(of, policy, plus_tags, (day, doubt))| {
        let (topic, whole_brand, purpose, channel) = of;
        let campaign = Campaign {
            brand: topic.brand(),
            id: CampaignId::parse("c").unwrap(),
            topic: (!whole_brand).then_some(topic),
            purpose,
            channel,
            retired: false,
        };
        let today = if doubt == 0 { Today::InDoubt(day) } else { Today::Known(day) };
        Question { campaign, policy, plus_tags, today }
    })
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let mut all = fingerprints();
    all.extend([Fingerprint::new(0), Fingerprint::new(u128::MAX)]);
    let base = prop::option::of(select(all.clone()));
    let ask = (select(all), base, prop::bool::weighted(0.1));
    // Up to more than two groups of the look-up.
    vec(ask.prop_map(|(address, base, invalid)| Ask { address, base, invalid }), 0..150)
}

fn built(writes: &[Write]) -> Index {
    let mut index = Index::new();
    for write in writes {
        index.apply(&write.change());
    }
    index
}

fn verdicts(index: &Index, compiled: &Compiled, today: Today, asks: &[Ask]) -> Vec<u8> {
    let addresses: Vec<_> = asks.iter().map(|ask| ask.address).collect();
    let base =
        |(position, ask): (usize, &Ask)| ask.base.map(|fingerprint| Base { position, fingerprint });
    let bases: Vec<_> = asks.iter().enumerate().filter_map(base).collect();
    let invalid = Verdict::InvalidAddress.code();
    let mut codes: Vec<u8> = asks.iter().map(|ask| if ask.invalid { invalid } else { 0 }).collect();
    let batch = Batch { addresses: &addresses, bases: &bases };
    index.verdicts(compiled, today, batch, &mut codes);
    codes
}

/// Runs a property and says over how many cases.
#[track_caller]
fn holds<S: Strategy>(
    name: &str,
    cases: u32,
    strategy: &S,
    property: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = ProptestConfig { cases, failure_persistence: None, ..Default::default() };
    if let Err(failure) = TestRunner::new(config).run(strategy, property) {
        panic!("{name}: {failure}");
    }
    println!("{name}: {cases} cases");
}

fn same(left: &Index, right: &Index) -> Result<(), TestCaseError> {
    prop_assert_eq!(left.len(), right.len());
    prop_assert_eq!(left.used(), right.used());
    for fingerprint in fingerprints() {
        prop_assert_eq!(left.get(fingerprint), right.get(fingerprint));
        prop_assert_eq!(left.owner_yes(fingerprint), right.owner_yes(fingerprint));
    }
    Ok(())
}

#[test]
fn the_index_knows_what_a_map_of_profiles_knows() {
    holds("known", 500, &writes(), |writes| {
        let index = built(&writes);
        let mut naive = Naive::default();
        writes.iter().for_each(|write| naive.apply(write));
        prop_assert_eq!(index.len(), naive.known.len());
        for fingerprint in fingerprints() {
            prop_assert_eq!(index.get(fingerprint), naive.known.get(&fingerprint).cloned());
            let yes = naive.owner_yes.get(&fingerprint).copied().unwrap_or_default();
            prop_assert_eq!(index.owner_yes(fingerprint), yes);
        }
        Ok(())
    });
}

#[test]
fn verdicts_are_those_of_the_rules() {
    let questions = vec(a_question(), 1..6);
    holds("verdicts", 1_500, &(writes(), questions, asks()), |(writes, questions, asks)| {
        let compiled: Vec<_> = questions.iter().map(Question::compiled).collect();
        let mut index = Index::new();
        let mut naive = Naive::default();
        // Twice, so that plans of the first half meet the shapes of the second.
        for half in writes.chunks(writes.len() / 2 + 1) {
            for write in half {
                index.apply(&write.change());
                naive.apply(write);
            }
            for (question, compiled) in questions.iter().zip(&compiled) {
                let codes = verdicts(&index, compiled, question.today, &asks);
                for (ask, code) in asks.iter().zip(codes) {
                    let ruling = index.ruling(compiled, question.today, ask.address, ask.base);
                    let expect = naive.verdict(question, ask);
                    prop_assert_eq!(ruling.verdict, expect);
                    let invalid = ask.invalid.then_some(Verdict::InvalidAddress);
                    let verdict = Verdict::from_code(code);
                    prop_assert_eq!(verdict, Some(invalid.unwrap_or(expect)), "{:?}", ask);
                }
            }
        }
        Ok(())
    });
}

#[test]
fn replay_skips_what_was_applied() {
    let again = vec(any::<Pick>(), 0..20);
    holds("replay", 200, &(writes(), again), |(writes, again)| {
        let once = built(&writes);
        let mut twice = built(&writes);
        for pick in again.iter().filter(|_| !writes.is_empty()) {
            twice.apply(&pick.get(&writes).change());
        }
        same(&once, &twice)
    });
}

#[test]
fn what_is_not_above_the_last_revision_is_skipped() {
    let mut index = Index::new();
    let mut register = |controller: usize, revision| {
        let effects = [Effect::Register(world().controllers[controller])];
        index.apply(&Change {
            fingerprint: Fingerprint::new(1),
            revision: Revision::new(revision),
            tagged: true,
            owner_proof: Some(OwnerProof::Session),
            effects: &effects,
        });
        let known = index.get(Fingerprint::new(1)).unwrap();
        (known.profile.registered.len(), known.last, index.owner_yes(Fingerprint::new(1)))
    };
    let five = Revision::new(5);
    assert_eq!(register(0, 5), (1, five, five));
    assert_eq!(register(1, 5), (1, five, five));
    assert_eq!(register(1, 4), (1, five, five));
    assert_eq!(register(1, 6), (2, five.next(), five.next()));
}

#[test]
fn many_changes_of_days_do_not_grow_the_arena() {
    let world = world();
    let scopes = world.scopes();
    let mut index = Index::new();
    for round in 0..20_000_usize {
        let scope = scopes[round * 7 % scopes.len()];
        let day = Day::new(u16::try_from(round % 365).unwrap());
        let yes = Effect::Yes { scope, basis: Basis::Consent, day };
        // Up to ten days, then none, and so again.
        let effect = match round % 60 {
            0 | 1 => Effect::Erasure(Erasure::Erased),
            n if n % 3 == 0 => Effect::Undeclare(scope),
            _ => yes,
        };
        index.apply(&Change {
            fingerprint: fingerprints()[round % 2],
            revision: Revision::new(u64::try_from(round).unwrap() + 1),
            tagged: false,
            owner_proof: None,
            effects: &[effect],
        });
    }
    // Two addresses with at most ten days: runs of 4, 8 and 16 for each.
    let room: usize = index.sides.iter().map(|side| side.arena.room()).sum();
    assert!(room <= 2 * (4 + 8 + 16));
}

#[test]
fn every_id_that_an_effect_named_is_used_with_those_above_it() {
    let World { controllers, brands, topics, .. } = world();
    let mut index = Index::new();
    index.apply(&Change {
        fingerprint: Fingerprint::new(1),
        revision: Revision::new(1),
        tagged: false,
        owner_proof: None,
        effects: &[
            Effect::Undeclare(Scope::Topic(topics[3])),
            Effect::Asked(brands[0], Day::new(1)),
        ],
    });
    let used = index.used();
    assert_eq!(used.controllers, BTreeSet::from([controllers[0], controllers[1]]));
    assert_eq!(used.brands, BTreeSet::from([brands[0], brands[2]]));
    assert_eq!(used.topics, BTreeSet::from([topics[3]]));
}

/// The plan of a profile of these effects.
fn plan(question: &Question, effects: &[Effect]) -> Plan {
    let mut profile = Profile::default();
    effects.iter().for_each(|effect| profile.apply(*effect));
    let mut shapes = Shapes::default();
    let id = shapes.number(&profile);
    question.compiled().plans(Asked::Own, &shapes).plan(id)
}

fn asking(purpose: Purpose, lifetime: u16) -> Question {
    let topic = world().topics[0];
    let policy = Policy {
        consent_request: ConsentRequests::Allowed,
        consent_lifetime_days: NonZeroU16::new(lifetime),
        ..Policy::default()
    };
    let campaign = Campaign {
        brand: topic.brand(),
        id: CampaignId::parse("c").unwrap(),
        topic: Some(topic),
        purpose,
        channel: Channel::Email,
        retired: false,
    };
    let (plus_tags, today) = (PlusTags::Exact, Today::Known(Day::new(100)));
    Question { campaign, policy, plus_tags, today }
}

#[test]
fn a_plan_asks_the_calendar_only_where_a_day_decides() {
    let World { brands, topics, .. } = world();
    let yes = |scope| Effect::Yes { scope, basis: Basis::Consent, day: Day::new(7) };
    let topic = yes(Scope::Topic(topics[0]));
    let elsewhere = [yes(Scope::Brand(brands[1])), yes(Scope::Brand(brands[2]))];
    let marketing = asking(Purpose::Marketing, 30);
    assert!(matches!(plan(&asking(Purpose::Marketing, 0), &[topic]), Plan::Fixed(_)));
    assert!(matches!(plan(&marketing, &elsewhere), Plan::Fixed(_)));
    assert!(matches!(plan(&marketing, &[topic]), Plan::OneDay { .. }));
    let nested = [topic, yes(Scope::Brand(brands[0]))];
    assert_eq!(plan(&marketing, &nested), Plan::Rules);
    // Whether the yes lives makes no difference here, whether it lasts does.
    let registered = Effect::Register(topics[0].brand().controller());
    let request = asking(Purpose::ConsentRequest, 60);
    assert!(matches!(plan(&request, &[topic, registered]), Plan::OneDay { .. }));
}
