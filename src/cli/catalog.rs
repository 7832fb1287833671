//! `maysend catalog`: what a server has loaded, and whether a catalog file can be.

mod check;

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::connect::catalogs;
use super::event::{named, object, one_line};
use super::fault::Fault;
use super::output::{Align, print, table};
use super::{Exit, Format, Global, words};
use crate::catalog::Names;
use crate::catalog::parse::parse;
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
                    Ok(catalog) => (check::sound(&name, catalog, global.format), Exit::Done),
                    Err(errors) => {
                        (check::faulty(&name, errors.iter(), global.format), Exit::Failed)
                    }
                };
                print(&text)?;
                Ok(exit)
            }
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
            .map(|of| {
                let recipients = one_line(&of.recipients.join("; "));
                [of.id.clone(), one_line(&of.title), titles(&of.titles), recipients]
            })
            .collect();
        section("controllers", table([Align::Left; 4], &rows));
        let rows: Vec<_> = catalog
            .brands
            .iter()
            .map(|of| {
                [of.id.clone(), of.controller.clone(), one_line(&of.title), titles(&of.titles)]
            })
            .collect();
        section("brands", table([Align::Left; 4], &rows));
        let topics = |brand: &api::Brand| -> Vec<[String; 4]> {
            let topics = brand.topics.iter();
            let row = |of: &api::Topic| {
                [brand.id.clone(), of.id.clone(), one_line(&of.title), titles(&of.titles)]
            };
            topics.map(row).collect()
        };
        let rows: Vec<_> = catalog.brands.iter().flat_map(topics).collect();
        section("topics", table([Align::Left; 4], &rows));
        let page = |brand: &api::Brand| brand.page.as_ref().map(|page| page_row(&brand.id, page));
        let rows: Vec<_> = catalog.brands.iter().filter_map(page).collect();
        section("pages", table([Align::Left; 7], &rows));
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
                ("titles", json!(of.titles)),
                ("recipients", json!(of.recipients)),
            ])
        });
        let topic = |of: &api::Topic| {
            object([("id", json!(of.id)), ("title", json!(of.title)), ("titles", json!(of.titles))])
        };
        let brands = catalog.brands.iter().map(|of| {
            let mut brand = json!({
                "id": of.id,
                "controller": of.controller,
                "title": of.title,
                "topics": of.topics.iter().map(topic).collect::<Vec<_>>(),
            });
            if !of.titles.is_empty() {
                brand["titles"] = json!(of.titles);
            }
            if let Some(page) = &of.page {
                brand["page"] = page_document(page);
            }
            brand
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

/// The titles with their languages, in the order of these.
fn titles(titles: &HashMap<String, String>) -> String {
    let mut titles: Vec<_> =
        titles.iter().map(|(tag, title)| format!("{tag}: {}", one_line(title))).collect();
    titles.sort();
    titles.join(", ")
}

fn page_row(brand: &str, page: &api::BrandPage) -> [String; 7] {
    let api::BrandPage { color, logo_type, privacy, imprint, list_id, texts } = page;
    let texts = texts.join(", ");
    [brand, color, logo_type, list_id, privacy, imprint, &texts].map(one_line)
}

fn page_document(page: &api::BrandPage) -> Value {
    let api::BrandPage { color, logo_type, privacy, imprint, list_id, texts } = page;
    object([
        ("color", json!(color)),
        ("logo_type", json!(logo_type)),
        ("privacy", json!(privacy)),
        ("imprint", json!(imprint)),
        ("list_id", json!(list_id)),
        ("texts", json!(texts)),
    ])
}
