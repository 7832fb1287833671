//! A campaign, compiled: shape -> plan, made when a shape is first asked about.
//!
//! A plan is derived by running `decide::rule` on the shape and answering each of its questions to
//! the calendar both ways: no rule is written twice. Today enters at the look-up, so nothing
//! sweeps at midnight. A reload of the catalog drops these values and makes new ones.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::days::Held;
use super::plan::{Outcome, Packed, Place, Plan};
use super::shapes::{Shape, ShapeId, Shapes, Slot};
use crate::catalog::{PlusTags, Policy};
use crate::decide::{self, Horizon};
use crate::model::campaign::Campaign;

/// Questions on one path beyond which a shape is left to the rules.
const DEEPEST: usize = 4;

/// One campaign under one policy, for one index: it remembers plans by that index's shapes.
#[derive(Debug)]
pub struct Compiled {
    pub(super) campaign: Arc<Campaign>,
    pub(super) policy: Arc<Policy>,
    pub(super) plus_tags: PlusTags,
    own: Table,
    base: Table,
}

/// Whose profile is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// That of the address itself: everything counts.
    Own,
    /// That of the base of a tagged address: restrictions count.
    Base,
}

/// Plans by shape. The lock guards the exchange of the table for a larger one; a plan that is
/// stored into the smaller one meanwhile is made again.
#[derive(Debug, Default)]
struct Table(RwLock<Arc<[AtomicU64]>>);

/// The plans as one batch sees them.
#[derive(Debug)]
pub(super) struct Plans<'a> {
    asked: Asked,
    compiled: &'a Compiled,
    shapes: &'a Shapes,
    table: Arc<[AtomicU64]>,
}

impl Compiled {
    /// Nothing is compiled until it is asked for.
    #[must_use]
    pub fn new(campaign: Arc<Campaign>, policy: Arc<Policy>, plus_tags: PlusTags) -> Self {
        Self { campaign, policy, plus_tags, own: Table::default(), base: Table::default() }
    }

    /// The campaign.
    #[must_use]
    pub fn campaign(&self) -> &Arc<Campaign> {
        &self.campaign
    }

    /// Its rules.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The plans for one batch; the table has room for every shape of the dictionary.
    pub(super) fn plans<'a>(&'a self, asked: Asked, shapes: &'a Shapes) -> Plans<'a> {
        let table = match asked {
            Asked::Own => &self.own,
            Asked::Base => &self.base,
        };
        Plans { asked, compiled: self, shapes, table: table.for_shapes(shapes.len()) }
    }

    /// What the rules say of a shape when the calendar answers so.
    pub(super) fn ask_rules(
        &self,
        asked: Asked,
        shape: &Shape,
        lies_ahead: &mut impl FnMut(Horizon<Slot>) -> bool,
    ) -> Outcome {
        let (campaign, policy) = (&*self.campaign, &*self.policy);
        Outcome::of(match asked {
            Asked::Own => Some(decide::rule(&shape.facts, campaign, policy, lies_ahead)),
            Asked::Base => decide::restriction(&shape.facts, campaign, policy, lies_ahead),
        })
    }

    fn compile(&self, asked: Asked, shape: &Shape) -> Plan {
        let rules = |calendar: &mut dyn FnMut(Horizon<Slot>) -> bool| {
            self.ask_rules(asked, shape, &mut |horizon| calendar(horizon))
        };
        match explore(&rules, &mut Vec::with_capacity(DEEPEST)) {
            Some(Tree::Leaf(outcome)) => Plan::Fixed(outcome),
            Some(Tree::Fork(question, branches)) => match *branches {
                [Tree::Leaf(ahead), Tree::Leaf(past)] => one_day(shape, question, ahead, past),
                [_, _] => Plan::Rules,
            },
            None => Plan::Rules,
        }
    }
}

impl Plans<'_> {
    /// The plan of a shape, made now if this is the first time.
    #[inline]
    pub(super) fn plan(&self, id: ShapeId) -> Plan {
        let slot = self.table.get(id.position());
        // Relaxed: a plan is one word and follows from the shape alone.
        let packed = slot.map_or(0, |slot| slot.load(Ordering::Relaxed));
        Packed(packed).plan().unwrap_or_else(|| self.make(id))
    }

    /// What the rules say of a shape when the calendar answers so.
    pub(super) fn ask_rules(
        &self,
        id: ShapeId,
        lies_ahead: &mut impl FnMut(Horizon<Slot>) -> bool,
    ) -> Outcome {
        self.compiled.ask_rules(self.asked, self.shapes.shape(id), lies_ahead)
    }

    #[cold]
    fn make(&self, id: ShapeId) -> Plan {
        let packed = Packed::of(self.compiled.compile(self.asked, self.shapes.shape(id)));
        if let Some(slot) = self.table.get(id.position()) {
            slot.store(packed.0, Ordering::Relaxed);
        }
        packed.plan().unwrap_or(Plan::Rules)
    }
}

impl Table {
    fn for_shapes(&self, shapes: usize) -> Arc<[AtomicU64]> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= shapes {
            return table.clone();
        }
        drop(table);
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if table.len() < shapes {
            let old = table.iter().map(|plan| plan.load(Ordering::Relaxed));
            let room = shapes.next_power_of_two();
            *table = old.chain(std::iter::repeat(0)).take(room).map(AtomicU64::new).collect();
        }
        table.clone()
    }
}

/// What the rules say, by the calendar's answers.
#[derive(Debug, PartialEq, Eq)]
enum Tree {
    Leaf(Outcome),
    /// While the horizon lies ahead, and from then on.
    Fork(Horizon<Slot>, Box<[Tree; 2]>),
}

/// The tree below these answers; none where it is too deep.
fn explore(
    rules: &impl Fn(&mut dyn FnMut(Horizon<Slot>) -> bool) -> Outcome,
    answers: &mut Vec<bool>,
) -> Option<Tree> {
    let mut given = answers.iter();
    let mut open = None;
    let outcome = rules(&mut |horizon| {
        given.next().copied().unwrap_or_else(|| {
            open.get_or_insert(horizon);
            false
        })
    });
    let Some(question) = open else { return Some(Tree::Leaf(outcome)) };
    if answers.len() == DEEPEST {
        return None;
    }
    let mut branch = |answer| {
        answers.push(answer);
        let tree = explore(rules, answers);
        answers.pop();
        tree
    };
    let (ahead, past) = (branch(true)?, branch(false)?);
    Some(if ahead == past { ahead } else { Tree::Fork(question, Box::new([ahead, past])) })
}

fn one_day(shape: &Shape, question: Horizon<Slot>, ahead: Outcome, past: Outcome) -> Plan {
    let Horizon { day, days, in_doubt } = question;
    let Ok(slot) = u16::try_from(day.position()) else { return Plan::Rules };
    let place =
        if Held::is_inside(shape.days) { Place::Inside(slot) } else { Place::Outside(slot) };
    Plan::OneDay { question: Horizon { day: place, days, in_doubt }, ahead, past }
}
