//! `maysend verify`: whether what a data directory holds is what was written.
//!
//! It changes nothing. A server may run meanwhile: what it is just writing then looks like the torn
//! end of the ledger, which is no damage.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};

use super::output::{counted, grouped, print};
use super::{Exit, Format, Global, output};
use crate::backup::{self, HalfDone};
use crate::checkpoint::{Checkpoints, Verified};
use crate::engine::audit::{Audit, Newest};
use crate::keys::Keys;
use crate::ledger::{Reader, RealDisk, RecordKind, VerifyReport, verify};
use crate::model::revision::Revision;

/// How long one checkpoint may take.
const LIMIT: Duration = Duration::from_secs(3600);

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The data directory of a server.
    #[arg(long, value_name = "DIR", required_unless_present = "backup")]
    data_dir: Option<PathBuf>,
    /// Verify a backup instead: each file against its digest, and its ledger. Needs no keys.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["data_dir", "key_file", "at"])]
    backup: Option<PathBuf>,
    /// The key file, where it does not lie in the data directory.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Also show the ledger's chain at this revision: what a certificate of erasure names.
    #[arg(long, value_name = "REVISION")]
    at: Option<u64>,
}

/// What was found.
struct Findings {
    ledger: VerifyReport,
    checkpoints: Vec<Verified>,
    /// The index made from the ledger alone, against the newest checkpoint and what follows it;
    /// none where the ledger is damaged.
    index: Option<Audit>,
    /// The chain at the revision that was asked for.
    at: Option<(Revision, String)>,
}

impl VerifyArgs {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let Self { data_dir, backup, key_file, at } = self;
        if let Some(backup) = backup {
            return verify_backup(&backup, global.format);
        }
        let data_dir = data_dir.context("no data directory")?;
        HalfDone::check(&data_dir)?;
        if !data_dir.join("ledger").is_dir() {
            bail!("there is no ledger in `{}`", data_dir.display());
        }
        let key_file = key_file.unwrap_or_else(|| data_dir.join("keys.toml"));
        let keys = Keys::load(&key_file)?;
        let newest = Newest::read(&data_dir, &keys);
        let ledger = verify(Arc::new(RealDisk), &data_dir, Some(keys.check_value()));
        let ledger = ledger.context("the ledger cannot be verified")?;
        let at = match at.map(Revision::new) {
            Some(at) => {
                let disk = Arc::new(RealDisk);
                let reader = Reader::unopened(disk, &data_dir, &keys.check_value(), ledger.head)?;
                let chain = reader.chain(at)?.context("the ledger has no such revision")?;
                Some((at, output::hex(&chain)))
            }
            None => None,
        };
        let index = match ledger.is_sound() {
            true => Some(newest.against(&data_dir, &keys, ledger.head)?),
            false => None,
        };
        let checkpoints = Checkpoints::new(data_dir, keys.fingerprint_key()).verify(LIMIT);
        let findings = Findings { ledger, checkpoints, index, at };
        print(&match global.format {
            Format::Human => findings.human(),
            Format::Json => format!("{}\n", findings.document()),
        })?;
        Ok(if findings.are_sound() { Exit::Done } else { Exit::Failed })
    }
}

impl Findings {
    fn are_sound(&self) -> bool {
        let checkpoints = self.checkpoints.iter();
        self.ledger.is_sound()
            && self.lost().is_none()
            && self.index.is_none_or(|index| index.agrees())
            && checkpoints.map(|checkpoint| &checkpoint.outcome).all(Result::is_ok)
    }

    /// A whole checkpoint that the ledger contradicts: it lies past the ledger's end, or was taken
    /// there of something else. Then the ledger has lost its tail.
    fn lost(&self) -> Option<&Verified> {
        self.checkpoints.iter().find(|checkpoint| {
            checkpoint.outcome.as_ref().is_ok_and(|(anchor, _)| {
                anchor.revision > self.ledger.head
                    || (anchor.revision == self.ledger.head
                        && self.ledger.is_sound()
                        && anchor.chain != self.ledger.chain)
            })
        })
    }

    fn human(&self) -> String {
        let ledger = &self.ledger;
        let mut lines = vec![format!(
            "ledger: {}, {}, up to #{}",
            counted(ledger.segments, "segment", "segments"),
            counted(ledger.octets, "octet", "octets"),
            ledger.head
        )];
        for (kind, records) in &ledger.records {
            lines.push(format!("  {}  {}", grouped(*records), plural(*kind)));
        }
        if ledger.erased > 0 {
            lines.push(format!("  {}  of them erased", grouped(ledger.erased)));
        }
        if ledger.certificates > 0 {
            let erasures = counted(ledger.certificates, "erasure", "erasures");
            lines.push(format!("  {erasures} certified: nothing is left of what they list"));
        }
        if let Some((revision, chain)) = &self.at {
            lines.push(format!("  chain at #{revision}: {chain}"));
        }
        if let Some(tail) = ledger.torn_tail {
            lines.push(format!(
                "  a write that nobody was told of ends it: {} from octet {} of segment {} on; \
                 starting a server cuts it off",
                counted(tail.octets, "octet", "octets"),
                tail.offset,
                tail.segment
            ));
        }
        if let Some(tombstone) = ledger.unfinished_redaction {
            lines.push(format!("  the erasure of #{tombstone} is finished when a server starts"));
        }
        lines.extend(ledger.damage.iter().map(|damage| format!("  DAMAGE: {damage}")));
        let listed = u64::try_from(ledger.damage.len()).unwrap_or(u64::MAX);
        if ledger.damages > listed {
            lines.push(format!("  and {} more", grouped(ledger.damages - listed)));
        }
        for Verified { revision, outcome } in &self.checkpoints {
            lines.push(match outcome {
                Ok((_, contents)) => format!(
                    "checkpoint #{revision}: sound, {}, {}",
                    counted(contents.images, "image", "images"),
                    counted(contents.octets, "octet", "octets")
                ),
                Err(reason) => format!("checkpoint #{revision}: OF NO USE: {reason}"),
            });
        }
        if self.checkpoints.is_empty() {
            lines.push("no checkpoint".to_owned());
        }
        lines.extend(self.index.map(|index| index_told(&index)));
        if let Some(Verified { revision, .. }) = self.lost() {
            lines.push(format!(
                "LOST: checkpoint #{revision} proves that the ledger held more; bring the ledger \
                 back from a backup"
            ));
        }
        lines.push(self.verdict().to_owned());
        lines.join("\n") + "\n"
    }

    fn verdict(&self) -> &'static str {
        match (self.ledger.is_sound() && self.lost().is_none(), self.are_sound()) {
            (true, true) => "sound",
            (true, false) if self.index.is_some_and(|index| !index.agrees()) => {
                "the ledger is sound, the checkpoint is not made of it: move it away, and a server \
                 starts without it"
            }
            (true, false) => "the ledger is sound; a server starts without the checkpoint",
            (false, _) => "DAMAGED",
        }
    }

    fn document(&self) -> Value {
        let ledger = &self.ledger;
        let records: serde_json::Map<_, _> =
            ledger.records.iter().map(|(kind, n)| (plural(*kind).to_owned(), json!(n))).collect();
        let damage = ledger.damage.iter().map(|damage| {
            json!({
                "segment": damage.segment.number(),
                "offset": damage.offset,
                "revision": damage.revision.number(),
                "what": damage.what.to_string(),
            })
        });
        let checkpoints = self.checkpoints.iter().map(|Verified { revision, outcome }| {
            let (contents, reason) = match outcome {
                Ok((_, contents)) => (Some(contents), None),
                Err(reason) => (None, Some(reason.to_string())),
            };
            json!({
                "revision": revision.number(),
                "sound": outcome.is_ok(),
                "images": contents.map(|contents| contents.images),
                "octets": contents.map(|contents| contents.octets),
                "reason": reason,
            })
        });
        let at = self.at.as_ref();
        let at = at.map(|(at, chain)| json!({ "revision": at.number(), "chain": chain }));
        json!({
            "sound": self.are_sound(),
            "ledger": {
                "sound": ledger.is_sound() && self.lost().is_none(),
                "segments": ledger.segments,
                "octets": ledger.octets,
                "head": ledger.head.number(),
                "at": at,
                "records": records,
                "erased": ledger.erased,
                "certificates": ledger.certificates,
                "damages": ledger.damages,
                "damage": damage.collect::<Vec<_>>(),
                "torn_tail_octets": ledger.torn_tail.map_or(0, |tail| tail.octets),
            },
            "checkpoints": checkpoints.collect::<Vec<_>>(),
            "index": self.index.map(|index| json!({
                "addresses": index.ledger.addresses,
                "cases": index.ledger.cases,
                "checkpoint": index.checkpoint.map(|(revision, _)| revision.number()),
                "agrees": index.agrees(),
            })),
        })
    }
}

/// What the index amounts to, either way.
fn index_told(index: &Audit) -> String {
    let addresses = counted(index.ledger.addresses, "address", "addresses");
    match &index.checkpoint {
        None => format!("index: {addresses} from the ledger"),
        Some((revision, _)) if index.agrees() => {
            format!("index: {addresses}, the same from the ledger as from checkpoint #{revision}")
        }
        Some((revision, sum)) => format!(
            "index: NOT THE SAME from checkpoint #{revision}, {} and {}, as from the ledger, \
             {addresses} and {}",
            counted(sum.addresses, "address", "addresses"),
            counted(sum.cases, "case", "cases"),
            counted(index.ledger.cases, "case", "cases"),
        ),
    }
}

/// Verifies a backup: what it consists of, and then the ledger in it.
fn verify_backup(dir: &Path, format: Format) -> anyhow::Result<Exit> {
    let manifest = backup::check(dir)?;
    let head = manifest.head();
    print(&match format {
        Format::Human => format!(
            "backup of {}, up to #{head}: {}, each as it was written\nsound\n",
            manifest.made_at,
            counted(manifest.files().count().try_into()?, "file", "files"),
        ),
        Format::Json => format!(
            "{}\n",
            json!({ "sound": true, "made_at": manifest.made_at, "head": head.number() })
        ),
    })?;
    Ok(Exit::Done)
}

/// A kind of record, in the plural.
pub(super) const fn plural(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Event => "events",
        RecordKind::Tombstone => "tombstones",
        RecordKind::Erased => "erasure marks",
        RecordKind::Catalog => "catalog versions",
        RecordKind::Campaign => "campaigns",
        RecordKind::Notice => "notices",
        RecordKind::Request => "requests",
        RecordKind::Clock => "clock floors",
    }
}

#[cfg(test)]
mod tests {
    use crate::checkpoint::{Anchor, Contents, Reason};
    use crate::ledger::{Damage, Damaged};

    use super::*;

    fn findings(head: u64, damage: Vec<Damage>, checkpoint: Result<u64, Reason>) -> Findings {
        let head = Revision::new(head);
        let damages = u64::try_from(damage.len()).unwrap();
        let ledger = VerifyReport { head, damage, damages, ..VerifyReport::default() };
        let outcome = checkpoint.map(|revision| {
            let contents = Contents { images: 1, octets: 10 };
            (Anchor { revision: Revision::new(revision), chain: [0; 32] }, contents)
        });
        let revision = outcome.as_ref().map_or(Revision::ZERO, |(anchor, _)| anchor.revision);
        Findings {
            ledger,
            checkpoints: vec![Verified { revision, outcome }],
            index: None,
            at: None,
        }
    }

    #[test]
    fn what_is_sound_is_said_to_be() {
        let findings = findings(7, Vec::new(), Ok(7));
        assert!(findings.are_sound());
        assert!(findings.human().ends_with("\nsound\n"), "{}", findings.human());
        assert_eq!(findings.document()["sound"], true);
    }

    #[test]
    fn damage_a_lost_tail_and_a_bad_checkpoint_are_told_apart() {
        let damage = Damage {
            segment: Revision::new(1),
            offset: 96,
            revision: Revision::new(2),
            what: Damaged::Frame,
        };
        let damaged = findings(7, vec![damage], Ok(5));
        assert!(!damaged.are_sound());
        assert!(damaged.human().contains("DAMAGE: segment 1, octet 96, revision 2: a frame"));
        assert!(damaged.human().ends_with("\nDAMAGED\n"));

        let lost = findings(7, Vec::new(), Ok(8));
        assert!(!lost.are_sound());
        assert!(lost.human().contains("LOST: checkpoint #8"));
        assert_eq!(lost.document()["ledger"]["sound"], false);

        let useless = findings(7, Vec::new(), Err(Reason::Manifest));
        assert!(!useless.are_sound());
        assert!(
            useless
                .human()
                .ends_with("\nthe ledger is sound; a server starts without the checkpoint\n")
        );
    }
}
