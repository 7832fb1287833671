//! The document as plain text of 80 columns.

use super::document::{Document, Entry, Part, Row, Table};

/// Columns of a line.
const WIDTH: usize = 80;

/// Columns of a label, with the gap behind it.
const LABEL: usize = 24;

pub(super) fn render(document: &Document) -> String {
    let Document { language: _, title, law, address, facts, lead, sections } = document;
    let mut text = format!("{}\n{law}\n{address}\n", title.to_uppercase());
    text.push_str(&format!("{}\n\n", "=".repeat(WIDTH)));
    facts.iter().for_each(|row| put_row(&mut text, 0, row));
    text.push('\n');
    put_wrapped(&mut text, 0, "", lead);
    for section in sections {
        text.push_str(&format!("\n\n{}\n{}\n", section.title, "-".repeat(WIDTH)));
        if let Some(note) = section.note {
            put_wrapped(&mut text, 0, "", note);
        }
        for part in &section.parts {
            text.push('\n');
            match part {
                Part::Paragraph(paragraph) => put_wrapped(&mut text, 0, "", paragraph),
                Part::Table(table) => put_table(&mut text, table),
                Part::Entry(entry) => put_entry(&mut text, entry),
            }
        }
    }
    text
}

fn put_entry(text: &mut String, entry: &Entry) {
    let Entry { title, at, rows } = entry;
    match at {
        Some(at) => put_wrapped(text, 0, &format!("{at}  "), title),
        None => put_wrapped(text, 0, "", title),
    }
    rows.iter().for_each(|row| put_row(text, 2, row));
}

/// A row of cells is the first one, and below it the others under their names.
fn put_table(text: &mut String, table: &Table) {
    let Table { is_dated: _, columns, rows } = table;
    for (place, row) in rows.iter().enumerate() {
        if place > 0 {
            text.push('\n');
        }
        let mut cells = columns.iter().zip(row);
        if let Some((_, first)) = cells.next() {
            put_wrapped(text, 0, "", first);
        }
        for (label, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
            put_row(text, 2, &Row { label, value: cell.clone() });
        }
    }
}

fn put_row(text: &mut String, indent: usize, row: &Row) {
    let Row { label, value } = row;
    let gap = LABEL.saturating_sub(indent + label.chars().count()).max(1);
    put_wrapped(text, indent, &format!("{label}{}", " ".repeat(gap)), value);
}

/// Puts a text behind a head, its further lines under its first word. What has no space to break
/// at is cut at the margin.
fn put_wrapped(text: &mut String, indent: usize, head: &str, value: &str) {
    let left = indent + head.chars().count();
    let room = WIDTH.saturating_sub(left).max(1);
    let mut lines = Vec::new();
    for paragraph in value.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let length = word.chars().count();
            if !line.is_empty() && line.chars().count() + 1 + length > room {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            for letter in word.chars() {
                if line.chars().count() == room {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(if letter.is_control() { ' ' } else { letter });
            }
        }
        lines.push(line);
    }
    let indent = " ".repeat(indent);
    for (place, line) in lines.iter().enumerate() {
        let before = if place == 0 { format!("{indent}{head}") } else { " ".repeat(left) };
        text.push_str(format!("{before}{line}").trim_end());
        text.push('\n');
    }
}
