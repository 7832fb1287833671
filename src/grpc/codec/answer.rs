//! The answer: `CheckResponse` and `CheckStreamResponse`.

use bytes::{BufMut, Bytes};

use super::WireMessage;
use super::wire::{MAX_VARINT, Malformed, NESTING, Reader, put_number, put_octets};
use crate::model::verdict::Verdict;

/// Field numbers, and the keys of the fields as this side writes them.
const VERDICTS: u32 = 1;
const REVISION: u32 = 2;
const ALLOWED: u32 = 3;
const COUNTS: u32 = 4;
const VERDICTS_KEY: u8 = 0x0A;
const REVISION_KEY: u8 = 0x10;
const ALLOWED_KEY: u8 = 0x18;
const COUNTS_KEY: u8 = 0x22;
/// The same of a count.
const COUNTED: u32 = 1;
const TIMES: u32 = 2;
const COUNTED_KEY: u8 = 0x08;
const TIMES_KEY: u8 = 0x10;

/// The largest count: both its fields, with their keys.
const MAX_COUNT: usize = 2 + 1 + MAX_VARINT;

/// What a code past 127 becomes, on both ends: no verdict, which is a denial.
const NO_VERDICT: u8 = 0;

/// One verdict per address of the question, as codes of [`Verdict`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckAnswer {
    /// `verdicts[i]` answers the address `i`. Read from the wire it may hold codes of a newer
    /// version: from 64 on they allow.
    pub verdicts: Vec<u8>,
    /// The ledger's head before the first address was looked up.
    pub revision: u64,
    /// How many of the verdicts allow.
    pub allowed: u32,
    /// Each verdict that was given, by its code, and how often.
    pub counts: Vec<(u8, u32)>,
}

impl CheckAnswer {
    /// The answer with these verdicts, counted.
    #[must_use]
    pub fn counted(verdicts: Vec<u8>, revision: u64) -> Self {
        // Four counters for each code: the next address need not wait for the sum of this one.
        let mut lanes = [[0_u32; 256]; 4];
        for four in verdicts.chunks(lanes.len()) {
            for (lane, &code) in lanes.iter_mut().zip(four) {
                lane[usize::from(code)] += 1;
            }
        }
        let [mut times, others @ ..] = lanes;
        for lane in others {
            times.iter_mut().zip(lane).for_each(|(times, more)| *times += more);
        }
        let counts = (0..=u8::MAX).zip(times);
        let counts: Vec<(u8, u32)> = counts.filter(|&(_, times)| times > 0).collect();
        let allowing = counts.iter().filter(|&&(code, _)| code >= Verdict::FIRST_ALLOWED);
        Self { allowed: allowing.map(|&(_, times)| times).sum(), verdicts, revision, counts }
    }
}

impl WireMessage for CheckAnswer {
    fn read(body: Bytes) -> Result<Self, Malformed> {
        let mut answer = Self::default();
        let mut reader = Reader::new(&body);
        while !reader.is_empty() {
            let key = reader.key()?;
            match key.field {
                VERDICTS if key.is_octets() => {
                    read_packed(reader.octets(key)?, &mut answer.verdicts)?;
                }
                VERDICTS => answer.verdicts.push(code(reader.number(key)?)),
                REVISION => answer.revision = reader.number(key)?,
                ALLOWED => answer.allowed = low_half(reader.number(key)?),
                COUNTS => answer.counts.push(read_count(reader.octets(key)?)?),
                _ => reader.skip(key, NESTING)?,
            }
        }
        Ok(answer)
    }

    fn write(&self, buffer: &mut impl BufMut) {
        if self.verdicts.is_ascii() {
            if !self.verdicts.is_empty() {
                put_octets(VERDICTS_KEY, &self.verdicts, buffer);
            }
        } else {
            let codes: Vec<u8> = self.verdicts.iter().map(|&c| code(c.into())).collect();
            put_octets(VERDICTS_KEY, &codes, buffer);
        }
        put_number(REVISION_KEY, self.revision, buffer);
        put_number(ALLOWED_KEY, self.allowed.into(), buffer);
        let mut count = Vec::with_capacity(MAX_COUNT);
        for &(counted, times) in &self.counts {
            count.clear();
            put_number(COUNTED_KEY, code(counted.into()).into(), &mut count);
            put_number(TIMES_KEY, times.into(), &mut count);
            put_octets(COUNTS_KEY, &count, buffer);
        }
    }

    fn size_bound(&self) -> usize {
        let head = 3 * (1 + MAX_VARINT);
        head + self.verdicts.len() + self.counts.len() * (2 + MAX_COUNT)
    }
}

fn read_packed(packed: &[u8], verdicts: &mut Vec<u8>) -> Result<(), Malformed> {
    if packed.is_ascii() {
        verdicts.extend_from_slice(packed);
        return Ok(());
    }
    let mut reader = Reader::new(packed);
    while !reader.is_empty() {
        verdicts.push(code(reader.varint()?));
    }
    Ok(())
}

fn read_count(message: &[u8]) -> Result<(u8, u32), Malformed> {
    let (mut counted, mut times) = (NO_VERDICT, 0);
    let mut reader = Reader::new(message);
    while !reader.is_empty() {
        let key = reader.key()?;
        match key.field {
            COUNTED => counted = code(reader.number(key)?),
            TIMES => times = low_half(reader.number(key)?),
            _ => reader.skip(key, NESTING - 1)?,
        }
    }
    Ok((counted, times))
}

/// The code of a verdict on the wire, whose lower half counts.
fn code(number: u64) -> u8 {
    u8::try_from(low_half(number)).ok().filter(u8::is_ascii).unwrap_or(NO_VERDICT)
}

/// protobuf reads a number that is too large for 32 bits as its lower half.
fn low_half(number: u64) -> u32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
