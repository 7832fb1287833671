//! A naive model of the rules, written from the design alone.
//!
//! It keeps, for each address, the plain list of what was said, and finds each fact by reading that
//! list again from its start. It shares the words with the real rules and not one line of their
//! reasoning, so that the two agree only where both are right.

mod owner;
mod proof;
mod table;
mod take;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use maysend::catalog::Policy;
use maysend::model::actor::ActorClass;
use maysend::model::campaign::Channel;
use maysend::model::day::{Day, Timestamp, Today};
use maysend::model::event::EventKind;
use maysend::model::evidence::{Evidence, LegalBasis};
use maysend::model::fact::{Basis, Block, Cause, Declaration, Erasure, Origin};
use maysend::model::scope::{BrandId, ControllerId, Scope};
use maysend::profile::Profile;

use crate::world;

pub(crate) use table::verdict;
pub(crate) use take::{Answer, Asking};

/// One thing that was said of an address.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    Registered(ControllerId),
    No { scope: Scope, origin: Origin },
    Yes(Yes),
    Blocked(Block),
    Lifted { brand: BrandId, channel: Channel },
    Asked { brand: BrandId, day: Day },
    ErasureRequested,
    ErasureRejected,
    OptInBegun,
    AccessRequested,
    AccessAnswered,
}

/// A yes, with what its meaning hung on when it was said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Yes {
    pub(crate) scope: Scope,
    pub(crate) basis: Basis,
    /// The day it is of.
    pub(crate) day: Day,
    /// The day it was recorded, and how long a yes of this brand lived then.
    pub(crate) recorded: Day,
    pub(crate) lifetime: Option<u16>,
    pub(crate) voice: Voice,
    /// All scopes of the same set of choices.
    pub(crate) spares: Vec<Scope>,
}

/// Who says yes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Voice {
    /// Staff or a file record a consent.
    Clerk,
    /// Staff bring an address back.
    ClerkForOwner,
    /// The owner, by a portal.
    Owner,
    /// The owner, through the mailbox.
    OwnerByMailbox,
}

/// What was recorded in one go, with its proof.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) revision: u64,
    pub(crate) at: Timestamp,
    pub(crate) kind: EventKind,
    pub(crate) class: ActorClass,
    pub(crate) reason: Arc<str>,
    pub(crate) legal_basis: Option<LegalBasis>,
    pub(crate) evidence: Option<Arc<Evidence>>,
    /// An owner's yes that came through the mailbox or from a session.
    pub(crate) owner_proved: bool,
    /// The revision at which the confirm token was made that redeemed it.
    pub(crate) minted: Option<u64>,
    /// Begins again after an erasure.
    pub(crate) afresh: bool,
    pub(crate) said: Vec<Said>,
}

/// All that was said of one address, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book {
    pub(crate) records: Vec<Record>,
    pub(crate) erased: bool,
    /// Where the last approval of an erasure stands; zero where there was none.
    pub(crate) erased_at: u64,
    /// And when it was.
    pub(crate) erased_on: Option<Timestamp>,
}

/// Whether `inner` lies strictly inside `outer`.
fn inside(inner: Scope, outer: Scope) -> bool {
    match (outer, inner) {
        (Scope::Everything, Scope::Everything) => false,
        (Scope::Everything, _) => true,
        (Scope::Controller(c), Scope::Brand(b)) => b.controller() == c,
        (Scope::Controller(c), Scope::Topic(t)) => t.brand().controller() == c,
        (Scope::Brand(b), Scope::Topic(t)) => t.brand() == b,
        _ => false,
    }
}

/// Whether the two are at, above or inside each other.
fn related(a: Scope, b: Scope) -> bool {
    a == b || inside(a, b) || inside(b, a)
}

fn index(day: Day) -> i64 {
    i64::from(day.index())
}

fn lifetime(policy: &Policy) -> Option<u16> {
    policy.consent_lifetime_days.map(|days| days.get())
}

/// Live while today < D + N. In doubt a yes that can lapse counts as lapsed.
fn live(day: Day, lifetime: Option<u16>, today: Today) -> bool {
    match (lifetime, today) {
        (None, _) => true,
        (Some(_), Today::InDoubt(_)) => false,
        (Some(days), Today::Known(today)) => index(today) < index(day) + i64::from(days),
    }
}

impl Yes {
    /// Whether a yes of this kind ends blocks like this one.
    fn opens(&self, block: Block) -> bool {
        let at_brand = self.scope == Scope::Brand(block.brand);
        match (block.channel, block.cause) {
            (Channel::Email, Cause::HardBounce) => {
                self.voice == Voice::OwnerByMailbox
                    && (at_brand || inside(self.scope, Scope::Brand(block.brand)))
            }
            (Channel::Post, Cause::OwnerRequest | Cause::Complaint) => {
                self.voice != Voice::Clerk && at_brand
            }
            _ => false,
        }
    }
}

impl Record {
    /// Whether what it holds was said before the other was recorded, and came in after it.
    fn was_said_before(&self, other: &Self) -> bool {
        let occurred_at = self.evidence.as_ref().and_then(|evidence| evidence.occurred_at);
        occurred_at.is_some_and(|said| said < other.at)
            || self.minted.is_some_and(|minted| minted < other.revision)
    }
}

impl Book {
    pub(crate) fn said(&self) -> impl Iterator<Item = &Said> {
        self.records.iter().flat_map(|record| &record.said)
    }

    /// What stands at exactly this scope.
    pub(crate) fn standing(&self, scope: Scope) -> Option<Declaration<Day>> {
        let mut stands = None;
        for said in self.said() {
            match said {
                Said::No { scope: at, origin } => {
                    if *at == scope {
                        let stronger = match stands {
                            Some(Declaration::No { origin: before }) => before.max(*origin),
                            _ => *origin,
                        };
                        stands = Some(Declaration::No { origin: stronger });
                    } else if inside(scope, *at) {
                        // A no removes every yes inside it, and no no.
                        if let Some(Declaration::Yes { .. }) = stands {
                            stands = None;
                        }
                    }
                }
                Said::Yes(yes) => {
                    if yes.scope == scope {
                        let mut kept = (yes.basis, yes.day);
                        if let Some(Declaration::Yes { basis, day }) = stands {
                            let alive = |day| live(day, yes.lifetime, Today::Known(yes.recorded));
                            // Of two that have lapsed the later stays.
                            let stays = if alive(day) {
                                (basis, day) > kept
                            } else {
                                !alive(yes.day) && day >= yes.day
                            };
                            if stays {
                                kept = (basis, day);
                            }
                        }
                        stands = Some(Declaration::Yes { basis: kept.0, day: kept.1 });
                    } else if inside(scope, yes.scope)
                        && yes.voice != Voice::Clerk
                        && !yes.spares.contains(&scope)
                    {
                        stands = None;
                    }
                }
                _ => {}
            }
        }
        stands
    }

    pub(crate) fn registered(&self, controller: ControllerId) -> bool {
        self.said().any(|said| *said == Said::Registered(controller))
    }

    pub(crate) fn asked(&self, brand: BrandId) -> Option<Day> {
        let mut last = None;
        for said in self.said() {
            if let Said::Asked { brand: of, day } = said
                && *of == brand
            {
                last = Some(*day);
            }
        }
        last
    }

    pub(crate) fn blocked(&self, block: Block) -> bool {
        // The record that blocked it last, while it stands.
        let mut stands: Option<&Record> = None;
        for record in &self.records {
            for said in &record.said {
                match said {
                    Said::Blocked(other) if *other == block => stands = Some(record),
                    Said::Lifted { brand, channel }
                        if block.brand == *brand && block.channel == *channel =>
                    {
                        stands = None;
                    }
                    Said::Yes(yes)
                        if yes.opens(block)
                            && stands.is_some_and(|stop| !record.was_said_before(stop)) =>
                    {
                        stands = None;
                    }
                    _ => {}
                }
            }
        }
        stands.is_some()
    }

    pub(crate) fn erasure(&self) -> Erasure {
        if self.erased {
            return Erasure::Erased;
        }
        let mut pending = false;
        for said in self.said() {
            match said {
                Said::ErasureRequested => pending = true,
                Said::ErasureRejected => pending = false,
                _ => {}
            }
        }
        if pending { Erasure::Pending } else { Erasure::None }
    }

    /// Where the request is recorded that nobody has answered.
    pub(crate) fn unanswered(&self) -> Option<u64> {
        let mut asked = None;
        for record in &self.records {
            for said in &record.said {
                match said {
                    Said::AccessRequested => asked = Some(record.revision),
                    Said::AccessAnswered => asked = None,
                    _ => {}
                }
            }
        }
        asked
    }

    /// The revision of the last that is known of the address.
    pub(crate) fn last_revision(&self) -> u64 {
        self.records.last().map_or(self.erased_at, |record| record.revision)
    }

    /// When anything was last recorded of the address.
    pub(crate) fn spoke(&self) -> Option<Timestamp> {
        self.records.last().map(|record| record.at).or(self.erased_on)
    }

    /// The revision of the owner's last yes that came through the mailbox or from a session.
    pub(crate) fn owner_yes(&self) -> u64 {
        let proved = self.records.iter().filter(|record| record.owner_proved);
        proved.map(|record| record.revision).max().unwrap_or(0)
    }

    /// The facts of this world, each asked for by itself.
    pub(crate) fn facts(&self) -> Profile {
        let mut declarations = BTreeMap::new();
        for scope in world::scopes() {
            if let Some(declaration) = self.standing(scope) {
                declarations.insert(scope, declaration);
            }
        }
        let mut blocks = BTreeSet::new();
        let mut asked = BTreeMap::new();
        for brand in (0..world::BRANDS).map(world::brand) {
            for channel in [Channel::Email, Channel::Post] {
                for cause in CAUSES {
                    let block = Block { brand, channel, cause };
                    if self.blocked(block) {
                        blocks.insert(block);
                    }
                }
            }
            if let Some(day) = self.asked(brand) {
                asked.insert(brand, day);
            }
        }
        let controllers = (0..world::CONTROLLERS).map(world::controller);
        let registered = controllers.filter(|id| self.registered(*id)).collect();
        Profile { registered, declarations, blocks, asked, erasure: self.erasure() }
    }
}

const CAUSES: [Cause; 4] =
    [Cause::OwnerRequest, Cause::StaffDecision, Cause::HardBounce, Cause::Complaint];
