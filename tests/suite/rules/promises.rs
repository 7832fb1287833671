//! Promises that hold for every command, told from the profile before and after alone: neither the
//! transition nor the model is asked.

use maysend::model::campaign::Channel;
use maysend::model::command::{Command, Wish};
use maysend::model::fact::{Cause, Declaration, Erasure, Origin};
use maysend::model::scope::Scope;
use maysend::profile::Profile;

/// Which promise the command broke, if it broke one.
pub(super) fn kept(command: &Command, before: &Profile, after: &Profile) -> Result<(), String> {
    let broken = |promise: &str| Err(format!("{promise}: {command:?}\n{before:?}\n{after:?}"));
    if !speaks_for_owner(command) && !owners_noes_stand(before, after) {
        return broken("only the owner reverses the owner's no");
    }
    if before.erasure != Erasure::Erased {
        for scope in noes(command) {
            if origin_at(after, scope).is_none() {
                return broken("a no is always taken");
            }
        }
    }
    if before.erasure == Erasure::Erased
        && after.erasure != Erasure::Erased
        && origin_at(after, Scope::Everything) != Some(Origin::OptOut)
    {
        return broken("who starts afresh is out of everything");
    }
    if matches!(command, Command::RequestAccess { .. } | Command::AnswerAccess { .. })
        && before != after
    {
        return broken("who asks what is held changes nothing");
    }
    if after.erasure == Erasure::Erased
        && *after != (Profile { erasure: Erasure::Erased, ..Profile::default() })
    {
        return broken("an erased address has no other facts");
    }
    Ok(())
}

/// What may take a no away: the owner, staff by the documented door, and erasure of all there is.
fn speaks_for_owner(command: &Command) -> bool {
    match command {
        Command::OwnerChoice { .. }
        | Command::ResubscribeByStaff { .. }
        | Command::ApproveErasure { .. } => true,
        Command::RegisterAddresses { .. }
        | Command::BlockAddresses { .. }
        | Command::LiftBlocks { .. }
        | Command::OptOut { .. }
        | Command::RecordConsent { .. }
        | Command::Import { .. }
        | Command::WithdrawConsent { .. }
        | Command::MarkConsentRequested { .. }
        | Command::BeginOptIn { .. }
        | Command::RequestErasure { .. }
        | Command::RejectErasure { .. }
        | Command::RequestAccess { .. }
        | Command::AnswerAccess { .. } => false,
    }
}

fn origin_at(profile: &Profile, scope: Scope) -> Option<Origin> {
    match profile.declarations.get(&scope) {
        Some(Declaration::No { origin }) => Some(*origin),
        Some(Declaration::Yes { .. }) | None => None,
    }
}

/// Each no stands as strong as before, and each stop of letters that the owner wished.
fn owners_noes_stand(before: &Profile, after: &Profile) -> bool {
    let noes = before.declarations.keys();
    let mut noes =
        noes.filter_map(|scope| origin_at(before, *scope).map(|origin| (*scope, origin)));
    let mut letters = before.blocks.iter().filter(|block| {
        block.channel == Channel::Post
            && matches!(block.cause, Cause::OwnerRequest | Cause::Complaint)
    });
    noes.all(|(scope, origin)| origin_at(after, scope).is_some_and(|now| now >= origin))
        && letters.all(|block| after.blocks.contains(block))
}

/// Where the command says no.
fn noes(command: &Command) -> Vec<Scope> {
    match command {
        Command::OptOut { scopes, .. } | Command::WithdrawConsent { scopes, .. } => scopes.clone(),
        Command::BlockAddresses { brands, channels, cause, opt_out, .. } => {
            let mut scopes = opt_out.clone();
            if channels.contains(&Channel::Email)
                && matches!(cause, Cause::OwnerRequest | Cause::Complaint)
            {
                scopes.extend(brands.iter().copied().map(Scope::Brand));
            }
            scopes
        }
        Command::OwnerChoice { choices, .. } => {
            let noes = choices.iter().filter(|choice| choice.wish == Wish::Unsubscribe);
            noes.map(|choice| choice.scope).collect()
        }
        // A row that was taken once is not taken again; the model knows which.
        Command::Import { .. } => Vec::new(),
        Command::RegisterAddresses { .. }
        | Command::LiftBlocks { .. }
        | Command::RecordConsent { .. }
        | Command::MarkConsentRequested { .. }
        | Command::ResubscribeByStaff { .. }
        | Command::BeginOptIn { .. }
        | Command::RequestErasure { .. }
        | Command::ApproveErasure { .. }
        | Command::RejectErasure { .. }
        | Command::RequestAccess { .. }
        | Command::AnswerAccess { .. } => Vec::new(),
    }
}
