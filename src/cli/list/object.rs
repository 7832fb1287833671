//! One NDJSON row: the text under one key, without a value for anything else.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// What stands under the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Found<'a> {
    Text(Cow<'a, str>),
    /// The key is not there, or its value is no text.
    Nothing,
    /// It is no object, or has the key twice: others may take the other value.
    Malformed,
}

/// The text under `key` in the object that `row` is.
pub(in crate::cli) fn text<'a>(row: &'a [u8], key: &str) -> Found<'a> {
    let mut row = serde_json::Deserializer::from_slice(row);
    let found = Seek { key }.deserialize(&mut row);
    match found.and_then(|found| row.end().map(|()| found)) {
        Ok(Some(text)) => Found::Text(text),
        Ok(None) => Found::Nothing,
        Err(_) => Found::Malformed,
    }
}

/// What stands under one of several keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Cell<'a> {
    /// The key is not there.
    Missing,
    Text(Cow<'a, str>),
    Null,
    /// A number, a list, ...
    NoText,
}

/// What stands under each of `keys` in the object that `row` is; none where it is no object, or has
/// one of them twice.
pub(in crate::cli) fn cells<'a>(row: &'a [u8], keys: &[&str]) -> Option<Vec<Cell<'a>>> {
    let mut row = serde_json::Deserializer::from_slice(row);
    let found = SeekAll { keys }.deserialize(&mut row).ok()?;
    row.end().ok().map(|()| found)
}

/// The keys of the object that `row` is; none where it is no object.
pub(in crate::cli) fn keys(row: &[u8]) -> Option<Vec<String>> {
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

struct SeekAll<'k> {
    keys: &'k [&'k str],
}

impl<'de> DeserializeSeed<'de> for SeekAll<'_> {
    type Value = Vec<Cell<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SeekAll<'_> {
    type Value = Vec<Cell<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut cells = vec![Cell::Missing; self.keys.len()];
        while let Some(Text(key)) = object.next_key()? {
            let at = self.keys.iter().position(|wanted| Some(*wanted) == key.as_deref());
            match at.and_then(|at| cells.get_mut(at)) {
                None => drop(object.next_value::<IgnoredAny>()?),
                Some(cell @ Cell::Missing) => {
                    *cell = match object.next_value::<Option<Text<'de>>>()? {
                        None => Cell::Null,
                        Some(Text(None)) => Cell::NoText,
                        Some(Text(Some(text))) => Cell::Text(text),
                    };
                }
                Some(_) => return Err(A::Error::custom("a key comes twice")),
            }
        }
        Ok(cells)
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
