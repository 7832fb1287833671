//! Rows with two columns more, in the format of their list.

use serde_json::{Map, Value, json};

use super::fields;
use super::layout::Place;
use super::rows::split_line_end;

/// The names of the two columns, or keys.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Added(pub(in crate::cli) [&'static str; 2]);

impl Added {
    /// Appends a header with the names of both.
    pub(in crate::cli) fn put_header(self, to: &mut Vec<u8>, header: &[u8], place: &Place) {
        self.put_row(to, header, place, self.0);
    }

    /// Appends `row` with what both say, before its line end.
    pub(in crate::cli) fn put_row(
        self,
        to: &mut Vec<u8>,
        row: &[u8],
        place: &Place,
        said: [&str; 2],
    ) {
        match self.fields(place, said) {
            Some(fields) => put_fields(to, row, &fields),
            None => {
                let (text, line_end) = split_line_end(row);
                self.put_object(to, text, said);
                to.extend_from_slice(line_end);
            }
        }
    }

    /// What comes before the line end of each row of which the same is said; none where rows are
    /// objects.
    pub(in crate::cli) fn fields(self, place: &Place, said: [&str; 2]) -> Option<Vec<u8>> {
        let delimiter = match place {
            Place::Line => b'\t',
            Place::Field { delimiter, .. } => *delimiter,
            Place::Key(_) => return None,
        };
        let mut fields = Vec::new();
        said.into_iter().for_each(|said| fields::push(&mut fields, delimiter, said));
        Some(fields)
    }

    /// Two keys more before the closing brace. What is no object becomes the text of one.
    fn put_object(self, to: &mut Vec<u8>, text: &[u8], said: [&str; 2]) {
        let ([first, second], [this, that]) = (self.0, said);
        let is_object = serde_json::from_slice::<Map<String, Value>>(text);
        let close = text.iter().rposition(|&octet| octet == b'}');
        let keys = json!({ first: this, second: that }).to_string();
        let keys = keys.trim_start_matches('{').as_bytes();
        match (is_object, close.and_then(|at| text.split_at_checked(at))) {
            (Ok(object), Some((inside, behind))) => {
                to.extend_from_slice(inside);
                if !object.is_empty() {
                    to.push(b',');
                }
                to.extend_from_slice(keys);
                to.extend_from_slice(behind.get(1..).unwrap_or_default());
            }
            _ => {
                let row = String::from_utf8_lossy(text);
                let wrapped = json!({ "row": row, first: this, second: that });
                to.extend_from_slice(wrapped.to_string().as_bytes());
            }
        }
    }
}

/// Appends `row` with these fields before its line end.
pub(in crate::cli) fn put_fields(to: &mut Vec<u8>, row: &[u8], fields: &[u8]) {
    let (text, line_end) = split_line_end(row);
    to.extend_from_slice(text);
    to.extend_from_slice(fields);
    to.extend_from_slice(line_end);
}
