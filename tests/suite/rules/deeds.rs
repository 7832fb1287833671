//! Deeds: any command, before it meets the state that fills in its times and tokens.

use std::sync::Arc;

use maysend::catalog::Policy;
use maysend::model::campaign::{Channel, Purpose};
use maysend::model::command::{Choice, Command, ImportedFact, Proof, Wish};
use maysend::model::day::Timestamp;
use maysend::model::evidence::{Evidence, LegalBasis, Method};
use maysend::model::fact::{Cause, Erasure};
use maysend::model::revision::Revision;
use maysend::model::scope::Scope;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::arbitrary;
use super::pair::{Pair, Who};
use crate::world::{self, campaign, evidence};

/// A command before it meets the state.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    Register {
        controllers: Vec<u16>,
        source: u8,
        owner_session: bool,
    },
    Block {
        brands: Vec<u16>,
        channels: Vec<Channel>,
        cause: Cause,
        opt_out: Vec<Scope>,
        why: u8,
    },
    Lift {
        brands: Vec<u16>,
        channels: Vec<Channel>,
        why: u8,
    },
    OptOut {
        scopes: Vec<Scope>,
        why: u8,
        proof: Option<Shown>,
    },
    Withdraw {
        scopes: Vec<Scope>,
        why: u8,
    },
    Consent {
        scopes: Vec<Scope>,
        legal_basis: LegalBasis,
        proof: Shown,
    },
    Import {
        fact: ImportedFact,
        why: u8,
        source: u8,
        ago: u32,
    },
    Ask {
        topic: u16,
        channel: Channel,
        proof: Option<Shown>,
    },
    Resubscribe {
        scopes: Vec<Scope>,
        legal_basis: LegalBasis,
        why: u8,
    },
    Choose {
        choices: Vec<Choice>,
        by: By,
        proof: Option<Shown>,
    },
    Begin {
        scopes: Vec<Scope>,
        proof: Shown,
    },
    Confirm {
        which: Index,
        may_grant: bool,
        proof: Option<Shown>,
    },
    RequestErasure {
        why: u8,
        proof: Option<Shown>,
    },
    DecideErasure {
        approve: bool,
    },
    RequestAccess {
        why: u8,
        proof: Option<Shown>,
    },
    /// Of the last request, or of one before it.
    AnswerAccess {
        late: bool,
    },
    /// The last command that this address met.
    Again,
}

/// Evidence, and how long ago the person spoke.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    method: Method,
    source: u8,
    ago: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum By {
    Unsubscribe,
    /// How old the token is, in revisions.
    Preferences {
        age: u64,
        may_grant: bool,
        asked: bool,
    },
    Session,
    Guest,
}

/// A deed, and when and by whom.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) who: Who,
    pub(super) days: u16,
    /// Whether the clock is in doubt.
    pub(super) doubt: bool,
    /// Whether a portal does it, where a portal may.
    pub(super) by_portal: bool,
    /// Before the deed the catalog is read anew: a brand has another policy.
    pub(super) reload: Option<(u16, Policy)>,
    pub(super) deed: Deed,
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        1 => Just(Scope::Everything),
        1 => (0..world::CONTROLLERS).prop_map(world::at_controller),
        3 => (0..world::BRANDS).prop_map(world::at_brand),
        4 => (0..world::TOPICS).prop_map(world::at_topic),
    ]
}

/// Brands and topics; those of the first brand more often, so that they meet.
fn narrow() -> impl Strategy<Value = Scope> {
    prop_oneof![
        2 => Just(world::at_brand(0)),
        2 => (0_u16..2).prop_map(world::at_topic),
        2 => (0..world::BRANDS).prop_map(world::at_brand),
        3 => (0..world::TOPICS).prop_map(world::at_topic),
    ]
}

fn scopes() -> impl Strategy<Value = Vec<Scope>> {
    btree_set(scope(), 1..=3).prop_map(Vec::from_iter).prop_shuffle()
}

pub(super) fn narrows() -> impl Strategy<Value = Vec<Scope>> {
    btree_set(narrow(), 1..=3).prop_map(Vec::from_iter).prop_shuffle()
}

fn brands() -> impl Strategy<Value = Vec<u16>> {
    prop_oneof![3 => Just(vec![0_u16]), 2 => subsequence(vec![0, 1, 2, 3], 1..=3)]
}

fn channels() -> impl Strategy<Value = Vec<Channel>> {
    subsequence(vec![Channel::Email, Channel::Post], 1..=2)
}

pub(super) fn shown() -> impl Strategy<Value = Shown> {
    let method = select(vec![Method::Form, Method::Paper, Method::Phone, Method::Import]);
    let ago = prop_oneof![
        3 => Just(None),
        1 => (0_u32..100).prop_map(Some),
        2 => (0_u32..60 * 86_400).prop_map(Some),
    ];
    (method, 0_u8..2, ago).prop_map(|(method, source, ago)| {
        // A file says when it was said.
        let ago = if method == Method::Import { ago.or(Some(86_400)) } else { ago };
        Shown { method, source, ago }
    })
}

/// Evidence that says when.
pub(super) fn dated() -> impl Strategy<Value = Shown> {
    shown().prop_map(|shown| Shown { ago: shown.ago.or(Some(0)), ..shown })
}

fn legal_basis() -> impl Strategy<Value = LegalBasis> {
    select(vec![LegalBasis::Consent, LegalBasis::ExistingCustomer])
}

fn fact() -> impl Strategy<Value = ImportedFact> {
    prop_oneof![
        4 => (narrow(), legal_basis())
            .prop_map(|(scope, legal_basis)| ImportedFact::Granted { scope, legal_basis }),
        1 => scope().prop_map(ImportedFact::Refused),
        2 => scope().prop_map(ImportedFact::OptedOut),
        1 => (0..world::BRANDS).prop_map(|index| ImportedFact::Blocked(world::brand(index))),
        1 => (0..world::CONTROLLERS)
            .prop_map(|index| ImportedFact::Registered(world::controller(index))),
    ]
}

pub(super) fn choices() -> impl Strategy<Value = Vec<Choice>> {
    let yes = narrow().prop_map(|scope| Choice { scope, wish: Wish::Subscribe });
    let no = scope().prop_map(|scope| Choice { scope, wish: Wish::Unsubscribe });
    vec(prop_oneof![3 => yes, 2 => no], 1..=4).prop_map(|mut choices| {
        let mut seen = Vec::new();
        choices.retain(|choice| {
            let new = !seen.contains(&choice.scope);
            seen.push(choice.scope);
            new
        });
        choices
    })
}

fn by() -> impl Strategy<Value = By> {
    let preferences = (0_u64..12, prop::bool::weighted(0.9), prop::bool::weighted(0.3))
        .prop_map(|(age, may_grant, asked)| By::Preferences { age, may_grant, asked });
    prop_oneof![
        1 => Just(By::Unsubscribe),
        4 => preferences,
        4 => Just(By::Session),
        3 => Just(By::Guest),
    ]
}

/// What staff, systems and files record.
pub(super) fn written() -> impl Strategy<Value = Deed> {
    let proof = || proptest::option::of(shown());
    prop_oneof![
        3 => (subsequence(vec![0_u16, 1], 1..=2), 0_u8..2, prop::bool::weighted(0.3)).prop_map(
            |(mut controllers, source, owner_session)| {
                if owner_session {
                    controllers.truncate(1);
                }
                Deed::Register { controllers, source, owner_session }
            }
        ),
        4 => (brands(), channels(), arbitrary::cause(), vec(scope(), 0..=1), 0_u8..2).prop_map(
            |(brands, channels, cause, opt_out, why)| Deed::Block {
                brands, channels, cause, opt_out, why,
            }
        ),
        4 => (brands(), channels(), 0_u8..2)
            .prop_map(|(brands, channels, why)| Deed::Lift { brands, channels, why }),
        4 => (scopes(), 0_u8..2, proof())
            .prop_map(|(scopes, why, proof)| Deed::OptOut { scopes, why, proof }),
        3 => (scopes(), 0_u8..2).prop_map(|(scopes, why)| Deed::Withdraw { scopes, why }),
        6 => (narrows(), legal_basis(), shown()).prop_map(|(scopes, legal_basis, proof)| {
            Deed::Consent { scopes, legal_basis, proof }
        }),
        6 => (fact(), 0_u8..2, 0_u8..2, 0_u32..60 * 86_400)
            .prop_map(|(fact, why, source, ago)| Deed::Import { fact, why, source, ago }),
        4 => (0_u16..8, prop_oneof![4 => Just(Channel::Email), 1 => Just(Channel::Post)], proof())
            .prop_map(|(topic, channel, proof)| Deed::Ask { topic: topic % 3, channel, proof }),
        4 => (narrows(), legal_basis(), 0_u8..2).prop_map(|(scopes, legal_basis, why)| {
            Deed::Resubscribe { scopes, legal_basis, why }
        }),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    let proof = || proptest::option::of(shown());
    prop_oneof![
        34 => written(),
        10 => (choices(), by(), proof())
            .prop_map(|(choices, by, proof)| Deed::Choose { choices, by, proof }),
        4 => (narrows(), shown()).prop_map(|(scopes, proof)| Deed::Begin { scopes, proof }),
        4 => (any::<Index>(), prop::bool::weighted(0.9), proof()).prop_map(
            |(which, may_grant, proof)| Deed::Confirm { which, may_grant, proof }
        ),
        2 => (0_u8..2, proof()).prop_map(|(why, proof)| Deed::RequestErasure { why, proof }),
        2 => (0_u8..2, proof()).prop_map(|(why, proof)| Deed::RequestAccess { why, proof }),
        2 => any::<bool>().prop_map(|late| Deed::AnswerAccess { late }),
        3 => any::<bool>().prop_map(|approve| Deed::DecideErasure { approve }),
        5 => Just(Deed::Again),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let who = select(vec![Who::Mia, Who::MiaTagged, Who::MiaTagged, Who::Noa]);
    let days = prop_oneof![3 => Just(0), 1 => Just(1_u16), 2 => 0..=40_u16];
    let doubt = prop::bool::weighted(0.1);
    let reload = proptest::option::weighted(0.05, (0..world::BRANDS, arbitrary::policy()));
    (who, days, doubt, prop::bool::weighted(0.2), reload, deed()).prop_map(
        |(who, days, doubt, by_portal, reload, deed)| Step {
            who,
            days,
            doubt,
            by_portal,
            reload,
            deed,
        },
    )
}

fn why(number: u8) -> Arc<str> {
    format!("reason {number}").into()
}

impl Shown {
    pub(super) fn made(&self, now: Timestamp) -> Arc<Evidence> {
        let said =
            |seconds: u32| Timestamp::from_nanos(now.nanos() - i64::from(seconds) * 1_000_000_000);
        let source = format!("source {}", self.source);
        Arc::new(evidence(self.method, &source, self.ago.map(said)))
    }
}

impl Deed {
    /// What staff, a system or a file records with this deed; none where it is another's.
    pub(super) fn written(&self, now: Timestamp) -> Option<Command> {
        let made = |proof: &Option<Shown>| proof.as_ref().map(|shown| shown.made(now));
        let of_brands = |brands: &[u16]| brands.iter().map(|index| world::brand(*index)).collect();
        Some(match self {
            Self::Register { controllers, source, owner_session } => Command::RegisterAddresses {
                controllers: controllers.iter().map(|index| world::controller(*index)).collect(),
                source: why(*source),
                owner_session: *owner_session,
            },
            Self::Block { brands, channels, cause, opt_out, why: reason } => {
                Command::BlockAddresses {
                    brands: of_brands(brands),
                    channels: channels.clone(),
                    cause: *cause,
                    reason: why(*reason),
                    opt_out: opt_out.clone(),
                }
            }
            Self::Lift { brands, channels, why: reason } => Command::LiftBlocks {
                brands: of_brands(brands),
                channels: channels.clone(),
                reason: why(*reason),
            },
            Self::OptOut { scopes, why: reason, proof } => Command::OptOut {
                scopes: scopes.clone(),
                reason: why(*reason),
                evidence: made(proof),
            },
            Self::Withdraw { scopes, why: reason } => {
                Command::WithdrawConsent { scopes: scopes.clone(), reason: why(*reason) }
            }
            Self::Consent { scopes, legal_basis, proof } => Command::RecordConsent {
                scopes: scopes.clone(),
                legal_basis: *legal_basis,
                evidence: proof.made(now),
            },
            Self::Import { fact, why: reason, source, ago } => {
                let shown = Shown { method: Method::Import, source: *source, ago: Some(*ago) };
                Command::Import { fact: *fact, reason: why(*reason), evidence: shown.made(now) }
            }
            Self::Ask { topic, channel, proof } => Command::MarkConsentRequested {
                campaign: campaign(world::at_topic(*topic), Purpose::ConsentRequest, *channel),
                evidence: made(proof),
            },
            Self::Resubscribe { scopes, legal_basis, why: explanation } => {
                Command::ResubscribeByStaff {
                    scopes: scopes.clone(),
                    legal_basis: *legal_basis,
                    explanation: why(*explanation),
                }
            }
            Self::Choose { .. }
            | Self::Begin { .. }
            | Self::Confirm { .. }
            | Self::RequestErasure { .. }
            | Self::DecideErasure { .. }
            | Self::RequestAccess { .. }
            | Self::AnswerAccess { .. }
            | Self::Again => return None,
        })
    }

    /// The command, if there is one to be made of this deed now.
    pub(super) fn command(&self, pair: &Pair, who: Who) -> Option<Command> {
        let now = pair.now();
        let made = |proof: &Option<Shown>| proof.as_ref().map(|shown| shown.made(now));
        Some(match self {
            Self::Register { .. }
            | Self::Block { .. }
            | Self::Lift { .. }
            | Self::OptOut { .. }
            | Self::Withdraw { .. }
            | Self::Consent { .. }
            | Self::Import { .. }
            | Self::Ask { .. }
            | Self::Resubscribe { .. } => return self.written(now),
            Self::Choose { choices, by, proof } => Command::OwnerChoice {
                choices: choices.clone(),
                proof: by.proof(pair, choices),
                evidence: made(proof),
            },
            Self::Begin { scopes, proof } => {
                Command::BeginOptIn { scopes: scopes.clone(), evidence: proof.made(now) }
            }
            Self::Confirm { which, may_grant, proof } => {
                let begun = pair.begun(who);
                if begun.is_empty() {
                    return None;
                }
                let (minted, scopes) = which.get(&begun);
                let yes = |scope: &Scope| Choice { scope: *scope, wish: Wish::Subscribe };
                Command::OwnerChoice {
                    choices: scopes.iter().map(yes).collect(),
                    proof: Proof::ConfirmToken { minted: *minted, may_grant: *may_grant },
                    evidence: made(proof),
                }
            }
            Self::RequestErasure { why: reason, proof } => Command::RequestErasure {
                id: "case".into(),
                reason: why(*reason),
                evidence: made(proof),
                owner_link: proof.is_some(),
            },
            Self::RequestAccess { why: words, proof } => Command::RequestAccess {
                words: why(*words),
                evidence: made(proof),
                owner_link: proof.is_some(),
            },
            Self::AnswerAccess { late } => {
                let asked = pair.asked_to_know(who);
                let request = if *late { asked.first() } else { asked.last() };
                Command::AnswerAccess { request: *request?, note: why(0) }
            }
            Self::Again => return pair.last(who),
            Self::DecideErasure { approve } => {
                let (id, words) = ("case".into(), why(0));
                match (pair.erasure(who), approve) {
                    (Erasure::Pending, false) => Command::RejectErasure { id, reason: words },
                    (Erasure::Pending | Erasure::Erased, true) => {
                        Command::ApproveErasure { id, note: words }
                    }
                    (Erasure::None, _) | (Erasure::Erased, false) => return None,
                }
            }
        })
    }
}

/// Whether a doubtful clock lets it pass to the rules: only noes and the like.
pub(super) fn may_be_doubtful(command: &Command) -> bool {
    match command {
        Command::RegisterAddresses { .. }
        | Command::BlockAddresses { .. }
        | Command::OptOut { .. }
        | Command::WithdrawConsent { .. }
        | Command::MarkConsentRequested { .. }
        | Command::RequestErasure { .. } => true,
        Command::OwnerChoice { choices, .. } => {
            choices.iter().all(|choice| choice.wish == Wish::Unsubscribe)
        }
        Command::Import { fact, .. } => fact.is_no(),
        Command::LiftBlocks { .. }
        | Command::RecordConsent { .. }
        | Command::ResubscribeByStaff { .. }
        | Command::BeginOptIn { .. }
        | Command::ApproveErasure { .. }
        | Command::RejectErasure { .. }
        | Command::RequestAccess { .. }
        | Command::AnswerAccess { .. } => false,
    }
}

impl By {
    fn proof(self, pair: &Pair, choices: &[Choice]) -> Proof {
        match self {
            Self::Unsubscribe => Proof::UnsubscribeToken,
            Self::Preferences { age, may_grant, asked } => Proof::PreferencesToken {
                minted: Revision::new(pair.head().number().saturating_sub(age)),
                may_grant,
                asked: choices.first().filter(|_| asked).map(|choice| choice.scope),
            },
            Self::Session => Proof::PortalSession,
            Self::Guest => Proof::PortalGuest,
        }
    }
}
