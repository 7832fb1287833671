//! Recording that an address is in doubt: what was given up may have been its no.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::super::boot::Recovered;
use crate::authorize::{Authorized, Forbidden, authorize};
use crate::catalog::Catalog;
use crate::keys::Keys;
use crate::ledger::{
    CommitError, Committed, Group, Ledger, OpenError, Options, RealDisk, Record, RecordKind,
    Urgency,
};
use crate::model::actor::Caller;
use crate::model::command::Command;
use crate::model::day::{Timestamp, Today};
use crate::model::event::{Effect, Event, EventKind, Statement};
use crate::model::fact::{Block, Erasure};
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::scope::Scope;
use crate::profile::Profile;
use crate::record::{decode_head, encode_event};
use crate::transition::{Moment, Past, Subject, Transition, transition};

/// Addresses of a group.
const TOGETHER: usize = 1_000;

/// Who it is that says no.
const ACTOR: &str = "maysend repair";

/// Why, for whoever looks at the history.
const REASON: &str = "given up in a repair: what was recorded then may have been a no";

/// What is known of an address that was concerned.
#[derive(Debug, Clone, Default)]
pub(super) struct Doubt {
    /// Whether its erasure was asked for.
    pub(super) pending: bool,
    /// Its blocks, as the checkpoint has them.
    pub(super) blocks: BTreeSet<Block>,
    /// The events that were given up, as far as they can be read.
    pub(super) payloads: Vec<Vec<u8>>,
}

/// Why a doubt was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// What stays of the ledger cannot be opened.
    #[error("what stays of the ledger cannot be opened")]
    Open(#[from] OpenError),
    /// It cannot be written.
    #[error("a no cannot be recorded")]
    Commit(#[from] CommitError),
    /// The rules forbid it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The rules say nothing.
    #[error("the rules have no answer to a no")]
    NoAnswer,
}

/// Opens what stays of a ledger, and records a no to everything for each.
pub(super) fn record(
    data_dir: &Path,
    keys: &Keys,
    address_rule: u16,
    doubts: &BTreeMap<Fingerprint, Doubt>,
    now: Timestamp,
) -> Result<(), RecordError> {
    let mut recovered = Recovered::nothing();
    let options = Options { address_rule, ..Options::default() };
    let mut visit =
        |record: Committed<Record<'_>>| recovered.replay(&record, keys).map_err(Into::into);
    let disk = Arc::new(RealDisk);
    let mut ledger = Ledger::open(disk, data_dir, keys.check_value(), options, None, &mut visit)?;
    recovered.catch_up();
    let caller = Caller::local(ACTOR);
    let command =
        Command::OptOut { scopes: vec![Scope::Everything], reason: REASON.into(), evidence: None };
    let command = authorize(&caller, command)?;
    let at = now.max(recovered.floor);
    let now = Moment { today: Today::Known(at.day().unwrap_or_default()), at };
    let doubting = Doubting { catalog: recovered.catalog(), recovered: &recovered, command, now };
    let all: Vec<_> = doubts.iter().collect();
    for some in all.chunks(TOGETHER) {
        let mut group = ledger.begin(());
        for (fingerprint, doubt) in some {
            doubting.say_no(&mut group, **fingerprint, doubt)?;
        }
        ledger.commit(group, Urgency::No)?;
    }
    Ok(())
}

struct Doubting<'a> {
    recovered: &'a Recovered,
    catalog: Catalog,
    command: Authorized<Command>,
    now: Moment,
}

impl Doubting<'_> {
    fn say_no(
        &self,
        group: &mut Group<()>,
        fingerprint: Fingerprint,
        doubt: &Doubt,
    ) -> Result<(), RecordError> {
        let known = self.recovered.index.get(fingerprint).unwrap_or_default();
        if known.profile.erasure == Erasure::Erased {
            return Ok(());
        }
        let subject = Subject { profile: &known.profile, base: None };
        let past = Past::Read { events: &[], base_spoke: None };
        let done = transition(subject, past, &self.command, &self.catalog, self.now);
        let Transition::Done(outcome) = done else { return Err(RecordError::NoAnswer) };
        let blocks = self.blocks(doubt, &known.profile);
        let mut last = known.last;
        for mut statement in outcome.statements {
            statement.effects.extend(blocks.iter().copied().map(Effect::Block));
            last = self.event(group, fingerprint, last, statement);
        }
        if doubt.pending && known.profile.erasure == Erasure::None {
            let statement = Statement {
                reason: REASON.into(),
                erasure_id: format!("{:016x}", rand::random::<u64>()).into(),
                effects: vec![Effect::Erasure(Erasure::Pending)],
                ..Statement::new(EventKind::ErasureRequested)
            };
            self.event(group, fingerprint, last, statement);
        }
        Ok(())
    }

    /// The blocks that were set and are not there any more. One of a brand whose name was given up
    /// too cannot be said, and needs not: nobody can send for such a brand.
    fn blocks(&self, doubt: &Doubt, profile: &Profile) -> BTreeSet<Block> {
        let names = &self.recovered.names;
        let heads = doubt.payloads.iter().filter_map(|payload| decode_head(payload, names).ok());
        let said = heads.flat_map(|head| head.effects).filter_map(|effect| match effect {
            Effect::Block(block) => Some(block),
            Effect::Register(_)
            | Effect::Yes { .. }
            | Effect::No { .. }
            | Effect::Undeclare(_)
            | Effect::Unblock(_)
            | Effect::Asked(..)
            | Effect::Erasure(_) => None,
        });
        let all = said.chain(doubt.blocks.iter().copied());
        all.filter(|block| names.brand_by_index(block.brand.index()) == Some(block.brand))
            .filter(|block| !profile.blocks.contains(block))
            .collect()
    }

    fn event(
        &self,
        group: &mut Group<()>,
        fingerprint: Fingerprint,
        previous: Revision,
        statement: Statement,
    ) -> Revision {
        let event = Event {
            revision: group.next_revision(),
            previous,
            recorded_at: self.now.at,
            fingerprint,
            address: None,
            tagged: false,
            actor: self.command.actor().clone(),
            request_id: "".into(),
            statement,
        };
        let mut payload = Vec::new();
        encode_event(&event, None, rand::random(), &mut payload);
        group.push(RecordKind::Event, &payload)
    }
}
