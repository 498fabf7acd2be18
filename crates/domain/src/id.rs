//! Ids: ULIDs, one type for each kind of thing.

macro_rules! id {
    ($(#[doc = $doc:literal])+ $name:ident) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(ulid::Ulid);

        $crate::schema::schema! { $name, $(#[doc = $doc])+
            // Crockford's base 32, which has no I, L, O and U, and takes small letters too.
            request { "type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$" }
            reply { "type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$", "examples": ["01KAM5K9R0000000000000000A"] }
        }

        impl From<ulid::Ulid> for $name {
            fn from(ulid: ulid::Ulid) -> Self {
                Self(ulid)
            }
        }

        impl From<$name> for ulid::Ulid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl $name {
            /// The id as a number; in the order of the ids.
            pub fn number(self) -> u128 {
                self.0.into()
            }

            /// The id that is this number.
            pub fn from_number(number: u128) -> Self {
                Self(number.into())
            }
        }

        impl std::str::FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                ulid::Ulid::from_string(text).map(Self).map_err(|_| "must be a ULID")
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    // Also the username in Cognito of those who register with us, so that a token leads to the profile without a look-up.
    /// A user's id. It stays when the username changes.
    UserId
}
id! {
    /// The id of an entry of the audit log.
    AuditId
}
id! {
    /// The id of what an entry of the audit log is about: of a user, a post, a comment and so on.
    AuditedId
}
id! {
    /// A comment's id.
    CommentId
}
id! {
    /// The id of an API key.
    KeyId
}
id! {
    /// The id of a key of Ghost's Content API.
    ContentKeyId
}
id! {
    /// An export's id.
    ExportId
}
id! {
    /// A post's id. It stays when the slug changes.
    PostId
}

impl PostId {
    /// When the id was made, which is not after the post was published.
    pub fn made_at(self) -> crate::Timestamp {
        crate::Timestamp::from_milliseconds(i64::try_from(self.0.timestamp_ms()).unwrap_or(i64::MAX))
    }
}

id! {
    /// An invitation's id.
    InvitationId
}

id! {
    /// A picture's id.
    MediaId
}
id! {
    /// A notification's id.
    NotificationId
}
id! {
    /// A webhook's id.
    WebhookId
}
id! {
    /// The id of a message to a webhook.
    DeliveryId
}
