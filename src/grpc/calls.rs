//! What is counted of calls: by method and code, and of questions by verdict.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};

use prost::Message as _;
use prost_types::FileDescriptorSet;
use tokio::sync::watch;
use tonic::{Code, Status};

use super::codec::CheckAnswer;
use super::refusal::Refusal;
use super::{DESCRIPTOR, SERVICES, api};
use crate::measure::{Counter, DURATIONS, Histogram, SIZES, Stopwatch};
use crate::model::verdict::{Verdict, WriteOutcome};

/// The name of every method that is not of the API: reflection, and what nobody serves.
pub(super) const OTHER: &str = "_OTHER";

/// Health is asked by machines all day long: it has names of its own.
const HEALTH: [(&str, bool); 2] =
    [("grpc.health.v1.Health/Check", false), ("grpc.health.v1.Health/Watch", true)];

/// The codes of gRPC, by their number.
pub const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The calls of a server, counted; and word to those that would never end that it drains.
#[derive(Debug)]
pub struct Calls {
    methods: Vec<Method>,
    /// By the path of the call.
    by_path: HashMap<String, usize>,
    other: Method,
    /// What was asked and answered.
    pub questions: Questions,
    draining: watch::Receiver<bool>,
}

/// A method, and how its calls went.
#[derive(Debug)]
pub struct Method {
    /// `maysend.v1.DecisionService/Check`.
    pub name: String,
    /// Whether its calls last as long as the client likes: then `durations` stays empty.
    pub is_stream: bool,
    /// Calls that ended, by the number of their code.
    pub codes: [Counter; CODES.len()],
    /// How long a call took from its head to its last octet, in nanoseconds.
    pub durations: Histogram,
    /// Whether a call of it is told at debug only.
    pub(super) is_frequent: bool,
    in_flight: AtomicI64,
}

/// The questions of `Check` and `CheckStream`, each message one.
#[derive(Debug)]
pub struct Questions {
    /// How long each took, in nanoseconds: decoded, but not yet encoded.
    pub durations: Histogram,
    /// How many addresses each held.
    pub addresses: Histogram,
    verdicts: [Counter; 128],
}

impl Calls {
    /// Nothing counted yet; `draining` turns true when the server drains.
    ///
    /// # Errors
    /// The descriptors that were built in cannot be read.
    pub fn new(draining: watch::Receiver<bool>) -> Result<Self, prost::DecodeError> {
        let mut methods = Vec::new();
        for file in FileDescriptorSet::decode(DESCRIPTOR)?.file {
            for service in &file.service {
                let full = format!("{}.{}", file.package(), service.name());
                let ours = SERVICES.contains(&&*full);
                methods.extend(service.method.iter().filter(|_| ours).map(|method| {
                    let is_stream = method.client_streaming() || method.server_streaming();
                    let name = format!("{full}/{}", method.name());
                    let is_frequent = ["Check", "CheckStream"].contains(&method.name());
                    Method::new(name, is_stream, is_frequent)
                }));
            }
        }
        methods.extend(HEALTH.map(|(name, is_stream)| Method::new(name.into(), is_stream, true)));
        let by_path = (0..).zip(&methods).map(|(i, method)| (format!("/{}", method.name), i));
        Ok(Self {
            by_path: by_path.collect(),
            methods,
            other: Method::new(OTHER.into(), true, true),
            questions: Questions::new(),
            draining,
        })
    }

    /// Every method.
    pub fn methods(&self) -> impl Iterator<Item = &Method> {
        self.methods.iter().chain([&self.other])
    }

    /// Where the method of a path stands; none: it is of no service that is known here.
    pub(super) fn place(&self, path: &str) -> Option<usize> {
        self.by_path.get(path).copied()
    }

    pub(super) fn method(&self, place: Option<usize>) -> &Method {
        place.and_then(|place| self.methods.get(place)).unwrap_or(&self.other)
    }

    /// Counts a call that found no way in.
    pub(super) fn turn_away(&self, path: &str, refusal: Refusal) {
        let method = self.method(self.place(path));
        method.begin();
        method.end(Status::from(refusal).code(), Stopwatch::start());
    }

    /// Resolves when the server drains.
    pub(super) fn drained(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut draining = self.draining.clone();
        // A sender that is gone says the same.
        async move { drop(draining.wait_for(|draining| *draining).await) }
    }
}

impl Method {
    fn new(name: String, is_stream: bool, is_frequent: bool) -> Self {
        Self {
            name,
            is_stream,
            codes: std::array::from_fn(|_| Counter::default()),
            durations: Histogram::new(DURATIONS),
            is_frequent,
            in_flight: AtomicI64::new(0),
        }
    }

    /// Calls under way.
    #[must_use]
    pub fn in_flight(&self) -> i64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self, code: Code, watch: Stopwatch) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        if let Some(counter) = number(code).and_then(|number| self.codes.get(number)) {
            counter.add(1);
        }
        if !self.is_stream {
            self.durations.add(watch.nanos());
        }
    }
}

fn number(code: Code) -> Option<usize> {
    usize::try_from(i32::from(code)).ok()
}

/// `INVALID_ARGUMENT`.
pub(super) fn code_name(code: Code) -> &'static str {
    number(code).and_then(|number| CODES.get(number)).copied().unwrap_or("UNKNOWN")
}

impl Questions {
    fn new() -> Self {
        Self {
            durations: Histogram::new(DURATIONS),
            addresses: Histogram::new(SIZES),
            verdicts: std::array::from_fn(|_| Counter::default()),
        }
    }

    /// Counts an answer in, by the counts that it carries anyway: nothing is done for an address.
    pub(super) fn add(&self, answer: &CheckAnswer, watch: Stopwatch) {
        self.durations.add(watch.nanos());
        self.addresses.add(u64::try_from(answer.verdicts.len()).unwrap_or(u64::MAX));
        for &(code, times) in &answer.counts {
            if let Some(counter) = self.verdicts.get(usize::from(code)) {
                counter.add(times.into());
            }
        }
    }

    /// For how many addresses this was the answer.
    #[must_use]
    pub fn answered(&self, verdict: Verdict) -> u64 {
        self.verdicts.get(usize::from(verdict.code())).map_or(0, Counter::get)
    }
}

/// `DENIED_OPTED_OUT_BRAND`, `ALLOWED_CONSENT`: as the wire has it, without its prefix.
#[must_use]
pub fn verdict_name(verdict: Verdict) -> &'static str {
    let name = api::Verdict::try_from(i32::from(verdict.code())).map(|name| name.as_str_name());
    name.unwrap_or_default().trim_start_matches("VERDICT_")
}

/// `APPLIED`, `OPTED_OUT`: as the wire has it, without its prefix.
#[must_use]
pub fn outcome_name(outcome: WriteOutcome) -> &'static str {
    let name =
        api::WriteOutcome::try_from(i32::from(outcome.code())).map(|name| name.as_str_name());
    name.unwrap_or_default().trim_start_matches("WRITE_OUTCOME_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls() -> Calls {
        Calls::new(watch::channel(false).1).unwrap()
    }

    #[test]
    fn every_method_of_the_api_has_a_name_and_a_place() {
        let calls = calls();
        let ours = calls.methods().filter(|method| method.name.starts_with("maysend.v1."));
        assert_eq!(ours.count(), 34);
        let place = calls.place("/maysend.v1.DecisionService/Check");
        assert_eq!(calls.method(place).name, "maysend.v1.DecisionService/Check");
        assert_eq!(calls.method(calls.place("/eve@example.org")).name, OTHER);
    }

    #[test]
    fn a_question_is_counted_by_its_verdicts() {
        let calls = calls();
        let codes = [Verdict::Blocked, Verdict::AllowedPost, Verdict::Blocked].map(Verdict::code);
        let answer = CheckAnswer::counted(codes.to_vec(), 1);
        calls.questions.add(&answer, Stopwatch::start());
        calls.questions.add(&answer, Stopwatch::start());
        assert_eq!(calls.questions.answered(Verdict::Blocked), 4);
        assert_eq!(calls.questions.answered(Verdict::AllowedPost), 2);
        assert_eq!(calls.questions.answered(Verdict::AllowedConsent), 0);
        assert_eq!(calls.questions.addresses.read().sum, 6);
    }

    #[test]
    fn verdicts_outcomes_and_codes_have_their_names() {
        assert_eq!(verdict_name(Verdict::OptedOutBrand), "DENIED_OPTED_OUT_BRAND");
        assert!(Verdict::ALL.iter().all(|verdict| {
            let name = verdict_name(*verdict);
            name.starts_with(if verdict.allows() { "ALLOWED_" } else { "DENIED_" })
        }));
        assert_eq!(outcome_name(WriteOutcome::Applied), "APPLIED");
        assert!(WriteOutcome::ALL.iter().all(|outcome| !outcome_name(*outcome).is_empty()));
        assert_eq!(code_name(Code::DataLoss), "DATA_LOSS");
        assert_eq!(code_name(Code::Unauthenticated), "UNAUTHENTICATED");
    }
}
