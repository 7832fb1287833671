//! `maysend history`: what was recorded for an address, newest first.

use std::num::NonZeroUsize;

use clap::Args;

use super::connect::consents;
use super::event;
use super::fault::Fault;
use super::output::{instant, print, say};
use super::{Exit, Format, Global};
use crate::grpc::api;

/// Events that are fetched at once.
const PAGE: u32 = 500;

#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// Whose history.
    address: String,
    /// Show no more than so many events.
    #[arg(long, value_name = "NUMBER")]
    limit: Option<NonZeroUsize>,
}

impl HistoryArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let mut client = consents(global.connect().await?);
        let mut left = self.limit.map_or(usize::MAX, NonZeroUsize::get);
        let mut page_token = String::new();
        let mut shown = false;
        while left > 0 {
            let request = api::GetHistoryRequest {
                address: self.address.clone(),
                page_size: u32::try_from(left).map_or(PAGE, |left| left.min(PAGE)),
                page_token,
            };
            let page = client.get_history(request).await.map_err(Fault::from)?.into_inner();
            let events = page.events.get(..left).unwrap_or(&page.events);
            left -= events.len();
            shown |= !events.is_empty();
            print(&events.iter().map(|event| entry(event, global.format)).collect::<String>())?;
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        if !shown && global.format == Format::Human {
            say("nothing is recorded for this address");
        }
        Ok(Exit::Done)
    }
}

fn entry(event: &api::Event, format: Format) -> String {
    match format {
        Format::Json => format!("{}\n", event::json(event)),
        Format::Human => {
            let at = instant(event.recorded_at.as_ref());
            let mut text = format!("{at}  #{}  {}\n", event.revision, event::sentence(event));
            for fact in event.evidence.iter().flat_map(event::proof) {
                text.push_str("    ");
                text.push_str(&fact);
                text.push('\n');
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_instant_revision_and_proof() {
        let event = api::Event {
            evidence: Some(api::Evidence { source: "call".to_owned(), ..Default::default() }),
            ..event::tests::block()
        };
        let text = entry(&event, Format::Human);
        assert!(text.starts_with("1970-01-01 00:00:00 UTC  #7  blocked brand:festival"), "{text}");
        assert!(text.ends_with("\n    source: call\n"), "{text}");
        assert_eq!(entry(&event, Format::Json).lines().count(), 1);
    }
}
