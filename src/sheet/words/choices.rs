//! The closed choices of the model in words: as programs, English and German readers know them.
#![deny(clippy::wildcard_enum_match_arm)]

use super::Said;
use crate::engine::status::ConsentState;
use crate::model::actor::ActorClass;
use crate::model::campaign::Channel;
use crate::model::event::EventKind;
use crate::model::evidence::{LegalBasis, Method};
use crate::model::fact::{Cause, Erasure};
use crate::model::verdict::Verdict;

const fn said(name: &'static str, en: &'static str, de: &'static str) -> Said {
    Said { name, en, de }
}

/// Why a message may go or may not.
pub(crate) const fn verdict(verdict: Verdict) -> Said {
    match verdict {
        Verdict::InvalidAddress => said(
            "denied-invalid-address",
            "not a valid e-mail address",
            "keine gültige E-Mail-Adresse",
        ),
        Verdict::UnknownAddress => said(
            "denied-unknown-address",
            "not on file with the company behind this brand",
            "dem Unternehmen hinter dieser Marke nicht bekannt",
        ),
        Verdict::NotRequested => said(
            "denied-not-requested",
            "on file, but never gave consent",
            "bekannt, aber ohne Einwilligung",
        ),
        Verdict::Pending => said(
            "denied-pending",
            "asked for consent, no answer yet",
            "um Einwilligung gebeten, noch keine Antwort",
        ),
        Verdict::Refused => said(
            "denied-refused",
            "refused or withdrew consent",
            "Einwilligung abgelehnt oder widerrufen",
        ),
        Verdict::Expired => said(
            "denied-expired",
            "consent has lapsed", //
            "Einwilligung abgelaufen",
        ),
        Verdict::OptedOutEverything => said(
            "denied-opted-out-everything",
            "opted out of all mailings whatsoever",
            "von allen Aussendungen abgemeldet",
        ),
        Verdict::OptedOutController => said(
            "denied-opted-out-controller",
            "opted out of all mailings of this company",
            "von allen Aussendungen dieses Unternehmens abgemeldet",
        ),
        Verdict::OptedOutBrand => said(
            "denied-opted-out-brand",
            "opted out of all mailings of this brand",
            "von allen Aussendungen dieser Marke abgemeldet",
        ),
        Verdict::OptedOutTopic => said(
            "denied-opted-out-topic",
            "opted out of this kind of mailing",
            "von dieser Art von Aussendung abgemeldet",
        ),
        Verdict::Blocked => {
            said("denied-blocked", "blocked for this brand", "für diese Marke gesperrt")
        }
        Verdict::HardBounce => said(
            "denied-hard-bounce",
            "the mailbox does not exist (hard bounce)",
            "das Postfach existiert nicht (Hard Bounce)",
        ),
        Verdict::Complaint => said(
            "denied-complaint",
            "reported mail of this brand as spam",
            "hat E-Mails dieser Marke als Spam gemeldet",
        ),
        Verdict::ErasurePending => said(
            "denied-erasure-pending",
            "erasure of all data is requested",
            "die Löschung aller Daten ist beantragt",
        ),
        Verdict::Erased => said(
            "denied-erased",
            "all data erased, must not be contacted",
            "alle Daten gelöscht, darf nicht kontaktiert werden",
        ),
        Verdict::RequestForbidden => said(
            "denied-request-forbidden",
            "this brand does not ask for consent by mail",
            "diese Marke bittet nicht per E-Mail um Einwilligung",
        ),
        Verdict::RecentlyAsked => said(
            "denied-recently-asked",
            "asked for consent too recently",
            "erst vor Kurzem um Einwilligung gebeten",
        ),
        Verdict::AlreadyGranted => said(
            "denied-already-granted",
            "has consented already, nothing to ask for",
            "hat bereits eingewilligt, eine Anfrage erübrigt sich",
        ),
        Verdict::AllowedConsent => said("allowed-consent", "gave consent", "hat eingewilligt"),
        Verdict::AllowedExistingCustomer => said(
            "allowed-existing-customer",
            "existing customer who has not objected",
            "bestehende Kundenbeziehung, kein Widerspruch",
        ),
        Verdict::AllowedNoObjection => {
            said("allowed-no-objection", "has not objected", "hat nicht widersprochen")
        }
        Verdict::AllowedTransactional => said(
            "allowed-transactional",
            "not advertising: needed for an order or a contract",
            "keine Werbung: für eine Bestellung oder einen Vertrag nötig",
        ),
        Verdict::AllowedOneToOne => said(
            "allowed-one-to-one",
            "not advertising: a personal message",
            "keine Werbung: eine persönliche Nachricht",
        ),
        Verdict::AllowedConsentRequest => said(
            "allowed-consent-request",
            "may be asked for consent",
            "darf um Einwilligung gebeten werden",
        ),
        Verdict::AllowedPost => {
            said("allowed-post", "may get a letter", "darf einen Brief erhalten")
        }
    }
}

/// What kind of thing happened.
pub(crate) const fn event_kind(kind: EventKind) -> Said {
    match kind {
        EventKind::Registered => said("registered", "Taken on file", "Aufgenommen"),
        EventKind::Blocked => said("blocked", "Blocked", "Gesperrt"),
        EventKind::BlockLifted => said("block-lifted", "Block lifted", "Sperre aufgehoben"),
        EventKind::OptedOut => said("opted-out", "Opted out", "Abgemeldet"),
        EventKind::Resubscribed => said("resubscribed", "Subscribed again", "Wieder angemeldet"),
        EventKind::ConsentRequested => {
            said("consent-requested", "Asked for consent", "Um Einwilligung gebeten")
        }
        EventKind::ConsentGranted => {
            said("consent-granted", "Consent given", "Einwilligung erteilt")
        }
        EventKind::ConsentRefused => said(
            "consent-refused",
            "Consent refused or withdrawn",
            "Einwilligung abgelehnt oder widerrufen",
        ),
        EventKind::ErasureRequested => {
            said("erasure-requested", "Erasure requested", "Löschung beantragt")
        }
        EventKind::ErasureRejected => {
            said("erasure-rejected", "Erasure declined", "Löschung abgelehnt")
        }
        EventKind::Erased => said("erased", "All data erased", "Alle Daten gelöscht"),
        EventKind::OptInBegun => {
            said("opt-in-begun", "Double opt-in begun", "Double-Opt-in begonnen")
        }
        EventKind::AccessRequested => {
            said("access-requested", "Information requested", "Auskunft verlangt")
        }
        EventKind::AccessAnswered => {
            said("access-answered", "Information given", "Auskunft erteilt")
        }
    }
}

/// What kind of thing happened, told apart where the law does: to be a customer is no consent.
pub(crate) const fn event_title(kind: EventKind, basis: Option<LegalBasis>) -> Said {
    match (kind, basis) {
        (EventKind::ConsentGranted, Some(LegalBasis::ExistingCustomer)) => said(
            "consent-granted",
            "Recorded as existing customer",
            "Bestehende Kundenbeziehung eingetragen",
        ),
        (kind, Some(_) | None) => event_kind(kind),
    }
}

/// How a declaration reached the company; none where nobody said.
pub(crate) const fn method(method: Method) -> Option<Said> {
    Some(match method {
        Method::Unspecified => return None,
        Method::Form => said("form", "form on a page", "Formular auf einer Webseite"),
        Method::Link => said("link", "link in a message", "Link in einer Nachricht"),
        Method::OneClick => said(
            "one-click",
            "one-click unsubscribe of the mail program",
            "Ein-Klick-Abmeldung im Mailprogramm",
        ),
        Method::DoubleOptIn => said(
            "double-opt-in",
            "form, confirmed by e-mail (double opt-in)",
            "Formular, per E-Mail bestätigt (Double-Opt-in)",
        ),
        Method::Portal => said("portal", "customer account", "Kundenkonto"),
        Method::Paper => said("paper", "signed paper", "unterschriebenes Papier"),
        Method::Phone => said("phone", "telephone", "Telefon"),
        Method::InPerson => said("in-person", "in person", "persönlich"),
        Method::Api => said("api", "a connected program", "angebundenes Programm"),
        Method::Import => {
            said("import", "import of existing records", "Übernahme bestehender Daten")
        }
    })
}

/// The legal basis.
pub(crate) const fn legal_basis(basis: LegalBasis) -> Said {
    match basis {
        LegalBasis::Consent => said(
            "consent",
            "consent, Art. 6(1)(a) GDPR",
            "Einwilligung, Art. 6 Abs. 1 lit. a DSGVO",
        ),
        LegalBasis::ExistingCustomer => said(
            "existing-customer",
            "existing customer, Art. 6(1)(f) GDPR",
            "bestehende Kundenbeziehung, Art. 6 Abs. 1 lit. f DSGVO",
        ),
        LegalBasis::Contract => said(
            "contract",
            "performance of a contract, Art. 6(1)(b) GDPR",
            "Vertragserfüllung, Art. 6 Abs. 1 lit. b DSGVO",
        ),
        LegalBasis::LegitimateInterest => said(
            "legitimate-interest",
            "legitimate interest, Art. 6(1)(f) GDPR",
            "berechtigtes Interesse, Art. 6 Abs. 1 lit. f DSGVO",
        ),
        LegalBasis::LegalObligation => said(
            "legal-obligation",
            "legal obligation, Art. 6(1)(c) GDPR",
            "rechtliche Verpflichtung, Art. 6 Abs. 1 lit. c DSGVO",
        ),
    }
}

/// Why a brand is stopped.
pub(crate) const fn cause(cause: Cause) -> Said {
    match cause {
        Cause::OwnerRequest => {
            said("owner-request", "at the owner's request", "auf Wunsch der betroffenen Person")
        }
        Cause::StaffDecision => {
            said("staff-decision", "decision of staff", "Entscheidung des Hauses")
        }
        Cause::HardBounce => said(
            "hard-bounce",
            "the mailbox does not exist (hard bounce)",
            "das Postfach existiert nicht (Hard Bounce)",
        ),
        Cause::Complaint => {
            said("complaint", "complaint or spam report", "Beschwerde oder Spam-Meldung")
        }
    }
}

/// How a message travels.
pub(crate) const fn channel(channel: Channel) -> Said {
    match channel {
        Channel::Email => said("email", "e-mail", "E-Mail"),
        Channel::Post => said("post", "letter", "Brief"),
    }
}

/// On whose behalf something was recorded.
pub(crate) const fn actor_class(class: ActorClass) -> Said {
    match class {
        ActorClass::Owner => said("owner", "owner of the address", "betroffene Person"),
        ActorClass::Staff => said("staff", "staff", "Personal"),
        ActorClass::System => said("system", "automatic system", "automatisches System"),
        ActorClass::Import => said("import", "import of records", "Datenübernahme"),
    }
}

/// What the declarations at a scope amount to.
pub(crate) const fn consent_state(state: ConsentState) -> Said {
    match state {
        ConsentState::NotRequested => said("not-requested", "never asked", "nie gefragt"),
        ConsentState::Pending => {
            said("pending", "asked, no answer yet", "gefragt, noch keine Antwort")
        }
        ConsentState::Granted => said("granted", "permitted", "erlaubt"),
        ConsentState::Refused => said(
            "refused",
            "consent refused or withdrawn",
            "Einwilligung abgelehnt oder widerrufen",
        ),
        ConsentState::Expired => said("expired", "lapsed", "abgelaufen"),
    }
}

/// How far an erasure has come.
pub(crate) const fn erasure(erasure: Erasure) -> Said {
    match erasure {
        Erasure::None => said("none", "none requested", "nicht beantragt"),
        Erasure::Pending => said(
            "pending",
            "requested, to be decided by a second person",
            "beantragt, von einer zweiten Person zu entscheiden",
        ),
        Erasure::Erased => said("erased", "all data erased", "alle Daten gelöscht"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_verdict_has_words_of_its_own_in_both_languages() {
        let mut seen = HashSet::new();
        for known in Verdict::ALL {
            let Said { name, en, de } = verdict(known);
            assert_eq!(name.starts_with("allowed-"), known.allows(), "{name}");
            assert!([name, en, de].into_iter().all(|words| seen.insert(words)), "{name}");
        }
    }
}
