//! One NDJSON row: the text under one key, without a value for anything else.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// What stands under the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Text(Cow<'a, str>),
    /// The key is not there, or its value is no text.
    Nothing,
    /// It is no object, or has the key twice: others may take the other value.
    Malformed,
}

/// The text under `key` in the object that `row` is.
pub(super) fn text<'a>(row: &'a [u8], key: &str) -> Found<'a> {
    let mut row = serde_json::Deserializer::from_slice(row);
    let found = Seek { key }.deserialize(&mut row);
    match found.and_then(|found| row.end().map(|()| found)) {
        Ok(Some(text)) => Found::Text(text),
        Ok(None) => Found::Nothing,
        Err(_) => Found::Malformed,
    }
}

/// The keys of the object that `row` is; none where it is no object.
pub(super) fn keys(row: &[u8]) -> Option<Vec<String>> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(row).ok()?;
    Some(object.into_iter().map(|(key, _)| key).collect())
}

struct Seek<'k> {
    key: &'k str,
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(Text(key)) = object.next_key()? {
            if key.as_deref() != Some(self.key) {
                object.next_value::<IgnoredAny>()?;
            } else if found.is_some() {
                return Err(A::Error::custom("the key comes twice"));
            } else {
                found = Some(object.next_value::<Text<'de>>()?.0);
            }
        }
        Ok(found.flatten())
    }
}

/// Any value; none where it is no text.
struct Text<'de>(Option<Cow<'de, str>>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyText).map(Text)
    }
}

struct AnyText;

impl<'de> Visitor<'de> for AnyText {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}
