//! The owner's choices: the only way back from a no.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{against_erasure, is_before, narrowest_no, start_afresh, yes_statement};
use crate::model::campaign::Channel;
use crate::model::command::{Choice, Proof, Wish};
use crate::model::day::{Day, Timestamp};
use crate::model::event::{Effect, Event, EventKind, OwnerProof, Statement};
use crate::model::evidence::{Evidence, LegalBasis};
use crate::model::fact::{Basis, Block, Cause, Declaration, Erasure, Origin};
use crate::model::revision::Revision;
use crate::model::scope::Scope;
use crate::model::verdict::WriteOutcome;
use crate::profile::Profile;
use crate::transition::draft::{Draft, Yes};
use crate::transition::record::{Fact, fact_is_on_record, is_on_record, last_block};
use crate::transition::{Context, Outcome, Unread};

/// The noes of a set apply first and each on its own; its yeses apply all or none.
///
/// INVARIANT(said again): each no of the owner is recorded, also where it changes nothing, and so is
/// each that others say again for the owner. It draws the line that a queued yes, or a confirm
/// token, of before must not pass.
pub(in crate::transition) fn owner_choice(
    context: &Context<'_>,
    choices: &[Choice],
    proof: &Proof,
    evidence: Option<&Arc<Evidence>>,
) -> Result<Outcome, Unread> {
    let with = |wish| choices.iter().filter(move |c| c.wish == wish).map(|c| c.scope);
    let noes: Vec<Scope> = with(Wish::Unsubscribe).collect();
    let yeses: Vec<Scope> = with(Wish::Subscribe).collect();
    let mut draft = Draft::of(context.subject.profile);
    let mut statements = Vec::new();

    let (no_outcomes, statement) = say_noes(context, &mut draft, &noes, proof, evidence)?;
    statements.extend(statement);
    let mut yes_outcome = WriteOutcome::Unchanged;
    if !yeses.is_empty() {
        let (outcome, statement) = say_yeses(context, &mut draft, &yeses, &noes, proof, evidence)?;
        yes_outcome = outcome;
        statements.extend(statement);
    }

    let mut no_outcomes = no_outcomes.into_iter();
    let outcome_of = |choice: &Choice| match choice.wish {
        Wish::Subscribe => yes_outcome,
        Wish::Unsubscribe => no_outcomes.next().unwrap_or(WriteOutcome::Unchanged),
    };
    let choices: Vec<WriteOutcome> = choices.iter().map(outcome_of).collect();
    Ok(Outcome { outcome: overall(&choices), choices, statements })
}

/// The outcome of a set: applied where anything was, else the first rejection.
fn overall(choices: &[WriteOutcome]) -> WriteOutcome {
    if choices.contains(&WriteOutcome::Applied) {
        return WriteOutcome::Applied;
    }
    let rejected = choices.iter().find(|outcome| **outcome != WriteOutcome::Unchanged);
    rejected.copied().unwrap_or(WriteOutcome::Unchanged)
}

fn say_noes(
    context: &Context<'_>,
    draft: &mut Draft,
    noes: &[Scope],
    proof: &Proof,
    evidence: Option<&Arc<Evidence>>,
) -> Result<(Vec<WriteOutcome>, Option<Statement>), Unread> {
    if context.subject.profile.erasure == Erasure::Erased || noes.is_empty() {
        return Ok((vec![WriteOutcome::Unchanged; noes.len()], None));
    }
    let origin_at = |scope: Scope| match proof {
        Proof::PreferencesToken { asked: Some(asked), .. } if *asked == scope => Origin::Refusal,
        Proof::PreferencesToken { .. }
        | Proof::UnsubscribeToken
        | Proof::ConfirmToken { .. }
        | Proof::PortalSession
        | Proof::PortalGuest => Origin::OptOut,
    };
    let declined = noes.iter().all(|scope| origin_at(*scope) == Origin::Refusal);
    let kind = if declined { EventKind::ConsentRefused } else { EventKind::OptedOut };
    let mut statement =
        Statement { scopes: noes.to_vec(), evidence: evidence.cloned(), ..Statement::new(kind) };
    let mut outcomes = Vec::with_capacity(noes.len());
    for &scope in noes {
        draft.say_no(scope, origin_at(scope));
        let effects = draft.take_effects();
        let is_new = !effects.is_empty()
            || !fact_is_on_record(
                context.past()?,
                Fact::At(scope),
                context.actor.class,
                &statement,
            );
        statement.effects.extend(effects);
        outcomes.push(if is_new { WriteOutcome::Applied } else { WriteOutcome::Unchanged });
    }
    Ok((outcomes, Some(statement)))
}

fn say_yeses(
    context: &Context<'_>,
    draft: &mut Draft,
    yeses: &[Scope],
    noes: &[Scope],
    proof: &Proof,
    evidence: Option<&Arc<Evidence>>,
) -> Result<(WriteOutcome, Option<Statement>), Unread> {
    let past = context.past()?;
    if let Proof::ConfirmToken { minted, may_grant: _ } = proof
        && was_redeemed(past, yeses, *minted)
        && !has_later_no(past, yeses, *minted)
        && !was_erased_since(past, *minted)
    {
        return Ok((WriteOutcome::Unchanged, None));
    }
    let occurred_at = evidence.and_then(|evidence| evidence.occurred_at);
    if let Some(outcome) = against_yes(context, draft, past, yeses, proof, occurred_at) {
        return Ok((outcome, None));
    }
    let proved = proved_by(proof);
    // However late it arrives, it weighs nothing against a base that was spoken of since.
    let is_queued = is_before_base(context, occurred_at)?;
    let owner_proof = proved.filter(|_| !is_queued);
    let day = context.day_of(occurred_at);
    let mut kind = EventKind::ConsentGranted;
    if draft.profile().erasure == Erasure::Erased {
        start_afresh(draft, yeses, &[], day);
    } else {
        let kept: BTreeSet<Scope> = noes.iter().copied().collect();
        let minted = match proof {
            Proof::ConfirmToken { minted, may_grant: _ } => Some(*minted),
            Proof::PreferencesToken { .. }
            | Proof::UnsubscribeToken
            | Proof::PortalSession
            | Proof::PortalGuest => None,
        };
        let lifts = |block: &Block| !is_later_block(past, *block, occurred_at, minted);
        kind = say_yes(context, draft, yeses, Basis::Consent, day, &kept, lifts);
        if proved == Some(OwnerProof::Mailbox) {
            for brand in yeses.iter().filter_map(|scope| scope.brand()) {
                let bounced = Block { brand, channel: Channel::Email, cause: Cause::HardBounce };
                draft.unblock(|block| *block == bounced && lifts(block));
            }
        }
    }
    let mut statement = Statement {
        kind,
        legal_basis: Some(LegalBasis::Consent),
        evidence: evidence.cloned(),
        owner_proof,
        ..yes_statement(draft, yeses)
    };
    statement.effects = draft.take_effects();
    // A base that is asked still is asked no more once this is recorded.
    let outweighs = owner_proof.is_some() && context.subject.base.is_some();
    if statement.effects.is_empty()
        && !outweighs
        && is_on_record(past, context.actor.class, &statement)
    {
        return Ok((WriteOutcome::Unchanged, None));
    }
    Ok((WriteOutcome::Applied, Some(statement)))
}

/// Whether a block was recorded after the yes was said. It is not what the yes answers, so it stays.
fn is_later_block(
    past: &[Event],
    block: Block,
    occurred_at: Option<Timestamp>,
    minted: Option<Revision>,
) -> bool {
    let last = last_block(past, block);
    let overtaken = |said| last.is_none_or(|event| is_before(said, event.recorded_at));
    let outrun = |minted| last.is_none_or(|event| event.revision > minted);
    occurred_at.is_some_and(overtaken) || minted.is_some_and(outrun)
}

/// What an owner's yes is proved by; nothing where anybody may have typed the address.
const fn proved_by(proof: &Proof) -> Option<OwnerProof> {
    match proof {
        Proof::PreferencesToken { .. } | Proof::ConfirmToken { .. } | Proof::UnsubscribeToken => {
            Some(OwnerProof::Mailbox)
        }
        Proof::PortalSession => Some(OwnerProof::Session),
        Proof::PortalGuest => None,
    }
}

/// Whether a yes that says when it was said was not said after all that is recorded of the base of
/// a tagged address.
fn is_before_base(context: &Context<'_>, occurred_at: Option<Timestamp>) -> Result<bool, Unread> {
    let spoke = context.base_spoke()?;
    Ok(occurred_at.zip(spoke).is_some_and(|(said, spoke)| !is_before(spoke, said)))
}

/// Sets the owner's yes at each scope, and says what kind of event that makes: one that took a no
/// back is a resubscription. A yes at a brand also lets letters through again where the owner had
/// stopped them, and it `lifts` that stop.
pub(super) fn say_yes(
    context: &Context<'_>,
    draft: &mut Draft,
    scopes: &[Scope],
    basis: Basis,
    day: Day,
    kept: &BTreeSet<Scope>,
    lifts: impl Fn(&Block) -> bool,
) -> EventKind {
    let is_taken_back = |(at, declaration): (&Scope, &Declaration<Day>)| {
        matches!(declaration, Declaration::No { .. })
            && !kept.contains(at)
            && scopes.iter().any(|scope| scope.covers(*at))
    };
    let takes_back = draft.profile().declarations.iter().any(is_taken_back);
    // A set has no order: its broad yes leaves what the set says of what is narrow.
    let spared = kept.iter().chain(scopes).copied().collect();
    for &scope in scopes {
        let Some(brand) = scope.brand() else { continue };
        let policy = context.catalog.policy(brand);
        draft.say_yes_as_owner(Yes { scope, basis, day }, &spared, policy, context.now.today);
        if scope == Scope::Brand(brand) {
            draft.unblock(|block| {
                block.brand == brand
                    && block.channel == Channel::Post
                    && matches!(block.cause, Cause::OwnerRequest | Cause::Complaint)
                    && lifts(block)
            });
        }
    }
    if takes_back { EventKind::Resubscribed } else { EventKind::ConsentGranted }
}

/// What stands against the owner's yes.
fn against_yes(
    context: &Context<'_>,
    draft: &Draft,
    past: &[Event],
    yeses: &[Scope],
    proof: &Proof,
    occurred_at: Option<Timestamp>,
) -> Option<WriteOutcome> {
    let profile = context.subject.profile;
    let by_erasure = match (proof, profile.erasure) {
        // Double opt-in is how the owner starts afresh.
        (Proof::ConfirmToken { minted, may_grant: _ }, Erasure::Erased) => {
            was_erased_since(past, *minted).then_some(WriteOutcome::Erased)
        }
        _ => against_erasure(profile),
    };
    by_erasure
        .or_else(|| against_proof(context, draft, past, yeses, proof))
        .or_else(|| against_earlier(profile, past, yeses, occurred_at))
}

/// Section 5: what each proof is good for.
fn against_proof(
    context: &Context<'_>,
    draft: &Draft,
    past: &[Event],
    yeses: &[Scope],
    proof: &Proof,
) -> Option<WriteOutcome> {
    let touches = |at: Scope| yeses.iter().any(|scope| scope.touches(at));
    let bounced = yeses.iter().filter_map(|scope| scope.brand()).any(|brand| {
        let block = Block { brand, channel: Channel::Email, cause: Cause::HardBounce };
        draft.profile().blocks.contains(&block)
    });
    match proof {
        Proof::UnsubscribeToken => Some(WriteOutcome::Proof),
        Proof::PreferencesToken { minted, may_grant, asked: _ } => {
            let void = !may_grant || was_erased_since(past, *minted);
            void.then_some(WriteOutcome::Proof)
        }
        Proof::ConfirmToken { minted, may_grant } => {
            let void =
                !may_grant || was_erased_since(past, *minted) || has_later_no(past, yeses, *minted);
            void.then_some(WriteOutcome::Proof)
        }
        Proof::PortalSession => bounced.then_some(WriteOutcome::Proof),
        Proof::PortalGuest => {
            let stands = narrowest_no(draft.profile(), touches).is_some()
                || context.subject.base.is_some_and(|base| narrowest_no(base, touches).is_some());
            (bounced || stands).then_some(WriteOutcome::Proof)
        }
    }
}

/// A queued yes must not overtake a later no, INVARIANT(said again).
fn against_earlier(
    profile: &Profile,
    past: &[Event],
    yeses: &[Scope],
    occurred_at: Option<Timestamp>,
) -> Option<WriteOutcome> {
    let occurred_at = occurred_at?;
    let overtakes = |at: Scope| {
        yeses.iter().any(|scope| scope.touches(at))
            && last_no_at(past, at).is_none_or(|no| is_before(occurred_at, no.recorded_at))
    };
    narrowest_no(profile, overtakes).map(|_| WriteOutcome::OptedOut)
}

/// The latest event that said no at exactly this scope, or brought one about: who starts afresh is
/// out of everything.
fn last_no_at(past: &[Event], at: Scope) -> Option<&Event> {
    let sets_no = |effect: &Effect| matches!(effect, Effect::No { scope, .. } if *scope == at);
    past.iter().find(|event| {
        noes_of(event).any(|scope| scope == at) || event.statement.effects.iter().any(sets_no)
    })
}

/// What an event said no to.
fn noes_of(event: &Event) -> impl Iterator<Item = Scope> + '_ {
    let statement = &event.statement;
    let says_no = matches!(
        statement.kind,
        EventKind::Blocked | EventKind::OptedOut | EventKind::ConsentRefused
    );
    let scopes = statement.scopes.iter().copied().filter(move |_| says_no);
    let is_owners = matches!(statement.cause, Some(Cause::OwnerRequest | Cause::Complaint))
        && statement.channels.contains(&Channel::Email);
    let brands = statement.brands.iter().copied().filter(move |_| is_owners).map(Scope::Brand);
    scopes.chain(brands)
}

/// A confirm token is void after a later no at, above or inside what it is for, INVARIANT(said
/// again).
fn has_later_no(past: &[Event], yeses: &[Scope], minted: Revision) -> bool {
    let mut later = past.iter().take_while(|event| event.revision > minted);
    let concerns = |scope: Scope| yeses.iter().any(|yes| yes.touches(scope));
    later.any(|event| noes_of(event).any(concerns))
}

fn was_erased_since(past: &[Event], minted: Revision) -> bool {
    past.iter().any(|event| event.statement.kind == EventKind::Erased && event.revision > minted)
}

/// Whether a confirm token did its work already: after it was made, a yes that came through the
/// mailbox was recorded for all of its scopes.
fn was_redeemed(past: &[Event], yeses: &[Scope], minted: Revision) -> bool {
    past.iter().take_while(|event| event.revision > minted).any(|event| {
        let statement = &event.statement;
        statement.owner_proof == Some(OwnerProof::Mailbox)
            && yeses.iter().all(|scope| statement.scopes.contains(scope))
    })
}

/// A double opt-in begins: recorded with its evidence, so that the mail that goes out can be
/// accounted for, and limited per day, so that nobody is pestered in the owner's name.
pub(in crate::transition) fn begin_opt_in(
    context: &Context<'_>,
    scopes: &[Scope],
    evidence: &Arc<Evidence>,
) -> Result<Outcome, Unread> {
    if context.subject.profile.erasure == Erasure::Pending {
        return Ok(Outcome::without_event(WriteOutcome::ErasurePending));
    }
    let today = context.now.today.day();
    let begun_today = |event: &&Event| {
        event.statement.kind == EventKind::OptInBegun && event.recorded_at.day() == Some(today)
    };
    let begun = context.past()?.iter().filter(begun_today).count();
    let brands = scopes.iter().filter_map(|scope| scope.brand());
    let limit = brands.map(|brand| context.catalog.policy(brand).opt_in_mails_per_day).min();
    if begun >= usize::from(limit.unwrap_or(0)) {
        return Ok(Outcome::without_event(WriteOutcome::RecentlyAsked));
    }
    Ok(Outcome::applied(Statement {
        scopes: scopes.to_vec(),
        evidence: Some(evidence.clone()),
        ..Statement::new(EventKind::OptInBegun)
    }))
}
