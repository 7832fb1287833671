//! Every word that a page says, in each language. `{}` stands for what the page puts in.
//!
//! To the owner, not to staff: plain, in the second person, with what happens next. Nothing here
//! advertises (VwGH 2012/03/0089: a confirmation mail that does is unlawful itself).

mod english;
mod german;

use crate::engine::preferences::Preference;
use crate::model::language::Language;
use crate::model::verdict::{Verdict, WriteOutcome};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The words of one language.
        #[derive(Debug)]
        pub(super) struct Words { $($(#[$doc])* pub(super) $name: &'static str,)* }

        #[cfg(test)]
        impl Words {
            /// Each by its name.
            pub(super) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name)),*]
            }
        }
    };
}

words! {
    /// BCP 47.
    tag,
    /// The language's own name.
    name,
    imprint,
    privacy,
    // Faults.
    no_link,
    no_link_text,
    no_page,
    no_page_text,
    not_done,
    malformed_text,
    unsealed_text,
    too_fast_text,
    later_text,
    unknown,
    unknown_text,
    // What a scope broader than a topic is.
    advertising_of_brand,
    advertising_of_controller,
    // Unsubscribe.
    unsubscribe,
    /// What one no longer gets.
    unsubscribe_question,
    unsubscribe_button,
    unsubscribe_controller,
    unsubscribe_note,
    unsubscribed,
    /// What was stopped.
    unsubscribed_text,
    // Preferences.
    preferences,
    preferences_for,
    preferences_of,
    consent,
    consent_by_button,
    save,
    none_at_all,
    none_at_all_note,
    saved,
    nothing_changed,
    partly_saved,
    too_old_to_subscribe,
    not_yet_shown,
    /// The clock is in doubt.
    in_doubt,
    /// Noes of the form are recorded, yeses are not.
    yes_later,
    /// The page is too old for a yes, or its words have changed.
    stale,
    tagged_note,
    erasing_all,
    your_data,
    // Consent request.
    request,
    request_question,
    accept,
    decline,
    accepted,
    declined,
    declined_text,
    /// Taken, and not sent all the same.
    recorded,
    // Double opt-in.
    confirm,
    confirm_question,
    confirm_button,
    confirmed,
    not_confirmed,
    not_confirmed_text,
    sign_up,
    sign_up_lead,
    sign_up_topics,
    sign_up_consent,
    email,
    sign_up_button,
    sign_up_no_address,
    sign_up_no_topic,
    sign_up_sent,
    sign_up_sent_text,
    // Rights.
    rights,
    rights_lead,
    /// The link no longer proves the mailbox.
    too_old_text,
    access,
    access_text,
    access_button,
    access_done,
    access_done_text,
    access_held_nothing,
    erasure,
    erasure_text,
    erasure_sure,
    erasure_button,
    erasure_unsure,
    erasure_done,
    erasure_done_text,
    your_address,
    your_address_note,
    wrong_address,
    back,
    // Verdicts on a topic.
    sent,
    stopped_by_us,
    stopped_for_you,
    bounced,
    opted_out,
    refused,
    complained,
    erasing,
    erased,
    expired,
    not_subscribed,
    not_sent,
    // Why a choice was not taken.
    needs_proof,
    stands_in_the_way,
}

pub(super) fn of(language: Language) -> &'static Words {
    match language {
        Language::German => &german::WORDS,
        Language::English => &english::WORDS,
    }
}

/// A text with what stands at its `{}`.
pub(super) fn filled(text: &str, with: &[&str]) -> String {
    let mut parts = text.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for (part, with) in parts.zip(with.iter().chain(std::iter::repeat(&""))) {
        filled.push_str(with);
        filled.push_str(part);
    }
    filled
}

impl Words {
    /// How it stands with a topic.
    pub(super) fn stands(&self, preference: &Preference) -> &'static str {
        match (preference.verdict, preference.own) {
            (Verdict::Blocked, Verdict::Blocked) => self.stopped_for_you,
            (verdict, _) => self.verdict(verdict),
        }
    }

    const fn verdict(&self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::AllowedConsent
            | Verdict::AllowedExistingCustomer
            | Verdict::AllowedNoObjection
            | Verdict::AllowedTransactional
            | Verdict::AllowedOneToOne
            | Verdict::AllowedConsentRequest
            | Verdict::AllowedPost => self.sent,
            Verdict::Blocked => self.stopped_by_us,
            Verdict::HardBounce => self.bounced,
            Verdict::OptedOutEverything
            | Verdict::OptedOutController
            | Verdict::OptedOutBrand
            | Verdict::OptedOutTopic => self.opted_out,
            Verdict::Refused => self.refused,
            Verdict::Complaint => self.complained,
            Verdict::ErasurePending => self.erasing,
            Verdict::Erased => self.erased,
            Verdict::Expired => self.expired,
            Verdict::Pending | Verdict::NotRequested | Verdict::UnknownAddress => {
                self.not_subscribed
            }
            Verdict::InvalidAddress
            | Verdict::RequestForbidden
            | Verdict::RecentlyAsked
            | Verdict::AlreadyGranted => self.not_sent,
        }
    }

    /// Why a choice was not taken; none where it was.
    pub(super) const fn rejection(&self, outcome: WriteOutcome) -> Option<&'static str> {
        match outcome {
            WriteOutcome::Applied | WriteOutcome::Unchanged => None,
            WriteOutcome::Proof => Some(self.needs_proof),
            WriteOutcome::ErasurePending => Some(self.erasing),
            WriteOutcome::Erased => Some(self.erased),
            WriteOutcome::Blocked => Some(self.stopped_by_us),
            WriteOutcome::OptedOut
            | WriteOutcome::Refused
            | WriteOutcome::Complaint
            | WriteOutcome::Policy
            | WriteOutcome::InvalidAddress
            | WriteOutcome::RecentlyAsked
            | WriteOutcome::UnknownAddress
            | WriteOutcome::AlreadyGranted => Some(self.stands_in_the_way),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_the_same_things() {
        let languages = Language::ALL.map(|language| of(language).all());
        for ((name, german), (_, english)) in languages[0].iter().zip(&languages[1]) {
            assert!(!german.trim().is_empty() && !english.trim().is_empty(), "{name}");
            let gaps = |text: &str| text.matches("{}").count();
            assert_eq!(gaps(german), gaps(english), "{name}");
        }
    }

    #[test]
    fn every_gap_is_filled_in_its_order() {
        assert_eq!(filled("{} and {}.", &["a", "b"]), "a and b.");
        assert_eq!(filled("{}{}", &["a"]), "a");
        assert_eq!(filled("none", &["a"]), "none");
    }
}
