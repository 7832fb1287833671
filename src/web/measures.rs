//! What is counted of the pages. No counter knows who.

use super::seal::Opened;
use crate::measure::Counter;

/// Under this a form was not sent by a person who had read it: nanoseconds between a page and its
/// form.
const IMPLAUSIBLE: i64 = 2_000_000_000;

/// The kinds of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// RFC 8058, without a page.
    OneClick,
    /// The page of an unsubscribe link.
    Unsubscribe,
    /// The preference center.
    Preferences,
    /// Requests for access and erasure.
    Rights,
    /// Accept or decline.
    ConsentRequest,
    /// The form of the sign-up.
    SignUp,
    /// The end of a double opt-in.
    Confirm,
}

/// Every kind, and its name in metrics.
pub const ROUTES: [(Route, &str); 7] = [
    (Route::OneClick, "one_click"),
    (Route::Unsubscribe, "unsubscribe"),
    (Route::Preferences, "preferences"),
    (Route::Rights, "rights"),
    (Route::ConsentRequest, "consent_request"),
    (Route::SignUp, "sign_up"),
    (Route::Confirm, "confirm"),
];

/// The pages, counted.
#[derive(Debug, Default)]
pub struct Measures {
    shown: [Counter; ROUTES.len()],
    submitted: [Counter; ROUTES.len()],
    hasty: [Counter; ROUTES.len()],
    /// Mails of the sign-up that the relay took.
    pub mails_sent: Counter,
    /// Those that it did not take in the end.
    pub mails_failed: Counter,
    /// Sign-ups that were refused because their network had too many.
    pub paced: Counter,
}

impl Measures {
    pub(super) fn show(&self, route: Route) {
        Self::count(&self.shown, route);
    }

    /// A form came; `opened` is its seal.
    pub(super) fn submit(&self, route: Route, opened: Option<Opened>) {
        Self::count(&self.submitted, route);
        if opened.is_some_and(|opened| opened.age < IMPLAUSIBLE) {
            Self::count(&self.hasty, route);
        }
    }

    /// Pages shown.
    #[must_use]
    pub fn shown(&self, route: Route) -> u64 {
        Self::read(&self.shown, route)
    }

    /// Forms and one-click requests taken.
    #[must_use]
    pub fn submitted(&self, route: Route) -> u64 {
        Self::read(&self.submitted, route)
    }

    /// Of these, forms that came sooner after their page than a person sends one: scanners that
    /// press buttons.
    #[must_use]
    pub fn hasty(&self, route: Route) -> u64 {
        Self::read(&self.hasty, route)
    }

    fn place(route: Route) -> Option<usize> {
        ROUTES.iter().position(|(of, _)| *of == route)
    }

    fn count(counters: &[Counter], route: Route) {
        if let Some(counter) = Self::place(route).and_then(|place| counters.get(place)) {
            counter.add(1);
        }
    }

    fn read(counters: &[Counter], route: Route) -> u64 {
        Self::place(route).and_then(|place| counters.get(place)).map_or(0, Counter::get)
    }
}
