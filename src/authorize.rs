//! Who may do what: the table of roles, as one function.
//!
//! `Authorized<Command>` has no other constructor than `authorize`, and `transition` takes nothing
//! else: what nobody was allowed to ask for cannot be recorded.
#![deny(clippy::wildcard_enum_match_arm)]

use unicode_normalization::UnicodeNormalization as _;

use crate::model::actor::{Actor, ActorClass, Caller, Role};
use crate::model::campaign::Purpose;
use crate::model::command::{Choice, Command, Wish};
use crate::model::evidence::{Evidence, Method};
use crate::model::fact::Cause;

/// Everything a caller can ask for, as fine as roles tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Check, CheckStream.
    Check,
    /// GetCatalog, ListCampaigns.
    ReadCatalog,
    /// MintLinks, InspectLink.
    MintLinks,
    /// RegisterCampaign, for this purpose.
    RegisterCampaign(Purpose),
    /// BlockAddresses, for this cause.
    BlockAddresses(Cause),
    /// OptOut.
    OptOut,
    /// MarkConsentRequested.
    MarkConsentRequested,
    /// LiftBlocks, RecordConsent, ImportFacts, WithdrawConsent, ResubscribeByStaff.
    StaffWrite,
    /// RegisterAddresses.
    RegisterAddresses,
    /// Explain, GetStatus, GetHistory, GetSubjectSheet.
    ReadAddress,
    /// PreferenceService but MintLinks and InspectLink.
    OwnerWrite,
    /// RequestErasure.
    RequestErasure,
    /// ListErasureCases.
    ListErasureCases,
    /// ApproveErasure, RejectErasure.
    DecideErasure,
    /// RequestAccess.
    RequestAccess,
    /// ListAccessRequests, AnswerAccess.
    AnswerAccess,
    /// Watch.
    Watch,
}

impl Operation {
    /// The roles of which the caller needs one. The admin has all but the reviewer's.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Check | Self::ReadCatalog => &[Role::Sender, Role::Staff, Role::Admin],
            Self::MintLinks => &[Role::Sender, Role::Admin],
            Self::RegisterCampaign(purpose) => match purpose {
                Purpose::Marketing | Purpose::ConsentRequest => &[Role::Sender, Role::Admin],
                Purpose::Transactional | Purpose::OneToOne => &[Role::Admin],
            },
            Self::BlockAddresses(cause) => match cause {
                Cause::StaffDecision | Cause::OwnerRequest => &[Role::Staff, Role::Admin],
                Cause::HardBounce | Cause::Complaint => &[Role::System, Role::Admin],
            },
            Self::OptOut => &[Role::Staff, Role::System, Role::Portal, Role::Admin],
            Self::MarkConsentRequested => &[Role::Staff, Role::Sender, Role::Admin],
            Self::StaffWrite => &[Role::Staff, Role::Admin],
            Self::RegisterAddresses | Self::RequestErasure | Self::RequestAccess => {
                &[Role::Staff, Role::Portal, Role::Admin]
            }
            Self::ReadAddress | Self::ListErasureCases | Self::AnswerAccess => {
                &[Role::Staff, Role::Reviewer, Role::Admin]
            }
            Self::OwnerWrite => &[Role::Portal, Role::Admin],
            Self::DecideErasure => &[Role::Reviewer],
            Self::Watch => &[Role::System, Role::Admin],
        }
    }
}

/// The caller has none of the roles that this needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this needs one of the roles {needs:?}")]
pub struct Forbidden {
    /// One of these would do.
    pub needs: &'static [Role],
}

/// Something the caller was found to be allowed to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorized<T> {
    actor: Actor,
    value: T,
}

impl<T> Authorized<T> {
    /// Who does it.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What is done.
    #[must_use]
    pub const fn value(&self) -> &T {
        &self.value
    }
}

/// Whether the caller may do this.
///
/// # Errors
/// `Forbidden`, with the roles of which one would do.
pub fn permit(caller: &Caller, operation: Operation) -> Result<(), Forbidden> {
    let needs = operation.roles();
    if caller.roles.iter().any(|role| needs.contains(role)) {
        Ok(())
    } else {
        Err(Forbidden { needs })
    }
}

/// Authorizes a command.
///
/// # Errors
/// `Forbidden`, with the roles of which one would do.
pub fn authorize(caller: &Caller, command: Command) -> Result<Authorized<Command>, Forbidden> {
    permit(caller, operation(&command))?;
    let actor = caller.acting_as(class(caller, &command));
    Ok(Authorized { actor, value: command })
}

const fn operation(command: &Command) -> Operation {
    match command {
        Command::RegisterAddresses { .. } => Operation::RegisterAddresses,
        Command::BlockAddresses { cause, .. } => Operation::BlockAddresses(*cause),
        Command::OptOut { .. } => Operation::OptOut,
        Command::LiftBlocks { .. }
        | Command::RecordConsent { .. }
        | Command::Import { .. }
        | Command::WithdrawConsent { .. }
        | Command::ResubscribeByStaff { .. } => Operation::StaffWrite,
        Command::MarkConsentRequested { .. } => Operation::MarkConsentRequested,
        Command::OwnerChoice { .. } | Command::BeginOptIn { .. } => Operation::OwnerWrite,
        Command::RequestErasure { .. } => Operation::RequestErasure,
        Command::ApproveErasure { .. } | Command::RejectErasure { .. } => Operation::DecideErasure,
        Command::RequestAccess { .. } => Operation::RequestAccess,
        Command::AnswerAccess { .. } => Operation::AnswerAccess,
    }
}

/// On whose behalf the caller speaks with this command.
fn class(caller: &Caller, command: &Command) -> ActorClass {
    let is_staff = caller.roles.iter().any(|role| matches!(role, Role::Staff | Role::Admin));
    let speaks_for_owner = caller.roles.contains(&Role::Portal);
    let imported = |evidence: &Evidence| evidence.method == Method::Import;
    match command {
        Command::RegisterAddresses { owner_session: true, .. } => ActorClass::Owner,
        Command::RegisterAddresses { .. } | Command::MarkConsentRequested { .. } if is_staff => {
            ActorClass::Staff
        }
        Command::RegisterAddresses { .. } | Command::MarkConsentRequested { .. } => {
            ActorClass::System
        }
        Command::BlockAddresses { cause, .. } => match cause {
            Cause::OwnerRequest | Cause::StaffDecision => ActorClass::Staff,
            Cause::HardBounce | Cause::Complaint => ActorClass::System,
        },
        Command::OptOut { evidence, .. } => {
            if evidence.as_deref().is_some_and(imported) {
                ActorClass::Import
            } else if is_staff {
                ActorClass::Staff
            } else if speaks_for_owner {
                ActorClass::Owner
            } else {
                ActorClass::System
            }
        }
        Command::RecordConsent { evidence, .. } if imported(evidence) => ActorClass::Import,
        Command::Import { .. } => ActorClass::Import,
        Command::OwnerChoice { .. } | Command::BeginOptIn { .. } => ActorClass::Owner,
        Command::RequestErasure { owner_link, .. } | Command::RequestAccess { owner_link, .. }
            if *owner_link || !is_staff =>
        {
            ActorClass::Owner
        }
        Command::RecordConsent { .. }
        | Command::LiftBlocks { .. }
        | Command::WithdrawConsent { .. }
        | Command::ResubscribeByStaff { .. }
        | Command::RequestErasure { .. }
        | Command::ApproveErasure { .. }
        | Command::RejectErasure { .. }
        | Command::RequestAccess { .. }
        | Command::AnswerAccess { .. } => ActorClass::Staff,
    }
}

/// The one who decides an erasure is the one who asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SamePerson {
    /// The same person, by `maysend-actor`.
    #[error("the person who requested an erasure must not decide it")]
    Actor,
    /// The same credential.
    #[error("the credential that requested an erasure must not decide it")]
    Credential,
}

/// Four eyes: whether `caller` may decide what `requested_by` asked for. Where there are no
/// credentials the persons alone must differ; capitals, spaces and how letters are composed make
/// nobody another person.
///
/// # Errors
/// `SamePerson`.
pub fn four_eyes(requested_by: &Actor, caller: &Caller) -> Result<(), SamePerson> {
    if person(&requested_by.id) == person(&caller.actor) {
        return Err(SamePerson::Actor);
    }
    let same_credential = requested_by.credential == caller.credential;
    if same_credential && &*caller.credential != Caller::LOCAL {
        return Err(SamePerson::Credential);
    }
    Ok(())
}

/// A name, however it is typed.
fn person(name: &str) -> String {
    // Compatible forms too: the letters of a wide keyboard are the same letters.
    let name: String = name.nfkc().collect();
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

impl Authorized<Command> {
    /// The same without its yeses: what is taken while yeses are refused. None where nothing is
    /// left; a no is always taken.
    #[must_use]
    pub fn without_yeses(&self) -> Option<Self> {
        match &self.value {
            Command::BlockAddresses { .. }
            | Command::OptOut { .. }
            | Command::WithdrawConsent { .. }
            | Command::RequestErasure { .. }
            | Command::ApproveErasure { .. }
            | Command::RejectErasure { .. } => Some(self.clone()),
            Command::Import { fact, .. } => fact.is_no().then(|| self.clone()),
            Command::OwnerChoice { choices, proof, evidence } => {
                let noes = choices.iter().filter(|choice| choice.wish == Wish::Unsubscribe);
                let choices: Vec<Choice> = noes.copied().collect();
                let (proof, evidence) = (proof.clone(), evidence.clone());
                let value = Command::OwnerChoice { choices, proof, evidence };
                let is_left =
                    matches!(&value, Command::OwnerChoice { choices, .. } if !choices.is_empty());
                is_left.then(|| Self { actor: self.actor.clone(), value })
            }
            Command::RegisterAddresses { .. }
            | Command::LiftBlocks { .. }
            | Command::RecordConsent { .. }
            | Command::MarkConsentRequested { .. }
            | Command::ResubscribeByStaff { .. }
            | Command::BeginOptIn { .. }
            // No yes, and no no either: the space that is reserved for noes is not for these, and
            // under a clock in doubt nobody can say by when to answer.
            | Command::RequestAccess { .. }
            | Command::AnswerAccess { .. } => None,
        }
    }
}
