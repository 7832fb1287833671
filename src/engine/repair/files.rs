//! What a repair does to files: damaged ones go aside, never away.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Plan, RepairError};
use crate::backup::HalfDone;
use crate::ledger::{CopyError, Cut, at, give_up, sync, write};
use crate::model::revision::Revision;

/// What the note of a repair under way says.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    give_up: u64,
    segment: u64,
    offset: u64,
    /// Whether all files were aside, so that segments behind the cut are new.
    recording: bool,
}

impl Note {
    fn text(&self) -> String {
        // Numbers alone have no error.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Where the files go that a repair gives up.
pub(super) fn aside(data_dir: &Path, give_up: Revision) -> PathBuf {
    data_dir.join(format!("given-up-{give_up}"))
}

/// Cuts the ledger and puts aside what is given up, and every checkpoint.
pub(super) fn put_aside(
    data_dir: &Path,
    plan: &Plan,
    accepted: Option<&str>,
) -> Result<(), RepairError> {
    let cut = plan.salvage.cut.ok_or(RepairError::Sound)?;
    if plan.aside.exists() {
        return Err(RepairError::AsideExists(plan.aside.clone()));
    }
    let Cut { segment, offset } = cut;
    let (segment, give_up_at) = (segment.number(), plan.give_up.number());
    let mut note = Note { give_up: give_up_at, segment, offset, recording: false };
    HalfDone::begin(data_dir, "repair", &note.text())?;
    give_up(data_dir, cut, &plan.aside)?;
    move_checkpoints(data_dir, &plan.aside)?;
    let told = serde_json::json!({
        "give_up": give_up_at,
        "end": plan.end.number(),
        "damage": plan.damage.to_string(),
        "doubtful_addresses": plan.doubtful,
        "unknown_records": plan.unknown,
        "accepted_lost_noes": accepted,
    });
    write(&plan.aside.join("repair.json"), format!("{told:#}\n").as_bytes())?;
    sync(&plan.aside)?;
    note.recording = true;
    Ok(HalfDone::begin(data_dir, "repair", &note.text())?)
}

/// Undoes what a repair did that was interrupted. It may be interrupted itself: what a repair has
/// recorded goes first, and the note says so before anything comes back that has the same names.
pub(super) fn put_back(data_dir: &Path) -> Result<(), RepairError> {
    let Some(half) = HalfDone::of(data_dir) else { return Ok(()) };
    let note = serde_json::from_str::<Note>(&half.plan).ok().filter(|_| half.what == "repair");
    let Some(mut note) = note else {
        return Err(RepairError::Again(half.into()));
    };
    let (ledger, aside) = (data_dir.join("ledger"), aside(data_dir, Revision::new(note.give_up)));
    if note.recording {
        for name in names(&ledger)? {
            let first = name.strip_suffix(".seg").and_then(|first| first.parse::<u64>().ok());
            if first.is_some_and(|first| first > note.segment) {
                fs::remove_file(ledger.join(&name)).map_err(at(&ledger))?;
            }
        }
        let path = ledger.join(format!("{:020}.seg", note.segment));
        let cut = fs::File::options().write(true).open(&path).and_then(|file| {
            file.set_len(note.offset)?;
            file.sync_all()
        });
        cut.map_err(at(&path))?;
        sync(&ledger)?;
        note.recording = false;
        HalfDone::begin(data_dir, "repair", &note.text())?;
    }
    if aside.is_dir() {
        for name in names(&aside)? {
            let (from, path) = (aside.join(&name), ledger.join(&name));
            if name.ends_with(".seg") {
                fs::rename(&from, &path).map_err(at(&from))?;
            } else if name.starts_with("checkpoint-") {
                let path = data_dir.join(&name);
                // A power cut may have left it under both names.
                let put = match path.exists() {
                    true => fs::remove_dir_all(&from),
                    false => fs::rename(&from, &path),
                };
                put.map_err(at(&from))?;
            } else {
                fs::remove_file(&from).map_err(at(&from))?;
            }
        }
        sync(&ledger)?;
        fs::remove_dir(&aside).map_err(at(&aside))?;
    }
    Ok(HalfDone::end(data_dir)?)
}

/// One that lies past the cut proves that the ledger held more, and any may hold what was given up.
fn move_checkpoints(data_dir: &Path, aside: &Path) -> Result<(), CopyError> {
    for name in names(data_dir)? {
        if name.starts_with("checkpoint-") {
            let from = data_dir.join(&name);
            fs::rename(&from, aside.join(&name)).map_err(at(&from))?;
        }
    }
    sync(aside)?;
    sync(data_dir)
}

fn names(dir: &Path) -> Result<Vec<String>, CopyError> {
    let failed = at(dir);
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(&failed)? {
        names.extend(entry.map_err(&failed)?.file_name().into_string());
    }
    Ok(names)
}
