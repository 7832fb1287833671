//! `maysend watch`: what was recorded and is being recorded, a JSON object a line.

use std::fmt::Write;

use clap::Args;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::connect::changes;
use super::fault::Fault;
use super::output::{print, say};
use super::{Exit, Global, event};
use crate::grpc::api;

#[derive(Debug, Args)]
#[command(
    after_help = "Prints one JSON object a line, in either format, until it is interrupted; \
                        then it says after which revision to go on."
)]
pub(super) struct WatchArgs {
    /// Begin behind this revision, the last that was got; 0 is the beginning.
    #[arg(long, value_name = "REVISION", default_value_t = 0)]
    after: u64,
    /// Print how far it is also where nothing changed.
    #[arg(long)]
    heartbeats: bool,
}

impl WatchArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let mut reached = None;
        let exit = self.follow(global, &mut reached).await;
        if let Some(at) = reached {
            say(format_args!("got everything up to revision {at}; go on with --after {at}"));
        }
        exit
    }

    /// Prints until somebody ends it; `reached` is what was printed, once the server has taken the
    /// call.
    async fn follow(&self, global: &Global, reached: &mut Option<u64>) -> anyhow::Result<Exit> {
        // Before all else: from the first line on it ends well.
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut client = changes(global.connect().await?);
        let request = api::WatchRequest { after_revision: self.after };
        let mut told = client.watch(request).await.map_err(Fault::from)?.into_inner();
        *reached = Some(self.after);
        loop {
            let message = tokio::select! {
                _ = interrupts.recv() => return Ok(Exit::Done),
                message = told.message() => message.map_err(Fault::from)?,
            };
            let Some(message) = message else {
                say("the server ended the call");
                return Ok(Exit::Failed);
            };
            print(&lines(&message, self.heartbeats))?;
            *reached = Some(message.revision);
        }
    }
}

/// The lines of a message; of a heartbeat one, where they are wanted.
fn lines(message: &api::WatchResponse, heartbeats: bool) -> String {
    let mut lines: String = message.changes.iter().fold(String::new(), |mut lines, change| {
        writeln!(lines, "{}", object(change)).unwrap_or_default();
        lines
    });
    if lines.is_empty() && heartbeats {
        lines = format!("{}\n", json!({ "revision": message.revision }));
    }
    lines
}

fn object(change: &api::Change) -> Value {
    let api::Change { address, event: of, subject } = change;
    event::object([
        ("subject", json!(subject)),
        ("address", json!(address)),
        ("event", of.as_ref().map_or(Value::Null, event::json)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_a_line_and_a_heartbeat_only_where_it_is_wanted() {
        let change = |address: &str| api::Change {
            subject: "00ff".to_owned(),
            address: address.to_owned(),
            event: Some(api::Event { revision: 7, ..api::Event::default() }),
        };
        let message = |changes| api::WatchResponse { changes, revision: 9 };
        assert_eq!(
            lines(&message(vec![change("a@example.org"), change("")]), true),
            "{\"address\":\"a@example.org\",\"event\":{\"kind\":\"EVENT_KIND_UNSPECIFIED\",\
             \"revision\":7},\"subject\":\"00ff\"}\n{\"event\":{\"kind\":\
             \"EVENT_KIND_UNSPECIFIED\",\"revision\":7},\"subject\":\"00ff\"}\n"
        );
        assert_eq!(lines(&message(Vec::new()), false), "");
        assert_eq!(lines(&message(Vec::new()), true), "{\"revision\":9}\n");
    }
}
