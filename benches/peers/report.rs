//! What was measured, as text and as JSON.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use maysend::cli::bench::drive::Sample;
use maysend::cli::bench::grouped;
use serde_json::{Value, json};

use super::sidecar::BINARY;

/// Which way a measure is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    AtLeast,
    AtMost,
}

/// One line of the table: what was reached of what had to be.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    /// What was measured, in words.
    pub(crate) shown: String,
    pub(crate) measured: f64,
    pub(crate) aim: Aim,
    pub(crate) must: f64,
    pub(crate) beyond: f64,
}

/// How fast one side answered, at its best.
#[derive(Debug)]
pub(crate) struct Rate {
    pub(crate) name: &'static str,
    pub(crate) how: String,
    pub(crate) per_second: f64,
    /// Octets of memory an address, where it holds any.
    pub(crate) memory: Option<f64>,
}

/// Everything.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) addresses: u64,
    pub(crate) rows: Vec<Row>,
    pub(crate) rates: Vec<Rate>,
    pub(crate) notes: Vec<String>,
    pub(crate) versions: Vec<String>,
}

/// Said whatever was measured.
const CAVEATS: [&str; 5] = [
    "Client and server share the cores; each server is one process, asked by one client process.",
    "Redis and PostgreSQL give back a stored value; maysend evaluates rules, brand, campaign and day.",
    "Redis keeps nothing on disk here and PostgreSQL has its table in memory: only reads are compared.",
    "Echo, sink: tonic servers that look at nothing; one gives all octets back, one an octet an address.",
    "Ordinary: tonic and prost over a HashMap<String, u32> that holds the verdict of this one campaign.",
];

impl Row {
    fn reached(&self) -> &'static str {
        let within = |bound: f64| match self.aim {
            Aim::AtLeast => self.measured >= bound,
            Aim::AtMost => self.measured <= bound,
        };
        match (within(self.must), within(self.beyond)) {
            (_, true) => "beyond",
            (true, false) => "must",
            (false, false) => "no",
        }
    }
}

impl Report {
    pub(crate) fn at_least(
        &mut self,
        what: impl Into<String>,
        (shown, measured): (String, f64),
        (must, beyond): (f64, f64),
    ) {
        let (what, aim) = (what.into(), Aim::AtLeast);
        self.rows.push(Row { what, shown, measured, aim, must, beyond });
    }

    pub(crate) fn at_most(
        &mut self,
        what: impl Into<String>,
        (shown, measured): (String, f64),
        (must, beyond): (f64, f64),
    ) {
        let (what, aim) = (what.into(), Aim::AtMost);
        self.rows.push(Row { what, shown, measured, aim, must, beyond });
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        super::say(format_args!("  {note}"));
        self.notes.push(note);
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}\n{}\n", machine(), self.versions.join("; "));
        text.push_str(&format!("{} addresses\n", grouped(self.addresses)));
        if !self.rates.is_empty() {
            text.push_str(
                "\n10,000 addresses a call     addresses/s   octets an address   at its best\n",
            );
            for Rate { name, how, per_second, memory } in &self.rates {
                let memory = memory.map_or_else(|| "-".to_owned(), |octets| format!("{octets:.0}"));
                let rate = short(*per_second);
                text.push_str(&format!("  {name:<24}  {rate:>11}   {memory:>17}   {how}\n"));
            }
        }
        let header = format!(
            "\n{:<52}  {:>34}  {:>9}  {:>9}  {}\n",
            "", "measured", "must", "beyond", "reached"
        );
        text.push_str(&header);
        for row in &self.rows {
            let Row { what, shown, must, beyond, .. } = row;
            let (must, beyond, reached) = (short(*must), short(*beyond), row.reached());
            text.push_str(&format!("{what:<52}  {shown:>34}  {must:>9}  {beyond:>9}  {reached}\n"));
        }
        text.push('\n');
        for note in self.notes.iter().map(String::as_str).chain(CAVEATS) {
            text.push_str(&format!("- {note}\n"));
        }
        text
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "what": row.what,
                "shown": row.shown,
                "measured": row.measured,
                "aim": match row.aim { Aim::AtLeast => "at least", Aim::AtMost => "at most" },
                "must": row.must,
                "beyond": row.beyond,
                "reached": row.reached(),
            })
        });
        let rates = self.rates.iter().map(|rate| {
            json!({
                "name": rate.name,
                "how": rate.how,
                "addresses_per_second": rate.per_second,
                "octets_per_address": rate.memory,
            })
        });
        json!({
            "machine": machine(),
            "versions": self.versions,
            "addresses": self.addresses,
            "rates": rates.collect::<Vec<_>>(),
            "rows": rows.collect::<Vec<_>>(),
            "notes": self.notes,
            "caveats": CAVEATS,
        })
    }
}

/// Where it was measured, as far as Linux tells.
pub(crate) fn machine() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let value = |text: String, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?.to_owned();
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = available_parallelism().map_or(1, usize::from);
    let processor = value(read("/proc/cpuinfo"), "model name").unwrap_or_default();
    let memory = value(read("/proc/meminfo"), "MemTotal").unwrap_or_default();
    let gib = memory.trim_end_matches(" kB").parse::<u64>().unwrap_or(0) >> 20;
    let cache = read("/sys/devices/system/cpu/cpu0/cache/index3/size");
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "{cores} cores ({processor}), {gib} GiB of memory, {} of shared cache, Linux {}",
        cache.trim(),
        kernel.splitn(3, '.').take(2).collect::<Vec<_>>().join(".")
    )
}

/// The version of maysend.
pub(crate) fn version() -> String {
    super::process::version(Path::new(BINARY))
}

/// The file system on which a directory lies.
pub(crate) fn file_system(place: &Path) -> String {
    let output = Command::new("stat").args(["-f", "-c", "%T"]).arg(place).output();
    let kind = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&kind).trim().to_owned()
}

/// `11.7 M`, `17.2 k`, `250`, `0.22`.
pub(crate) fn short(number: f64) -> String {
    match number {
        1e6.. => format!("{:.2} M", number / 1e6),
        1e4.. => format!("{:.1} k", number / 1e3),
        100.0.. => format!("{number:.0}"),
        _ => {
            let text = format!("{number:.2}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

/// A percentile of the latencies, in microseconds.
pub(crate) fn micros(sample: &Sample, percentile: f64) -> f64 {
    maysend::cli::bench::drive::ratio(sample.latency.value_at_percentile(percentile), 1_000)
}

/// `87 us`, `1.42 ms`.
pub(crate) fn took(micros: f64) -> String {
    if micros >= 1e3 { format!("{:.2} ms", micros / 1e3) } else { format!("{micros:.0} us") }
}
