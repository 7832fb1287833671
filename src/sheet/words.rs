//! The one place where a data sheet, and what explains a verdict, get their words: what each thing
//! is called in programs, in English and in German, side by side. Instants and days too.

mod choices;

use jiff::tz::TimeZone;

pub(crate) use self::choices::{
    actor_class, cause, channel, consent_state, erasure, event_kind, event_title, legal_basis,
    method, verdict,
};
use crate::model::day::{Day, Timestamp};
use crate::model::language::Language;

/// A thing as programs, English and German readers know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    /// For programs; never changes.
    pub(crate) name: &'static str,
    pub(crate) en: &'static str,
    pub(crate) de: &'static str,
}

impl Said {
    /// In a language.
    pub(crate) const fn to(self, language: Language) -> &'static str {
        language.pick(self.en, self.de)
    }
}

/// Names of what a sheet shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    Title,
    Law,
    Purpose,
    NothingHeld,
    OnlyTombstone,
    Address,
    Pseudonym,
    Rules,
    Version,
    MadeAt,
    MadeBy,
    Revision,
    Controllers,
    NoController,
    Recipients,
    Standing,
    Mailings,
    MailingsNote,
    Events,
    EventsNote,
    Everything,
    Where,
    What,
    Why,
    Recorded,
    OptedOut,
    Blocked,
    Asked,
    Erasure,
    ErasureCase,
    Mailing,
    MaySend,
    Yes,
    No,
    OnFileWith,
    Channels,
    Cause,
    Reason,
    Basis,
    By,
    Credential,
    Method,
    Source,
    Wording,
    WordingVersion,
    WordingLanguage,
    Document,
    Network,
    Program,
    SaidAt,
    Request,
    Rights,
    RightsText,
}

pub(super) const fn label(label: Label, language: Language) -> &'static str {
    let (en, de) = match label {
        Label::Title => ("Data sheet", "Datenauskunft"),
        Label::Law => (
            "Information on personal data under Art. 15 GDPR",
            "Auskunft über personenbezogene Daten nach Art. 15 DSGVO",
        ),
        Label::Purpose => (
            "This is everything that is held about this e-mail address in order to decide whether a \
             message may be sent to it, and to prove why.",
            "Dies ist alles, was zu dieser E-Mail-Adresse gespeichert ist, um zu entscheiden, ob \
             eine Nachricht an sie gesendet werden darf, und um nachzuweisen, weshalb.",
        ),
        Label::NothingHeld => (
            "Nothing is held about this address: no consent, no opt-out, no block, no record of any \
             kind.",
            "Zu dieser Adresse ist nichts gespeichert: keine Einwilligung, keine Abmeldung, keine \
             Sperre, kein Eintrag irgendeiner Art.",
        ),
        Label::OnlyTombstone => (
            "All data about this address were erased. What is left is the pseudonym below, so that \
             nothing is sent to the address any more, and the record of the erasure itself.",
            "Alle Daten zu dieser Adresse wurden gelöscht. Übrig sind das unten genannte Pseudonym, \
             damit an die Adresse nichts mehr gesendet wird, und der Vermerk über die Löschung \
             selbst.",
        ),
        Label::Address => ("E-mail address", "E-Mail-Adresse"),
        Label::Pseudonym => ("Pseudonym", "Pseudonym"),
        Label::Rules => ("Address rules", "Adressregeln"),
        Label::Version => ("version", "Fassung"),
        Label::MadeAt => ("Made on", "Erstellt am"),
        Label::MadeBy => ("Requested by", "Angefordert von"),
        Label::Revision => ("State of records", "Stand der Einträge"),
        Label::Controllers => ("Who has the address on file", "Wer die Adresse gespeichert hat"),
        Label::NoController => (
            "No company has the address on file as a contact.",
            "Kein Unternehmen führt die Adresse als Kontakt.",
        ),
        Label::Recipients => ("Recipients", "Empfänger"),
        Label::Standing => ("What stands now", "Was derzeit gilt"),
        Label::Mailings => ("What may be sent now", "Was derzeit gesendet werden darf"),
        Label::MailingsNote => (
            "Advertising by e-mail, of the brands whose company has the address on file.",
            "Werbung per E-Mail, für die Marken der Unternehmen, die die Adresse gespeichert haben.",
        ),
        Label::Events => ("Everything that was recorded", "Alles, was eingetragen wurde"),
        Label::EventsNote => (
            "Oldest first. All times are UTC.",
            "Das Älteste zuerst. Alle Zeiten sind in UTC angegeben.",
        ),
        Label::Everything => {
            ("All mailings of all companies", "Alle Aussendungen aller Unternehmen")
        }
        Label::Where => ("Concerns", "Betrifft"),
        Label::What => ("What", "Was"),
        Label::Why => ("Why", "Weshalb"),
        Label::Recorded => ("Recorded", "Eingetragen"),
        Label::OptedOut => ("opted out", "abgemeldet"),
        Label::Blocked => ("blocked", "gesperrt"),
        Label::Asked => ("asked for consent", "um Einwilligung gebeten"),
        Label::Erasure => ("Erasure of all data", "Löschung aller Daten"),
        Label::ErasureCase => ("Erasure case", "Löschfall"),
        Label::Mailing => ("Mailing", "Aussendung"),
        Label::MaySend => ("Allowed", "Erlaubt"),
        Label::Yes => ("yes", "ja"),
        Label::No => ("no", "nein"),
        Label::OnFileWith => ("On file with", "Gespeichert bei"),
        Label::Channels => ("By", "Auf dem Weg"),
        Label::Cause => ("Cause", "Anlass"),
        Label::Reason => ("Reason", "Begründung"),
        Label::Basis => ("Legal basis", "Rechtsgrundlage"),
        Label::By => ("Recorded by", "Eingetragen von"),
        Label::Credential => ("access", "Zugang"),
        Label::Method => ("Declared by", "Erklärt per"),
        Label::Source => ("Source", "Quelle"),
        Label::Wording => ("Text shown", "Gezeigter Text"),
        Label::WordingVersion => ("Version of the text", "Fassung des Textes"),
        Label::WordingLanguage => ("Language of the text", "Sprache des Textes"),
        Label::Document => ("Document", "Dokument"),
        Label::Network => ("Network address", "IP-Adresse"),
        Label::Program => ("Program", "Programm"),
        Label::SaidAt => ("Declared on", "Erklärt am"),
        Label::Request => ("Request", "Vorgang"),
        Label::Rights => ("Your rights", "Ihre Rechte"),
        Label::RightsText => (
            "You may have wrong data corrected (Art. 16 GDPR) and data erased (Art. 17), have their \
             use restricted (Art. 18), object to advertising at any time (Art. 21), withdraw a \
             consent at any time (Art. 7(3)), and complain to a supervisory authority (Art. 77).",
            "Sie können unrichtige Daten berichtigen (Art. 16 DSGVO), Daten löschen (Art. 17) und \
             ihre Verarbeitung einschränken lassen (Art. 18), der Werbung jederzeit widersprechen \
             (Art. 21), eine Einwilligung jederzeit widerrufen (Art. 7 Abs. 3) und sich bei einer \
             Aufsichtsbehörde beschweren (Art. 77).",
        ),
    };
    language.pick(en, de)
}

/// `22 November 2026, 13:05 UTC` and `22. November 2026, 13:05 UTC`.
pub(super) fn long_instant(at: Timestamp, language: Language) -> String {
    let Some(at) = zoned(at) else { return String::new() };
    let months = match language {
        Language::English => [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
        Language::German => [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ],
    };
    let month =
        usize::try_from(at.month()).ok().and_then(|month| months.get(month.checked_sub(1)?));
    let (day, month, dot) = (at.day(), month.unwrap_or(&""), language.pick("", "."));
    format!("{day}{dot} {month} {}", at.strftime("%Y, %H:%M UTC"))
}

/// `2026-11-22 13:05:07 UTC` and `22.11.2026 13:05:07 UTC`.
pub(crate) fn instant(at: Timestamp, language: Language) -> String {
    let form = language.pick("%Y-%m-%d %H:%M:%S UTC", "%d.%m.%Y %H:%M:%S UTC");
    zoned(at).map(|at| at.strftime(form).to_string()).unwrap_or_default()
}

/// `2026-11-22` and `22.11.2026`.
pub(super) fn day(day: Day, language: Language) -> String {
    let form = language.pick("%Y-%m-%d", "%d.%m.%Y");
    zoned(day.start()).map(|at| at.strftime(form).to_string()).unwrap_or_default()
}

/// RFC 3339, for programs.
pub(super) fn rfc3339(at: Timestamp) -> Option<String> {
    zoned(at).map(|at| at.timestamp().to_string())
}

fn zoned(at: Timestamp) -> Option<jiff::Zoned> {
    let (seconds, nanos) = at.parts();
    Some(jiff::Timestamp::new(seconds, nanos).ok()?.to_zoned(TimeZone::UTC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_readers_of_the_language_write_them() {
        let at = Timestamp::from_parts(1_772_332_505, 0).unwrap();
        assert_eq!(long_instant(at, Language::English), "1 March 2026, 02:35 UTC");
        assert_eq!(long_instant(at, Language::German), "1. März 2026, 02:35 UTC");
        assert_eq!(instant(at, Language::English), "2026-03-01 02:35:05 UTC");
        assert_eq!(instant(at, Language::German), "01.03.2026 02:35:05 UTC");
        assert_eq!(day(at.day().unwrap(), Language::German), "01.03.2026");
        assert_eq!(rfc3339(at).as_deref(), Some("2026-03-01T02:35:05Z"));
    }
}
