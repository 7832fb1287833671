//! The log: to stderr, as text for people or as JSON, one object a line.
//!
//! INVARIANT(no address): what this program logs names no address. What libraries log below `info`
//! would: they print headers and frames as they pass. So it is left out, whatever the filter says.
//! A panic is told with its place; its text is shown only where it is part of the program, since a
//! formatted one may quote what was being read.

use std::any::Any;
use std::io::IsTerminal as _;
use std::panic;

use clap::{Args, ValueEnum};
use tracing::{Level, Metadata};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, filter, fmt};

/// Every target of ours begins so.
const OURS: &str = "maysend";

/// How to log.
#[derive(Debug, Clone, Args)]
pub(super) struct LogArgs {
    /// What to log: a level (error, warn, info, debug, trace), or parts with theirs, such as
    /// `info,maysend::call=debug` for a line for each check too [default: RUST_LOG, else info].
    #[arg(long, value_name = "FILTER", value_parser = filter_of)]
    log: Option<String>,
    /// How log lines look.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

fn filter_of(text: &str) -> Result<String, String> {
    let parsed = EnvFilter::builder().parse(text).map_err(|error| error.to_string());
    parsed.map(|_| text.to_owned())
}

/// Starts the log. `level` holds where neither the arguments nor `RUST_LOG` say anything.
pub(super) fn start(args: Option<&LogArgs>, level: &str) {
    let told = args.and_then(|args| args.log.as_deref());
    let filter = match told {
        Some(filter) => EnvFilter::new(filter),
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level)),
    };
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match args.map(|args| args.log_format).unwrap_or_default() {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let lines = lines.with_filter(filter::filter_fn(is_harmless));
    tracing_subscriber::registry().with(filter).with(lines).init();
    panic::set_hook(Box::new(tell_panic));
}

fn is_harmless(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with(OURS) || *metadata.level() <= Level::INFO
}

fn tell_panic(info: &panic::PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or_default();
    let text = shown(info.payload());
    tracing::error!(place, thread, text, "the program has a fault: a thread panicked");
}

/// The text of a panic, where it is a literal of the program.
fn shown(payload: &(dyn Any + Send)) -> &'static str {
    let literal = payload.downcast_ref::<&'static str>().copied();
    literal.unwrap_or("(not shown: it may quote what was read)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_that_quotes_an_address_is_told_without_it() {
        let caught = |work: fn()| panic::catch_unwind(work).unwrap_err();
        assert_eq!(shown(&*caught(|| panic!("a literal"))), "a literal");
        let quoting = caught(|| panic!("at {}", String::from("eve@example.org")));
        assert!(shown(&*quoting).starts_with("(not shown"));
        let quoting = caught(|| assert_eq!("eve@example.org".parse::<u8>(), Ok(1)));
        assert!(shown(&*quoting).starts_with("(not shown"));
    }

    #[test]
    fn a_filter_is_read_or_refused() {
        for good in ["info", "debug", "info,maysend::call=debug", "off"] {
            assert!(filter_of(good).is_ok(), "{good}");
        }
        assert!(filter_of("maysend=loud").is_err());
    }
}
