//! What `maysend catalog check` says of a file: its faults, or what is in it and how its brands are
//! dressed, so that a page need not be opened to see what it lacks.

use serde_json::{Value, json};

use super::super::Format;
use super::super::event::object;
use super::super::output::{Align, counted, grouped, table};
use crate::catalog::Catalog;
use crate::catalog::page::Page;
use crate::catalog::parse::CatalogError;

pub(super) fn sound(file: &str, catalog: &Catalog, format: Format) -> String {
    let topics = catalog.brands.iter().map(|brand| brand.topics.len()).sum();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let (controllers, brands, topics, campaigns) = (
        count(catalog.controllers.len()),
        count(catalog.brands.len()),
        count(topics),
        count(catalog.campaigns.len()),
    );
    let dressed = catalog.brands.iter().filter(|brand| *brand.page != Page::default());
    let pages = dressed.map(|brand| (catalog.names.brand(brand.id), &*brand.page));
    match format {
        Format::Json => {
            let pages: Vec<_> = pages.map(|(brand, page)| document(brand, page)).collect();
            let document = json!({
                "file": file,
                "sound": true,
                "controllers": controllers,
                "brands": brands,
                "topics": topics,
                "campaigns": campaigns,
                "pages": pages,
            });
            format!("{document}\n")
        }
        Format::Human => {
            let rows: Vec<_> = pages.map(|(brand, page)| row(brand, page)).collect();
            format!(
                "{file}: no fault found; {}, {}, {}, {}\n{}",
                counted(controllers, "controller", "controllers"),
                counted(brands, "brand", "brands"),
                counted(topics, "topic", "topics"),
                counted(campaigns, "campaign", "campaigns"),
                table([Align::Left; 6], &rows),
            )
        }
    }
}

pub(super) fn faulty<'e>(
    file: &str,
    errors: impl Iterator<Item = &'e CatalogError>,
    format: Format,
) -> String {
    match format {
        Format::Human => errors.map(|error| format!("{error}\n")).collect(),
        Format::Json => {
            let faults = errors.map(|error| {
                let CatalogError { file: _, line, key, fault } = error;
                let fault = json!(fault.to_string());
                object([("line", json!(line)), ("key", json!(key)), ("fault", fault)])
            });
            let faults: Vec<Value> = faults.collect();
            format!("{}\n", json!({"file": file, "sound": false, "faults": faults}))
        }
    }
}

/// The texts that are the brand's own, such as `de.sign_up`.
fn texts(page: &Page) -> Vec<String> {
    let own = page.own_texts();
    own.map(|(language, key)| format!("{}.{key}", language.tag())).collect()
}

fn row(brand: &str, page: &Page) -> [String; 6] {
    let logo = page.logo().map(|logo| {
        let octets = u64::try_from(logo.uri().len()).unwrap_or(u64::MAX);
        format!("{}, {} octets", logo.kind().media_type(), grouped(octets))
    });
    let names =
        [("privacy", page.privacy()), ("imprint", page.imprint()), ("list_id", page.list_id())];
    let named: Vec<_> =
        names.iter().filter(|(_, name)| name.is_some()).map(|(key, _)| *key).collect();
    [
        brand.to_owned(),
        page.color().to_string(),
        page.color().contrast_with_white(),
        logo.unwrap_or_default(),
        named.join(", "),
        texts(page).join(", "),
    ]
}

fn document(brand: &str, page: &Page) -> Value {
    object([
        ("brand", json!(brand)),
        ("color", json!(page.color().to_string())),
        ("contrast", json!(page.color().contrast_with_white())),
        ("logo_type", json!(page.logo().map(|logo| logo.kind().media_type()))),
        ("privacy", json!(page.privacy())),
        ("imprint", json!(page.imprint())),
        ("list_id", json!(page.list_id())),
        ("texts", json!(texts(page))),
    ])
}
