//! People whose facts are written under faults, and what their clients were told: the model.
//!
//! Each person goes through the same steps, and each step changes the verdict. So the verdict tells
//! which steps are in force: those that were acknowledged, and of the next, whose outcome nobody
//! knows, all or nothing.

use std::path::Path;
use std::process::Command;

use maysend::grpc::api::{
    ApproveErasureRequest, BlockAddressesRequest, BlockCause, GetHistoryRequest, LegalBasis,
    OptOutRequest, RecordConsentRequest, RegisterAddressesRequest, RequestErasureRequest,
};
use maysend::grpc::codec::AskBuffer;
use maysend::model::verdict::Verdict;
use serde_json::Value;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::desk::{form, topic};
use crate::process::{by, consent, decision, erasure};

/// What is said to the first address after so many steps: unknown, registered, consented, opted
/// out, blocked, erasure requested, erased.
const VERDICTS: [Verdict; 7] = [
    Verdict::UnknownAddress,
    Verdict::AllowedNoObjection,
    Verdict::AllowedConsent,
    Verdict::OptedOutTopic,
    Verdict::Blocked,
    Verdict::ErasurePending,
    Verdict::Erased,
];

/// How many steps there are.
pub(super) const STEPS: usize = VERDICTS.len() - 1;

/// Steps that both addresses of a person take in one call.
const SHARED: usize = 4;

/// The step that says no first.
pub(super) const OPT_OUT: usize = 3;

/// What a client is told of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Done,
    /// It was not taken, for this reason.
    Refused(String),
    /// It may stand or not.
    Unknown,
}

/// Somebody with two addresses, so that a call that is half-done shows.
#[derive(Debug, Clone)]
pub(super) struct Person {
    name: String,
    /// Steps that were acknowledged.
    pub(super) done: usize,
    /// Whether the outcome of the next step is unknown.
    pub(super) unknown: bool,
    case: String,
    /// Whether its calls bear a request id.
    names_calls: bool,
}

impl Person {
    pub(super) fn new(name: String) -> Self {
        Self { name, done: 0, unknown: false, case: String::new(), names_calls: true }
    }

    /// One whose calls bear no request id.
    pub(super) fn nameless(name: String) -> Self {
        Self { names_calls: false, ..Self::new(name) }
    }

    pub(super) fn addresses(&self) -> [String; 2] {
        ["a", "b"].map(|which| format!("{}-{which}@example.org", self.name))
    }

    pub(super) fn is_finished(&self) -> bool {
        self.done == STEPS
    }

    /// What the two addresses are told after so many steps.
    fn verdicts(done: usize) -> [u8; 2] {
        [VERDICTS[done].code(), VERDICTS[done.min(SHARED)].code()]
    }

    /// Takes the next step.
    pub(super) async fn go_on(&mut self, channel: &Channel) -> Told {
        let step = self.done + 1;
        let told = match self.take(channel, step).await {
            Ok(()) => Told::Done,
            Err(status) => told(&status),
        };
        match &told {
            Told::Done => (self.done, self.unknown) = (step, false),
            // One that was begun before and is refused now may stand all the same.
            Told::Refused(_) => {}
            Told::Unknown => self.unknown = true,
        }
        told
    }

    /// Says the last step again, as who never got the answer does: it changes nothing.
    pub(super) async fn repeat(&mut self, channel: &Channel) {
        if self.done > 0 {
            self.take(channel, self.done).await.unwrap();
        }
        verify(channel, std::slice::from_ref(self)).await.unwrap();
        verify_history(channel, self).await;
    }

    async fn take(&mut self, channel: &Channel, step: usize) -> Result<(), Status> {
        let request_id =
            if self.names_calls { format!("{}s{step}", self.name) } else { String::new() };
        let addresses = self.addresses().to_vec();
        let scopes = vec![topic("festival", "newsletter")];
        let mut client = consent(channel);
        match step {
            1 => {
                let controllers = vec!["buehne".to_owned()];
                let source = "shop".to_owned();
                let portal_session = String::new();
                let request = RegisterAddressesRequest {
                    addresses,
                    controllers,
                    source,
                    portal_session,
                    request_id,
                };
                client.register_addresses(request).await?;
            }
            2 => {
                let (legal_basis, evidence) = (LegalBasis::Consent.into(), Some(form()));
                let request =
                    RecordConsentRequest { addresses, scopes, legal_basis, evidence, request_id };
                client.record_consent(request).await?;
            }
            OPT_OUT => {
                let (reason, evidence) = ("by phone".to_owned(), None);
                let request = OptOutRequest { addresses, scopes, reason, evidence, request_id };
                client.opt_out(request).await?;
            }
            4 => {
                let request = BlockAddressesRequest {
                    addresses,
                    brands: vec!["festival".to_owned()],
                    channels: Vec::new(),
                    cause: BlockCause::StaffDecision.into(),
                    reason: "a quarrel".to_owned(),
                    opt_out: Vec::new(),
                    request_id,
                };
                client.block_addresses(request).await?;
            }
            5 => {
                let [address, _] = self.addresses();
                let reason = "by letter".to_owned();
                let request = RequestErasureRequest { address, reason, request_id };
                let answer = erasure(channel).request_erasure(by("clerk", request)).await?;
                self.case = answer.into_inner().erasure_case.unwrap().id;
            }
            _ => {
                if self.case.is_empty() {
                    // Who never heard of the case asks again, and hears of the same one.
                    Box::pin(self.take(channel, 5)).await?;
                }
                let id = self.case.clone();
                let request = ApproveErasureRequest { id, ..Default::default() };
                erasure(channel).approve_erasure(by("reviewer", request)).await?;
            }
        }
        Ok(())
    }
}

/// What a failure says of the write.
fn told(status: &Status) -> Told {
    let reason = status.get_details_error_info().map(|info| info.reason);
    match (status.code(), reason.as_deref()) {
        (_, Some("OUTCOME_UNKNOWN")) => Told::Unknown,
        (
            _,
            Some(
                reason @ ("DISK_FULL" | "LEDGER_LATCHED" | "DRAINING" | "CLOCK_IN_DOUBT"
                | "DAMAGED"),
            ),
        ) => Told::Refused(reason.to_owned()),
        (Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal, None) => {
            Told::Unknown
        }
        _ => panic!("no answer to expect: {status:?}"),
    }
}

/// The verdicts of addresses, in their order.
pub(super) async fn verdicts(channel: &Channel, addresses: &[String]) -> Result<Vec<u8>, Status> {
    let mut verdicts = Vec::new();
    for chunk in addresses.chunks(10_000) {
        let mut ask = AskBuffer::new("festival", "2026-11-advent", 0);
        for address in chunk {
            ask.push(address.as_bytes());
        }
        verdicts.extend(decision(channel).check(ask.take()).await?.into_inner().verdicts);
    }
    Ok(verdicts)
}

/// Every person is told what the model says. Gives back how many steps are in force.
///
/// # Errors
/// The server is gone. Of what it answered nothing was wrong.
pub(super) async fn verify(channel: &Channel, people: &[Person]) -> Result<usize, Status> {
    let addresses: Vec<String> = people.iter().flat_map(Person::addresses).collect();
    let told = verdicts(channel, &addresses).await?;
    let mut steps = 0;
    for (person, told) in people.iter().zip(told.chunks(2)) {
        let late = person.unknown && told == Person::verdicts(person.done + 1);
        let due = told == Person::verdicts(person.done);
        assert!(late || due, "lost or undue: {person:?}: {told:?}");
        steps += person.done + usize::from(late);
    }
    Ok(steps)
}

/// As `verify`, after a restart: what was unknown is known from now, for nothing comes late.
///
/// # Errors
/// As `verify`.
pub(super) async fn settle(channel: &Channel, people: &mut [Person]) -> Result<usize, Status> {
    let steps = verify(channel, people).await?;
    let addresses: Vec<String> = people.iter().flat_map(Person::addresses).collect();
    let told = verdicts(channel, &addresses).await?;
    for (person, told) in people.iter_mut().zip(told.chunks(2)).filter(|(p, _)| p.unknown) {
        person.unknown = false;
        person.done += usize::from(told == Person::verdicts(person.done + 1));
    }
    Ok(steps)
}

/// The history has each acknowledged step once.
pub(super) async fn verify_history(channel: &Channel, person: &Person) {
    let [address, _] = person.addresses();
    let request = GetHistoryRequest { address, ..Default::default() };
    let events = consent(channel).get_history(request).await.unwrap().into_inner().events;
    if !person.is_finished() {
        assert_eq!(events.len(), person.done, "{person:?}: {events:?}");
    }
}

/// Takes steps until the server is gone or refuses; new people arrive as the old ones are finished.
pub(super) async fn live(channel: Channel, name: String) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    loop {
        // Several are under way, so that facts lie apart in the ledger.
        let under_way = people.iter().filter(|person| !person.is_finished()).count();
        if under_way < 5 {
            people.push(Person::new(format!("{name}n{}", people.len())));
        }
        for person in people.iter_mut().filter(|person| !person.is_finished()) {
            if person.go_on(&channel).await != Told::Done {
                return people;
            }
        }
    }
}

/// `maysend verify`: its document.
pub(super) fn verify_offline(data_dir: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_maysend"))
        .args(["--format", "json", "verify", "--data-dir"])
        .arg(data_dir)
        .output()
        .unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {talk}"))
}
