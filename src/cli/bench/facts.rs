//! What is said of the invented recipients: told to maysend as any client would tell it, and known
//! to the ordinary server as the verdicts that follow.

use std::collections::HashMap;

use anyhow::Context as _;
use tokio::task::JoinSet;

use super::people;
use crate::cli::connect::{Server, consents};
use crate::cli::fault::Fault;
use crate::engine::clock::Clock as _;
use crate::grpc::api::scope::Level;
use crate::grpc::api::{
    BlockAddressesRequest, BlockCause, Evidence, LegalBasis, Method, OptOutRequest,
    RecordConsentRequest, RegisterAddressesRequest, Scope, TopicRef,
};
use crate::model::verdict::{Verdict, WriteOutcome};
use crate::server::SystemClock;

/// Who asks in the self-contained form.
pub(super) const BRAND: &str = "festival";
/// What is sent.
pub(super) const CAMPAIGN: &str = "2026-11-advent";

/// An opt-in brand whose consents lapse, so that a day has to be looked at.
pub(super) const CATALOG: &str = r#"
[[controller]]
id = "buehne"
title = "Buehne GmbH"

[[brand]]
id = "festival"
controller = "buehne"
title = "Sommerfestival"
policy = { consent_lifetime_days = 730 }
topic = [ { id = "newsletter", title = "Newsletter" }, { id = "programm", title = "Programm" } ]

[[campaign]]
brand = "festival"
id = "2026-11-advent"
topic = "newsletter"
purpose = "marketing"
"#;

/// Addresses of one call.
const PER_CALL: usize = 10_000;

/// Calls under way: the ledger takes several with one fdatasync.
const UNDER_WAY: usize = 4;

/// Days over which the consents are spread; none has lapsed.
const SPREAD_DAYS: i64 = 700;

/// What is known of a recipient; by number, so that each twentieth has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fact {
    /// Consent to the topic that is asked about.
    Consent,
    /// Consent to another topic of the brand.
    OtherTopic,
    /// Only on file.
    Registered,
    OptedOutBrand,
    OptedOutEverything,
    HardBounce,
}

use Fact::{Consent, HardBounce, OptedOutBrand, OptedOutEverything, OtherTopic, Registered};

const FACTS: [Fact; 20] = [
    Consent,
    Consent,
    Consent,
    Consent,
    Consent,
    Consent,
    Consent,
    Consent,
    Consent,
    Consent,
    Consent,
    Consent,
    OtherTopic,
    OtherTopic,
    Registered,
    Registered,
    OptedOutBrand,
    OptedOutBrand,
    OptedOutEverything,
    HardBounce,
];

impl Fact {
    const fn verdict(self) -> Verdict {
        match self {
            Consent => Verdict::AllowedConsent,
            OtherTopic | Registered => Verdict::NotRequested,
            OptedOutBrand => Verdict::OptedOutBrand,
            OptedOutEverything => Verdict::OptedOutEverything,
            HardBounce => Verdict::HardBounce,
        }
    }
}

/// The recipients below `count`, and what each is to be told: the table of an ordinary server.
pub(super) fn ordinary(count: u64) -> HashMap<String, u32> {
    let facts = FACTS.iter().cycle();
    let row = |(n, fact): (u64, &Fact)| (people::address(n).to_lowercase(), fact.verdict().code());
    (0..count).zip(facts).map(row).map(|(address, code)| (address, code.into())).collect()
}

/// Tells a server of the recipients below `count`; returns how many events that took.
///
/// # Errors
/// A call failed or did not apply to all of its addresses.
pub(super) async fn tell(server: &Server, count: u64) -> anyhow::Result<u64> {
    let connection = server.connect(Some("bench")).await?;
    let mut calls = JoinSet::new();
    let mut events = 0;
    for (fact, call, people) in chunks(count) {
        if calls.len() >= UNDER_WAY {
            finish(&mut calls).await?;
        }
        events += u64::try_from(people.len()).unwrap_or(0);
        if !matches!(fact, Consent | OtherTopic | Registered) {
            events += u64::try_from(people.len()).unwrap_or(0);
        }
        let mut client = consents(connection.clone());
        calls.spawn(async move {
            let addresses: Vec<String> = people.into_iter().map(people::address).collect();
            let level = match fact {
                Consent => Some(topic("newsletter")),
                OtherTopic => Some(topic("programm")),
                OptedOutBrand => Some(Level::Brand(BRAND.to_owned())),
                OptedOutEverything => Some(Level::Everything(true)),
                HardBounce | Registered => None,
            };
            let scopes: Vec<Scope> =
                level.into_iter().map(|level| Scope { level: Some(level) }).collect();
            if let Consent | OtherTopic = fact {
                let request = consent(addresses, scopes, call);
                let written = client.record_consent(request).await.map_err(Fault::from)?;
                return all_applied(&written.get_ref().outcomes);
            }
            let request = RegisterAddressesRequest {
                addresses: addresses.clone(),
                controllers: vec!["buehne".to_owned()],
                source: "bench".to_owned(),
                ..RegisterAddressesRequest::default()
            };
            let written = client.register_addresses(request).await.map_err(Fault::from)?;
            all_applied(&written.get_ref().outcomes)?;
            if let HardBounce = fact {
                let request = BlockAddressesRequest {
                    addresses,
                    brands: vec![BRAND.to_owned()],
                    cause: BlockCause::HardBounce.into(),
                    reason: "550 5.1.1".to_owned(),
                    ..BlockAddressesRequest::default()
                };
                let written = client.block_addresses(request).await.map_err(Fault::from)?;
                all_applied(&written.get_ref().outcomes)?;
            } else if !scopes.is_empty() {
                let request = OptOutRequest { addresses, scopes, ..OptOutRequest::default() };
                let written = client.opt_out(request).await.map_err(Fault::from)?;
                all_applied(&written.get_ref().outcomes)?;
            }
            Ok(())
        });
    }
    while !calls.is_empty() {
        finish(&mut calls).await?;
    }
    Ok(events)
}

/// The calls: what is told, the number of the call, whom it is about.
fn chunks(count: u64) -> impl Iterator<Item = (Fact, i64, Vec<u64>)> {
    let of_fact = move |(first, fact): (u64, Fact)| {
        let mut people = (first..count).step_by(FACTS.len());
        std::iter::from_fn(move || {
            let chunk: Vec<u64> = people.by_ref().take(PER_CALL).collect();
            (!chunk.is_empty()).then_some((fact, chunk))
        })
    };
    let chunks = (0..).zip(FACTS).flat_map(of_fact);
    (0..).zip(chunks).map(|(call, (fact, chunk))| (fact, call, chunk))
}

async fn finish(calls: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    calls.join_next().await.map_or(Ok(Ok(())), |call| call).context("a call ended")?
}

fn all_applied(outcomes: &[i32]) -> anyhow::Result<()> {
    let applied = i32::from(WriteOutcome::Applied.code());
    let all = outcomes.iter().all(|outcome| *outcome == applied);
    anyhow::ensure!(all, "the server did not take what the addresses were to have");
    Ok(())
}

fn topic(topic: &str) -> Level {
    Level::Topic(TopicRef { brand: BRAND.to_owned(), topic: topic.to_owned() })
}

fn consent(addresses: Vec<String>, scopes: Vec<Scope>, call: i64) -> RecordConsentRequest {
    let (now, _) = SystemClock.now().parts();
    let seconds = now - (1 + call * 7 % SPREAD_DAYS) * 86_400;
    RecordConsentRequest {
        addresses,
        scopes,
        legal_basis: LegalBasis::Consent.into(),
        evidence: Some(Evidence {
            method: Method::Import.into(),
            source: "bench.csv".to_owned(),
            occurred_at: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            ..Evidence::default()
        }),
        request_id: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_told_of_once_and_as_the_ordinary_server_has_it() {
        let count = 230_000;
        let table = ordinary(count);
        let mut told = std::collections::HashSet::new();
        for (fact, _, people) in chunks(count) {
            assert!(people.len() <= PER_CALL);
            for n in people {
                assert!(told.insert(n));
                let code = table[&people::address(n).to_lowercase()];
                assert_eq!(code, u32::from(fact.verdict().code()));
            }
        }
        assert_eq!(u64::try_from(told.len()), Ok(count));
        assert_eq!(u64::try_from(table.len()), Ok(count));
    }
}
