//! How a message is read: field by field, with all its faults.

mod evidence;

use std::fmt::Display;
use std::sync::Arc;

use super::words;
use crate::catalog::{Brand, Catalog};
use crate::engine::error::{InvalidRequest, Violation};
use crate::engine::validate::MAX_SCOPES;
use crate::grpc::api;
use crate::grpc::api::scope::Level;
use crate::grpc::refusal::{MAX_FAULTS, Name, Refusal};
use crate::model::campaign::{Channel, Purpose};
use crate::model::evidence::{LegalBasis, Notice};
use crate::model::fact::Cause;
use crate::model::scope::{BrandId, ControllerId, Scope};

/// Most known names that a fault lists.
const MAX_KNOWN: usize = 5;

/// A message on its way into the model.
///
/// INVARIANT(fault): a method that gives none has noted why. So `finish` has a fault to report
/// wherever it has no value.
#[derive(Debug)]
pub(super) struct Reading<'c> {
    catalog: &'c Catalog,
    /// Of the evidence before: the rows of a file mostly have the same.
    last_notice: Option<Notice>,
    violations: Vec<Violation>,
    /// The first name that the catalog does not have.
    unknown: Option<Name>,
    /// Whether something else is wrong than such names.
    is_malformed: bool,
}

impl<'c> Reading<'c> {
    pub(super) const fn new(catalog: &'c Catalog) -> Self {
        Self {
            catalog,
            last_notice: None,
            violations: Vec::new(),
            unknown: None,
            is_malformed: false,
        }
    }

    /// The value, if nothing was wrong.
    pub(super) fn finish<T>(self, value: impl FnOnce() -> Option<T>) -> Result<T, Refusal> {
        if self.violations.is_empty()
            && let Some(value) = value()
        {
            return Ok(value);
        }
        let Self { catalog: _, last_notice: _, violations, unknown, is_malformed } = self;
        match unknown {
            Some(name) if !is_malformed => Err(Refusal::Unknown { name, violations }),
            Some(_) | None => Err(InvalidRequest { violations }.into()),
        }
    }

    /// Notes what is wrong with a field.
    pub(super) fn fault<T>(
        &mut self,
        field: impl Into<String>,
        problem: impl Into<String>,
    ) -> Option<T> {
        self.is_malformed = true;
        self.note(field, problem)
    }

    /// Notes a name that the catalog does not have.
    pub(super) fn unknown<T>(&mut self, field: &str, name: Name, problem: String) -> Option<T> {
        self.unknown.get_or_insert(name);
        self.note(field, problem)
    }

    fn note<T>(&mut self, field: impl Into<String>, problem: impl Into<String>) -> Option<T> {
        // A flood of faults must not fill the memory, and no more than these are shown.
        if self.violations.len() < MAX_FAULTS {
            self.violations.push(Violation { field: field.into(), problem: problem.into() });
        }
        None
    }

    /// Reads a part of the message. Its fields are named as within the part; where that is, is put
    /// in front of those at fault, so that the names of all others cost nothing.
    pub(super) fn within<T>(
        &mut self,
        part: impl Display,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let before = self.violations.len();
        let value = read(self);
        for violation in self.violations.iter_mut().skip(before) {
            violation.field = format!("{part}.{}", violation.field);
        }
        value
    }

    /// Each entry of a list, read by `read` under its path. One fault does not hide the next.
    pub(super) fn each<T, U>(
        &mut self,
        field: &str,
        entries: Vec<T>,
        mut read: impl FnMut(&mut Self, &str, T) -> Option<U>,
    ) -> Option<Vec<U>> {
        if entries.len() > MAX_SCOPES {
            return self.fault(field, format!("has more than {MAX_SCOPES} entries"));
        }
        let read: Vec<Option<U>> = (0_usize..)
            .zip(entries)
            .map(|(i, entry)| read(self, &format!("{field}[{i}]"), entry))
            .collect();
        read.into_iter().collect()
    }

    pub(super) fn scopes(&mut self, field: &str, scopes: Vec<api::Scope>) -> Option<Vec<Scope>> {
        self.each(field, scopes, Self::scope)
    }

    pub(super) fn scope(&mut self, field: &str, scope: api::Scope) -> Option<Scope> {
        let api::Scope { level } = scope;
        match level {
            None => {
                self.fault(field, "is not set; name everything, a controller, a brand or a topic")
            }
            Some(Level::Everything(true)) => Some(Scope::Everything),
            Some(Level::Everything(false)) => self.fault(
                format!("{field}.everything"),
                "must be true; name a controller, a brand or a topic for less",
            ),
            Some(Level::Controller(word)) => match self.catalog.controller(&word) {
                Some(controller) => Some(Scope::Controller(controller.id)),
                None => self.unknown(
                    &format!("{field}.controller"),
                    Name::Scope,
                    self.known_controllers(),
                ),
            },
            Some(Level::Brand(word)) => match self.catalog.brand(&word) {
                Some(brand) => Some(Scope::Brand(brand.id)),
                None => self.unknown(&format!("{field}.brand"), Name::Scope, self.known_brands()),
            },
            Some(Level::Topic(topic)) => self.topic(field, &topic),
        }
    }

    fn topic(&mut self, field: &str, topic: &api::TopicRef) -> Option<Scope> {
        let api::TopicRef { brand, topic } = topic;
        let Some(brand) = self.catalog.brand(brand) else {
            return self.unknown(&format!("{field}.topic.brand"), Name::Scope, self.known_brands());
        };
        match brand.topic(&self.catalog.names, topic) {
            Some(topic) => Some(Scope::Topic(topic.id)),
            None => {
                self.unknown(&format!("{field}.topic.topic"), Name::Scope, self.known_topics(brand))
            }
        }
    }

    pub(super) fn brands(&mut self, field: &str, words: Vec<String>) -> Option<Vec<BrandId>> {
        self.each(field, words, |reading, field, word| {
            reading.brand(field, word).map(|brand| brand.id)
        })
    }

    pub(super) fn brand(&mut self, field: &str, word: String) -> Option<&'c Brand> {
        match self.catalog.brand(&word) {
            Some(brand) => Some(brand),
            None => self.unknown(field, Name::Brand(word), self.known_brands()),
        }
    }

    pub(super) fn controllers(
        &mut self,
        field: &str,
        words: Vec<String>,
    ) -> Option<Vec<ControllerId>> {
        self.each(field, words, |reading, field, word| match reading.catalog.controller(&word) {
            Some(controller) => Some(controller.id),
            None => {
                let known = reading.known_controllers();
                reading.unknown(field, Name::Controller(word), known)
            }
        })
    }

    /// The channels; none named is EMAIL.
    pub(super) fn channels(&mut self, field: &str, numbers: Vec<i32>) -> Option<Vec<Channel>> {
        if numbers.is_empty() {
            return Some(vec![Channel::Email]);
        }
        self.each(field, numbers, |reading, field, number| {
            let problem = "is no channel; name CHANNEL_EMAIL or CHANNEL_POST";
            words::channel(number).or_else(|| reading.fault(field, problem))
        })
    }

    /// One channel; unspecified is EMAIL.
    pub(super) fn channel(&mut self, field: &str, number: i32) -> Option<Channel> {
        if number == i32::from(api::Channel::Unspecified) {
            return Some(Channel::Email);
        }
        let problem = "is no channel; name CHANNEL_EMAIL or CHANNEL_POST";
        words::channel(number).or_else(|| self.fault(field, problem))
    }

    pub(super) fn purpose(&mut self, field: &str, number: i32) -> Option<Purpose> {
        let problem = "is mandatory: PURPOSE_MARKETING, PURPOSE_TRANSACTIONAL, PURPOSE_ONE_TO_ONE \
                       or PURPOSE_CONSENT_REQUEST";
        words::purpose(number).or_else(|| self.fault(field, problem))
    }

    pub(super) fn cause(&mut self, field: &str, number: i32) -> Option<Cause> {
        let problem = "is mandatory: BLOCK_CAUSE_OWNER_REQUEST, BLOCK_CAUSE_STAFF_DECISION, \
                       BLOCK_CAUSE_HARD_BOUNCE or BLOCK_CAUSE_COMPLAINT";
        words::cause(number).or_else(|| self.fault(field, problem))
    }

    pub(super) fn legal_basis(&mut self, field: &str, number: i32) -> Option<LegalBasis> {
        let problem = "is mandatory: LEGAL_BASIS_CONSENT or LEGAL_BASIS_EXISTING_CUSTOMER";
        words::legal_basis(number).or_else(|| self.fault(field, problem))
    }

    fn known_controllers(&self) -> String {
        let ids = self.catalog.controllers.iter().map(|controller| controller.id);
        known(ids.map(|id| self.catalog.names.controller(id)))
    }

    fn known_brands(&self) -> String {
        known(self.catalog.brands.iter().map(|brand| self.catalog.names.brand(brand.id)))
    }

    pub(super) fn known_topics(&self, brand: &Brand) -> String {
        known(brand.topics.iter().map(|topic| self.catalog.names.topic(topic.id)))
    }
}

/// Says which names there are. What the caller wrote is not repeated: it may be an address.
fn known<'n>(mut names: impl Iterator<Item = &'n str>) -> String {
    let some: Vec<String> =
        names.by_ref().take(MAX_KNOWN).map(|name| format!("`{name}`")).collect();
    let listed = some.join(", ");
    match (some.len(), names.count()) {
        (0, _) => "is not known to the catalog, which has none".to_owned(),
        (1, 0) => format!("is not known to the catalog, which has {listed} only"),
        (_, 0) => format!("is not known to the catalog, which has {listed}"),
        (_, more) => format!("is not known to the catalog, which has {listed} and {more} more"),
    }
}

/// What somebody decided or answered, and in which words; `hint` says where the names are listed.
pub(super) fn answered(
    id: String,
    hint: &str,
    (field, words): (&str, &str),
    catalog: &Catalog,
) -> Result<(String, Arc<str>), Refusal> {
    let mut reading = Reading::new(catalog);
    let words = reading.prose(field, words);
    if id.is_empty() {
        reading.fault::<()>("id", format!("is mandatory; {hint}"));
    }
    reading.finish(|| Some((id, words?)))
}
