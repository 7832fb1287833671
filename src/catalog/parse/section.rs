//! One table of the file: reads its keys by type and reports whatever is amiss, so that the reader
//! above goes on to the next table.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::page::MAX_TITLE;
use super::super::words::{Words, value_of};
use super::fault::{Fault, Faults};
use crate::model::campaign::is_id;

/// The keys that a table may have.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) required: &'static [&'static str],
    pub(super) optional: &'static [&'static str],
    /// Those of them that are reserved for the organization.
    pub(super) reserved: &'static [&'static str],
}

/// How many lines a text may have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lines {
    One,
    /// Parted by line feeds.
    Many,
}

/// A table and where it stands. What a getter cannot read it reports, and gives none.
#[derive(Debug)]
pub(super) struct Section<'t> {
    table: &'t DeTable<'t>,
    /// Empty for the whole file.
    path: String,
    offset: usize,
    faults: &'t Faults,
}

impl<'t> Section<'t> {
    /// The whole file.
    pub(super) fn file(table: &'t DeTable<'t>, faults: &'t Faults, keys: &Keys) -> Self {
        let section = Self { table, path: String::new(), offset: 0, faults };
        section.check(keys);
        section
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Reports `fault` at `key`, or at the head of the table where it has no such key.
    pub(super) fn fault(&self, key: &str, fault: Fault) {
        self.faults.add(self.offset_of(key), self.path_of(key), fault);
    }

    /// Where `key` stands, else where the table begins.
    pub(super) fn offset_of(&self, key: &str) -> usize {
        let entry = self.table.iter().find(|(known, _)| known.get_ref() == key);
        entry.map_or(self.offset, |(known, _)| known.span().start)
    }

    /// The line of an offset, counted from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.faults.line(offset)
    }

    pub(super) fn text(&self, key: &str) -> Option<&'t str> {
        self.read(key, "a string", DeValue::as_str)
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.read(key, "a boolean", DeValue::as_bool)
    }

    /// A number from 0 to `max`.
    pub(super) fn number(&self, key: &str, max: u16) -> Option<u16> {
        let written = self.read(key, "an integer", DeValue::as_integer)?;
        let number = i64::from_str_radix(written.as_str(), written.radix()).ok();
        let number = number.and_then(|n| u16::try_from(n).ok()).filter(|n| *n <= max);
        if number.is_none() {
            self.fault(key, Fault::OutOfRange { found: written.to_string(), max });
        }
        number
    }

    /// One of the words of a closed choice.
    pub(super) fn choice<T: Copy>(&self, key: &str, words: &Words<T>) -> Option<T> {
        let word = self.text(key)?;
        let value = value_of(words, word);
        if value.is_none() {
            let allowed = words.iter().map(|(word, _)| *word).collect();
            self.fault(key, Fault::UnknownWord { word: word.to_owned(), allowed });
        }
        value
    }

    /// The key `id`. A malformed one is reported and yet given, so that what refers to it is not
    /// reported too.
    pub(super) fn id(&self) -> Option<&'t str> {
        let word = self.text("id")?;
        if !is_id(word) {
            self.fault("id", Fault::BadId(word.to_owned()));
        }
        Some(word)
    }

    /// The key `title`.
    pub(super) fn title(&self) -> Box<str> {
        let Some(title) = self.text("title") else { return Box::default() };
        if title.trim().is_empty() {
            self.fault("title", Fault::EmptyTitle);
        } else {
            self.check_words("title", title, Lines::One, MAX_TITLE);
        }
        title.into()
    }

    /// A text for people, of 1 to `max` characters. Its lines are parted by line feeds also where
    /// those of the file are by a carriage return besides.
    pub(super) fn words(&self, key: &str, lines: Lines, max: usize) -> Option<String> {
        let text = self.text(key)?.replace("\r\n", "\n");
        self.check_words(key, &text, lines, max);
        Some(text)
    }

    // INVARIANT(one_line): holds it.
    fn check_words(&self, key: &str, text: &str, lines: Lines, max: usize) {
        let (is_many, fault) = match lines {
            Lines::One => (false, Fault::TextLength { max }),
            Lines::Many => (true, Fault::Text { max }),
        };
        let is_foreign = |c: char| c.is_control() && !(is_many && c == '\n');
        if text.trim().is_empty() || text.contains(is_foreign) || text.chars().count() > max {
            self.fault(key, fault);
        }
    }

    /// What `parse` makes of the text at `key`.
    pub(super) fn parsed<T, F>(&self, key: &str, parse: fn(&str) -> Result<T, F>) -> Option<T>
    where
        Fault: From<F>,
    {
        parse(self.text(key)?).map_err(|fault| self.fault(key, fault.into())).ok()
    }

    /// The texts of the array at `key`: at most `count`, each of 1 to `length` characters and one
    /// line. An array that is not there is empty.
    pub(super) fn texts(&self, key: &str, count: usize, length: usize) -> Vec<Box<str>> {
        let Some(array) = self.read(key, "an array of strings", DeValue::as_array) else {
            return Vec::new();
        };
        if array.len() > count {
            self.fault(key, Fault::TooMany { max: count });
        }
        let texts = array.iter().enumerate().filter_map(|(place, entry)| {
            let (offset, path) = (entry.span().start, format!("{}[{place}]", self.path_of(key)));
            let Some(text) = entry.get_ref().as_str() else {
                let found = type_of(entry.get_ref());
                self.faults.add(offset, path, Fault::WrongType { expected: "a string", found });
                return None;
            };
            let is_blank = text.trim().is_empty() || text.contains(char::is_control);
            if is_blank || text.chars().count() > length {
                self.faults.add(offset, path, Fault::TextLength { max: length });
            }
            Some(text.into())
        });
        texts.collect()
    }

    /// The table at `key`.
    pub(super) fn section(&self, key: &str, keys: &Keys) -> Option<Self> {
        let table = self.read(key, "a table", DeValue::as_table)?;
        let section = Self { table, path: self.path_of(key), offset: self.offset_of(key), ..*self };
        section.check(keys);
        Some(section)
    }

    /// The tables of the array at `key`.
    pub(super) fn sections(&self, key: &str, keys: &Keys) -> Vec<Self> {
        let array = self.read(key, "an array of tables", DeValue::as_array);
        let entries = array.into_iter().flatten().enumerate();
        let sections = entries.filter_map(|(place, entry)| {
            let path = format!("{}[{place}]", self.path_of(key));
            self.entry(path, entry, keys)
        });
        sections.collect()
    }

    fn entry(&self, path: String, entry: &'t Spanned<DeValue<'t>>, keys: &Keys) -> Option<Self> {
        let offset = entry.span().start;
        let DeValue::Table(table) = entry.get_ref() else {
            let found = type_of(entry.get_ref());
            self.faults.add(offset, path, Fault::WrongType { expected: "a table", found });
            return None;
        };
        let section = Self { table, path, offset, ..*self };
        section.check(keys);
        Some(section)
    }

    /// Reports unknown, reserved and missing keys.
    fn check(&self, keys: &Keys) {
        let listed = keys.required.iter().chain(keys.optional);
        let known: Vec<_> = listed.filter(|key| !keys.reserved.contains(key)).copied().collect();
        for key in self.table.keys().map(|key| key.get_ref().as_ref()) {
            if keys.reserved.contains(&key) {
                self.fault(key, Fault::OrganizationOnly);
            } else if !known.contains(&key) {
                self.fault(key, Fault::UnknownKey { known: known.clone() });
            }
        }
        for key in keys.required.iter().filter(|key| !self.has(key)) {
            self.fault(key, Fault::MissingKey);
        }
    }

    fn read<T>(
        &self,
        key: &str,
        expected: &'static str,
        of_type: impl Fn(&'t DeValue<'t>) -> Option<T>,
    ) -> Option<T> {
        let value = self.table.get(key)?.get_ref();
        let read = of_type(value);
        if read.is_none() {
            self.fault(key, Fault::WrongType { expected, found: type_of(value) });
        }
        read
    }

    fn path_of(&self, key: &str) -> String {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let key = match key.is_empty() || !key.chars().all(bare) {
            true => format!("{key:?}"),
            false => key.to_owned(),
        };
        if self.path.is_empty() { key } else { format!("{}.{key}", self.path) }
    }
}

fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
