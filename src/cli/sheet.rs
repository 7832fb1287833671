//! `maysend sheet`: all that is held about an address, as a document to hand out.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::connect::consents;
use super::explain::Tongue;
use super::fault::Fault;
use super::output::{print, say};
use super::{Exit, Format, Global};
use crate::grpc::api;
use crate::model::language::Language;

#[derive(Debug, Args)]
pub(super) struct SheetArgs {
    /// Whose sheet.
    address: String,
    /// The form of the sheet [default: text, or json with --format json].
    #[arg(long = "as", value_enum, value_name = "FORM")]
    form: Option<Form>,
    /// The language of the sheet.
    #[arg(long, value_enum, default_value_t)]
    language: Tongue,
    /// Write it to a new file that only you can read, instead of stdout.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What a sheet can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For programs.
    Json,
    /// Plain text of 80 columns.
    Text,
    /// One page for a browser and its printer.
    Html,
}

impl SheetArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let default = match global.format {
            Format::Human => Form::Text,
            Format::Json => Form::Json,
        };
        let format = match self.form.unwrap_or(default) {
            Form::Json => api::SheetFormat::Json,
            Form::Text => api::SheetFormat::Text,
            Form::Html => api::SheetFormat::Html,
        };
        let mut client = consents(global.connect().await?);
        let request = api::GetSubjectSheetRequest {
            address: self.address,
            format: format.into(),
            language: Language::from(self.language).tag().to_owned(),
        };
        let sheet = client.get_subject_sheet(request).await.map_err(Fault::from)?.into_inner();
        let Some(path) = self.output else {
            print(&String::from_utf8(sheet.sheet).context("the server sent no text")?)?;
            return Ok(Exit::Done);
        };
        let create = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let written = create.and_then(|mut file| file.write_all(&sheet.sheet));
        written.with_context(|| format!("cannot write `{}`", path.display()))?;
        say(format_args!("written to {}", path.display()));
        Ok(Exit::Done)
    }
}
