//! `maysend catalog`: what a server has loaded, and whether a catalog file can be.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::connect::catalogs;
use super::event::{named, object, one_line};
use super::fault::Fault;
use super::output::{Align, counted, print, table};
use super::{Exit, Format, Global, words};
use crate::catalog::parse::{CatalogError, parse};
use crate::catalog::{Catalog, Names};
use crate::grpc::api;

/// Campaigns that are fetched at once.
const PAGE: u32 = 1_000;

#[derive(Debug, Args)]
pub(super) struct CatalogArgs {
    #[command(subcommand)]
    command: CatalogCommand,
}

#[derive(Debug, Subcommand)]
enum CatalogCommand {
    /// Show the controllers, brands, topics and campaigns that a server has loaded.
    Show,
    /// Say what is wrong with a catalog file. Needs no server.
    Check {
        /// The file.
        file: PathBuf,
    },
}

/// What a server has loaded.
struct Shown {
    catalog: api::GetCatalogResponse,
    campaigns: Vec<api::Campaign>,
}

impl CatalogArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self.command {
            CatalogCommand::Show => {
                let shown = Shown::of_server(global).await?;
                print(&match global.format {
                    Format::Human => shown.human(),
                    Format::Json => format!("{}\n", shown.document()),
                })?;
                Ok(Exit::Done)
            }
            CatalogCommand::Check { file } => {
                let name = file.display().to_string();
                let source = std::fs::read_to_string(&file);
                let source = source.with_context(|| format!("cannot read `{name}`"))?;
                let parsed = parse(&name, &source, &Names::default());
                let (text, exit) = match &parsed {
                    Ok(catalog) => (sound(&name, catalog, global.format), Exit::Done),
                    Err(errors) => (faulty(&name, errors.iter(), global.format), Exit::Failed),
                };
                print(&text)?;
                Ok(exit)
            }
        }
    }
}

fn sound(file: &str, catalog: &Catalog, format: Format) -> String {
    let topics = catalog.brands.iter().map(|brand| brand.topics.len()).sum();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let (controllers, brands, topics, campaigns) = (
        count(catalog.controllers.len()),
        count(catalog.brands.len()),
        count(topics),
        count(catalog.campaigns.len()),
    );
    match format {
        Format::Json => {
            let document = json!({
                "file": file,
                "sound": true,
                "controllers": controllers,
                "brands": brands,
                "topics": topics,
                "campaigns": campaigns,
            });
            format!("{document}\n")
        }
        Format::Human => format!(
            "{file}: no fault found; {}, {}, {}, {}\n",
            counted(controllers, "controller", "controllers"),
            counted(brands, "brand", "brands"),
            counted(topics, "topic", "topics"),
            counted(campaigns, "campaign", "campaigns"),
        ),
    }
}

fn faulty<'e>(
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

impl Shown {
    async fn of_server(global: &Global) -> anyhow::Result<Self> {
        let mut client = catalogs(global.connect().await?);
        let catalog = client.get_catalog(api::GetCatalogRequest {}).await.map_err(Fault::from)?;
        let mut campaigns = Vec::new();
        let mut page_token = String::new();
        loop {
            let brand = String::new();
            let request = api::ListCampaignsRequest { brand, page_size: PAGE, page_token };
            let page = client.list_campaigns(request).await.map_err(Fault::from)?.into_inner();
            campaigns.extend(page.campaigns);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(Self { catalog: catalog.into_inner(), campaigns });
            }
        }
    }

    fn human(&self) -> String {
        let Self { catalog, campaigns } = self;
        let mut text = String::new();
        let mut section = |title: &str, rows: String| {
            if !rows.is_empty() {
                let gap = if text.is_empty() { "" } else { "\n" };
                text.push_str(&format!("{gap}{title}\n{rows}"));
            }
        };
        let rows: Vec<_> = catalog
            .controllers
            .iter()
            .map(|of| [of.id.clone(), one_line(&of.title), one_line(&of.recipients.join("; "))])
            .collect();
        section("controllers", table([Align::Left; 3], &rows));
        let rows: Vec<_> = catalog
            .brands
            .iter()
            .map(|of| [of.id.clone(), of.controller.clone(), one_line(&of.title)])
            .collect();
        section("brands", table([Align::Left; 3], &rows));
        let topics = |brand: &api::Brand| -> Vec<[String; 3]> {
            let topics = brand.topics.iter();
            topics.map(|of| [brand.id.clone(), of.id.clone(), one_line(&of.title)]).collect()
        };
        let rows: Vec<_> = catalog.brands.iter().flat_map(topics).collect();
        section("topics", table([Align::Left; 3], &rows));
        let rows: Vec<_> = campaigns
            .iter()
            .map(|of| {
                [
                    of.brand.clone(),
                    of.campaign.clone(),
                    words::plain(of.purpose().as_str_name(), "PURPOSE_"),
                    words::plain(of.channel().as_str_name(), "CHANNEL_"),
                    of.topic.clone(),
                ]
            })
            .collect();
        section("campaigns", table([Align::Left; 5], &rows));
        text
    }

    fn document(&self) -> Value {
        let Self { catalog, campaigns } = self;
        let controllers = catalog.controllers.iter().map(|of| {
            object([
                ("id", json!(of.id)),
                ("title", json!(of.title)),
                ("recipients", json!(of.recipients)),
            ])
        });
        let topic = |of: &api::Topic| json!({"id": of.id, "title": of.title});
        let brands = catalog.brands.iter().map(|of| {
            json!({
                "id": of.id,
                "controller": of.controller,
                "title": of.title,
                "topics": of.topics.iter().map(topic).collect::<Vec<_>>(),
            })
        });
        let campaigns = campaigns.iter().map(|of| {
            object([
                ("brand", json!(of.brand)),
                ("campaign", json!(of.campaign)),
                ("topic", json!(of.topic)),
                ("purpose", named(of.purpose, of.purpose().as_str_name())),
                ("channel", named(of.channel, of.channel().as_str_name())),
            ])
        });
        json!({
            "controllers": controllers.collect::<Vec<_>>(),
            "brands": brands.collect::<Vec<_>>(),
            "campaigns": campaigns.collect::<Vec<_>>(),
        })
    }
}
