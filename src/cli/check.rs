//! `maysend check`: may this campaign go to these few addresses?

use clap::Args;
use serde_json::json;

use super::connect::decisions;
use super::event::one_line;
use super::fault::Fault;
use super::output::{Align, print, table};
use super::words::{self, Words};
use super::{Exit, Format, Global};
use crate::grpc::codec::AskBuffer;

/// What a server answers at once.
const PER_CALL: usize = 10_000;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The brand that sends.
    #[arg(long, value_name = "ID")]
    brand: String,
    /// The campaign, as the brand registered it.
    #[arg(long, value_name = "ID")]
    campaign: String,
    /// Whom it would go to.
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<String>,
}

impl CheckArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let mut client = decisions(global.connect().await?);
        let mut answers = Vec::with_capacity(self.addresses.len());
        let mut revision = 0;
        let mut question = AskBuffer::new(&self.brand, &self.campaign, 0);
        for addresses in self.addresses.chunks(PER_CALL) {
            for address in addresses {
                question.push(address.as_bytes());
            }
            let answer = client.check(question.take()).await.map_err(Fault::from)?.into_inner();
            anyhow::ensure!(
                answer.verdicts.len() == addresses.len(),
                "the server answered {} of {} addresses; do not send",
                answer.verdicts.len(),
                addresses.len()
            );
            revision = answer.revision;
            answers.extend(answer.verdicts.into_iter().map(words::verdict));
        }
        print(&match global.format {
            Format::Human => human(&self.addresses, &answers),
            Format::Json => lines(&self.addresses, &answers, revision),
        })?;
        Ok(match answers.as_slice() {
            [only] if !only.allowed => Exit::Denied,
            _ => Exit::Done,
        })
    }
}

const fn side(words: &Words) -> &'static str {
    if words.allowed { "allowed" } else { "denied" }
}

fn human(addresses: &[String], answers: &[Words]) -> String {
    if let [only] = answers {
        return format!("{}: {}\n", side(only), only.explanation);
    }
    let rows: Vec<_> = addresses
        .iter()
        .zip(answers)
        .map(|(address, words)| {
            [one_line(address), side(words).to_owned(), words.explanation.to_owned()]
        })
        .collect();
    table([Align::Left; 3], &rows)
}

fn lines(addresses: &[String], answers: &[Words], revision: u64) -> String {
    let line = |(address, words): (&String, &Words)| {
        let document = json!({
            "address": address,
            "allowed": words.allowed,
            "verdict": words.name,
            "explanation": words.explanation,
            "revision": revision,
        });
        format!("{document}\n")
    };
    addresses.iter().zip(answers).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(codes: &[u8]) -> Vec<Words> {
        codes.iter().map(|&code| words::verdict(code)).collect()
    }

    #[test]
    fn one_address_gets_a_sentence() {
        let text = human(&["eve@example.com".to_owned()], &answers(&[9]));
        assert_eq!(text, "denied: opted out of all mailings of this brand\n");
    }

    #[test]
    fn several_addresses_get_a_table() {
        let addresses = ["eve@example.com", "b@example.com"].map(str::to_owned);
        assert_eq!(
            human(&addresses, &answers(&[64, 1])),
            "  eve@example.com  allowed  gave consent\n  b@example.com    denied   not a valid \
             e-mail address\n"
        );
    }

    #[test]
    fn programs_get_a_line_for_each() {
        assert_eq!(
            lines(&["a@example.com".to_owned()], &answers(&[64]), 7),
            "{\"address\":\"a@example.com\",\"allowed\":true,\"explanation\":\"gave consent\",\
             \"revision\":7,\"verdict\":\"VERDICT_ALLOWED_CONSENT\"}\n"
        );
    }
}
