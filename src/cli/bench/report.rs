//! What was measured, for people and for programs.

use std::fs;
use std::thread::available_parallelism;

use serde_json::{Value, json};

use super::drive::{Sample, ratio};
use super::world::Loaded;
use crate::cli::output::{Align, grouped, table};

/// Where it was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    cores: usize,
    processor: String,
    memory_kib: Option<u64>,
    last_level_cache: String,
}

/// One question size under one load, answered by each.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) per_call: usize,
    pub(super) load: Load,
    pub(super) maysend: Sample,
    /// Nobody to compare with where another's server is measured.
    pub(super) rivals: Option<Rivals>,
}

/// How questions were sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Load {
    /// So many calls under way, each on its own connection.
    InFlight(usize),
    /// So many calls a second.
    Rate(f64),
}

/// What the others did.
#[derive(Debug)]
pub(super) struct Rivals {
    pub(super) echo: Sample,
    pub(super) ordinary: Sample,
}

/// Everything.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) machine: Machine,
    pub(super) server: String,
    pub(super) loaded: Option<Loaded>,
    pub(super) cells: Vec<Cell>,
}

impl Machine {
    /// This one, as far as Linux tells.
    pub(super) fn here() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let value = |text: &str, key: &str| {
            let line = text.lines().find(|line| line.starts_with(key))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let memory = value(&read("/proc/meminfo"), "MemTotal");
        Self {
            cores: available_parallelism().map_or(1, usize::from),
            processor: value(&read("/proc/cpuinfo"), "model name").unwrap_or_default(),
            memory_kib: memory.and_then(|text| text.strip_suffix(" kB")?.parse().ok()),
            last_level_cache: read("/sys/devices/system/cpu/cpu0/cache/index3/size").trim().into(),
        }
    }
}

impl Report {
    /// For people.
    pub(super) fn human(&self) -> String {
        let mut text = self.head();
        match self.cells.first().map(|cell| cell.rivals.is_some()) {
            Some(true) => text.push_str(&self.compared()),
            _ => text.push_str(&self.alone()),
        }
        text
    }

    fn head(&self) -> String {
        let Machine { cores, processor, memory_kib, last_level_cache } = &self.machine;
        let memory = memory_kib.map_or(0, |kib| kib >> 20);
        let shares = match self.loaded {
            Some(_) => "Client and servers share it.",
            None => "It runs the client, and the server too if that is local.",
        };
        let mut text = format!(
            "{cores} cores ({processor}), {memory} GiB of memory, {last_level_cache} of shared \
             cache. {shares}\n"
        );
        if let Some(Loaded { addresses, events, writing, starting }) = self.loaded {
            text.push_str(&format!(
                "{} addresses, {} events written in {:.1} s, each call durable when acknowledged; \
                 started again in {:.1} s.\n80 of 100 addresses asked about are known; none comes \
                 again soon.\n",
                grouped(addresses),
                grouped(events),
                writing.as_secs_f64(),
                starting.as_secs_f64()
            ));
        }
        text.push('\n');
        text
    }

    fn compared(&self) -> String {
        let titles = [
            "addresses",
            self.load_title(),
            "maysend",
            "p50",
            "p99",
            "p99.9",
            "echo",
            "its p99",
            "ordinary",
            "its p99",
            "of echo",
            "x ordinary",
        ];
        let rows = self.cells.iter().filter_map(|cell| {
            let Rivals { echo, ordinary } = cell.rivals.as_ref()?;
            let maysend = rate(&cell.maysend);
            let (share, times) = match cell.load {
                Load::InFlight(_) => (
                    format!("{:.0} %", 100.0 * maysend / rate(echo)),
                    format!("{:.1}", maysend / rate(ordinary)),
                ),
                // All got as many questions.
                Load::Rate(_) => ("-".to_owned(), "-".to_owned()),
            };
            Some([
                grouped(cell.per_call.try_into().unwrap_or(0)),
                cell.load(),
                short(maysend),
                at(&cell.maysend, 50.0),
                at(&cell.maysend, 99.0),
                at(&cell.maysend, 99.9),
                short(rate(echo)),
                at(echo, 99.0),
                short(rate(ordinary)),
                at(ordinary, 99.0),
                share,
                times,
            ])
        });
        let rows: Vec<_> = std::iter::once(titles.map(str::to_owned)).chain(rows).collect();
        let text = table([Align::Right; 12], &rows);
        format!(
            "{text}\nAddresses of a call; then addresses a second, and how long calls took.\necho: \
             tonic, the same octets, looks at nothing. ordinary: tonic and prost over a HashMap.\n"
        )
    }

    fn alone(&self) -> String {
        let titles = [
            "addresses",
            self.load_title(),
            "calls/s",
            "addresses/s",
            "p50",
            "p99",
            "p99.9",
            "max",
        ];
        let rows = self.cells.iter().map(|cell| {
            [
                grouped(cell.per_call.try_into().unwrap_or(0)),
                cell.load(),
                short(cell.maysend.per_second(cell.maysend.latency.len())),
                short(rate(&cell.maysend)),
                at(&cell.maysend, 50.0),
                at(&cell.maysend, 99.0),
                at(&cell.maysend, 99.9),
                at(&cell.maysend, 100.0),
            ]
        });
        let rows: Vec<_> = std::iter::once(titles.map(str::to_owned)).chain(rows).collect();
        table([Align::Right; 8], &rows)
    }

    fn load_title(&self) -> &'static str {
        match self.cells.first().map(|cell| cell.load) {
            Some(Load::Rate(_)) => "offered calls/s",
            _ => "in flight",
        }
    }

    /// For programs.
    pub(super) fn json(&self) -> String {
        let Machine { cores, processor, memory_kib, last_level_cache } = &self.machine;
        let loaded = self.loaded.map(|loaded| {
            json!({
                "addresses": loaded.addresses,
                "events": loaded.events,
                "writing_seconds": loaded.writing.as_secs_f64(),
                "starting_seconds": loaded.starting.as_secs_f64(),
            })
        });
        let document = json!({
            "machine": {
                "cores": cores,
                "processor": processor,
                "memory_kib": memory_kib,
                "last_level_cache": last_level_cache,
                "shared_by_client_and_server": self.loaded.is_some(),
            },
            "server": self.server,
            "loaded": loaded,
            "cells": self.cells.iter().map(Cell::json).collect::<Vec<_>>(),
        });
        format!("{document:#}\n")
    }
}

impl Cell {
    fn load(&self) -> String {
        match self.load {
            Load::InFlight(calls) => calls.to_string(),
            Load::Rate(rate) => format!("{rate}"),
        }
    }

    fn json(&self) -> Value {
        let mut document = json!({
            "addresses_per_call": self.per_call,
            "maysend": sample(&self.maysend),
        });
        match self.load {
            Load::InFlight(calls) => document["in_flight"] = calls.into(),
            Load::Rate(rate) => document["offered_calls_per_second"] = rate.into(),
        }
        if let Some(Rivals { echo, ordinary }) = &self.rivals {
            let maysend = rate(&self.maysend);
            document["echo"] = sample(echo);
            document["ordinary"] = sample(ordinary);
            if let Load::InFlight(_) = self.load {
                document["share_of_echo"] = (maysend / rate(echo)).into();
                document["times_ordinary"] = (maysend / rate(ordinary)).into();
            }
        }
        document
    }
}

fn sample(sample: &Sample) -> Value {
    let micros = |quantile: f64| ratio(sample.latency.value_at_percentile(quantile), 1_000);
    json!({
        "calls": sample.latency.len(),
        "calls_per_second": sample.per_second(sample.latency.len()),
        "addresses_per_second": rate(sample),
        "latency_us": {
            "p50": micros(50.0),
            "p99": micros(99.0),
            "p99.9": micros(99.9),
            "max": micros(100.0),
        },
    })
}

fn rate(sample: &Sample) -> f64 {
    sample.per_second(sample.addresses)
}

/// `950`, `17.3 k`, `11.7 M`.
fn short(number: f64) -> String {
    if number >= 1e6 {
        format!("{:.1} M", number / 1e6)
    } else if number >= 1e4 {
        format!("{:.1} k", number / 1e3)
    } else {
        format!("{number:.0}")
    }
}

/// `87 us`, `1.42 ms`, `2.1 s`.
fn at(sample: &Sample, percentile: f64) -> String {
    let micros = ratio(sample.latency.value_at_percentile(percentile), 1_000);
    if micros >= 1e6 {
        format!("{:.1} s", micros / 1e6)
    } else if micros >= 1e3 {
        format!("{:.2} ms", micros / 1e3)
    } else {
        format!("{micros:.0} us")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sample_of(addresses: u64) -> Sample {
        let mut sample = Sample::empty().unwrap();
        sample.latency.record(1_500_000).unwrap();
        sample.addresses = addresses;
        sample.elapsed = Duration::from_secs(1);
        sample
    }

    fn report(rivals: Option<Rivals>) -> Report {
        let maysend = sample_of(12_000_000);
        let cell = Cell { per_call: 10_000, load: Load::InFlight(2), maysend, rivals };
        let machine = Machine {
            cores: 2,
            processor: "a processor".into(),
            memory_kib: Some(16 << 20),
            last_level_cache: "32768K".into(),
        };
        Report { machine, server: "here".into(), loaded: None, cells: vec![cell] }
    }

    #[test]
    fn a_comparison_says_how_many_times_as_fast() {
        let rivals = Rivals { echo: sample_of(48_000_000), ordinary: sample_of(2_000_000) };
        let report = report(Some(rivals));
        let human = report.human();
        let row = human.lines().find(|line| line.contains("10,000")).unwrap();
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(cells[..4], ["10,000", "2", "12.0", "M"]);
        assert_eq!(cells[cells.len() - 3..], ["25", "%", "6.0"]);
        let json: Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["cells"][0]["times_ordinary"], 6.0);
        assert_eq!(json["cells"][0]["in_flight"], 2);
    }

    #[test]
    fn who_gets_as_many_questions_is_not_compared_by_their_number() {
        let rivals = Rivals { echo: sample_of(48_000_000), ordinary: sample_of(2_000_000) };
        let mut report = report(Some(rivals));
        report.cells[0].load = Load::Rate(250.0);
        assert!(report.human().lines().any(|line| line.ends_with(" -")));
        let json: Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["cells"][0].get("times_ordinary"), None);
        assert_eq!(json["cells"][0]["offered_calls_per_second"], 250.0);
    }

    #[test]
    fn a_server_alone_is_compared_with_nobody() {
        let report = report(None);
        assert!(!report.human().contains("ordinary"));
        let json: Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["cells"][0].get("echo"), None);
        assert_eq!(json["cells"][0]["maysend"]["addresses_per_second"], 12e6);
    }

    #[test]
    fn numbers_are_short() {
        let shown = [999.4, 9_999.0, 17_250.0, 11_700_000.0].map(short);
        assert_eq!(shown, ["999", "9999", "17.2 k", "11.7 M"]);
        assert_eq!(at(&sample_of(1), 50.0), "1.50 ms");
    }
}
