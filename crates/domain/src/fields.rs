//! Reading the fields of a request: all broken ones are reported at once, unknown ones are refused.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Deserialize;
use serde_json::{Map, Value};

use crate::FieldError;
use crate::given::{Absent, Given};

/// The fields of a body, a query or a path while they are being read.
///
/// Deriving `Deserialize` for whole requests was rejected: it stops at the first broken field.
pub struct Fields {
    values: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Fields with these values.
    pub fn new(values: Map<String, Value>) -> Self {
        Self { values, errors: Vec::new() }
    }

    /// Takes the field `name`. A broken one gives `None` and is remembered for [`finish`](Self::finish).
    pub fn take<T: for<'de> Deserialize<'de>>(&mut self, name: &str) -> Option<T> {
        let parsed = match self.values.remove(name) {
            Some(value) => T::deserialize(Given(value)),
            None => T::deserialize(Absent),
        };
        parsed.map_err(|rule| self.errors.push(FieldError::new(name, rule.to_string()))).ok()
    }

    /// All errors, if there are any. A field that nobody took is an error too.
    pub fn finish(mut self) -> Result<(), Vec<FieldError>> {
        for name in self.values.keys() {
            self.errors.push(FieldError::new(name, "is not a field of this request"));
        }
        if self.errors.is_empty() { Ok(()) } else { Err(self.errors) }
    }
}

/// A request, or a part of one, that is read field by field. [`fields!`](crate::fields!) implements it.
pub trait FromFields: Sized + Send {
    /// The names of the fields.
    fn names() -> Vec<&'static str>;

    /// Describes the fields for the API's document.
    fn describe(generator: &mut SchemaGenerator) -> Vec<FieldDescription>;

    /// Takes the fields. `None` if one is broken, which `fields` remembers.
    fn take_from(fields: &mut Fields) -> Option<Self>;

    /// Reads a request that has these fields and no others.
    fn from_fields(mut fields: Fields) -> Result<Self, Vec<FieldError>> {
        let read = Self::take_from(&mut fields);
        fields.finish()?;
        // A part that is missing has left an error, which `finish` returned.
        read.ok_or_else(Vec::new)
    }
}

/// No fields.
impl FromFields for () {
    fn names() -> Vec<&'static str> {
        Vec::new()
    }

    fn describe(_: &mut SchemaGenerator) -> Vec<FieldDescription> {
        Vec::new()
    }

    fn take_from(_: &mut Fields) -> Option<Self> {
        Some(())
    }
}

/// What the API's document says of a field.
#[derive(Debug, Clone)]
pub struct FieldDescription {
    /// Its name.
    pub name: &'static str,
    /// Whether a request without it is refused.
    pub required: bool,
    /// What it may be.
    pub schema: Schema,
}

impl FieldDescription {
    /// Describes a field of type `T`. Its own `doc`, if it has one, goes before that of its type.
    pub fn of<T: JsonSchema + for<'de> Deserialize<'de>>(
        name: &'static str,
        doc: &str,
        generator: &mut SchemaGenerator,
    ) -> Self {
        let mut schema = generator.subschema_for::<T>();
        if !doc.is_empty() {
            schema.insert("description".to_owned(), doc.trim().into());
        }
        // Asked of the type that will parse it, so that the document cannot say otherwise.
        Self { name, required: T::deserialize(Absent).is_err(), schema }
    }
}

/// Defines what a client sends: a struct whose fields are each read, checked and reported by name.
///
/// A field of type `T` is required, `Option<T>` may be absent or null, `Patch<T>` tells the two apart. `..name: T` at the
/// end takes in the fields of `T`, such as those of [`Details`](crate::Details).
#[macro_export]
macro_rules! fields {
    ($(#[$doc:meta])* pub struct $name:ident {
        $($(#[doc = $field_doc:literal])* $field:ident: $type:ty,)*
        $(..$part:ident: $part_type:ty)?
    }) => {
        $(#[$doc])*
        pub struct $name { $($(#[doc = $field_doc])* pub $field: $type,)* $(pub $part: $part_type,)? }

        impl $crate::FromFields for $name {
            fn names() -> Vec<&'static str> {
                [$(stringify!($field)),*].into_iter()$(.chain(<$part_type as $crate::FromFields>::names()))?.collect()
            }

            fn describe(generator: &mut $crate::SchemaGenerator) -> Vec<$crate::FieldDescription> {
                let fields = [$($crate::FieldDescription::of::<$type>(
                    stringify!($field), concat!($($field_doc, "\n"),*), generator,
                )),*];
                fields.into_iter()$(.chain(<$part_type as $crate::FromFields>::describe(generator)))?.collect()
            }

            fn take_from(fields: &mut $crate::Fields) -> Option<Self> {
                // Each is read, even if another is invalid: all invalid fields are reported at once.
                $(let $field = fields.take::<$type>(stringify!($field));)*
                $(let $part = <$part_type as $crate::FromFields>::take_from(fields);)?
                Some(Self { $($field: $field?,)* $($part: $part?,)? })
            }
        }
    };
}
