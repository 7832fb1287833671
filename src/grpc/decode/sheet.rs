//! Which data sheet is asked for.
#![deny(clippy::wildcard_enum_match_arm)]

use super::reading::Reading;
use crate::catalog::Catalog;
use crate::grpc::api;
use crate::grpc::refusal::Refusal;
use crate::model::language::Language;
use crate::sheet::Form;

/// A data sheet: about whom, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::grpc) struct SheetAsk {
    pub(in crate::grpc) address: String,
    pub(in crate::grpc) form: Form,
    pub(in crate::grpc) language: Language,
}

pub(in crate::grpc) fn subject_sheet(
    request: api::GetSubjectSheetRequest,
    catalog: &Catalog,
) -> Result<SheetAsk, Refusal> {
    let api::GetSubjectSheetRequest { address, format, language } = request;
    let mut reading = Reading::new(catalog);
    let form = form(format).or_else(|| {
        reading.fault("format", "is no format of this version; name JSON, HTML or TEXT")
    });
    let named = match &*language {
        "" => Some(Language::default()),
        tag => Language::of_tag(tag),
    };
    let language =
        named.or_else(|| reading.fault("language", "is not spoken here; name `de` or `en`"));
    reading.finish(|| Some(SheetAsk { address, form: form?, language: language? }))
}

fn form(number: i32) -> Option<Form> {
    match api::SheetFormat::try_from(number).ok()? {
        api::SheetFormat::Unspecified | api::SheetFormat::Json => Some(Form::Json),
        api::SheetFormat::Html => Some(Form::Html),
        api::SheetFormat::Text => Some(Form::Text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Names;
    use crate::catalog::parse::parse;

    #[test]
    fn a_sheet_is_in_english_unless_a_language_that_we_speak_is_named() {
        let catalog = parse("c.toml", "", &Names::default()).unwrap();
        for (tag, expected) in [
            ("", Some(Language::English)),
            ("en", Some(Language::English)),
            ("de", Some(Language::German)),
            ("de-AT", None),
            ("fr", None),
        ] {
            let request =
                api::GetSubjectSheetRequest { language: tag.to_owned(), ..Default::default() };
            let ask = subject_sheet(request, &catalog);
            assert_eq!(ask.ok().map(|ask| ask.language), expected, "{tag:?}");
        }
    }
}
