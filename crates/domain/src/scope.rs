//! What an API key may be used for.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::Role;

/// A scope of an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Scope {
    /// Read what the key's owner can read.
    #[serde(rename = "read")]
    Read,
    /// Write, publish, delete and repost posts.
    #[serde(rename = "posts:write")]
    PostsWrite,
    /// Do what readers do: comment, report, react, bookmark, follow.
    #[serde(rename = "comments:write")]
    CommentsWrite,
    /// Upload and delete media.
    #[serde(rename = "media:write")]
    MediaWrite,
    /// Act as an editor: moderate and pin, and with other scopes change what is others'.
    #[serde(rename = "moderate")]
    Moderate,
    /// Act as an administrator, and as an editor.
    #[serde(rename = "admin")]
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::PostsWrite, Self::CommentsWrite, Self::MediaWrite, Self::Moderate, Self::Admin];

    /// The name in requests and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::PostsWrite => "posts:write",
            Self::CommentsWrite => "comments:write",
            Self::MediaWrite => "media:write",
            Self::Moderate => "moderate",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The scopes of an API key: at least one, each once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Scope>")]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Whether this scope is one of them.
    pub fn contain(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// What a user with this role may do by a key with these scopes. Somebody else's post or comment is changed only by a key that is
    /// meant for it: that of an editor who publishes from CI can do no more than an author's.
    pub fn cap(&self, role: Role) -> Role {
        let max = if self.contain(Scope::Admin) {
            Role::Admin
        } else if self.contain(Scope::Moderate) {
            Role::Editor
        } else {
            Role::Author
        };
        role.min(max)
    }
}

/// With a space between two, as OAuth 2.0 has scopes (RFC 6749, section 3.3).
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|scope| scope.name()).collect();
        f.write_str(&names.join(" "))
    }
}

impl FromStr for Scopes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let scope = |name| Scope::ALL.into_iter().find(|scope| scope.name() == name).ok_or("is no scope");
        text.split(' ').map(scope).collect::<Result<Vec<_>, _>>()?.try_into()
    }
}

impl TryFrom<Vec<Scope>> for Scopes {
    type Error = &'static str;

    fn try_from(scopes: Vec<Scope>) -> Result<Self, Self::Error> {
        if scopes.is_empty() { Err("must have at least one scope") } else { Ok(Self(scopes.into_iter().collect())) }
    }
}

impl JsonSchema for Scopes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scopes".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({
            "description": "What the key may be used for.",
            "type": "array",
            "items": generator.subschema_for::<Scope>(),
            "minItems": 1,
        });
        if generator.contract().is_serialize() {
            schema.insert("uniqueItems".to_owned(), true.into());
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_no_more_rights_than_its_owner_and_its_scopes() {
        let cap = |scopes: &str, role| scopes.parse::<Scopes>().unwrap().cap(role);
        for role in Role::ALL {
            assert_eq!(cap("admin", role), role);
            assert_eq!(cap("read moderate", role), role.min(Role::Editor));
            assert_eq!(cap("read posts:write comments:write media:write", role), role.min(Role::Author));
        }
    }

    #[test]
    fn scopes_are_read_as_they_are_written() {
        let all = Scopes::try_from(Scope::ALL.to_vec()).unwrap();
        assert_eq!(all.to_string(), "read posts:write comments:write media:write moderate admin");
        assert_eq!(all.to_string().parse(), Ok(all));
        for bad in ["", "read ", "read,admin", "write"] {
            assert!(bad.parse::<Scopes>().is_err(), "{bad:?}");
        }
    }
}
