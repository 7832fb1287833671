//! Calls by method and code, questions by verdict.

use prometheus::proto::MetricFamily;

use super::family::{NANOS, ONES, counter, gauge, histogram};
use super::real;
use crate::grpc::{CODES, Calls, verdict_name};
use crate::model::verdict::Verdict;

pub(super) fn families(calls: &Calls) -> Vec<MetricFamily> {
    let mut ended = counter("maysend_calls_total", "Calls that ended, by method and gRPC code.");
    let help = "Calls under way, by method.";
    let mut under_way = gauge("maysend_calls_in_flight", help);
    let help = "Time from the head of a call to the last octet of its answer; streams not counted.";
    let mut durations = histogram("maysend_call_duration_seconds", help);
    for method in calls.methods() {
        let name = &*method.name;
        for (code, times) in CODES.iter().zip(&method.codes) {
            // OK is there from the start, so that the first call is an increase.
            if *code == "OK" || times.get() > 0 {
                ended = ended.with(&[("method", name), ("code", code)], real(times.get()));
            }
        }
        let number = u64::try_from(method.in_flight()).unwrap_or(0);
        under_way = under_way.with(&[("method", name)], real(number));
        if !method.is_stream {
            durations = durations.holding(&[("method", name)], &method.durations.read(), NANOS);
        }
    }
    let mut families = vec![ended.done(), under_way.done(), durations.done()];
    families.extend(questions(calls));
    families
}

fn questions(calls: &Calls) -> [MetricFamily; 3] {
    let questions = &calls.questions;
    let help = "Addresses that were answered for, by verdict (ALLOWED_... or DENIED_...).";
    let mut verdicts = counter("maysend_checked_addresses_total", help);
    for verdict in Verdict::ALL {
        let name = verdict_name(verdict);
        verdicts = verdicts.with(&[("verdict", name)], real(questions.answered(verdict)));
    }
    let help = "Time to answer a question: a Check, or a message of a CheckStream.";
    let durations = histogram("maysend_check_duration_seconds", help);
    let help = "Addresses of a question: a Check, or a message of a CheckStream.";
    let addresses = histogram("maysend_check_addresses", help);
    [
        verdicts.done(),
        durations.holding(&[], &questions.durations.read(), NANOS).done(),
        addresses.holding(&[], &questions.addresses.read(), ONES).done(),
    ]
}
