//! The faults of a file that people write, each with its place: told all at once, in the order of
//! their lines. The catalog's and the credential file's.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// Everything that is wrong with a file, in the order of its lines. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllLocated<F>(Vec<Located<F>>);

/// One thing that is wrong with a file. Prints as `FILE:LINE: KEY: CLAUSE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<F> {
    /// The file as the caller named it.
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: usize,
    /// Such as `brand[2].topic[0].id`, places counted from 0; empty where the file is no TOML.
    pub key: String,
    /// What is wrong there.
    pub fault: F,
}

impl<F> AllLocated<F> {
    /// The errors, in the order of their lines.
    pub fn iter(&self) -> impl Iterator<Item = &Located<F>> {
        self.0.iter()
    }
}

impl<F: fmt::Display> fmt::Display for AllLocated<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(f, "{gap}{error}")?;
        }
        Ok(())
    }
}

impl<F: fmt::Debug + fmt::Display> std::error::Error for AllLocated<F> {}

impl<F: fmt::Display> fmt::Display for Located<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, key, fault } = self;
        let gap = if key.is_empty() { "" } else { ": " };
        write!(f, "{file}:{line}: {key}{gap}{fault}")
    }
}

impl<F: fmt::Debug + fmt::Display> std::error::Error for Located<F> {}

/// Collects what is wrong while a file is read to its end.
#[derive(Debug)]
pub(crate) struct Faults<F> {
    file: Arc<str>,
    newlines: Vec<usize>,
    /// With the offset of each in the text.
    found: RefCell<Vec<(usize, Located<F>)>>,
}

impl<F> Faults<F> {
    pub(crate) fn of(file: &str, text: &str) -> Self {
        let newlines = text.match_indices('\n').map(|(offset, _)| offset).collect();
        Self { file: file.into(), newlines, found: RefCell::default() }
    }

    /// The line of an offset, counted from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.newlines.partition_point(|newline| *newline < offset) + 1
    }

    pub(crate) fn add(&self, offset: usize, key: String, fault: F) {
        let error = Located { file: self.file.clone(), line: self.line(offset), key, fault };
        self.found.borrow_mut().push((offset, error));
    }

    /// # Errors
    /// What was added, sorted.
    pub(crate) fn none(self) -> Result<(), AllLocated<F>> {
        let mut found = self.found.into_inner();
        if found.is_empty() {
            return Ok(());
        }
        found.sort_by_key(|(offset, _)| *offset);
        Err(AllLocated(found.into_iter().map(|(_, error)| error).collect()))
    }
}
