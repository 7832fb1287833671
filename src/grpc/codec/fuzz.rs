//! Any octets as a question or an answer of the check: prost is the oracle of what is accepted, of
//! what it means and of how it is written.

use bytes::{Bytes, BytesMut};
use prost::Message as _;

use super::{CheckAnswer, CheckAsk, WireMessage};
#[cfg(test)]
use crate::grpc::api::CheckRequest;
use crate::grpc::api::CheckResponse;

/// `CheckRequest`, but for addresses that need not be UTF-8.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Oracle {
    #[prost(string, tag = "1")]
    pub(super) brand: String,
    #[prost(string, tag = "2")]
    pub(super) campaign: String,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub(super) addresses: Vec<Vec<u8>>,
    #[prost(uint64, tag = "4")]
    pub(super) at_least_revision: u64,
}

impl Oracle {
    pub(super) fn of(ask: &CheckAsk) -> Self {
        assert_eq!(ask.addresses().len(), ask.count());
        let addresses: Vec<Vec<u8>> = ask.addresses().map(<[u8]>::to_vec).collect();
        assert_eq!(addresses.len(), ask.count());
        Self {
            brand: ask.brand().to_owned(),
            campaign: ask.campaign().to_owned(),
            addresses,
            at_least_revision: ask.at_least_revision(),
        }
    }
}

/// `CheckAnswer` as prost reads it: no code past 127 is a verdict.
fn plain(response: CheckResponse) -> CheckAnswer {
    let code = |verdict: i32| u8::try_from(verdict).ok().filter(u8::is_ascii).unwrap_or(0);
    CheckAnswer {
        verdicts: response.verdicts.into_iter().map(code).collect(),
        revision: response.revision,
        allowed: response.allowed,
        counts: response.counts.iter().map(|c| (code(c.verdict), c.addresses)).collect(),
    }
}

/// Whether the question is accepted; it must mean what prost takes it to mean.
#[track_caller]
pub(crate) fn ask(octets: &[u8]) -> bool {
    let ask = CheckAsk::read(Bytes::copy_from_slice(octets)).ok();
    assert_eq!(ask.as_ref().map(Oracle::of), Oracle::decode(octets).ok(), "{octets:02x?}");
    // What is passed on is what came, and it is read once more as the same.
    if let Some(ask) = &ask {
        let written = written(ask);
        assert_eq!(written, octets);
        assert_eq!(CheckAsk::read(written.into()).as_ref(), Ok(ask));
    }
    ask.is_some()
}

/// Whether the answer is accepted; it must mean what prost takes it to mean.
#[track_caller]
pub(crate) fn answer(octets: &[u8]) -> bool {
    let answer = CheckAnswer::read(Bytes::copy_from_slice(octets)).ok();
    assert_eq!(answer, CheckResponse::decode(octets).ok().map(plain), "{octets:02x?}");
    if let Some(answer) = &answer {
        let written = written(answer);
        assert_eq!(CheckAnswer::read(written.clone().into()).as_ref(), Ok(answer));
        let response = CheckResponse::decode(written.as_slice());
        assert_eq!(response.map(plain).as_ref(), Ok(answer), "{octets:02x?}");
    }
    answer.is_some()
}

pub(super) fn written(message: &impl WireMessage) -> Vec<u8> {
    let mut buffer = BytesMut::new();
    message.write(&mut buffer);
    assert!(buffer.len() <= message.size_bound());
    buffer.to_vec()
}

/// What the corpus of questions begins with.
#[cfg(test)]
pub(crate) fn asks() -> crate::fuzz::Seeds {
    let ask = |addresses: &[&str], at_least_revision| {
        let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
        let (brand, campaign) = ("festival".to_owned(), "2026-11-advent".to_owned());
        CheckRequest { brand, campaign, addresses, at_least_revision }.encode_to_vec()
    };
    let long = "x".repeat(130);
    // Fields of later versions: a number, a text, a group, 64 and 32 bits; a wrong wire type.
    let unknown = b"\x28\x07\x32\x01a\x7b\x08\x01\x7c\x41\0\0\0\0\0\0\0\0\x4d\0\0\0\0";
    crate::fuzz::named(vec![
        ("empty", Vec::new()),
        ("two", ask(&["eve@example.com", "Jo+x@EXAMPLE.org"], 300)),
        ("long", ask(&["", &long, "b@x.test"], u64::MAX)),
        ("unknown", [&ask(&["eve@example.com"], 0)[..], unknown].concat()),
        ("no-utf8", b"\x1a\x02\xff@".to_vec()),
        ("padded", b"\x9a\x80\x00\x81\x00a".to_vec()),
    ])
}

/// What the corpus of answers begins with.
#[cfg(test)]
pub(crate) fn answers() -> crate::fuzz::Seeds {
    let counted = written(&CheckAnswer::counted(vec![64, 3, 3, 65, 1], 1 << 40));
    let unpacked = b"\x08\x40\x08\x83\x01\x08\x03".to_vec();
    let far = b"\x0a\x05\x80\x80\x80\x80\x10\x22\x06\x08\xff\xff\x03\x10\x01".to_vec();
    crate::fuzz::named(vec![
        ("empty", Vec::new()),
        ("counted", counted),
        ("unpacked", unpacked),
        ("far", far),
    ])
}
