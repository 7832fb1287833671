//! The scopes that the server's catalog has.

use std::collections::{HashMap, HashSet};

use crate::cli::connect::{Connection, catalogs};
use crate::cli::fault::Fault;
use crate::grpc::api;
use crate::grpc::api::scope::Level;

/// Controllers, brands and topics, by their ids.
#[derive(Debug, Default)]
pub(super) struct Known {
    controllers: HashSet<String>,
    /// The topics of each brand.
    brands: HashMap<String, HashSet<String>>,
}

impl Known {
    /// Asks the server.
    ///
    /// # Errors
    /// The call failed.
    pub(super) async fn ask(connection: Connection) -> Result<Self, Fault> {
        let answer = catalogs(connection).get_catalog(api::GetCatalogRequest {}).await?;
        Ok(Self::of(answer.into_inner()))
    }

    pub(super) fn of(catalog: api::GetCatalogResponse) -> Self {
        let mut known = Self::default();
        known.controllers.extend(catalog.controllers.into_iter().map(|controller| controller.id));
        known.brands.extend(
            catalog
                .brands
                .into_iter()
                .map(|brand| (brand.id, brand.topics.into_iter().map(|topic| topic.id).collect())),
        );
        known
    }

    pub(super) fn has(&self, scope: &api::Scope) -> bool {
        match &scope.level {
            None => false,
            Some(Level::Everything(_)) => true,
            Some(Level::Controller(id)) => self.controllers.contains(id),
            Some(Level::Brand(id)) => self.brands.contains_key(id),
            Some(Level::Topic(api::TopicRef { brand, topic })) => {
                self.brands.get(brand).is_some_and(|topics| topics.contains(topic))
            }
        }
    }
}
