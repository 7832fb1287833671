//! What makes a request malformed, whatever the address: checked whole before anything is written.
//!
//! Fields are named as the API names them.

use std::collections::HashSet;

use super::error::{InvalidRequest, Violation};
use crate::model::address::Address;
use crate::model::campaign::Purpose;
use crate::model::command::{Command, ImportedFact, Proof, Wish};
use crate::model::day::Timestamp;
use crate::model::evidence::{Evidence, Lacking, LegalBasis, Method};
use crate::model::scope::Scope;

/// Most characters of a reason, an explanation, a note.
pub const MAX_REASON: usize = 2_000;
/// Most octets of a wording: a long privacy notice.
pub const MAX_WORDING: usize = 65_536;
/// Most octets of every other text.
pub const MAX_TEXT: usize = 2_000;
/// Most scopes, brands or choices in one call.
pub const MAX_SCOPES: usize = 1_000;
/// Most octets of a `request_id` (a UUID has 36).
pub const MAX_REQUEST_ID: usize = 64;

/// How far ahead of our clock a caller's may be before `occurred_at` counts as the future.
const CLOCK_SKEW_NANOS: i64 = 5 * 60 * 1_000_000_000;

/// What is wrong so far.
#[derive(Debug, Default)]
struct Findings(Vec<Violation>);

impl Findings {
    fn add(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.0.push(Violation { field: field.into(), problem: problem.into() });
    }

    fn into_result(self) -> Result<(), InvalidRequest> {
        if self.0.is_empty() { Ok(()) } else { Err(InvalidRequest { violations: self.0 }) }
    }

    fn reason(&mut self, field: &str, text: &str, is_mandatory: bool) {
        if is_mandatory && text.trim().is_empty() {
            self.add(field, "is mandatory and must not be blank; say why");
        }
        if text.len() > MAX_REASON && text.chars().count() > MAX_REASON {
            self.add(field, format!("is longer than {MAX_REASON} characters"));
        }
    }

    fn text(&mut self, field: &str, text: &str) {
        if text.len() > MAX_TEXT {
            self.add(field, format!("is longer than {MAX_TEXT} octets"));
        }
    }

    /// A list that names each thing once.
    fn list<T: std::hash::Hash + Eq>(&mut self, field: &str, items: &[T]) {
        if items.is_empty() {
            self.add(field, "is empty; name at least one");
        }
        if items.len() > MAX_SCOPES {
            self.add(field, format!("has more than {MAX_SCOPES} entries"));
        }
        self.each_once(field, items);
    }

    fn each_once<T: std::hash::Hash + Eq>(&mut self, field: &str, items: &[T]) {
        let mut seen = HashSet::new();
        for (i, item) in items.iter().enumerate() {
            if !seen.insert(item) {
                self.add(format!("{field}[{i}]"), "is named twice; name it once");
            }
        }
    }

    /// A yes is said to a brand or a topic.
    fn narrow_scopes(&mut self, scopes: &[Scope]) {
        for (i, scope) in scopes.iter().enumerate() {
            if scope.brand().is_none() {
                self.add(
                    format!("scopes[{i}]"),
                    "must be a brand or a topic: nobody consents to more",
                );
            }
        }
    }

    fn evidence(&mut self, evidence: &Evidence, now: Timestamp) {
        let Evidence { method: _, source, notice, document_ref, ip, user_agent, occurred_at } =
            evidence;
        for (field, text) in [
            ("evidence.source", source),
            ("evidence.wording_version", &notice.version),
            ("evidence.language", &notice.language),
            ("evidence.document_ref", document_ref),
            ("evidence.ip", ip),
            ("evidence.user_agent", user_agent),
        ] {
            self.text(field, text);
        }
        if notice.wording.len() > MAX_WORDING {
            self.add("evidence.wording", format!("is longer than {MAX_WORDING} octets"));
        }
        if let Some(at) = occurred_at {
            if at.nanos() > now.nanos().saturating_add(CLOCK_SKEW_NANOS) {
                self.add("evidence.occurred_at", "lies in the future");
            } else if at.day().is_none() {
                self.add("evidence.occurred_at", "lies before 1970");
            }
        }
    }

    /// A row of a file names its source, whatever it says.
    fn imported(&mut self, fact: ImportedFact, reason: &str, evidence: &Evidence, now: Timestamp) {
        let must_say_why = matches!(fact, ImportedFact::Blocked(_));
        self.reason("reason", reason, must_say_why);
        self.evidence(evidence, now);
        if evidence.method != Method::Import {
            self.add("evidence.method", "must be IMPORT");
        }
        if let ImportedFact::Granted { scope, legal_basis } = fact {
            if scope.brand().is_none() {
                self.add("scope", "must be a brand or a topic: nobody consents to more");
            }
            if !matches!(legal_basis, LegalBasis::Consent | LegalBasis::ExistingCustomer) {
                self.add("legal_basis", "must be CONSENT or EXISTING_CUSTOMER");
            }
            self.proves_yes(Some(evidence));
        } else if evidence.source.trim().is_empty() {
            self.add("evidence.source", "is mandatory; name the file and the line");
        }
    }

    fn proves_yes(&mut self, evidence: Option<&Evidence>) {
        let Some(evidence) = evidence else {
            self.add("evidence", "is mandatory: a consent is recorded with its proof");
            return;
        };
        let Err(lacking) = evidence.proves_yes() else { return };
        let (field, problem) = match lacking {
            Lacking::Method => (
                "evidence.method",
                "proves no consent; name how it was given: form, link, double opt-in, portal, paper, phone, in person, import",
            ),
            Lacking::Source => {
                ("evidence.source", "is mandatory for this method; say where it was given")
            }
            Lacking::Wording => (
                "evidence.wording",
                "is mandatory for this method; give the whole text the person saw",
            ),
            Lacking::DocumentRef => {
                ("evidence.document_ref", "is mandatory for paper; say where the signed paper lies")
            }
            Lacking::OccurredAt => {
                ("evidence.occurred_at", "is mandatory for this method; say when it was given")
            }
        };
        self.add(field, problem);
    }
}

/// Whether a command is well-formed.
///
/// # Errors
/// All that is wrong with it.
pub fn command(command: &Command, now: Timestamp) -> Result<(), InvalidRequest> {
    let mut findings = Findings::default();
    match command {
        Command::RegisterAddresses { controllers, source, owner_session: _ } => {
            findings.list("controllers", controllers);
            findings.text("source", source);
        }
        Command::BlockAddresses { brands, channels, cause: _, reason, opt_out } => {
            findings.list("brands", brands);
            findings.list("channels", channels);
            findings.reason("reason", reason, true);
            findings.each_once("opt_out", opt_out);
        }
        Command::LiftBlocks { brands, channels, reason } => {
            findings.list("brands", brands);
            findings.list("channels", channels);
            findings.reason("reason", reason, true);
        }
        Command::OptOut { scopes, reason, evidence } => {
            findings.list("scopes", scopes);
            findings.reason("reason", reason, false);
            evidence.iter().for_each(|evidence| findings.evidence(evidence, now));
        }
        Command::WithdrawConsent { scopes, reason } => {
            findings.list("scopes", scopes);
            findings.reason("reason", reason, false);
        }
        Command::RecordConsent { scopes, legal_basis, evidence } => {
            findings.list("scopes", scopes);
            findings.narrow_scopes(scopes);
            if !matches!(legal_basis, LegalBasis::Consent | LegalBasis::ExistingCustomer) {
                findings.add("legal_basis", "must be CONSENT or EXISTING_CUSTOMER");
            }
            findings.evidence(evidence, now);
            findings.proves_yes(Some(evidence));
        }
        Command::Import { fact, reason, evidence } => {
            findings.imported(*fact, reason, evidence, now);
        }
        Command::MarkConsentRequested { campaign, evidence } => {
            if campaign.purpose != Purpose::ConsentRequest {
                findings.add("campaign", "is no consent request; mark only what asks for consent");
            }
            evidence.iter().for_each(|evidence| findings.evidence(evidence, now));
        }
        Command::ResubscribeByStaff { scopes, legal_basis: _, explanation } => {
            findings.list("scopes", scopes);
            findings.narrow_scopes(scopes);
            findings.reason("explanation", explanation, true);
        }
        Command::OwnerChoice { choices, proof, evidence } => {
            let scopes: Vec<Scope> = choices.iter().map(|choice| choice.scope).collect();
            findings.list("choices", &scopes);
            let evidence = evidence.as_deref();
            evidence.iter().for_each(|evidence| findings.evidence(evidence, now));
            let mut says_yes = false;
            for (i, choice) in choices.iter().enumerate() {
                if choice.wish == Wish::Subscribe {
                    says_yes = true;
                    if choice.scope.brand().is_none() {
                        findings.add(
                            format!("choices[{i}].scope"),
                            "must be a brand or a topic: nobody consents to more",
                        );
                    }
                }
            }
            if says_yes && !matches!(proof, Proof::ConfirmToken { .. }) {
                findings.proves_yes(evidence);
            }
            let said_at = evidence.and_then(|evidence| evidence.occurred_at);
            if matches!(proof, Proof::PortalSession) && said_at.is_none() {
                findings.add("evidence.occurred_at", "is mandatory; say when the owner chose");
            }
        }
        Command::BeginOptIn { scopes, evidence } => {
            findings.list("scopes", scopes);
            findings.narrow_scopes(scopes);
            findings.evidence(evidence, now);
            findings.proves_yes(Some(evidence));
        }
        Command::RequestErasure { id: _, reason, evidence, owner_link } => {
            // An owner need not say why.
            let field = if *owner_link { "words" } else { "reason" };
            findings.reason(field, reason, !owner_link);
            evidence.iter().for_each(|evidence| findings.evidence(evidence, now));
        }
        Command::RejectErasure { id: _, reason } => findings.reason("reason", reason, true),
        Command::ApproveErasure { id: _, note } => findings.reason("note", note, false),
        Command::RequestAccess { words, evidence, owner_link: _ } => {
            findings.reason("words", words, false);
            evidence.iter().for_each(|evidence| findings.evidence(evidence, now));
        }
        Command::AnswerAccess { request: _, note } => findings.reason("note", note, true),
    }
    findings.into_result()
}

/// Whether a request id is one: printable ASCII, at most 64 octets. It is kept with the answer of
/// its call, which outlives an erasure, so it is no address.
///
/// # Errors
/// What is wrong with it.
pub fn request_id(id: &str) -> Result<(), InvalidRequest> {
    if id.contains('@') {
        let problem = "must not hold `@`: it outlives an erasure, so it must name nobody";
        return Err(InvalidRequest::one("request_id", problem));
    }
    if id.len() <= MAX_REQUEST_ID && id.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Ok(());
    }
    let problem =
        format!("must be at most {MAX_REQUEST_ID} printable ASCII characters, such as a UUID");
    Err(InvalidRequest::one("request_id", problem))
}

/// What stays when an address is erased: the note of whoever approves it, and who that is.
///
/// # Errors
/// Which of them names the address.
pub fn outlives_erasure(
    note: &str,
    actor: &str,
    address: Option<&Address>,
) -> Result<(), InvalidRequest> {
    let Some(address) = address else { return Ok(()) };
    let mut findings = Findings::default();
    for (field, text) in [("note", note), ("maysend-actor", actor)] {
        if names(text, address) {
            findings.add(field, "must not name the person, for it outlives the erasure");
        }
    }
    findings.into_result()
}

/// Whether a text holds a control character but those that are allowed.
pub fn holds_control(text: &str, is_allowed: impl Fn(char) -> bool) -> bool {
    // Beyond ASCII they all begin with 0xc2: most texts need no closer look.
    let may_be = |octet: u8| octet < 0x20 || octet == 0x7f || octet == 0xc2;
    text.bytes().any(may_be) && text.contains(|c: char| c.is_control() && !is_allowed(c))
}

/// The addresses that a text holds, in whatever spelling.
#[derive(Debug)]
struct Mentions {
    /// In lower case.
    text: String,
    spelt: HashSet<Address>,
}

impl Mentions {
    /// None where there are none: most texts need no closer look.
    fn of(text: &str) -> Option<Self> {
        if !text.contains('@') {
            return None;
        }
        let text = text.to_lowercase();
        let is_border = |c: char| c.is_whitespace() || "<>()[]{},;:`|/?&=".contains(c);
        let words = text.split(is_border).filter(|word| word.contains('@'));
        let spellings = words.flat_map(|word| [word, word.trim_matches(['"', '\'', '.', '!'])]);
        let spelt = spellings.filter_map(|word| Address::parse(word.as_bytes()).ok()).collect();
        Some(Self { spelt, text })
    }

    /// Whether this person is among them: the address, or what precedes its plus tag.
    fn name(&self, address: &Address) -> bool {
        let base = address.base();
        let mut persons = [Some(address), base.as_ref()].into_iter().flatten();
        persons.any(|person| self.spelt.contains(person) || self.text.contains(person.as_str()))
    }
}

/// Whether a text holds an address, or what precedes its plus tag, in whatever spelling.
#[must_use]
pub fn names(text: &str, address: &Address) -> bool {
    Mentions::of(text).is_some_and(|mentions| mentions.name(address))
}

/// The notice is shared by all who saw it and outlives an erasure: it must not name anyone.
///
/// # Errors
/// Which field names the address.
pub fn notice_is_impersonal(
    command: &Command,
    addresses: &[&Address],
) -> Result<(), InvalidRequest> {
    let evidence = match command {
        Command::RecordConsent { evidence, .. }
        | Command::Import { evidence, .. }
        | Command::BeginOptIn { evidence, .. } => Some(evidence),
        Command::OptOut { evidence, .. }
        | Command::MarkConsentRequested { evidence, .. }
        | Command::OwnerChoice { evidence, .. }
        | Command::RequestErasure { evidence, .. }
        | Command::RequestAccess { evidence, .. } => evidence.as_ref(),
        Command::RegisterAddresses { .. }
        | Command::BlockAddresses { .. }
        | Command::LiftBlocks { .. }
        | Command::WithdrawConsent { .. }
        | Command::ResubscribeByStaff { .. }
        | Command::ApproveErasure { .. }
        | Command::RejectErasure { .. }
        | Command::AnswerAccess { .. } => None,
    };
    let Some(notice) = evidence.map(|evidence| &evidence.notice) else { return Ok(()) };
    for (field, text) in [
        ("evidence.wording", &notice.wording),
        ("evidence.wording_version", &notice.version),
        ("evidence.language", &notice.language),
    ] {
        let Some(mentions) = Mentions::of(text) else { continue };
        if addresses.iter().any(|address| mentions.name(address)) {
            let problem = "holds the address; it is shared by all who saw it and must name nobody";
            return Err(InvalidRequest::one(field, problem));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, address: &str, expect: bool) {
        assert_eq!(names(text, &Address::parse(address.as_bytes()).unwrap()), expect, "{text}");
    }

    #[test]
    fn a_control_character_is_found_wherever_unicode_has_it() {
        for c in (0..0x300).filter_map(char::from_u32) {
            assert_eq!(holds_control(&format!("a{c}\u{fc}"), |_| false), c.is_control(), "{c:?}");
            assert_eq!(holds_control(&format!("{c}"), |c| c == '\n'), c.is_control() && c != '\n');
        }
    }

    #[test]
    fn a_notice_names_nobody_in_any_spelling() {
        for (wording, address, is_named) in [
            ("Dear eve@b\u{fc}cher.example", "eve@b\u{fc}cher.example", true),
            ("Dear eve@example.org", "eve+news@example.org", true),
            ("Dear \"eve\"@example.org.", "eve@example.org", true),
            ("Write to info@example.org", "eve@example.org", false),
        ] {
            let notice = crate::model::evidence::Notice {
                wording: wording.into(),
                ..crate::model::evidence::Notice::default()
            };
            let evidence = Some(std::sync::Arc::new(Evidence { notice, ..Evidence::default() }));
            let command = Command::OptOut { scopes: Vec::new(), reason: "".into(), evidence };
            let address = Address::parse(address.as_bytes()).unwrap();
            let refused = notice_is_impersonal(&command, &[&address]).is_err();
            assert_eq!(refused, is_named, "{wording}");
        }
    }

    #[test]
    fn a_text_names_an_address_in_whatever_spelling() {
        check("erased <EVE@Example.org>.", "eve@example.org", true);
        check("mailto:eve@example.org?subject=x", "eve@example.org", true);
        check("it was \"eve\"@example.org.", "eve@example.org", true);
        check("see 'eve@b\u{fc}hne.example'!", "eve@b\u{fc}hne.example", true);
        check("see eve@xn--bhne-0ra.example", "eve@b\u{fc}hne.example", true);
        check("eve@example.org", "eve+shop@example.org", true);
        check("eve+shop@example.org", "eve@example.org", false);
        check("ben@buehne.example saw eve", "eve@example.org", false);
        check("", "eve@example.org", false);
    }
}
