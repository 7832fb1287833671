//! Scopes as they are written on the command line: `everything`, `controller:ID`, `brand:ID`,
//! `topic:BRAND/TOPIC`.

use crate::grpc::api;
use crate::grpc::api::scope::Level;
use crate::model::campaign::is_id;

/// Reads a scope.
///
/// # Errors
/// What a scope looks like.
pub(super) fn parse(text: &str) -> Result<api::Scope, String> {
    let id = |id: &str| is_id(id).then(|| id.to_owned());
    let level = match text.split_once(':') {
        None if text == "everything" => Some(Level::Everything(true)),
        Some(("controller", name)) => id(name).map(Level::Controller),
        Some(("brand", name)) => id(name).map(Level::Brand),
        Some(("topic", path)) => path.split_once('/').and_then(|(brand, topic)| {
            Some(Level::Topic(api::TopicRef { brand: id(brand)?, topic: id(topic)? }))
        }),
        _ => None,
    };
    let Some(level) = level else {
        return Err(
            "a scope is `everything`, `controller:ID`, `brand:ID` or `topic:BRAND/TOPIC`, \
                    with ids of a-z, 0-9, `.`, `_` and `-`"
                .to_owned(),
        );
    };
    Ok(api::Scope { level: Some(level) })
}

/// All mailings whatsoever.
pub(super) const fn everything() -> api::Scope {
    api::Scope { level: Some(Level::Everything(true)) }
}

/// Writes a scope; `unknown` where a newer server sends one that this program does not know.
pub(super) fn text(scope: Option<&api::Scope>) -> String {
    match scope.and_then(|scope| scope.level.as_ref()) {
        None => "unknown".to_owned(),
        Some(Level::Everything(_)) => "everything".to_owned(),
        Some(Level::Controller(id)) => format!("controller:{id}"),
        Some(Level::Brand(id)) => format!("brand:{id}"),
        Some(Level::Topic(api::TopicRef { brand, topic })) => format!("topic:{brand}/{topic}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_as_it_is_written() {
        for scope in ["everything", "controller:buehne", "brand:a", "topic:festival/newsletter"] {
            assert_eq!(text(Some(&parse(scope).unwrap())), scope);
        }
    }

    #[test]
    fn what_is_no_scope_is_refused() {
        for scope in ["", "all", "everything:", "brand:", "brand:A", "topic:a", "topic:a/", "x:y"] {
            assert!(parse(scope).is_err(), "{scope}");
        }
    }
}
