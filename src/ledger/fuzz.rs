//! Any octets as the segments of a ledger: what opens is whole and can be written on, what does not
//! is left as it was; `verify` says the same of it, and neither panics.
//!
//! Checksums would stop nearly every change at once, so the first octet may ask for them to be made
//! anew: then what is read is what only the holder of the key could have written.

use std::path::PathBuf;

use super::fault::FaultDisk;
use super::format::{FRAME, HEAD, HEADER, MARK, digest, genesis};
use super::*;

const KEY: [u8; 16] = *b"the right key :)";

/// Segments that a few groups fill.
const SMALL: Options = Options { segment_octets: 1500, reserve_octets: 700, address_rule: 1 };

/// Makes the checksums of header, heads, frames and marks anew.
const CHECKSUMS: u8 = 1;
/// Makes digests and chain anew as well.
const CHAINS: u8 = 2;

/// Records that are read again one by one.
const READ: u64 = 64;

/// Whether the octets are a ledger: the first says what is made anew, then each segment behind its
/// length in two octets.
#[track_caller]
pub(crate) fn target(octets: &[u8]) -> bool {
    let Some((how, octets)) = octets.split_first() else { return false };
    let disk = disk(*how, octets);
    let before = disk.files();
    let verified = verify(Arc::new(disk.copy()), dir(), Some(KEY));
    assert_eq!(disk.files(), before);

    let mut shown = 0;
    let ledger = Ledger::open(Arc::new(disk.clone()), dir(), KEY, SMALL, None, &mut |record| {
        shown += 1;
        assert_eq!(record.revision, Revision::new(shown), "shown out of order");
        Ok(())
    });
    let mut ledger = match ledger {
        Ok(ledger) => ledger,
        Err(OpenError::Io(_)) => return false,
        Err(_) => {
            assert_eq!(disk.files(), before, "changed, though it does not open");
            return false;
        }
    };
    let report = verified.unwrap_or_else(|error| unreachable!("it opens, but: {error}"));
    assert!(is_sound(&report, true), "it opens, but: {report:?}");
    // Boot may have written a done mark.
    assert!(ledger.head().number() - shown <= 1 && ledger.head().number() >= shown);
    readable(&ledger);

    let mut group = ledger.begin(());
    group.push(RecordKind::Notice, b"sixteen of salt. one more");
    let next = ledger.head().next();
    if !ledger.is_latched() {
        assert!(ledger.commit(group, Urgency::Yes).is_ok());
        assert_eq!(ledger.head(), next);
        readable(&ledger);
    }
    let (head, chain) = (ledger.head(), ledger.chain());
    drop(ledger);
    let again = Ledger::open(Arc::new(disk.clone()), dir(), KEY, SMALL, None, &mut |_| Ok(()));
    let again =
        again.unwrap_or_else(|error| unreachable!("what it wrote does not open: {error:?}"));
    assert_eq!((again.head(), again.chain()), (head, chain));
    let report = verify(Arc::new(disk), dir(), Some(KEY));
    assert!(report.is_ok_and(|report| is_sound(&report, false) && report.head == head));
    true
}

/// Whether `verify` finds no more than what an opening mends, as long as none did, and what it alone
/// looks at: a payload that is still there though it is certified as erased. An opening serves it,
/// for it takes nothing from anyone's no.
fn is_sound(report: &VerifyReport, is_unopened: bool) -> bool {
    report
        .damage
        .iter()
        .all(|damage| damage.what == Damaged::NotErased || (is_unopened && damage.what.is_mended()))
}

/// Every record is read by its revision, alone as with the others.
fn readable(ledger: &Ledger) {
    let reader = ledger.reader();
    let last = ledger.head().number();
    for number in last.saturating_sub(READ) + 1..=last {
        let revision = Revision::new(number);
        let (alone, together) = (reader.read(revision), reader.read_each(&[revision]));
        let (Ok(Some(alone)), Ok(together)) = (alone, together) else {
            unreachable!("{revision} cannot be read")
        };
        assert_eq!(alone.revision, revision);
        assert_eq!(vec![Some(alone)], together);
    }
}

fn dir() -> &'static std::path::Path {
    std::path::Path::new("data")
}

/// The disk that holds the segments.
fn disk(how: u8, mut octets: &[u8]) -> FaultDisk {
    let disk = FaultDisk::new();
    let place = dir().join("ledger");
    let mut chain = genesis(&KEY);
    let mut names = Vec::<PathBuf>::new();
    while let Some((length, rest)) = octets.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (segment, rest) = rest.split_at(length);
        let mut segment = segment.to_vec();
        if how & (CHECKSUMS | CHAINS) != 0 {
            seal(&mut segment, how & CHAINS != 0, &mut chain);
        }
        // Its name is what its header says, as whoever exchanges files would do it.
        let first = segment.get(32..40).and_then(|octets| octets.first_chunk());
        let first = first.map_or(1, |octets| u64::from_le_bytes(*octets));
        let path = place.join(format!("{first:020}.seg"));
        if !names.contains(&path) {
            let file = disk.create(&path).and_then(|file| {
                file.write_at(&segment, 0)?;
                file.sync_data()
            });
            assert!(file.is_ok());
            names.push(path);
        }
        octets = rest;
    }
    disk
}

/// Makes the checksums of every structure of a segment anew, and digests and chain where asked.
fn seal(segment: &mut [u8], chains: bool, chain: &mut Chain) {
    let seed = Seed::of(&KEY);
    if let Some(header) = segment.first_chunk_mut::<HEADER>() {
        if chains {
            header[16..32].copy_from_slice(&KEY);
            header[40..72].copy_from_slice(chain);
        }
        Seed::of_header().seal(header, HEADER - 4);
    }
    let mut at = HEADER;
    while let Some(rest) = segment.get_mut(at..).filter(|rest| rest.len() >= 4) {
        let tag = [rest[0], rest[1], rest[2], rest[3]];
        at += match &tag {
            b"\xf5grp" => rest.first_chunk_mut().map_or(1, |head: &mut [u8; HEAD]| {
                seed.seal(head, HEAD - 4);
                HEAD
            }),
            b"\xf5frm" => frame(rest, chains, chain, seed),
            b"\xf5mrk" => rest.first_chunk_mut().map_or(1, |mark: &mut [u8; MARK]| {
                if chains {
                    mark[12..44].copy_from_slice(chain);
                }
                seed.seal(mark, MARK - 4);
                MARK
            }),
            _ => 1,
        };
    }
}

/// The same of a frame; how many octets it takes.
fn frame(rest: &mut [u8], chains: bool, chain: &mut Chain, seed: Seed) -> usize {
    let Some((frame, behind)) = rest.split_first_chunk_mut::<FRAME>() else { return 1 };
    let length = u32::from_le_bytes([frame[4], frame[5], frame[6], frame[7]]);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let payload = behind.get(..length);
    if chains {
        // An erased payload keeps the digest of what it was.
        if let Some(payload) = payload.filter(|_| frame[88..96] == [0; 8]) {
            frame[20..52].copy_from_slice(&digest(payload));
        }
        *chain = digest(&[&chain[..], &frame[..52]].concat());
        frame[52..84].copy_from_slice(chain);
    }
    seed.seal(frame, 84);
    FRAME + payload.map_or(0, <[u8]>::len)
}

/// What the corpus begins with.
#[cfg(test)]
pub(crate) fn seeds() -> crate::fuzz::Seeds {
    let disk = FaultDisk::new();
    let mut seeds = Vec::new();
    let mut ledger =
        Ledger::open(Arc::new(disk.clone()), dir(), KEY, SMALL, None, &mut |_| Ok(())).unwrap();
    let image = |how: u8| {
        let mut octets = vec![how];
        for segment in disk.files().into_values() {
            octets.extend(u16::try_from(segment.len()).unwrap().to_le_bytes());
            octets.extend(segment);
        }
        octets
    };
    seeds.push(("empty", image(0)));
    for (groups, name) in [(1, "one-group"), (2, "two-groups"), (6, "two-segments")] {
        while ledger.head() < Revision::new(3 * groups) {
            let mut group = ledger.begin(());
            for kind in [RecordKind::Event, RecordKind::Notice, RecordKind::Request] {
                group.push(kind, b"sixteen of salt. a payload of some length");
            }
            ledger.commit(group, Urgency::Yes).unwrap();
        }
        seeds.push((name, image(0)));
    }
    let group = ledger.begin(());
    let erased = [2, 4, 7].map(Revision::new);
    ledger.redact(group, &erased, b"sixteen of salt. erased").unwrap();
    seeds.push(("redacted", image(0)));
    seeds.push(("checksums", image(CHECKSUMS)));
    seeds.push(("chains", image(CHAINS)));
    crate::fuzz::named(seeds)
}
