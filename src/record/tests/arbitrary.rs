//! Arbitrary records over a small set of names.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::whole::Record;
use crate::catalog::{Name, Names};
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
use crate::record::{CampaignRecord, CatalogVersion, RequestRecord};

/// Three controllers, four brands, six topics.
pub(super) fn names() -> Names {
    let mut names = Names::default();
    let controllers = ["buehne", "kino", "gastro"].map(|word| names.add_controller(word).unwrap());
    let brands = [(0, "festival"), (0, "theater"), (1, "kino"), (2, "cafe")]
        .map(|(controller, word)| names.add_brand(controllers[controller], word).unwrap());
    for (brand, word) in [(0, "news"), (0, "programm"), (1, "news"), (2, "news"), (2, "vip")] {
        names.add_topic(brands[brand], word).unwrap();
    }
    names.add_topic(brands[3], "karte").unwrap();
    names
}

fn any_controller() -> impl Strategy<Value = ControllerId> {
    (0_u16..3).prop_map(ControllerId::new)
}

fn any_brand() -> impl Strategy<Value = BrandId> {
    (0_u16..4).prop_map(|index| names().brand_by_index(index).unwrap())
}

fn any_topic() -> impl Strategy<Value = TopicId> {
    (0_u16..6).prop_map(|index| names().topic_by_index(index).unwrap())
}

fn any_scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        Just(Scope::Everything),
        any_controller().prop_map(Scope::Controller),
        any_brand().prop_map(Scope::Brand),
        any_topic().prop_map(Scope::Topic),
    ]
}

fn any_text() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![
        4 => "[a-z]{0,12}".prop_map(Arc::from),
        1 => ".{0,200}".prop_map(Arc::from),
        1 => Just(Arc::from("\u{fc}\u{1f600}\0")),
    ]
}

fn any_instant() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_nanos)
}

fn any_day() -> impl Strategy<Value = Day> {
    any::<u16>().prop_map(Day::new)
}

fn any_channel() -> impl Strategy<Value = Channel> {
    select(vec![Channel::Email, Channel::Post])
}

fn any_cause() -> impl Strategy<Value = Cause> {
    select(vec![Cause::OwnerRequest, Cause::StaffDecision, Cause::HardBounce, Cause::Complaint])
}

fn any_block() -> impl Strategy<Value = Block> {
    (any_brand(), any_channel(), any_cause()).prop_map(|(brand, channel, cause)| Block {
        brand,
        channel,
        cause,
    })
}

fn any_effect() -> impl Strategy<Value = Effect> {
    let basis = select(vec![Basis::Consent, Basis::ExistingCustomer]);
    let origin =
        select(vec![Origin::Refusal, Origin::OptOut, Origin::OwnerRequest, Origin::Complaint]);
    let erasure = select(vec![Erasure::None, Erasure::Pending, Erasure::Erased]);
    prop_oneof![
        any_controller().prop_map(Effect::Register),
        (any_scope(), basis, any_day()).prop_map(|(scope, basis, day)| Effect::Yes {
            scope,
            basis,
            day
        }),
        (any_scope(), origin).prop_map(|(scope, origin)| Effect::No { scope, origin }),
        any_scope().prop_map(Effect::Undeclare),
        any_block().prop_map(Effect::Block),
        any_block().prop_map(Effect::Unblock),
        (any_brand(), any_day()).prop_map(|(brand, day)| Effect::Asked(brand, day)),
        erasure.prop_map(Effect::Erasure),
    ]
}

fn any_kind() -> impl Strategy<Value = EventKind> {
    select(vec![
        EventKind::Registered,
        EventKind::Blocked,
        EventKind::BlockLifted,
        EventKind::OptedOut,
        EventKind::Resubscribed,
        EventKind::ConsentRequested,
        EventKind::ConsentGranted,
        EventKind::ConsentRefused,
        EventKind::ErasureRequested,
        EventKind::ErasureRejected,
        EventKind::Erased,
        EventKind::OptInBegun,
        EventKind::AccessRequested,
        EventKind::AccessAnswered,
    ])
}

fn any_method() -> impl Strategy<Value = Method> {
    select(vec![
        Method::Unspecified,
        Method::Form,
        Method::Link,
        Method::OneClick,
        Method::DoubleOptIn,
        Method::Portal,
        Method::Paper,
        Method::Phone,
        Method::InPerson,
        Method::Api,
        Method::Import,
    ])
}

fn any_legal_basis() -> impl Strategy<Value = LegalBasis> {
    select(vec![
        LegalBasis::Consent,
        LegalBasis::ExistingCustomer,
        LegalBasis::Contract,
        LegalBasis::LegitimateInterest,
        LegalBasis::LegalObligation,
    ])
}

fn any_notice() -> impl Strategy<Value = Notice> {
    (any_text(), any_text(), any_text()).prop_map(|(wording, version, language)| Notice {
        wording,
        version,
        language,
    })
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let texts = (any_text(), any_text(), any_text(), any_text());
    (any_method(), texts, any_notice(), option::of(any_instant())).prop_map(
        |(method, (source, document_ref, ip, user_agent), notice, occurred_at)| Evidence {
            method,
            source,
            notice,
            document_ref,
            ip,
            user_agent,
            occurred_at,
        },
    )
}

/// With the revision of its notice, where it has one.
fn any_statement() -> impl Strategy<Value = (Statement, Option<Revision>)> {
    let about = (
        vec(any_scope(), 0..4),
        vec(any_brand(), 0..4),
        vec(any_controller(), 0..4),
        vec(any_channel(), 0..3),
    );
    let said = (
        any_kind(),
        option::of(any_cause()),
        any_text(),
        option::of(any_legal_basis()),
        any_text(),
        option::of(select(vec![OwnerProof::Mailbox, OwnerProof::Session])),
    );
    let proved = option::of((any_evidence(), 1..u64::MAX));
    (about, said, proved, vec(any_effect(), 0..6)).prop_map(|(about, said, proved, effects)| {
        let (scopes, brands, controllers, channels) = about;
        let (kind, cause, reason, legal_basis, erasure_id, owner_proof) = said;
        let (evidence, at) = proved.unzip();
        let at = evidence.as_ref().and(at).map(Revision::new);
        let statement = Statement {
            kind,
            scopes,
            brands,
            controllers,
            channels,
            cause,
            reason,
            legal_basis,
            evidence: evidence.map(Arc::new),
            erasure_id,
            owner_proof,
            effects,
        };
        (statement, at)
    })
}

fn any_actor() -> impl Strategy<Value = Actor> {
    let class =
        select(vec![ActorClass::Owner, ActorClass::Staff, ActorClass::System, ActorClass::Import]);
    (class, any_text(), any_text()).prop_map(|(class, id, credential)| Actor {
        class,
        id,
        credential,
    })
}

pub(super) fn any_event() -> impl Strategy<Value = Record> {
    let address = "[a-z]{1,10}(\\+[a-z]{0,3})?@[a-z]{1,8}\\.example"
        .prop_map(|text| Address::from_canonical(&text));
    let place = (prop_oneof![0..200_u64, 0..u64::MAX], any_instant(), any::<u128>());
    (place, option::of(address), any::<bool>(), any_actor(), any_text(), any_statement()).prop_map(
        |((previous, recorded_at, bits), address, tagged, actor, request_id, said)| {
            let (statement, notice) = said;
            let event = Event {
                revision: super::HERE,
                previous: Revision::new(previous),
                recorded_at,
                fingerprint: Fingerprint::new(bits),
                address,
                tagged,
                actor,
                request_id,
                statement,
            };
            Record::Event(Box::new(event), notice)
        },
    )
}

fn any_name() -> impl Strategy<Value = Name> {
    let word = || "[a-z0-9][a-z0-9._-]{0,20}".prop_map(Box::from);
    prop_oneof![
        word().prop_map(Name::Controller),
        (any_controller(), word()).prop_map(|(controller, word)| Name::Brand(controller, word)),
        (any_brand(), word()).prop_map(|(brand, word)| Name::Topic(brand, word)),
    ]
}

fn any_campaign() -> impl Strategy<Value = Campaign> {
    let purpose = select(vec![
        Purpose::Marketing,
        Purpose::Transactional,
        Purpose::OneToOne,
        Purpose::ConsentRequest,
    ]);
    let id = "[a-z0-9][a-z0-9._-]{0,62}".prop_map(|text| CampaignId::parse(&text).unwrap());
    (any_brand(), id, option::of(any_topic()), purpose, any_channel(), any::<bool>()).prop_map(
        |(brand, id, topic, purpose, channel, retired)| Campaign {
            brand,
            id,
            topic,
            purpose,
            channel,
            retired,
        },
    )
}

fn any_request() -> impl Strategy<Value = RequestRecord> {
    let outcomes = vec(select(WriteOutcome::ALL.to_vec()), 0..40);
    (any_text(), any_text(), any::<[u8; 16]>(), any_instant(), outcomes).prop_map(
        |(credential, id, digest, recorded_at, outcomes)| RequestRecord {
            credential,
            id,
            digest,
            recorded_at,
            outcomes,
        },
    )
}

pub(super) fn any_record() -> impl Strategy<Value = Record> {
    let catalog = (any_instant(), vec(any_name(), 0..6), any_text())
        .prop_map(|(recorded_at, names, source)| CatalogVersion { recorded_at, names, source });
    let campaign = (any_instant(), any_campaign())
        .prop_map(|(recorded_at, campaign)| CampaignRecord { recorded_at, campaign });
    prop_oneof![
        4 => any_event(),
        1 => catalog.prop_map(Record::Catalog),
        1 => campaign.prop_map(Record::Campaign),
        1 => any_notice().prop_map(Record::Notice),
        1 => any_request().prop_map(Record::Request),
        1 => any_instant().prop_map(|floor| Record::Clock { floor }),
    ]
}
