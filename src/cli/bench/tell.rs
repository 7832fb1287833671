//! The standard work's facts, told to a server as any client would tell them: many addresses a
//! call, some calls under way.

use std::collections::HashMap;
use std::ops::Range;
use std::thread;

use anyhow::Context as _;
use tokio::task::JoinSet;

use super::facts::{self, BLOCK, Fact, Kind, brand_id, controller_id, days_ago, season, topic_id};
use super::people;
use crate::cli::connect::{Connection, Server, consents};
use crate::cli::fault::Fault as Failed;
use crate::engine::clock::Clock as _;
use crate::grpc::api::scope::Level;
use crate::grpc::api::{
    BlockAddressesRequest, BlockCause, Evidence, LegalBasis, Method, OptOutRequest,
    RecordConsentRequest, RegisterAddressesRequest, Scope, TopicRef, WithdrawConsentRequest,
};
use crate::model::verdict::WriteOutcome;
use crate::server::SystemClock;

/// Addresses of one call, where it is to be quick.
pub const PER_CALL: usize = 10_000;

/// Calls under way: the ledger takes several with one fdatasync.
const UNDER_WAY: usize = 4;

/// Those who wait for a full call, by what is told of them and of when.
type Waiting = HashMap<(Fact, u64), Vec<u64>>;

/// How many events it takes to tell of these recipients.
#[must_use]
pub fn events(people: Range<u64>) -> u64 {
    let of_one = |fact: Fact| if writes_twice(fact.kind) { 2 } else { 1 };
    people.flat_map(facts::facts).map(of_one).sum()
}

/// Tells a server of these recipients, so many a call.
///
/// # Errors
/// A call failed or did not apply to all of its addresses.
pub async fn tell(server: &Server, people: Range<u64>, per_call: usize) -> anyhow::Result<()> {
    let connection = server.connect(Some("bench")).await?;
    let mut calls = JoinSet::new();
    let mut waiting = Waiting::new();
    for n in people {
        give_way(n);
        if n.is_multiple_of(BLOCK) {
            for ((fact, _), group) in
                waiting.extract_if(|(fact, _), group| has_day(fact.kind) && !group.is_empty())
            {
                send(&mut calls, &connection, fact, group).await?;
            }
        }
        for fact in facts::facts(n) {
            let season = if has_day(fact.kind) { season(n, fact.at) } else { 0 };
            let group = waiting.entry((fact, season)).or_default();
            group.push(n);
            if group.len() == per_call {
                send(&mut calls, &connection, fact, std::mem::take(group)).await?;
            }
        }
    }
    for ((fact, _), group) in waiting.into_iter().filter(|(_, group)| !group.is_empty()) {
        send(&mut calls, &connection, fact, group).await?;
    }
    while !calls.is_empty() {
        finish(&mut calls).await?;
    }
    Ok(())
}

/// Whoever is measured beside this client shares the processors with it, and the kernel takes them
/// from a thread that computes every 4 ms only.
fn give_way(n: u64) {
    if n.is_multiple_of(32) {
        thread::yield_now();
    }
}

/// Whether all whom a call is about must have said it on the same day.
const fn has_day(kind: Kind) -> bool {
    matches!(kind, Kind::Yes | Kind::Left)
}

/// Whether the address is registered, or consents, before the fact itself is recorded.
const fn writes_twice(kind: Kind) -> bool {
    !matches!(kind, Kind::Yes | Kind::Registered)
}

async fn send(
    calls: &mut JoinSet<anyhow::Result<()>>,
    connection: &Connection,
    fact: Fact,
    people: Vec<u64>,
) -> anyhow::Result<()> {
    if calls.len() >= UNDER_WAY {
        finish(calls).await?;
    }
    let connection = connection.clone();
    calls.spawn(async move { record(connection, fact, &people).await });
    Ok(())
}

async fn finish(calls: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    calls.join_next().await.map_or(Ok(Ok(())), |call| call).context("a call ended")?
}

async fn record(connection: Connection, fact: Fact, people: &[u64]) -> anyhow::Result<()> {
    let Fact { kind, at } = fact;
    let mut client = consents(connection);
    let addresses: Vec<String> = people
        .iter()
        .copied()
        .map(|n| {
            give_way(n);
            people::address(n)
        })
        .collect();
    let brand = brand_id(at.brand);
    let topic = Level::Topic(TopicRef { brand: brand.clone(), topic: topic_id(at.topic) });
    if let Kind::Yes | Kind::Left = kind {
        let days = people.first().map_or(0, |n| days_ago(*n, at));
        let request = consent(addresses.clone(), topic.clone(), days);
        let written = client.record_consent(request).await.map_err(Failed::from)?;
        all_applied(&written.get_ref().outcomes)?;
    } else {
        let request = RegisterAddressesRequest {
            addresses: addresses.clone(),
            controllers: vec![controller_id(at.controller())],
            source: "crm".to_owned(),
            ..RegisterAddressesRequest::default()
        };
        let written = client.register_addresses(request).await.map_err(Failed::from)?;
        all_applied(&written.get_ref().outcomes)?;
    }
    let out_of = match kind {
        Kind::Yes | Kind::Registered => return Ok(()),
        Kind::Blocked | Kind::Bounced => {
            let (cause, reason) = match kind {
                Kind::Bounced => (BlockCause::HardBounce, "550 5.1.1"),
                _ => (BlockCause::StaffDecision, "a dispute"),
            };
            let request = BlockAddressesRequest {
                addresses,
                brands: vec![brand],
                cause: cause.into(),
                reason: reason.to_owned(),
                ..BlockAddressesRequest::default()
            };
            let written = client.block_addresses(request).await.map_err(Failed::from)?;
            return all_applied(&written.get_ref().outcomes);
        }
        Kind::Refused => {
            let scopes = vec![Scope { level: Some(topic) }];
            let request =
                WithdrawConsentRequest { addresses, scopes, ..WithdrawConsentRequest::default() };
            let written = client.withdraw_consent(request).await.map_err(Failed::from)?;
            return all_applied(&written.get_ref().outcomes);
        }
        Kind::OutOfTopic => topic,
        Kind::OutOfBrand | Kind::Left => Level::Brand(brand),
        Kind::OutOfController => Level::Controller(controller_id(at.controller())),
        Kind::OutOfEverything => Level::Everything(true),
    };
    let scopes = vec![Scope { level: Some(out_of) }];
    let request = OptOutRequest { addresses, scopes, ..OptOutRequest::default() };
    let written = client.opt_out(request).await.map_err(Failed::from)?;
    all_applied(&written.get_ref().outcomes)
}

fn all_applied(outcomes: &[i32]) -> anyhow::Result<()> {
    let applied = i32::from(WriteOutcome::Applied.code());
    let all = outcomes.iter().all(|outcome| *outcome == applied);
    anyhow::ensure!(all, "the server did not take what the addresses were to have");
    Ok(())
}

/// A yes to one topic, said on a form so many days ago.
fn consent(addresses: Vec<String>, topic: Level, days_ago: u64) -> RecordConsentRequest {
    let (now, _) = SystemClock.now().parts();
    let seconds = now - i64::try_from(days_ago).unwrap_or(0) * 86_400;
    RecordConsentRequest {
        addresses,
        scopes: vec![Scope { level: Some(topic) }],
        legal_basis: LegalBasis::Consent.into(),
        evidence: Some(Evidence {
            method: Method::Form.into(),
            source: "https://www.example.org/newsletter".to_owned(),
            wording: "Yes, send me this newsletter. I can leave at any time.".to_owned(),
            wording_version: "3".to_owned(),
            language: "en".to_owned(),
            occurred_at: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            ..Evidence::default()
        }),
        request_id: String::new(),
    }
}

/// Yeses of so many recipients from `first` on, each call encoded: what a durable import is measured
/// by.
#[must_use]
pub fn yeses(first: u64, calls: u64) -> Vec<bytes::Bytes> {
    use prost::Message as _;
    let per_call = u64::try_from(PER_CALL).unwrap_or(0);
    let topic = |call| {
        let (brand, topic) = (brand_id(call), topic_id(0));
        Level::Topic(TopicRef { brand, topic })
    };
    let call = |call: u64| {
        let start = first + call * per_call;
        let addresses = (start..start + per_call).map(people::address).collect();
        let brand = u8::try_from(call % 30).unwrap_or(0);
        consent(addresses, topic(brand), 1 + call % 700).encode_to_vec().into()
    };
    (0..calls).map(call).collect()
}
