//! The owner's pages by kind.

use prometheus::proto::MetricFamily;

use super::family::counter;
use super::real;
use crate::web::{Measures, ROUTES};

pub(super) fn families(pages: &Measures) -> Vec<MetricFamily> {
    let mut shown = counter("maysend_page_views_total", "Pages of owners shown, by page.");
    let help = "Forms and one-click requests of owners taken, by page.";
    let mut submitted = counter("maysend_page_submissions_total", help);
    let help = "Forms that came sooner after their page than a person sends one: scanners of mail.";
    let mut hasty = counter("maysend_page_hasty_submissions_total", help);
    for (route, page) in ROUTES {
        let labels = [("page", page)];
        shown = shown.with(&labels, real(pages.shown(route)));
        submitted = submitted.with(&labels, real(pages.submitted(route)));
        hasty = hasty.with(&labels, real(pages.hasty(route)));
    }
    let help = "Confirmation mails of sign-ups, by what became of them.";
    let mut mails = counter("maysend_sign_up_mails_total", help);
    for (result, count) in [("sent", &pages.mails_sent), ("failed", &pages.mails_failed)] {
        mails = mails.with(&[("result", result)], real(count.get()));
    }
    let help = "Sign-ups refused because their network had too many.";
    let paced = counter("maysend_sign_ups_paced_total", help).with(&[], real(pages.paced.get()));
    vec![shown.done(), submitted.done(), hasty.done(), mails.done(), paced.done()]
}
