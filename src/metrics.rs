//! Metrics: everything that was counted, in the text format of Prometheus.
//!
//! Data flow one way: the parts count into plain `measure` types and know nothing of this; here
//! they are read when somebody asks, and nothing is kept. So a scrape costs, and a call does not.
//! Names follow Prometheus' conventions: base units, `_total` for what only grows. No label ever
//! holds an address or anything else that a caller wrote: methods, codes, verdicts and outcomes are
//! closed lists.

mod calls;
mod family;
mod pages;
mod process;
mod store;

use std::path::Path;

use prometheus::proto::MetricFamily;
use prometheus::{Encoder as _, TEXT_FORMAT, TextEncoder};

use self::family::gauge;
use crate::engine::Engine;
use crate::grpc::Calls;
use crate::measure::Reading;
use crate::web::Measures;

/// What the text is, for the header of the answer.
pub const CONTENT_TYPE: &str = TEXT_FORMAT;

/// Where everything is read from.
#[derive(Debug)]
pub struct Sources<'a> {
    /// Where the data lie: how full the disk is.
    pub data_dir: &'a Path,
    /// What the server itself does.
    pub house: House,
    /// The calls.
    pub calls: &'a Calls,
    /// The owner's pages.
    pub pages: &'a Measures,
    /// None while it starts.
    pub engine: Option<&'a Engine>,
}

/// What the server's housekeeping has to tell.
#[derive(Debug, Clone)]
pub struct House {
    /// Whether it answers.
    pub is_serving: bool,
    /// How long each checkpoint took that was written, in nanoseconds.
    pub checkpoints: Reading,
    /// Checkpoints that could not be written.
    pub failed_checkpoints: u64,
    /// The newest checkpoint: its revision, and when it was written, in seconds since 1970.
    pub newest: Option<(u64, f64)>,
}

/// All of it. Takes some milliseconds and looks at files: not for threads that answer checks.
#[must_use]
pub fn text(sources: &Sources<'_>) -> String {
    let Sources { data_dir, house, calls, pages, engine } = sources;
    let mut families = vec![about(), serving(house)];
    families.extend(calls::families(calls));
    families.extend(pages::families(pages));
    families.extend(store::checkpoints(house));
    families.extend(store::disk(data_dir));
    if let Some(engine) = engine {
        families.extend(store::engine(engine));
    }
    families.extend(process::families());
    // Prometheus takes none that is empty.
    families.retain(|family| !family.get_metric().is_empty());
    let mut text = Vec::new();
    if let Err(error) = TextEncoder::new().encode(&families, &mut text) {
        tracing::error!(%error, "the metrics cannot be written");
    }
    String::from_utf8(text).unwrap_or_default()
}

fn about() -> MetricFamily {
    let labels = [("version", env!("CARGO_PKG_VERSION"))];
    let about = gauge("maysend_build_info", "Which build this is; always 1.");
    about.with(&labels, 1.0).done()
}

fn serving(house: &House) -> MetricFamily {
    let help = "Whether calls are answered: 0 while it starts and drains.";
    gauge("maysend_serving", help).with(&[], f64::from(u8::from(house.is_serving))).done()
}

/// A count as Prometheus takes it: exact up to 2^53.
#[expect(clippy::as_conversions, reason = "no other way leads from u64 to f64")]
const fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;
    use crate::measure::{DURATIONS, Histogram};

    #[test]
    fn a_server_that_starts_has_metrics() {
        let calls = Calls::new(watch::channel(false).1).unwrap();
        let checkpoints = Histogram::new(DURATIONS).read();
        let house =
            House { is_serving: false, checkpoints, failed_checkpoints: 0, newest: Some((7, 1.5)) };
        let pages = Measures::default();
        let sources =
            Sources { data_dir: Path::new("/"), house, calls: &calls, pages: &pages, engine: None };
        let text = text(&sources);
        for line in [
            "maysend_serving 0",
            "maysend_checkpoint_revision 7",
            "maysend_page_submissions_total{page=\"one_click\"} 0",
            "maysend_checked_addresses_total{verdict=\"DENIED_OPTED_OUT_BRAND\"} 0",
            "maysend_call_duration_seconds_bucket{method=\"maysend.v1.DecisionService/Check\",le=\"0.00005\"} 0",
            "# TYPE process_start_time_seconds gauge",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("maysend_latched"), "{text}");
    }
}
