//! The fields of a JSON merge patch (RFC 7396): absent = keep, `null` = clear, a value = set.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// What a patch does to a field that may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Leave it.
    #[default]
    Keep,
    /// Empty it.
    Clear,
    /// Put this there.
    Set(T),
}

impl<T: Clone> Patch<T> {
    /// Does it to a stored field.
    pub fn apply<U: From<T>>(&self, field: &mut Option<U>) {
        match self {
            Self::Keep => {}
            Self::Clear => *field = None,
            Self::Set(value) => *field = Some(value.clone().into()),
        }
    }
}

/// What a patch does to a field that cannot be empty: `null` is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatchRequired<T> {
    /// Leave it.
    Keep,
    /// Put this there.
    Set(T),
}

impl<T> PatchRequired<T> {
    /// What is put there, if anything is.
    pub fn set(self) -> Option<T> {
        match self {
            Self::Keep => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(PatchVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for PatchRequired<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Patch::deserialize(deserializer)? {
            Patch::Keep => Ok(Self::Keep),
            Patch::Clear => Err(D::Error::custom("cannot be null")),
            Patch::Set(value) => Ok(Self::Set(value)),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        Option::<T>::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

impl<T: JsonSchema> JsonSchema for PatchRequired<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

struct PatchVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for PatchVisitor<T> {
    type Value = Patch<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    /// An absent field; `Fields` deserializes one as a unit.
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Patch::Keep)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Patch::Clear)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        T::deserialize(deserializer).map(Patch::Set)
    }
}
