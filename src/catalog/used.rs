//! What has or had facts: it may not vanish from the catalog.

use std::collections::BTreeSet;

use crate::model::event::Effect;
use crate::model::scope::{BrandId, ControllerId, Scope, TopicId};

/// Every controller, brand and topic that an effect ever named, with those above it. Grows only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Used {
    /// Controllers.
    pub controllers: BTreeSet<ControllerId>,
    /// Brands.
    pub brands: BTreeSet<BrandId>,
    /// Topics.
    pub topics: BTreeSet<TopicId>,
}

impl Used {
    /// Notes what an effect names.
    pub fn note(&mut self, effect: &Effect) {
        match *effect {
            Effect::Register(controller) => self.note_scope(Scope::Controller(controller)),
            Effect::Yes { scope, basis: _, day: _ }
            | Effect::No { scope, origin: _ }
            | Effect::Undeclare(scope) => self.note_scope(scope),
            Effect::Block(block) | Effect::Unblock(block) => {
                self.note_scope(Scope::Brand(block.brand));
            }
            Effect::Asked(brand, _) => self.note_scope(Scope::Brand(brand)),
            Effect::Erasure(_) => {}
        }
    }

    fn note_scope(&mut self, scope: Scope) {
        for scope in scope.upwards() {
            match scope {
                Scope::Everything => {}
                Scope::Controller(id) => {
                    self.controllers.insert(id);
                }
                Scope::Brand(id) => {
                    self.brands.insert(id);
                }
                Scope::Topic(id) => {
                    self.topics.insert(id);
                }
            }
        }
    }
}
