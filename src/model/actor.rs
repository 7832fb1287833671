//! Who acts: the class of the actor, the caller behind a credential, its roles.

use std::sync::Arc;

/// On whose behalf a fact was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorClass {
    /// The owner of the mailbox.
    Owner,
    /// Staff of the controller.
    Staff,
    /// A machine: a bounce processor, a feedback loop.
    System,
    /// A file of existing facts.
    Import,
}

/// Who did it, as it is recorded with the event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Actor {
    /// On whose behalf.
    pub class: ActorClass,
    /// The person, from `maysend-actor`; empty where none was named.
    pub id: Arc<str>,
    /// The name of the credential; `local` without credentials.
    pub credential: Arc<str>,
}

/// What a credential may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Asks before it sends.
    Sender,
    /// A clerk with a customer on the phone.
    Staff,
    /// Speaks for owners that proved themselves.
    Portal,
    /// Bounce and complaint processors, followers.
    System,
    /// The second pair of eyes.
    Reviewer,
    /// Everything but the reviewer's.
    Admin,
}

impl Role {
    /// Every role, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::Sender, Self::Staff, Self::Portal, Self::System, Self::Reviewer, Self::Admin];
}

/// Who calls: an authenticated credential and the person it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name of the credential.
    pub credential: Arc<str>,
    /// What it may do.
    pub roles: Vec<Role>,
    /// The person behind it, from `maysend-actor`; empty where none was named.
    pub actor: Arc<str>,
}

impl Caller {
    /// The caller of a server without credentials, on loopback or a Unix socket: every role.
    #[must_use]
    pub fn local(actor: &str) -> Self {
        Self { credential: Self::LOCAL.into(), roles: Role::ALL.to_vec(), actor: actor.into() }
    }

    /// The credential's name where there is none.
    pub const LOCAL: &'static str = "local";

    /// The credential of the owner's pages.
    pub const WEB: &'static str = "web";

    /// Whether a name stands for callers without a credential of the file.
    #[must_use]
    pub fn is_reserved(name: &str) -> bool {
        [Self::LOCAL, Self::WEB].contains(&name)
    }

    /// The caller as the actor of an event.
    #[must_use]
    pub fn acting_as(&self, class: ActorClass) -> Actor {
        Actor { class, id: self.actor.clone(), credential: self.credential.clone() }
    }

    /// Whether `portal_session` counts from this caller: the role portal and no other, since who
    /// works as staff must not hold the owner's proof. A server without credentials trusts whoever
    /// reaches its loopback with this too.
    #[must_use]
    pub fn holds_owner_sessions(&self) -> bool {
        self.roles == [Role::Portal] || &*self.credential == Self::LOCAL
    }
}
