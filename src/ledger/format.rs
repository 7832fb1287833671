//! The octets of a segment: header, group head, frame, commit mark. Encode and decode, no I/O.
//!
//! All numbers are little-endian. Every octet but the slot of a frame and the payloads is under a
//! CRC-32; the payloads are under their digest, the digests under the chain.

use super::{Damaged, RecordKind};
use crate::model::revision::Revision;

/// Octets of a segment's header.
pub(super) const HEADER: usize = 80;
/// Octets of a group's head.
pub(super) const HEAD: usize = 36;
/// Octets of a frame before its payload: the outside and the slot.
pub(super) const FRAME: usize = 96;
/// Octets of a frame that its checksum covers.
const OUTSIDE: usize = 84;
/// Where in a frame the slot of the eraser stands: the revision of the tombstone, once erased.
pub(super) const SLOT: usize = 88;
/// Octets of a commit mark.
pub(super) const MARK: usize = 48;

/// The version of this format.
pub(super) const FORMAT: u16 = 1;
/// The most that a group may hold, so that replay reads it whole within a bound.
pub const MAX_GROUP_OCTETS: u64 = 64 << 20;

const MAGIC: [u8; 8] = *b"maysend\x1a";
/// Every structure begins with it; it is no octet of UTF-8.
pub(super) const TAG: u8 = 0xf5;
const HEAD_TAG: [u8; 4] = [TAG, b'g', b'r', b'p'];
const FRAME_TAG: [u8; 4] = [TAG, b'f', b'r', b'm'];
const MARK_TAG: [u8; 4] = [TAG, b'm', b'r', b'k'];

/// The link between the frames: `chain(n) = blake3(chain(n - 1), outside(n))`.
pub(super) type Chain = [u8; 32];

/// The chain before the first frame.
pub(super) fn genesis(key_check: &[u8; 16]) -> Chain {
    blake3::derive_key("maysend 2026 ledger genesis", key_check)
}

/// What the checksums of a ledger begin with. It comes from the key's check value, so that who
/// merely writes a payload cannot put a valid frame into it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seed(u32);

impl Seed {
    pub(super) fn of(key_check: &[u8; 16]) -> Self {
        Self(crc32fast::hash(key_check))
    }

    /// Of headers: they are read before the key is known to be the right one.
    pub(super) const fn of_header() -> Self {
        Self(0)
    }

    fn crc(self, octets: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new_with_initial(self.0);
        hasher.update(octets);
        hasher.finalize()
    }

    pub(super) fn seal<const N: usize>(self, octets: &mut [u8; N], covered: usize) {
        let crc = self.crc(&octets[..covered]);
        put(octets, covered, crc.to_le_bytes());
    }

    fn holds<const N: usize>(self, octets: &[u8; N], covered: usize) -> bool {
        self.crc(&octets[..covered]) == u32::from_le_bytes(get(octets, covered))
    }
}

/// The digest of a payload. The payload begins with a random salt, so it commits and tells nothing.
pub(super) fn digest(payload: &[u8]) -> [u8; 32] {
    *blake3::hash(payload).as_bytes()
}

/// A length in memory as an offset on disk.
pub(super) fn wide(octets: usize) -> u64 {
    u64::try_from(octets).unwrap_or(u64::MAX)
}

/// An offset on disk as a length in memory; what does not fit is larger than any buffer.
pub(super) fn narrow(octets: u64) -> usize {
    usize::try_from(octets).unwrap_or(usize::MAX)
}

fn put<const N: usize>(into: &mut [u8], at: usize, octets: [u8; N]) {
    into[at..at + N].copy_from_slice(&octets);
}

fn get<const N: usize>(from: &[u8], at: usize) -> [u8; N] {
    let mut octets = [0; N];
    octets.copy_from_slice(&from[at..at + N]);
    octets
}

/// The beginning of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Version of the format.
    pub(super) format: u16,
    /// Version of the rule that made addresses canonical.
    pub(super) address_rule: u16,
    /// Tells the right key from a wrong one.
    pub(super) key_check: [u8; 16],
    /// The first revision of the segment.
    pub(super) first: Revision,
    /// The chain at the end of the segment before.
    pub(super) chain: Chain,
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER] {
        let mut octets = [0; HEADER];
        put(&mut octets, 0, MAGIC);
        put(&mut octets, 8, self.format.to_le_bytes());
        put(&mut octets, 10, self.address_rule.to_le_bytes());
        put(&mut octets, 16, self.key_check);
        put(&mut octets, 32, self.first.number().to_le_bytes());
        put(&mut octets, 40, self.chain);
        Seed::of_header().seal(&mut octets, HEADER - 4);
        octets
    }

    /// None where it is short, torn or not a header. The key's check value is not looked at.
    pub(super) fn decode(octets: &[u8]) -> Option<Self> {
        let octets: &[u8; HEADER] = octets.first_chunk()?;
        let sound = get::<8>(octets, 0) == MAGIC && Seed::of_header().holds(octets, HEADER - 4);
        sound.then(|| Self {
            format: u16::from_le_bytes(get(octets, 8)),
            address_rule: u16::from_le_bytes(get(octets, 10)),
            key_check: get(octets, 16),
            first: Revision::new(u64::from_le_bytes(get(octets, 32))),
            chain: get(octets, 40),
        })
    }
}

/// The beginning of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Records in the group, at least one.
    pub(super) count: u32,
    /// The revision of the first.
    pub(super) first: Revision,
    /// The last revision known durable when the group was written.
    pub(super) durable: Revision,
    /// Octets of all frames.
    pub(super) octets: u64,
}

impl Head {
    pub(super) fn encode(&self, seed: Seed) -> [u8; HEAD] {
        let mut octets = [0; HEAD];
        put(&mut octets, 0, HEAD_TAG);
        put(&mut octets, 4, self.count.to_le_bytes());
        put(&mut octets, 8, self.first.number().to_le_bytes());
        put(&mut octets, 16, self.durable.number().to_le_bytes());
        put(&mut octets, 24, self.octets.to_le_bytes());
        seed.seal(&mut octets, HEAD - 4);
        octets
    }

    pub(super) fn decode(octets: &[u8], seed: Seed) -> Option<Self> {
        let octets: &[u8; HEAD] = octets.first_chunk()?;
        let sound = get::<4>(octets, 0) == HEAD_TAG && seed.holds(octets, HEAD - 4);
        sound.then(|| Self {
            count: u32::from_le_bytes(get(octets, 4)),
            first: Revision::new(u64::from_le_bytes(get(octets, 8))),
            durable: Revision::new(u64::from_le_bytes(get(octets, 16))),
            octets: u64::from_le_bytes(get(octets, 24)),
        })
    }

    /// The last revision of the group.
    pub(super) fn last(&self) -> Revision {
        Revision::new(self.first.number().saturating_add(u64::from(self.count).saturating_sub(1)))
    }
}

/// The outside of a record: all that stays when its payload is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outside {
    /// Octets of the payload.
    pub(super) length: u32,
    /// Its place in the ledger.
    pub(super) revision: Revision,
    /// What it is.
    pub(super) kind: RecordKind,
    /// The digest of its payload.
    pub(super) digest: [u8; 32],
    /// The chain up to and with this frame.
    pub(super) chain: Chain,
}

impl Outside {
    /// The outside of a record that follows a frame with this chain.
    pub(super) fn new(
        length: u32,
        revision: Revision,
        kind: RecordKind,
        payload: &[u8],
        before: &Chain,
    ) -> Self {
        let mut outside = Self { length, revision, kind, digest: digest(payload), chain: [0; 32] };
        outside.chain = outside.chained_to(before);
        outside
    }

    /// The chain that this frame must carry behind one that carries `before`.
    pub(super) fn chained_to(&self, before: &Chain) -> Chain {
        let mut octets = [0; 84];
        put(&mut octets, 0, *before);
        octets[32..].copy_from_slice(&self.fields()[..52]);
        digest(&octets)
    }

    fn fields(&self) -> [u8; FRAME] {
        let mut octets = [0; FRAME];
        put(&mut octets, 0, FRAME_TAG);
        put(&mut octets, 4, self.length.to_le_bytes());
        put(&mut octets, 8, self.revision.number().to_le_bytes());
        octets[16] = self.kind.octet();
        put(&mut octets, 20, self.digest);
        octets
    }

    /// The frame without its payload; the slot is empty.
    pub(super) fn encode(&self, seed: Seed) -> [u8; FRAME] {
        let mut octets = self.fields();
        put(&mut octets, 52, self.chain);
        seed.seal(&mut octets, OUTSIDE);
        octets
    }

    /// The outside and what its slot says.
    pub(super) fn decode(octets: &[u8], seed: Seed) -> Option<(Self, Revision)> {
        let octets: &[u8; FRAME] = octets.first_chunk()?;
        if get::<4>(octets, 0) != FRAME_TAG || !seed.holds(octets, OUTSIDE) {
            return None;
        }
        let outside = Self {
            length: u32::from_le_bytes(get(octets, 4)),
            revision: Revision::new(u64::from_le_bytes(get(octets, 8))),
            kind: RecordKind::from_octet(octets[16])?,
            digest: get(octets, 20),
            chain: get(octets, 52),
        };
        Some((outside, Revision::new(u64::from_le_bytes(get(octets, SLOT)))))
    }

    /// Octets of the whole frame.
    pub(super) fn frame_octets(&self) -> u64 {
        wide(FRAME) + u64::from(self.length)
    }
}

/// The end of a group: the fdatasync before it returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The last revision of the group.
    pub(super) last: Revision,
    /// The chain there.
    pub(super) chain: Chain,
}

impl Mark {
    pub(super) fn encode(&self, seed: Seed) -> [u8; MARK] {
        let mut octets = [0; MARK];
        put(&mut octets, 0, MARK_TAG);
        put(&mut octets, 4, self.last.number().to_le_bytes());
        put(&mut octets, 12, self.chain);
        seed.seal(&mut octets, MARK - 4);
        octets
    }

    pub(super) fn decode(octets: &[u8], seed: Seed) -> Option<Self> {
        let octets: &[u8; MARK] = octets.first_chunk()?;
        let sound = get::<4>(octets, 0) == MARK_TAG && seed.holds(octets, MARK - 4);
        sound.then(|| Self {
            last: Revision::new(u64::from_le_bytes(get(octets, 4))),
            chain: get(octets, 12),
        })
    }
}

/// The list of a tombstone before the bytes of whoever wrote it:
/// `[count varint][first revision, then the differences, varint][the writer's bytes]`.
/// `erases` ascends strictly.
pub(super) fn wrap_tombstone(erases: &[Revision], payload: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(payload.len() + 10 + 3 * erases.len());
    push_varint(&mut octets, wide(erases.len()));
    let mut before = 0;
    for revision in erases {
        push_varint(&mut octets, revision.number().saturating_sub(before));
        before = revision.number();
    }
    octets.extend_from_slice(payload);
    octets
}

/// The revisions that a tombstone erases, and its writer's bytes.
pub(super) fn unwrap_tombstone(octets: &[u8]) -> Result<(Vec<Revision>, &[u8]), Damaged> {
    let mut rest = octets;
    let count = take_varint(&mut rest).ok_or(Damaged::Tombstone)?;
    let mut erases = Vec::new();
    let mut before = 0_u64;
    for _ in 0..count {
        let delta = take_varint(&mut rest).filter(|&delta| delta > 0).ok_or(Damaged::Tombstone)?;
        before = before.checked_add(delta).ok_or(Damaged::Tombstone)?;
        erases.push(Revision::new(before));
    }
    Ok((erases, rest))
}

fn push_varint(octets: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            octets.push(low);
            return;
        }
        octets.push(low | 0x80);
    }
}

fn take_varint(octets: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&octet, rest) = octets.split_first()?;
        *octets = rest;
        let part = u64::from(octet & 0x7f);
        if (part << shift) >> shift != part {
            return None;
        }
        number |= part << shift;
        if octet & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
