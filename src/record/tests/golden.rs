//! Payloads as format 1 has them, octet for octet.

use std::sync::Arc;

use super::whole::{Record, RecordKind};
use super::{SALTED, arbitrary, decoded, encoded, without_notice};
use crate::catalog::Name;
use crate::model::actor::{Actor, ActorClass};
use crate::model::address::Address;
use crate::model::campaign::{Campaign, CampaignId, Channel, Purpose};
use crate::model::day::{Day, Timestamp};
use crate::model::event::{Effect, Event, EventKind, OwnerProof, Statement};
use crate::model::evidence::{Evidence, LegalBasis, Method, Notice};
use crate::model::fact::{Basis, Block, Cause, Erasure, Origin};
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::scope::{BrandId, ControllerId, Scope, TopicId};
use crate::model::verdict::WriteOutcome;
use crate::record::codes::Code;
use crate::record::{CampaignRecord, CatalogVersion, RequestRecord, Requested, encode_tombstone};

/// 2026-11-21T08:00:00Z and a little.
const AT: Timestamp = Timestamp::from_nanos(1_795_248_000_123_456_789);
const DAY: Day = Day::new(20_778);

fn controller() -> ControllerId {
    ControllerId::new(0)
}

fn brand() -> BrandId {
    BrandId::new(controller(), 0)
}

fn topic() -> TopicId {
    TopicId::new(brand(), 1)
}

fn block(channel: Channel, cause: Cause) -> Block {
    Block { brand: brand(), channel, cause }
}

fn event(class: ActorClass, statement: Statement) -> Record {
    let notice = statement.evidence.as_ref().map(|_| Revision::new(300));
    let fingerprint = Fingerprint::new(0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100);
    let event = Event {
        revision: super::HERE,
        previous: Revision::new(150),
        recorded_at: AT,
        fingerprint,
        address: Some(Address::from_canonical("jo+x@example.com")),
        tagged: true,
        actor: Actor { class, id: "eva".into(), credential: "crm".into() },
        request_id: "r-1".into(),
        statement,
    };
    Record::Event(Box::new(event), notice)
}

fn evidence(method: Method) -> Option<Arc<Evidence>> {
    Some(Arc::new(Evidence {
        method,
        source: "https://example.com/f".into(),
        notice: Notice { wording: "Yes, mail me.".into(), ..Notice::default() },
        document_ref: "A 7".into(),
        ip: "192.0.2.1".into(),
        user_agent: "curl".into(),
        occurred_at: Some(DAY.start()),
    }))
}

/// One event of each kind, and its payload without salt and fingerprint.
#[rustfmt::skip]
pub(super) fn events() -> Vec<(Record, &'static str)> {
    let new = Statement::new;
    let brand_scope = Scope::Brand(brand());
    let topic_scope = Scope::Topic(topic());
    let yes = |scope, basis| Effect::Yes { scope, basis, day: DAY };
    let no = |scope, origin| Effect::No { scope, origin };
    vec![
        (event(ActorClass::Import, Statement {
            controllers: vec![controller()],
            evidence: evidence(Method::Import),
            effects: vec![Effect::Register(controller())],
            ..new(EventKind::Registered)
        }), concat!(
            "0109960115cd16638b00ea18010101000004036576610363726d03722d3100000100000000000001",
            "0aac021568747470733a2f2f6578616d706c652e636f6d2f6603412037093139322e302e322e3104",
            "6375726c010000f6d559e6e91800106a6f2b78406578616d706c652e636f6d",
        )),
        (event(ActorClass::System, Statement {
            brands: vec![brand()],
            channels: vec![Channel::Email, Channel::Post],
            cause: Some(Cause::HardBounce),
            reason: "550 5.1.1".into(),
            effects: vec![
                Effect::Block(block(Channel::Email, Cause::HardBounce)),
                Effect::Block(block(Channel::Post, Cause::StaffDecision)),
            ],
            ..new(EventKind::Blocked)
        }), concat!(
            "0109960115cd16638b00ea1802020500000103050000020203036576610363726d03722d31000100",
            "0000020102030935353020352e312e31000000106a6f2b78406578616d706c652e636f6d",
        )),
        (event(ActorClass::Staff, Statement {
            brands: vec![brand()],
            channels: vec![Channel::Email],
            reason: "called".into(),
            effects: vec![Effect::Unblock(block(Channel::Email, Cause::StaffDecision))],
            ..new(EventKind::BlockLifted)
        }), concat!(
            "0109960115cd16638b00ea180301060000010202036576610363726d03722d310001000000010100",
            "0663616c6c6564000000106a6f2b78406578616d706c652e636f6d",
        )),
        (event(ActorClass::Owner, Statement {
            scopes: vec![Scope::Everything, Scope::Controller(controller())],
            evidence: evidence(Method::OneClick),
            effects: vec![
                no(Scope::Everything, Origin::OptOut),
                no(Scope::Controller(controller()), Origin::Complaint),
                Effect::Undeclare(topic_scope),
            ],
            ..new(EventKind::OptedOut)
        }), concat!(
            "0109960115cd16638b00ea18040303000203010000040403010001036576610363726d03722d3102",
            "000100000000000000000103ac021568747470733a2f2f6578616d706c652e636f6d2f6603412037",
            "093139322e302e322e31046375726c010000f6d559e6e91800106a6f2b78406578616d706c652e63",
            "6f6d",
        )),
        (event(ActorClass::Owner, Statement {
            scopes: vec![topic_scope],
            evidence: evidence(Method::Link),
            owner_proof: Some(OwnerProof::Mailbox),
            effects: vec![Effect::Undeclare(topic_scope), yes(topic_scope, Basis::Consent)],
            ..new(EventKind::Resubscribed)
        }), concat!(
            "010b960115cd16638b00ea1805020403010002030100012a5101036576610363726d03722d310103",
            "01000000000000000102ac021568747470733a2f2f6578616d706c652e636f6d2f66034120370931",
            "39322e302e322e31046375726c010000f6d559e6e91800106a6f2b78406578616d706c652e636f6d",
        )),
        (event(ActorClass::Staff, Statement {
            brands: vec![brand()],
            effects: vec![Effect::Asked(brand(), DAY)],
            ..new(EventKind::ConsentRequested)
        }), concat!(
            "0109960115cd16638b00ea1806010700002a5102036576610363726d03722d310001000000000000",
            "000000106a6f2b78406578616d706c652e636f6d",
        )),
        (event(ActorClass::Owner, Statement {
            scopes: vec![brand_scope],
            legal_basis: Some(LegalBasis::ExistingCustomer),
            evidence: evidence(Method::Portal),
            owner_proof: Some(OwnerProof::Session),
            effects: vec![yes(brand_scope, Basis::ExistingCustomer)],
            ..new(EventKind::ConsentGranted)
        }), concat!(
            "010d960115cd16638b00ea18070102020000022a5101036576610363726d03722d31010200000000",
            "000000020105ac021568747470733a2f2f6578616d706c652e636f6d2f6603412037093139322e30",
            "2e322e31046375726c010000f6d559e6e91800106a6f2b78406578616d706c652e636f6d",
        )),
        (event(ActorClass::Staff, Statement {
            scopes: vec![topic_scope],
            effects: vec![no(topic_scope, Origin::Refusal)],
            ..new(EventKind::ConsentRefused)
        }), concat!(
            "0109960115cd16638b00ea180801030301000102036576610363726d03722d310103010000000000",
            "00000000106a6f2b78406578616d706c652e636f6d",
        )),
        (event(ActorClass::Staff, Statement {
            reason: "letter".into(),
            erasure_id: "case-7".into(),
            effects: vec![Effect::Erasure(Erasure::Pending)],
            ..new(EventKind::ErasureRequested)
        }), concat!(
            "0109960115cd16638b00ea180901080202036576610363726d03722d310000000000066c65747465",
            "72000006636173652d37106a6f2b78406578616d706c652e636f6d",
        )),
        (event(ActorClass::Staff, Statement {
            erasure_id: "case-7".into(),
            effects: vec![Effect::Erasure(Erasure::None)],
            ..new(EventKind::ErasureRejected)
        }), concat!(
            "0109960115cd16638b00ea180a01080102036576610363726d03722d310000000000000000066361",
            "73652d37106a6f2b78406578616d706c652e636f6d",
        )),
        (event(ActorClass::Staff, Statement {
            erasure_id: "case-7".into(),
            effects: vec![Effect::Erasure(Erasure::Erased)],
            ..new(EventKind::Erased)
        }), concat!(
            "0109960115cd16638b00ea180b01080302036576610363726d03722d310000000000000000066361",
            "73652d37106a6f2b78406578616d706c652e636f6d",
        )),
        (event(ActorClass::Owner, Statement {
            scopes: vec![brand_scope, topic_scope],
            evidence: evidence(Method::DoubleOptIn),
            ..new(EventKind::OptInBegun)
        }), concat!(
            "0109960115cd16638b00ea180c0001036576610363726d03722d3102020000030100000000000000",
            "0104ac021568747470733a2f2f6578616d706c652e636f6d2f6603412037093139322e302e322e31",
            "046375726c010000f6d559e6e91800106a6f2b78406578616d706c652e636f6d",
        )),
        (event(ActorClass::Owner, Statement {
            reason: "what do you hold?".into(),
            evidence: evidence(Method::Link),
            ..new(EventKind::AccessRequested)
        }), concat!(
            "0109960115cd16638b00ea180e0001036576610363726d03722d310000000000117768617420646f",
            "20796f7520686f6c643f000102ac021568747470733a2f2f6578616d706c652e636f6d2f66034120",
            "37093139322e302e322e31046375726c010000f6d559e6e91800106a6f2b78406578616d706c652e",
            "636f6d",
        )),
        (event(ActorClass::Staff, Statement {
            reason: "by mail".into(),
            ..new(EventKind::AccessAnswered)
        }), concat!(
            "0109960115cd16638b00ea180f0002036576610363726d03722d310000000000076279206d61696c",
            "000000106a6f2b78406578616d706c652e636f6d",
        )),
    ]
}

/// One record of each other kind, and its payload without salt.
#[rustfmt::skip]
pub(super) fn records() -> Vec<(Record, &'static str)> {
    vec![
        (Record::Catalog(CatalogVersion {
            recorded_at: AT,
            names: vec![
                Name::Controller("buehne".into()),
                Name::Brand(controller(), "festival".into()),
                Name::Topic(brand(), "programm".into()),
            ],
            source: "[policy]\n".into(),
        }), concat!(
            "0115cd16638b00ea18030106627565686e6502000008666573746976616c0300000870726f677261",
            "6d6d095b706f6c6963795d0a",
        )),
        (Record::Campaign(CampaignRecord {
            recorded_at: AT,
            campaign: Campaign {
                brand: brand(),
                id: CampaignId::parse("2026-11-advent").unwrap(),
                topic: Some(topic()),
                purpose: Purpose::Marketing,
                channel: Channel::Email,
                retired: true,
            },
        }), "0115cd16638b00ea18030101000001000e323032362d31312d616476656e74"),
        (Record::Notice(Notice {
            wording: "Ja, sch\u{f6}n.".into(),
            version: "3".into(),
            language: "de".into(),
        }), "010b4a612c20736368c3b66e2e0133026465"),
        (Record::Request(RequestRecord {
            credential: "crm".into(),
            id: "r-1".into(),
            digest: [0xd1; 16],
            recorded_at: AT,
            outcomes: WriteOutcome::ALL.to_vec(),
        }), concat!(
            "0115cd16638b00ea18d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d10363726d03722d310e010203040506",
            "0708090a0b0c0d0e",
        )),
        (Record::Clock { floor: AT }, "0115cd16638b00ea18"),
    ]
}

/// Records whose first name is of each level, with that level.
pub(super) fn naming_one_each() -> Vec<(Record, &'static str)> {
    let topical = TopicId::new(brand(), 0);
    let scoped = |scope| Statement { scopes: vec![scope], ..Statement::new(EventKind::OptedOut) };
    vec![
        (event(ActorClass::Owner, scoped(Scope::Controller(controller()))), "controller"),
        (event(ActorClass::Owner, scoped(Scope::Brand(brand()))), "brand"),
        (event(ActorClass::Owner, scoped(Scope::Topic(topical))), "topic"),
        (records().swap_remove(1).0, "brand"),
    ]
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn format_1_is_what_it_was() {
    let common = [&SALTED[..], &std::array::from_fn::<u8, 16, _>(|at| u8::try_from(at).unwrap())];
    for (record, golden) in events().into_iter().chain(records()) {
        let payload = encoded(&record);
        let start = if record.kind() == RecordKind::Event { 32 } else { 16 };
        assert_eq!(payload[..start], common.concat()[..start]);
        assert_eq!(hex(&payload[start..]), golden, "{record:?}");
        assert_eq!(decoded(record.kind(), &payload), Ok(without_notice(record)));
    }
}

#[test]
fn the_names_of_the_golden_payloads_exist() {
    let names = arbitrary::names();
    assert_eq!(names.brand_by_index(0), Some(brand()));
    assert_eq!(names.topic_by_index(1), Some(topic()));
}

#[test]
fn enums_keep_their_numbers() {
    #[track_caller]
    fn check<C: Code + std::fmt::Debug + Copy>(golden: &str) {
        let all = (0..=u8::MAX).filter_map(|code| C::from_code(code).map(|value| (code, value)));
        let all: Vec<_> = all.collect();
        assert!(all.iter().all(|(code, value)| value.code() == *code));
        let text: Vec<String> =
            all.iter().map(|(code, value)| format!("{code} {value:?}")).collect();
        assert_eq!(text.join(", "), golden);
    }
    check::<EventKind>(
        "1 Registered, 2 Blocked, 3 BlockLifted, 4 OptedOut, 5 Resubscribed, 6 ConsentRequested, \
         7 ConsentGranted, 8 ConsentRefused, 9 ErasureRequested, 10 ErasureRejected, 11 Erased, \
         12 OptInBegun, 14 AccessRequested, 15 AccessAnswered",
    );
    check::<ActorClass>("1 Owner, 2 Staff, 3 System, 4 Import");
    check::<Channel>("1 Email, 2 Post");
    check::<Purpose>("1 Marketing, 2 Transactional, 3 OneToOne, 4 ConsentRequest");
    check::<Cause>("1 OwnerRequest, 2 StaffDecision, 3 HardBounce, 4 Complaint");
    check::<LegalBasis>(
        "1 Consent, 2 ExistingCustomer, 3 Contract, 4 LegitimateInterest, 5 LegalObligation",
    );
    check::<Method>(
        "0 Unspecified, 1 Form, 2 Link, 3 OneClick, 4 DoubleOptIn, 5 Portal, 6 Paper, 7 Phone, \
         8 InPerson, 9 Api, 10 Import",
    );
    check::<Origin>("1 Refusal, 2 OptOut, 3 OwnerRequest, 4 Complaint");
    check::<Basis>("1 Consent, 2 ExistingCustomer");
    check::<Erasure>("1 None, 2 Pending, 3 Erased");
    check::<WriteOutcome>(
        "1 Applied, 2 Unchanged, 3 InvalidAddress, 4 OptedOut, 5 Refused, 6 Blocked, \
         7 Complaint, 8 Policy, 9 RecentlyAsked, 10 UnknownAddress, 11 ErasurePending, 12 Erased, \
         13 AlreadyGranted, 14 Proof",
    );
}

/// What a fuzzer begins with: a golden payload of each kind behind the number that its target has
/// for the kind, and a tombstone.
pub(in crate::record) fn seeds() -> crate::fuzz::Seeds {
    let mut seeds = Vec::new();
    for (at, (record, _)) in (0..).zip(events().into_iter().chain(records())) {
        let (name, kind) = match record.kind() {
            RecordKind::Event => ("event", 0),
            RecordKind::Catalog => ("catalog", 2),
            RecordKind::Campaign => ("campaign", 3),
            RecordKind::Notice => ("notice", 4),
            RecordKind::Request => ("request", 5),
            RecordKind::Clock => ("clock", 6),
        };
        seeds.push((format!("{name}-{at:02}"), [&[kind], &encoded(&record)[..]].concat()));
    }
    let (Record::Event(event, _), _) = events().swap_remove(0) else { unreachable!() };
    let mut tombstone = Event { address: None, ..*event };
    tombstone.statement = Statement {
        erasure_id: "e-1".into(),
        effects: vec![Effect::Erasure(Erasure::Erased)],
        ..Statement::new(EventKind::Erased)
    };
    let by = tombstone.actor.clone();
    let requested = Requested { revision: Revision::new(140), at: AT, by };
    let mut octets = vec![1];
    encode_tombstone(&tombstone, &requested, SALTED, &mut octets);
    seeds.push(("tombstone".to_owned(), octets));
    seeds
}
