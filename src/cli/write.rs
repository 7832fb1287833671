//! What every command that writes has in common: addresses from the command line or from stdin, a
//! call for each ten thousand of them, and what became of each.

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::connect::{Connection, consents};
use super::event::one_line;
use super::fault::Fault;
use super::output::{Align, grouped, print, say, table};
use super::{Exit, Format, Global, words};
use crate::grpc::api;
use crate::grpc::api::consent_service_client::ConsentServiceClient;

/// What a server takes in one write.
const PER_CALL: usize = 10_000;

#[derive(Debug, Args)]
pub(super) struct Addresses {
    /// Whom; none: read from stdin, one address a line.
    #[arg(value_name = "ADDRESS")]
    named: Vec<String>,
}

/// Which addresses are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Each with what became of it. One that was rejected is a failure.
    All,
    /// Those to which it was applied, bare: what the next program is to send to.
    Applied,
}

/// What every write answers.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) revision: u64,
    pub(super) outcomes: Vec<i32>,
}

/// Addresses in portions that a server takes at once.
type Portions<'a> = Box<dyn Iterator<Item = anyhow::Result<Vec<String>>> + Send + 'a>;

impl Addresses {
    /// This one.
    pub(super) fn one(address: String) -> Self {
        Self { named: vec![address] }
    }

    fn portions(&self) -> anyhow::Result<Portions<'_>> {
        if !self.named.is_empty() {
            let portions = self.named.chunks(PER_CALL).map(|portion| Ok(portion.to_vec()));
            return Ok(Box::new(portions));
        }
        let stdin = std::io::stdin();
        anyhow::ensure!(
            !stdin.is_terminal(),
            "no address: name some, or pipe a list with one address a line"
        );
        let mut lines = (1_u64..).zip(std::io::BufReader::new(stdin).lines());
        Ok(Box::new(std::iter::from_fn(move || portion(&mut lines).transpose())))
    }
}

/// The next lines that are not blank; none at the end.
fn portion(
    lines: &mut impl Iterator<Item = (u64, std::io::Result<String>)>,
) -> anyhow::Result<Option<Vec<String>>> {
    let mut portion = Vec::new();
    for (number, line) in lines {
        let line = line.with_context(|| format!("line {number} of stdin cannot be read"))?;
        let address = line.trim();
        if !address.is_empty() {
            portion.push(address.to_owned());
        }
        if portion.len() == PER_CALL {
            break;
        }
    }
    Ok((!portion.is_empty()).then_some(portion))
}

/// Calls for each portion of the addresses and prints what became of them as it is known. Where
/// there are several, their outcomes are counted on stderr.
pub(super) async fn write(
    global: &Global,
    addresses: &Addresses,
    shown: Shown,
    call: impl AsyncFn(
        &mut ConsentServiceClient<Connection>,
        Vec<String>,
    ) -> Result<Written, tonic::Status>,
) -> anyhow::Result<Exit> {
    let portions = addresses.portions()?;
    let mut client = consents(global.connect().await?);
    let mut counts: BTreeMap<i32, u64> = BTreeMap::new();
    for addresses in portions {
        let addresses = addresses?;
        let written = call(&mut client, addresses.clone()).await.map_err(Fault::from)?;
        anyhow::ensure!(
            written.outcomes.len() == addresses.len(),
            "the server told the outcome of {} of {} addresses; look at their status",
            written.outcomes.len(),
            addresses.len()
        );
        print(&report(&addresses, &written, shown, global.format))?;
        for outcome in written.outcomes {
            *counts.entry(outcome).or_default() += 1;
        }
    }
    let all: u64 = counts.values().sum();
    if all != 1 || shown == Shown::Applied {
        say(summary(&counts).trim_end());
    }
    let stands = counts.keys().all(|&outcome| words::stands(outcome));
    Ok(if stands || shown == Shown::Applied { Exit::Done } else { Exit::Failed })
}

fn report(addresses: &[String], written: &Written, shown: Shown, format: Format) -> String {
    let applied = i32::from(api::WriteOutcome::Applied);
    let outcomes = addresses
        .iter()
        .zip(&written.outcomes)
        .filter(|&(_, &outcome)| shown == Shown::All || outcome == applied);
    match format {
        Format::Human if shown == Shown::Applied => {
            outcomes.map(|(address, _)| format!("{}\n", one_line(address))).collect()
        }
        Format::Human => {
            let rows: Vec<_> = outcomes
                .map(|(address, &outcome)| {
                    [one_line(address), words::outcome(outcome).1.to_owned()]
                })
                .collect();
            table([Align::Left; 2], &rows)
        }
        Format::Json => outcomes
            .map(|(address, &outcome)| {
                let (name, explanation) = words::outcome(outcome);
                let document = json!({
                    "address": address,
                    "outcome": name,
                    "explanation": explanation,
                    "revision": written.revision,
                });
                format!("{document}\n")
            })
            .collect(),
    }
}

/// How many came to what.
fn summary(counts: &BTreeMap<i32, u64>) -> String {
    if counts.is_empty() {
        return "no addresses\n".to_owned();
    }
    let rows: Vec<_> = counts
        .iter()
        .map(|(&outcome, &count)| [grouped(count), words::outcome(outcome).1.to_owned()])
        .collect();
    table([Align::Right, Align::Left], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> ([String; 2], Written) {
        let addresses = ["a@example.com", "nobody"].map(str::to_owned);
        (addresses, Written { revision: 4, outcomes: vec![1, 3] })
    }

    #[test]
    fn each_address_gets_its_outcome_in_words() {
        let (addresses, written) = written();
        assert_eq!(
            report(&addresses, &written, Shown::All, Format::Human),
            "  a@example.com  recorded\n  nobody         rejected: not a valid e-mail address\n"
        );
        let json = report(&addresses, &written, Shown::All, Format::Json);
        let line: serde_json::Value = serde_json::from_str(json.lines().nth(1).unwrap()).unwrap();
        assert_eq!(line["outcome"], "WRITE_OUTCOME_REJECTED_INVALID_ADDRESS");
        assert_eq!(line["revision"], 4);
    }

    #[test]
    fn what_may_be_sent_is_printed_bare() {
        let (addresses, written) = written();
        let human = report(&addresses, &written, Shown::Applied, Format::Human);
        assert_eq!(human, "a@example.com\n");
        let json = report(&addresses, &written, Shown::Applied, Format::Json);
        assert_eq!(json.lines().count(), 1);
    }

    #[test]
    fn outcomes_are_counted() {
        let counts = BTreeMap::from([(1, 1_200), (3, 1)]);
        let text = summary(&counts);
        assert_eq!(text, "  1,200  recorded\n      1  rejected: not a valid e-mail address\n");
    }

    #[test]
    fn a_list_is_read_in_portions_without_its_blank_lines() {
        let text = "a@example.com\r\n\n  b@example.com\n".to_owned() + &"x\n".repeat(PER_CALL);
        let mut lines = (1..).zip(text.as_bytes().lines());
        let first = portion(&mut lines).unwrap().unwrap();
        assert_eq!(
            (first.len(), &*first[0], &*first[1]),
            (PER_CALL, "a@example.com", "b@example.com")
        );
        assert_eq!(portion(&mut lines).unwrap().unwrap().len(), 2);
        assert_eq!(portion(&mut lines).unwrap(), None);
        let mut lines = (1..).zip(b"a\n\xff\n".lines());
        let fault = portion(&mut lines).unwrap_err().to_string();
        assert!(fault.contains("line 2"), "{fault}");
    }
}
