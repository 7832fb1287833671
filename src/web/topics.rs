//! Topics as a page shows them and as a form names them.

use std::ops::RangeInclusive;

use crate::catalog::{Brand, Catalog};
use crate::engine::preferences::{Preference, Preferences};
use crate::model::fact::Erasure;
use crate::model::language::Language;
use crate::model::scope::{ControllerId, Scope};
use crate::model::verdict::Verdict;

use super::words::{self, Words, filled};

/// Hebrew, Arabic and their kin (UAX 9, R and AL).
const FROM_RIGHT: [RangeInclusive<char>; 5] = [
    '\u{590}'..='\u{8ff}',
    '\u{fb1d}'..='\u{fdff}',
    '\u{fe70}'..='\u{fefe}',
    '\u{10800}'..='\u{10fff}',
    '\u{1e800}'..='\u{1efff}',
];

/// The topics of a brand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) brand: String,
    pub(super) rows: Vec<Row>,
}

/// A topic, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// `brand/topic`, as forms name it.
    pub(super) name: String,
    pub(super) title: String,
    pub(super) ticked: bool,
    /// In a sentence; empty where nothing is known.
    pub(super) stands: &'static str,
    /// Ticked, and stopped all the same.
    pub(super) is_stopped: bool,
}

/// The preferences by brand, in the order of the catalog.
pub(super) fn groups(
    catalog: &Catalog,
    of: &Preferences,
    words: &Words,
    in_: Language,
) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for preference in &of.topics {
        let Scope::Topic(id) = preference.scope else { continue };
        let Some(brand) = catalog.brand_of(id.brand()) else { continue };
        let Some(topic) = brand.topics.iter().find(|topic| topic.id == id) else { continue };
        let title = brand.title_in(in_);
        let row = Row {
            name: name(catalog, preference.scope),
            title: topic.title_in(in_).to_owned(),
            ticked: preference.subscribed,
            stands: words.stands(preference),
            is_stopped: preference.subscribed && !preference.verdict.allows(),
        };
        match groups.last_mut().filter(|group| group.brand == title) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { brand: title.to_owned(), rows: vec![row] }),
        }
    }
    groups
}

/// How far this owner's erasure is: it comes before all else that a verdict may say.
pub(super) fn erasure(of: &Preferences) -> Erasure {
    let first = of.topics.first().map(|topic| topic.verdict);
    if first == Some(Verdict::ErasurePending) {
        Erasure::Pending
    } else if first == Some(Verdict::Erased) {
        Erasure::Erased
    } else {
        Erasure::None
    }
}

/// What a page ends with after a yes: its heading, `all_sent` if all of it is, and how it stands with
/// that and with whatever else is sent. A yes brings an address on file with its controller, and a
/// brand that writes until somebody objects sends more to it than was ticked.
pub(super) fn after_yes(
    catalog: &Catalog,
    of: &Preferences,
    to: &[Scope],
    all_sent: &'static str,
    in_: Language,
) -> (&'static str, Vec<Group>) {
    let words = words::of(in_);
    let covered = |topic: &Preference| to.iter().any(|scope| scope.covers(topic.scope));
    let mut asked = of.topics.iter().filter(|topic| covered(topic)).peekable();
    let is_sent = asked.peek().is_some() && asked.all(|topic| topic.verdict.allows());
    let told = of.topics.iter().filter(|topic| covered(topic) || topic.verdict.allows());
    let told = Preferences { topics: told.cloned().collect(), ..Preferences::default() };
    let title = if is_sent { all_sent } else { words.recorded };
    (title, groups(catalog, &told, words, in_))
}

/// `brand/topic`; `brand` alone where a link is for all of it.
pub(super) fn name(catalog: &Catalog, scope: Scope) -> String {
    let text = catalog.scope_text(scope);
    text.split_once(':').map_or(text.clone(), |(_, name)| name.to_owned())
}

/// The topic of that name.
pub(super) fn scope(catalog: &Catalog, name: &str) -> Option<Scope> {
    let (brand, topic) = name.split_once('/')?;
    let topic = catalog.brand(brand)?.topic(&catalog.names, topic)?;
    Some(Scope::Topic(topic.id))
}

/// What a no to that name stops: the topic, or its brand where the catalog has it no longer.
pub(super) fn stopped(catalog: &Catalog, name: &str) -> Option<Scope> {
    let brand = || Some(Scope::Brand(catalog.brand(name.split_once('/')?.0)?.id));
    scope(catalog, name).or_else(brand)
}

/// All that a preference center offers a yes to.
pub(super) fn offered(catalog: &Catalog, of: ControllerId, in_: Language) -> String {
    let brands = catalog.brands.iter().filter(|brand| brand.id.controller() == of);
    let topics =
        |brand: &Brand| brand.topics.iter().map(|t| Scope::Topic(t.id)).collect::<Vec<_>>();
    let scopes: Vec<Scope> = brands.flat_map(topics).collect();
    titled(catalog, &scopes, in_)
}

/// Those who hold data here, for a sentence.
pub(super) fn controllers(catalog: &Catalog, in_: Language) -> String {
    let titles = catalog.controllers.iter().map(|controller| isolated(controller.title_in(in_)));
    titles.collect::<Vec<_>>().join(", ")
}

/// The first brand of these that the catalog still has.
pub(super) fn brand_of<'c>(catalog: &'c Catalog, scopes: &[Scope]) -> Option<&'c Brand> {
    scopes.iter().filter_map(|scope| scope.brand()).find_map(|brand| catalog.brand_of(brand))
}

/// Scopes as a sentence names them: `Newsletter (Sommerfestival), advertising for Alpenhof`.
pub(super) fn titled(catalog: &Catalog, scopes: &[Scope], in_: Language) -> String {
    let words = words::of(in_);
    let brand = |id| Some(isolated(catalog.brand_of(id)?.title_in(in_)));
    let one = |scope: &Scope| match scope {
        Scope::Everything => None,
        Scope::Controller(id) => {
            Some(filled(words.advertising_of_controller, &[&controller_title(catalog, *id, in_)]))
        }
        Scope::Brand(id) => Some(filled(words.advertising_of_brand, &[&brand(*id)?])),
        Scope::Topic(id) => {
            let topics = &catalog.brand_of(id.brand())?.topics;
            let topic = topics.iter().find(|topic| topic.id == *id)?;
            Some(format!("{} ({})", isolated(topic.title_in(in_)), brand(id.brand())?))
        }
    };
    scopes.iter().filter_map(one).collect::<Vec<_>>().join(", ")
}

/// A controller's name for people, for a sentence.
pub(super) fn controller_title(catalog: &Catalog, id: ControllerId, in_: Language) -> String {
    let of = catalog.controllers.iter().find(|controller| controller.id == id);
    of.map(|controller| isolated(controller.title_in(in_))).unwrap_or_default()
}

/// A name that a sentence of ours may hold: one that runs from right to left stands between
/// isolates (UAX 9), so that it turns neither the sentence nor the brackets around it.
pub(super) fn isolated(name: &str) -> String {
    let is_from_right = |c| FROM_RIGHT.iter().any(|range| range.contains(&c));
    if name.contains(is_from_right) { format!("\u{2068}{name}\u{2069}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_runs_from_right_to_left_keeps_to_itself() {
        assert_eq!(isolated("B\u{fc}hne GmbH"), "B\u{fc}hne GmbH");
        assert_eq!(
            isolated("\u{645}\u{633}\u{631}\u{62d} 7"),
            "\u{2068}\u{645}\u{633}\u{631}\u{62d} 7\u{2069}"
        );
    }
}
