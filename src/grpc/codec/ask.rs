//! The question: `CheckRequest` and `CheckStreamRequest`.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use super::WireMessage;
use super::wire::{MAX_VARINT, Malformed, NESTING, Reader, put_number, put_octets};

/// Field numbers, and the keys of the fields as this side writes them.
const BRAND: u32 = 1;
const CAMPAIGN: u32 = 2;
const ADDRESSES: u32 = 3;
const AT_LEAST_REVISION: u32 = 4;
const BRAND_KEY: u8 = 0x0A;
const CAMPAIGN_KEY: u8 = 0x12;
const ADDRESSES_KEY: u8 = 0x1A;
const AT_LEAST_REVISION_KEY: u8 = 0x20;

/// May we send this to these? It keeps the message as it travels and prints no address.
///
/// INVARIANT(walked): `body` is well formed and holds `count` addresses. It comes from `read`, which
/// walked it, or from `AskBuffer`, which wrote it.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckAsk {
    brand: String,
    campaign: String,
    at_least_revision: u64,
    count: usize,
    body: Bytes,
}

impl CheckAsk {
    /// The brand's id, as the caller gave it; empty where a stream's message keeps it.
    #[must_use]
    pub fn brand(&self) -> &str {
        &self.brand
    }

    /// The campaign's id, as the caller gave it; empty where a stream's message keeps it.
    #[must_use]
    pub fn campaign(&self) -> &str {
        &self.campaign
    }

    /// The revision that the answer must hold; zero for any.
    #[must_use]
    pub const fn at_least_revision(&self) -> u64 {
        self.at_least_revision
    }

    /// How many addresses there are. No limit is applied here.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// The addresses as they came, in their order. Not all need be UTF-8.
    #[must_use]
    pub fn addresses(&self) -> Addresses<'_> {
        Addresses { reader: Reader::new(&self.body), left: self.count }
    }
}

impl fmt::Debug for CheckAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckAsk")
            .field("brand", &self.brand)
            .field("campaign", &self.campaign)
            .field("at_least_revision", &self.at_least_revision)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl WireMessage for CheckAsk {
    fn read(body: Bytes) -> Result<Self, Malformed> {
        let (mut brand, mut campaign, mut at_least_revision, mut count) = ("", "", 0, 0);
        let mut reader = Reader::new(&body);
        loop {
            while reader.short(ADDRESSES_KEY).is_some() {
                count += 1;
            }
            if reader.is_empty() {
                break;
            }
            let key = reader.key()?;
            match key.field {
                BRAND => brand = reader.text(key)?,
                CAMPAIGN => campaign = reader.text(key)?,
                ADDRESSES => {
                    reader.octets(key)?;
                    count += 1;
                }
                AT_LEAST_REVISION => at_least_revision = reader.number(key)?,
                _ => reader.skip(key, NESTING)?,
            }
        }
        let (brand, campaign) = (brand.to_owned(), campaign.to_owned());
        Ok(Self { brand, campaign, at_least_revision, count, body })
    }

    fn write(&self, buffer: &mut impl BufMut) {
        buffer.put_slice(&self.body);
    }

    fn size_bound(&self) -> usize {
        self.body.len()
    }
}

/// The addresses of a `CheckAsk`.
#[derive(Clone)]
pub struct Addresses<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl<'a> Iterator for Addresses<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let address = match self.reader.short(ADDRESSES_KEY) {
            Some(address) => address,
            None => long(&mut self.reader)?,
        };
        self.left = self.left.saturating_sub(1);
        Some(address)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Addresses<'_> {}

impl std::iter::FusedIterator for Addresses<'_> {}

impl fmt::Debug for Addresses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Addresses").field("left", &self.left).finish_non_exhaustive()
    }
}

/// The next address where other fields precede it, or it is long, or written at length.
/// INVARIANT(walked): no step fails, so that this ends with the message and nowhere before.
#[cold]
fn long<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    while !reader.is_empty() {
        let key = reader.key().ok()?;
        if key.field == ADDRESSES && key.is_octets() {
            return reader.octets(key).ok();
        }
        reader.skip(key, NESTING).ok()?;
    }
    None
}

/// Writes questions straight into their wire form: addresses are copied once and never owned one by
/// one. Each question names brand and campaign again, so that each can be retried on its own.
pub struct AskBuffer {
    brand: String,
    campaign: String,
    at_least_revision: u64,
    count: usize,
    body: BytesMut,
}

impl AskBuffer {
    /// An empty question about this campaign.
    #[must_use]
    pub fn new(brand: &str, campaign: &str, at_least_revision: u64) -> Self {
        let mut buffer = Self {
            brand: brand.to_owned(),
            campaign: campaign.to_owned(),
            at_least_revision,
            count: 0,
            body: BytesMut::new(),
        };
        buffer.begin();
        buffer
    }

    /// Adds an address, as it is.
    #[inline]
    pub fn push(&mut self, address: &[u8]) {
        self.body.reserve(1 + MAX_VARINT + address.len());
        put_octets(ADDRESSES_KEY, address, &mut self.body);
        self.count += 1;
    }

    /// How many addresses were added since the last question was taken.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// How large the question has become, in octets.
    #[must_use]
    pub fn size(&self) -> usize {
        self.body.len()
    }

    /// Takes the question, and begins the next one about the same campaign.
    #[must_use]
    pub fn take(&mut self) -> CheckAsk {
        let ask = CheckAsk {
            brand: self.brand.clone(),
            campaign: self.campaign.clone(),
            at_least_revision: self.at_least_revision,
            count: std::mem::take(&mut self.count),
            body: self.body.split().freeze(),
        };
        self.body.reserve(ask.body.len());
        self.begin();
        ask
    }

    fn begin(&mut self) {
        for (key, text) in [(BRAND_KEY, &self.brand), (CAMPAIGN_KEY, &self.campaign)] {
            if !text.is_empty() {
                put_octets(key, text.as_bytes(), &mut self.body);
            }
        }
        put_number(AT_LEAST_REVISION_KEY, self.at_least_revision, &mut self.body);
    }
}

impl fmt::Debug for AskBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskBuffer")
            .field("brand", &self.brand)
            .field("campaign", &self.campaign)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
