//! The chart of README: addresses a second, and memory an address. Light and dark, as the reader's
//! system is; its background is its own, so that it can be read on either page.

use maysend::cli::bench::grouped;

use super::report::{Rate, Report, machine, short};

const WIDTH: f64 = 830.0;
/// Names end here, bars begin.
const LEFT: f64 = 190.0;
/// The longest bar; its number stands behind it.
const BAR: f64 = 500.0;
const STEP: f64 = 30.0;
const TOP: f64 = 78.0;

const STYLE: &str = "\
.page{fill:#ffffff;stroke:#d0d7de}text{font-family:-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;\
font-size:14px;fill:#1f2328}.title{font-size:16px;font-weight:600}.small{font-size:12px;fill:#59636e}\
.ours{fill:#0969da}.theirs{fill:#8c959f}.bold{font-weight:600}\
@media(prefers-color-scheme:dark){.page{fill:#0d1117;stroke:#3d444d}text{fill:#e6edf3}\
.small{fill:#9198a1}.ours{fill:#4493f8}.theirs{fill:#656c76}}";

/// An SVG of what was measured by `check`.
pub(crate) fn svg(report: &Report) -> String {
    // The echoes look at nothing: they are the ceiling, told in words.
    let rates: Vec<&Rate> =
        report.rates.iter().filter(|rate| !["echo", "sink"].contains(&rate.name)).collect();
    let mut body = String::new();
    let mut y = TOP;
    text(&mut body, (24.0, 34.0), "title", "Addresses answered per second");
    let head = format!(
        "{} addresses known; random ones asked about over TCP, thousands a call, each side at its best",
        grouped(report.addresses)
    );
    text(&mut body, (24.0, 54.0), "small", &head);
    let most = rates.iter().map(|rate| rate.per_second).fold(1.0, f64::max);
    for rate in &rates {
        bar(&mut body, y, name_of(rate), rate.per_second / most, &short(rate.per_second));
        y += STEP;
    }
    let holders: Vec<(&str, f64)> = {
        let with_memory = |rate: &&Rate| Some((name_of(rate), rate.memory?));
        let maysend = |name: &str| name == "maysend CheckStream";
        rates.iter().filter_map(with_memory).filter(|(name, _)| !maysend(name)).collect()
    };
    if !holders.is_empty() {
        y += 26.0;
        text(&mut body, (24.0, y), "title", "Octets of memory per address (shorter is better)");
        y += 18.0;
        let most = holders.iter().map(|(_, octets)| *octets).fold(1.0, f64::max);
        for (name, octets) in holders {
            let call = [" Check", " MGET", " join"].into_iter().find_map(|c| name.strip_suffix(c));
            let name = call.unwrap_or(name);
            bar(&mut body, y, name, octets / most, &format!("{octets:.0}"));
            y += STEP;
        }
    }
    y += 12.0;
    let ceiling = report.rates.iter().find(|rate| rate.name == "echo").map(|rate| rate.per_second);
    let mut foot = vec![machine(), "Client and server share the cores.".to_owned()];
    if let Some(rate) = ceiling {
        let echo = format!("A tonic echo of the same octets: {}.", short(rate));
        foot.insert(1, echo);
    }
    text(&mut body, (24.0, y), "small", foot.first().map_or("", String::as_str));
    y += 18.0;
    text(&mut body, (24.0, y), "small", &foot.get(1..).unwrap_or_default().join(" "));
    let height = y + 20.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Addresses answered per second by \
         maysend and others\">\n<style>{STYLE}</style>\n<rect class=\"page\" x=\"0.5\" y=\"0.5\" \
         width=\"{}\" height=\"{}\" rx=\"6\"/>\n{body}</svg>\n",
        WIDTH - 1.0,
        height - 1.0
    )
}

fn name_of(rate: &Rate) -> &'static str {
    if rate.name == "ordinary" { "tonic + HashMap" } else { rate.name }
}

fn text(body: &mut String, (x, y): (f64, f64), class: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    body.push_str(&format!("<text class=\"{class}\" x=\"{x:.0}\" y=\"{y:.0}\">{words}</text>\n"));
}

fn bar(body: &mut String, y: f64, name: &str, share: f64, number: &str) {
    let is_ours = name.starts_with("maysend");
    let (class, weight) = if is_ours { ("ours", "bold") } else { ("theirs", "") };
    let width = (BAR * share).max(1.0);
    body.push_str(&format!(
        "<text class=\"{weight}\" x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{name}</text>\n\
         <rect class=\"{class}\" x=\"{LEFT}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"20\" \
         rx=\"3\"/>\n<text class=\"{weight}\" x=\"{:.0}\" y=\"{:.0}\">{number}</text>\n",
        LEFT - 10.0,
        y + 15.0,
        LEFT + width + 8.0,
        y + 15.0
    ));
}
