//! prost is the oracle: what it accepts, what it reads and what it writes.

use std::cell::Cell;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use prost::Message;

use super::fuzz::{self, Oracle, written};
use super::wire::put_varint;
use super::{AskBuffer, CheckAnswer, CheckAsk, WireMessage};
use crate::grpc::api::{CheckRequest, CheckResponse, CheckStreamRequest, VerdictCount};

/// A varint, sometimes longer than it need be, sometimes too long.
fn varint(value: impl Strategy<Value = u64>) -> impl Strategy<Value = Vec<u8>> {
    let padding = prop_oneof![16 => Just(0), 1 => 1..11_usize];
    (value, padding).prop_map(|(value, padding)| {
        let mut octets = Vec::new();
        put_varint(value, &mut octets);
        for _ in 0..padding {
            *octets.last_mut().unwrap() |= 0x80;
            octets.push(0);
        }
        octets
    })
}

fn key(field: u64, kind: u64) -> impl Strategy<Value = Vec<u8>> {
    varint(Just(field << 3 | kind))
}

/// What may follow a key of this wire type: mostly right.
fn payload(kind: u64) -> BoxedStrategy<Vec<u8>> {
    // The second is a count, the third packed verdicts, both at times not quite.
    let octets = prop_oneof![
        6 => "[a-z@.]{0,12}".prop_map(String::into_bytes),
        6 => vec((select(vec![8, 8, 16, 16, 17]), 0..128_u8), 0..3)
            .prop_map(|fields| fields.into_iter().flat_map(<[u8; 2]>::from).collect()),
        1 => vec(prop_oneof![9 => 0..128_u8, 1 => any::<u8>()], 0..6),
        1 => vec(Just(b'x'), 126..130),
    ];
    match kind {
        0 => varint(prop_oneof![0..300_u64, any::<u64>()]).boxed(),
        1 => vec(any::<u8>(), 8).boxed(),
        2 => (octets, prop_oneof![40 => Just(0), 1 => any::<u64>()])
            .prop_flat_map(|(octets, wrong)| {
                let length = u64::try_from(octets.len()).unwrap() ^ wrong;
                varint(Just(length)).prop_map(move |length| [length, octets.clone()].concat())
            })
            .boxed(),
        5 => vec(any::<u8>(), 4).boxed(),
        _ => Just(Vec::new()).boxed(),
    }
}

/// Numbers and wire types of the fields of a message.
type Known = &'static [(u64, u64)];

const ASK: Known = &[(1, 2), (2, 2), (3, 2), (4, 0)];
const ANSWER: Known = &[(1, 2), (1, 0), (2, 0), (3, 0), (4, 2)];

/// One field: known, unknown or impossible, of any wire type; or groups, closed or not.
fn field(known: Known) -> impl Strategy<Value = Vec<u8>> {
    let unknown = (select(vec![5, 15, 16, 1000, (1 << 29) - 1]), select(vec![0, 1, 2, 5]));
    let odd = (select(vec![0, 1, 2, 3, 4, 9, 1 << 29, 1 << 40]), 0..8_u64);
    let plain =
        prop_oneof![48 => select(known), 12 => unknown, 1 => odd].prop_flat_map(|(field, kind)| {
            (key(field, kind), payload(kind)).prop_map(|(k, p)| [k, p].concat())
        });
    plain.prop_recursive(3, 12, 4, |inner| {
        let depth = prop_oneof![9 => Just(1), 1 => 97..103_usize];
        let wrong = prop_oneof![15 => Just(0_u64), 1 => Just(1)];
        (select(vec![5_u64, 5, 5, 5, 77, 3]), depth, vec(inner, 0..4), wrong).prop_map(
            |(field, depth, inner, wrong)| {
                let mut group = Vec::new();
                (0..depth).for_each(|_| put_varint(field << 3 | 3, &mut group));
                group.extend(inner.concat());
                (0..depth).for_each(|_| put_varint((field ^ wrong) << 3 | 4, &mut group));
                group
            },
        )
    })
}

/// Messages of every degree of damage, from none to noise.
fn message(known: Known) -> impl Strategy<Value = Vec<u8>> {
    let fields = vec(field(known), 0..6).prop_map(|fields| fields.concat());
    let mutated = (vec(field(known), 1..6), any::<prop::sample::Index>(), any::<u8>(), 0..3)
        .prop_map(|(fields, place, octet, how)| {
            let mut octets = fields.concat();
            let place = place.index(octets.len().max(1));
            match how {
                0 => octets.truncate(place),
                1 => octets.insert(place.min(octets.len()), octet),
                _ => octets.get_mut(place).into_iter().for_each(|old| *old = octet),
            }
            octets
        });
    prop_oneof![6 => fields, 2 => mutated, 1 => vec(any::<u8>(), 0..24)]
}

/// Runs `check` on many messages; it says whether the message was accepted. Both must happen often.
fn compare(name: &str, known: Known, check: impl Fn(Vec<u8>) -> bool) {
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    let config = Config { cases: 20_000, failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(&message(known), |octets| {
        let counter = if check(octets) { &accepted } else { &refused };
        counter.set(counter.get() + 1);
        Ok(())
    });
    run.unwrap_or_else(|failure| panic!("{failure}"));
    println!("{name}: {} accepted, {} refused", accepted.get(), refused.get());
    assert!(accepted.get() > 5_000 && refused.get() > 2_000);
}

#[test]
fn any_octets_are_read_as_prost_reads_them() {
    compare("ask", ASK, |octets| fuzz::ask(&octets));
}

#[test]
fn any_octets_are_read_as_an_answer_as_prost_reads_them() {
    compare("answer", ANSWER, |octets| fuzz::answer(&octets));
}

#[test]
fn numbers_end_at_64_bits() {
    for (last, accepted) in [(0, true), (1, true), (2, false), (3, false), (0x80, false)] {
        let number = [&[0xFF; 9][..], &[last]].concat();
        assert_eq!(fuzz::ask(&[&[0x20], &number[..]].concat()), accepted);
        assert_eq!(fuzz::answer(&[&[0x10], &number[..]].concat()), accepted);
    }
    assert!(!fuzz::ask(&[&[0x20], &[0x80; 10][..], &[0]].concat()));
}

#[test]
fn keys_end_at_32_bits() {
    for (last, accepted) in [(0x0F, true), (0x1F, false), (0x10, false)] {
        // The lowest three bits say that a number follows.
        assert_eq!(fuzz::ask(&[0xF8, 0xFF, 0xFF, 0xFF, last, 0]), accepted);
    }
}

#[test]
fn groups_nest_as_deep_as_prost_allows() {
    let group = |depth: usize| [vec![0x7B; depth], vec![0x7C; depth]].concat();
    for (depth, accepted) in [(98, true), (99, true), (100, true), (101, false)] {
        assert_eq!(fuzz::ask(&group(depth)), accepted, "{depth}");
        assert_eq!(fuzz::answer(&group(depth)), accepted, "{depth}");
        // A count is one level down itself.
        let inner = group(depth - 1);
        let mut message = vec![0x22];
        put_varint(u64::try_from(inner.len()).unwrap(), &mut message);
        assert_eq!(fuzz::answer(&[message, inner].concat()), accepted, "{depth}");
    }
}

proptest! {
    #![proptest_config(Config { cases: 2_000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn message_of_prost_means_the_same(
        brand in ".{0,9}",
        campaign in ".{0,140}",
        addresses in vec(prop_oneof![3 => ".{0,40}", 1 => "[a-z]{120,140}"], 0..20),
        at_least_revision: u64,
    ) {
        let request = CheckRequest { brand, campaign, addresses, at_least_revision };
        let ask = CheckAsk::read(Bytes::from(request.encode_to_vec())).unwrap();
        prop_assert_eq!(ask.brand(), &request.brand);
        prop_assert_eq!(ask.campaign(), &request.campaign);
        prop_assert_eq!(ask.at_least_revision(), request.at_least_revision);
        let addresses: Vec<&[u8]> = request.addresses.iter().map(String::as_bytes).collect();
        prop_assert_eq!(ask.addresses().collect::<Vec<_>>(), addresses);
        prop_assert_eq!(CheckRequest::decode(written(&ask).as_slice()), Ok(request));
    }

    #[test]
    fn buffer_writes_what_was_pushed(
        brand in ".{0,9}",
        campaign in ".{0,140}",
        messages in vec(vec(vec(any::<u8>(), 0..300), 0..9), 1..4),
        at_least_revision: u64,
    ) {
        let mut buffer = AskBuffer::new(&brand, &campaign, at_least_revision);
        for addresses in messages {
            addresses.iter().for_each(|address| buffer.push(address));
            prop_assert_eq!(buffer.count(), addresses.len());
            let size = buffer.size();
            let ask = buffer.take();
            let octets = written(&ask);
            prop_assert_eq!(octets.len(), size);
            let (brand, campaign) = (brand.clone(), campaign.clone());
            let expected = Oracle { brand, campaign, addresses, at_least_revision };
            prop_assert_eq!(Oracle::decode(octets.as_slice()), Ok(expected.clone()));
            prop_assert_eq!(Oracle::of(&ask), expected);
            prop_assert_eq!(CheckAsk::read(octets.into()), Ok(ask));
        }
    }

    #[test]
    fn answer_is_written_as_prost_writes_it(
        verdicts in vec(0..128_u8, 0..300),
        revision in prop_oneof![Just(0), any::<u64>()],
        allowed in prop_oneof![Just(0), any::<u32>()],
        counts in vec((0..128_u8, prop_oneof![Just(0), any::<u32>()]), 0..30),
    ) {
        let response = CheckResponse {
            verdicts: verdicts.iter().map(|&code| code.into()).collect(),
            revision,
            allowed,
            counts: counts
                .iter()
                .map(|&(code, addresses)| VerdictCount { verdict: code.into(), addresses })
                .collect(),
        };
        let answer = CheckAnswer { verdicts, revision, allowed, counts };
        let octets = written(&answer);
        prop_assert_eq!(&octets, &response.encode_to_vec());
        prop_assert_eq!(CheckAnswer::read(octets.into()), Ok(answer));
    }

    #[test]
    fn counts_add_up(verdicts in vec(0..128_u8, 0..300)) {
        let answer = CheckAnswer::counted(verdicts.clone(), 9);
        prop_assert_eq!(answer.revision, 9);
        let again: Vec<u8> = answer.counts.iter().flat_map(|&(code, times)| {
            std::iter::repeat_n(code, usize::try_from(times).unwrap())
        }).collect();
        let mut sorted = verdicts.clone();
        sorted.sort_unstable();
        prop_assert_eq!(again, sorted);
        let allowed = verdicts.iter().filter(|&&code| code >= 64).count();
        prop_assert_eq!(usize::try_from(answer.allowed).unwrap(), allowed);
        prop_assert_eq!(answer.verdicts, verdicts);
    }
}

#[test]
fn message_of_the_stream_is_the_unary_one() {
    let (brand, campaign) = ("festival".to_owned(), "advent".to_owned());
    let addresses = vec!["a@b.de".to_owned()];
    let unary = CheckRequest { brand, campaign, addresses, at_least_revision: 3 };
    let CheckRequest { brand, campaign, addresses, at_least_revision } = unary.clone();
    let streamed = CheckStreamRequest { brand, campaign, addresses, at_least_revision };
    assert_eq!(streamed.encode_to_vec(), unary.encode_to_vec());
}

#[test]
fn address_that_is_not_utf8_keeps_its_place() {
    let octets = b"\x1A\x01a\x1A\x02\xFF\xFE\x1A\x01b";
    assert!(CheckRequest::decode(octets.as_slice()).is_err());
    let ask = CheckAsk::read(Bytes::from_static(octets)).unwrap();
    assert_eq!(ask.addresses().collect::<Vec<_>>(), [&b"a"[..], b"\xFF\xFE", b"b"]);
}

#[test]
fn code_past_127_is_a_denial_on_both_ends() {
    let verdicts = vec![64, 128, 200, 255];
    let answer = CheckAnswer { verdicts, counts: vec![(200, 1)], ..CheckAnswer::default() };
    let octets = written(&answer);
    let read = CheckAnswer::read(octets.into()).unwrap();
    assert_eq!((read.verdicts, read.counts), (vec![64, 0, 0, 0], vec![(0, 1)]));

    let verdicts = vec![64, 128, 320, -1, i32::MAX];
    let newer = CheckResponse { verdicts, ..CheckResponse::default() };
    let read = CheckAnswer::read(newer.encode_to_vec().into()).unwrap();
    assert_eq!(read.verdicts, [64, 0, 0, 0, 0]);
}

#[test]
fn more_addresses_than_a_call_may_name_are_counted() {
    let mut buffer = AskBuffer::new("festival", "advent", 0);
    (0..100_001).for_each(|_| buffer.push(b""));
    let ask = CheckAsk::read(written(&buffer.take()).into()).unwrap();
    assert_eq!(ask.count(), 100_001);
}

#[test]
fn nothing_that_is_printed_holds_an_address() {
    let mut buffer = AskBuffer::new("festival", "advent", 0);
    buffer.push(b"secret@example.com");
    let shown = format!("{buffer:?}");
    let ask = buffer.take();
    let shown = format!("{shown}{ask:?}{:?}", ask.addresses());
    assert!(shown.contains("festival") && !shown.contains("secret") && !shown.contains("115"));
}
