//! The slugs that lead to a post besides its own.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::Slug;

/// The aliases of a post: at most 20 slugs, each once, in the order in which they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Slug>")]
pub struct Aliases(Vec<Slug>);

impl Aliases {
    /// The maximum number of aliases of a post. As many may go in the same transaction, which has at most 100 items.
    pub const MAX: usize = 20;

    /// The aliases in order.
    pub fn iter(&self) -> impl Iterator<Item = &Slug> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is one of them.
    pub fn contains(&self, slug: &Slug) -> bool {
        self.0.contains(slug)
    }
}

impl TryFrom<Vec<Slug>> for Aliases {
    type Error = String;

    fn try_from(given: Vec<Slug>) -> Result<Self, String> {
        let mut aliases = Vec::new();
        for slug in given {
            if !aliases.contains(&slug) {
                aliases.push(slug);
            }
            // At once, because each is compared with all before it.
            if aliases.len() > Self::MAX {
                return Err(format!("must be at most {} different slugs", Self::MAX));
            }
        }
        Ok(Self(aliases))
    }
}

impl JsonSchema for Aliases {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Aliases".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({
            "description": "At most 20 slugs, each once.",
            "type": "array",
            "items": generator.subschema_for::<Slug>(),
        });
        // How many of what is given are the same, no schema can say.
        if generator.contract().is_serialize() {
            schema.insert("maxItems".to_owned(), Self::MAX.into());
            schema.insert("uniqueItems".to_owned(), true.into());
        }
        schema
    }
}
