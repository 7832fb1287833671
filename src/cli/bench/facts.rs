//! What is known of the invented recipients of the standard work: a function of their number, and
//! beside it, as another function, what follows for the campaign that is asked about.
//!
//! Thirty brands of three topics under five controllers. Of each hundred recipients 55 said one to
//! three yeses, 10 opted out, 2 are blocked, 25 are on file and no more; of the other 8 the mailbox
//! of 3 does not exist, 2 refused, and 3 said a yes and left the brand later. A third has to do with
//! the brand that asks, the others with any.

use super::people::scatter;
use crate::model::verdict::Verdict;

/// Who asks.
pub const BRAND: &str = "brand-00";
/// What is sent, about the brand's first topic.
pub const CAMPAIGN: &str = "2026-11-advent";

const BRANDS: u8 = 30;
const CONTROLLERS: u8 = 5;
const TOPICS: u8 = 3;
const BRANDS_OF_ONE: u8 = BRANDS / CONTROLLERS;

/// So long a consent lives, in days.
const LIFETIME: u64 = 730;

/// Consents are spread over so many days.
const SPREAD: u64 = 3 * 365;

/// None is so few days from lapsing, so that no answer changes at midnight.
const NEVER: std::ops::RangeInclusive<u64> = LIFETIME - 3..=LIFETIME + 3;

/// Recipients of a block, and the seasons that the brand that asks has in it.
pub(super) const BLOCK: u64 = 1_000_000;
const SEASONS: u64 = 8;

/// One topic of one brand, both by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Topic {
    pub(super) brand: u8,
    pub(super) topic: u8,
}

/// What is asked about.
const ASKED: Topic = Topic { brand: 0, topic: 0 };

/// What is told in one call. Every recipient of it is on file with the brand's controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Yes,
    Registered,
    OutOfTopic,
    OutOfBrand,
    OutOfController,
    OutOfEverything,
    Blocked,
    Bounced,
    Refused,
    /// A yes to the topic, then out of the brand.
    Left,
}

/// A fact, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fact {
    pub(super) kind: Kind,
    pub(super) at: Topic,
}

/// The catalog file.
#[must_use]
pub fn catalog() -> String {
    let mut text = String::new();
    for controller in 0..CONTROLLERS {
        let id = controller_id(controller);
        text.push_str(&format!("[[controller]]\nid = \"{id}\"\ntitle = \"House {controller}\"\n"));
    }
    for brand in 0..BRANDS {
        let (id, controller) = (brand_id(brand), controller_id(brand / BRANDS_OF_ONE));
        text.push_str(&format!(
            "[[brand]]\nid = \"{id}\"\ncontroller = \"{controller}\"\ntitle = \"Brand {brand}\"\n\
             policy = {{ consent_lifetime_days = {LIFETIME} }}\ntopic = ["
        ));
        for topic in 0..TOPICS {
            let id = topic_id(topic);
            text.push_str(&format!("{{ id = \"{id}\", title = \"Topic {topic}\" }}, "));
        }
        text.push_str(&format!(
            "]\n[[campaign]]\nbrand = \"{id}\"\nid = \"{CAMPAIGN}\"\ntopic = \"{}\"\n\
             purpose = \"marketing\"\n",
            topic_id(ASKED.topic)
        ));
    }
    text
}

pub(super) fn controller_id(controller: u8) -> String {
    format!("house-{controller}")
}

pub(super) fn brand_id(brand: u8) -> String {
    format!("brand-{brand:02}")
}

pub(super) fn topic_id(topic: u8) -> String {
    format!("topic-{topic}")
}

impl Topic {
    pub(super) const fn controller(self) -> u8 {
        self.brand / BRANDS_OF_ONE
    }

    /// Some topic of a brand; each third time of the one that asks.
    fn draw(bits: u64) -> Self {
        let brand = if bits.is_multiple_of(3) { 0 } else { below(bits >> 8, BRANDS) };
        Self { brand, topic: below(bits >> 16, TOPICS) }
    }

    const fn next(self) -> Self {
        Self { topic: (self.topic + 1) % TOPICS, ..self }
    }
}

fn below(bits: u64, bound: u8) -> u8 {
    u8::try_from(bits % u64::from(bound)).unwrap_or(0)
}

/// What there is to know of one recipient, and whereabouts.
fn person(n: u64) -> (Kind, [Topic; 3], usize) {
    let bits = scatter(n ^ 0x5eed_0000_0000_0000);
    let home = Topic::draw(bits);
    let topics = [home, home.next(), Topic::draw(bits >> 24)];
    let other = topics.get(2).is_some_and(|third| !topics[..2].contains(third));
    let yeses = match (bits >> 48) % 3 {
        2 if !other => 2,
        more => usize::try_from(more).unwrap_or(0) + 1,
    };
    let kind = match (bits >> 50) % 100 {
        0..55 => Kind::Yes,
        55..57 => Kind::OutOfTopic,
        57..62 => Kind::OutOfBrand,
        62..64 => Kind::OutOfController,
        64 => Kind::OutOfEverything,
        65..67 => Kind::Blocked,
        67..92 => Kind::Registered,
        92..95 => Kind::Bounced,
        95..97 => Kind::Refused,
        _ => Kind::Left,
    };
    (kind, topics, yeses)
}

/// What is to be told of a recipient. The place of a fact is as broad as the fact, so that those who
/// share it share a call.
pub(super) fn facts(n: u64) -> impl Iterator<Item = Fact> {
    let (kind, topics, yeses) = person(n);
    let count = if kind == Kind::Yes { yeses } else { 1 };
    topics.into_iter().take(count).map(move |at| {
        let at = match kind {
            Kind::Yes | Kind::OutOfTopic | Kind::Refused | Kind::Left => at,
            Kind::OutOfBrand | Kind::Blocked | Kind::Bounced => Topic { topic: 0, ..at },
            Kind::Registered | Kind::OutOfController | Kind::OutOfEverything => {
                Topic { brand: at.controller() * BRANDS_OF_ONE, topic: 0 }
            }
        };
        Fact { kind, at }
    })
}

/// Recipients of one season gave their consents to a topic on one day, and share a call. Of a block
/// of recipients the brand that asks has as many as several others, so it has several seasons.
pub(super) const fn season(n: u64, at: Topic) -> u64 {
    let block = n / BLOCK * SEASONS;
    if at.brand == ASKED.brand { block + n % SEASONS } else { block }
}

/// How many days ago a consent was given.
pub(super) fn days_ago(n: u64, at: Topic) -> u64 {
    let place = u64::from(at.brand) << 8 | u64::from(at.topic);
    let days = 1 + scatter(season(n, at) << 16 | place) % SPREAD;
    if NEVER.contains(&days) { 1 } else { days }
}

/// What has to be answered for a recipient below `known`, or for a stranger.
#[must_use]
pub fn verdict(n: u64, known: u64) -> Verdict {
    if n >= known {
        return Verdict::UnknownAddress;
    }
    let (kind, topics, yeses) = person(n);
    let [home, ..] = topics;
    let on_file = |of: &[Topic]| {
        let is_ours = of.iter().any(|topic| topic.controller() == ASKED.controller());
        if is_ours { Verdict::NotRequested } else { Verdict::UnknownAddress }
    };
    let here = home.brand == ASKED.brand;
    match kind {
        Kind::Yes => {
            let topics = topics.get(..yeses).unwrap_or(&topics);
            match (topics.contains(&ASKED), days_ago(n, ASKED) < LIFETIME) {
                (true, true) => Verdict::AllowedConsent,
                (true, false) => Verdict::Expired,
                (false, _) => on_file(topics),
            }
        }
        Kind::OutOfEverything => Verdict::OptedOutEverything,
        Kind::OutOfController if home.controller() == ASKED.controller() => {
            Verdict::OptedOutController
        }
        Kind::OutOfBrand | Kind::Left if here => Verdict::OptedOutBrand,
        Kind::OutOfTopic if home == ASKED => Verdict::OptedOutTopic,
        Kind::Refused if home == ASKED => Verdict::Refused,
        Kind::Blocked if here => Verdict::Blocked,
        Kind::Bounced if here => Verdict::HardBounce,
        _ => on_file(&[home]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn recipients_are_mixed_as_said() {
        let mut kinds: HashMap<Kind, usize> = HashMap::new();
        let mut yeses = [0; 3];
        for n in 0..100_000 {
            let facts: Vec<Fact> = facts(n).collect();
            *kinds.entry(facts[0].kind).or_default() += 1;
            if facts[0].kind == Kind::Yes {
                yeses[facts.len() - 1] += 1;
            }
            let distinct: std::collections::HashSet<_> = facts.iter().collect();
            assert_eq!(distinct.len(), facts.len());
        }
        let near = |of: &[Kind], percent: usize| {
            let count: usize = of.iter().map(|kind| kinds[kind]).sum();
            assert!(count.abs_diff(percent * 1_000) < 500, "{of:?}: {count}");
        };
        near(&[Kind::Yes], 55);
        let out =
            [Kind::OutOfTopic, Kind::OutOfBrand, Kind::OutOfController, Kind::OutOfEverything];
        near(&out, 10);
        near(&[Kind::Blocked], 2);
        near(&[Kind::Registered], 25);
        near(&[Kind::Bounced, Kind::Refused, Kind::Left], 8);
        assert!(yeses.iter().all(|count| *count > 10_000), "{yeses:?}");
    }

    #[test]
    fn every_answer_comes_soon() {
        let count = 2_000;
        let answers: std::collections::HashSet<Verdict> =
            (0..=count).map(|n| verdict(n, count)).collect();
        assert_eq!(answers.len(), 11, "{answers:?}");
    }

    #[test]
    fn days_differ_and_none_is_about_to_lapse() {
        let days: Vec<u64> = (0..40).map(|n| days_ago(n / SEASONS * BLOCK + n, ASKED)).collect();
        let distinct: std::collections::HashSet<_> = days.iter().collect();
        assert!(distinct.len() > 30);
        assert!(days.iter().all(|days| !NEVER.contains(days) && (1..=SPREAD).contains(days)));
    }
}
