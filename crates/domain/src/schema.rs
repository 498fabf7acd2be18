//! How the API's document (`openapi.json`) describes the domain's types. Nothing of it is reached from `OPERATIONS`, so
//! the linker leaves it out of what is deployed.

/// Describes a type that is parsed by hand, by JSON Schema 2020-12. Where a client may write it in more ways than it is
/// answered in, `request` and `reply` stand apart.
macro_rules! schema {
    ($type:ident, $(#[doc = $doc:literal])+ { $($schema:tt)* }) => {
        $crate::schema::schema!($type, $(#[doc = $doc])+ request { $($schema)* } reply { $($schema)* });
    };
    ($type:ident, $(#[doc = $doc:literal])+ request { $($request:tt)* } reply { $($reply:tt)* }) => {
        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut schema = if generator.contract().is_serialize() {
                    schemars::json_schema!({ $($reply)* })
                } else {
                    schemars::json_schema!({ $($request)* })
                };
                schema.insert("description".to_owned(), concat!($($doc, "\n"),+).trim().replace("\n ", " ").into());
                schema
            }
        }
    };
}
pub(crate) use schema;
