//! What an author writes of a post apart from its text, described once: [`Details`] is a part of the post, of each of
//! its revisions and of its card, [`DetailsPatch`] is what an edit changes of it. To add a field, add a line below.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};

use crate::schema::schema;
use crate::{
    FieldDescription, Fields, FromFields, Language, MetaDescription, MetaTitle, Patch, Summary, Tags, Title, WebUrl,
};

/// A field of [`Details`]: something that can be left out, and cleared.
pub trait Detail: Default {
    /// What is stored. It was checked when it was typed, by the rules of that time.
    type Stored: for<'de> Deserialize<'de> + Default;

    /// What a client sends.
    type Value: for<'de> Deserialize<'de> + JsonSchema + Clone;

    /// The field with this value.
    fn of(value: Self::Value) -> Self;

    /// The field as it is stored.
    fn of_stored(stored: Self::Stored) -> Self;
}

/// A text that can be read back although the rules for it have changed since it was stored.
pub trait Stored {
    /// The value of a text that was checked when it was typed.
    fn of_stored(text: String) -> Self;
}

impl<T: for<'de> Deserialize<'de> + JsonSchema + Clone + Stored> Detail for Option<T> {
    type Stored = Option<String>;
    type Value = T;

    fn of_stored(stored: Option<String>) -> Self {
        stored.map(T::of_stored)
    }

    fn of(value: T) -> Self {
        Some(value)
    }
}

impl Detail for Tags {
    type Stored = Self;
    type Value = Self;

    fn of_stored(stored: Self) -> Self {
        stored
    }

    fn of(value: Self) -> Self {
        value
    }
}

/// Whether a post takes comments; unless its author says otherwise, it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommentsOpen(pub bool);

impl Default for CommentsOpen {
    fn default() -> Self {
        Self(true)
    }
}

impl Detail for CommentsOpen {
    type Stored = Self;
    type Value = bool;

    fn of_stored(stored: Self) -> Self {
        stored
    }

    fn of(open: bool) -> Self {
        Self(open)
    }
}

schema! { CommentsOpen,
    /// Whether the post takes comments.
    { "type": "boolean", "default": true }
}

macro_rules! details {
    ($($(#[doc = $doc:literal])+ $field:ident: $type:ty,)*) => {
        /// What an author writes of a post, apart from its text. When a post is created every field may be absent or null.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
        pub struct Details { $($(#[doc = $doc])+ pub $field: $type,)* }

        /// What an edit changes of [`Details`]; by default nothing.
        #[derive(Default)]
        pub struct DetailsPatch { $($(#[doc = $doc])+ pub $field: Patch<<$type as Detail>::Value>,)* }

        impl<'de> Deserialize<'de> for Details {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(Deserialize)]
                struct StoredDetails { $(#[serde(default)] $field: <$type as Detail>::Stored,)* }

                let stored = StoredDetails::deserialize(deserializer)?;
                Ok(Self { $($field: Detail::of_stored(stored.$field),)* })
            }
        }

        impl Details {
            /// Applies a patch.
            pub(crate) fn apply(&mut self, patch: &DetailsPatch) {
                $(match &patch.$field {
                    Patch::Keep => {}
                    Patch::Clear => self.$field = Default::default(),
                    Patch::Set(value) => self.$field = Detail::of(value.clone()),
                })*
            }
        }

        impl FromFields for Details {
            fn names() -> Vec<&'static str> {
                vec![$(stringify!($field)),*]
            }

            fn describe(generator: &mut SchemaGenerator) -> Vec<FieldDescription> {
                vec![$(FieldDescription::of::<Option<<$type as Detail>::Value>>(
                    stringify!($field), concat!($($doc, "\n"),*), generator,
                )),*]
            }

            fn take_from(fields: &mut Fields) -> Option<Self> {
                $(let $field = fields.take::<Option<<$type as Detail>::Value>>(stringify!($field));)*
                Some(Self { $($field: $field?.map(Detail::of).unwrap_or_default(),)* })
            }
        }

        impl FromFields for DetailsPatch {
            fn names() -> Vec<&'static str> {
                vec![$(stringify!($field)),*]
            }

            fn describe(generator: &mut SchemaGenerator) -> Vec<FieldDescription> {
                vec![$(FieldDescription::of::<Patch<<$type as Detail>::Value>>(
                    stringify!($field), concat!($($doc, "\n"),*), generator,
                )),*]
            }

            fn take_from(fields: &mut Fields) -> Option<Self> {
                $(let $field = fields.take(stringify!($field));)*
                Some(Self { $($field: $field?,)* })
            }
        }
    };
}

details! {
    /// The title. A post without one is a note.
    title: Option<Title>,
    /// The summary that lists show. Without one, lists show the beginning of the text.
    summary: Option<Summary>,
    /// The tags: at most 10, each once, in this order.
    tags: Tags,
    /// The language of the text, a language tag such as `en` or `pt-BR`.
    language: Option<Language>,
    /// The address of the cover image.
    cover_image_url: Option<WebUrl>,
    /// The address of the original, for a post that was first published elsewhere.
    canonical_url: Option<WebUrl>,
    /// The title for search engines, where it differs from the title.
    meta_title: Option<MetaTitle>,
    /// The description for search engines, where it differs from the summary.
    meta_description: Option<MetaDescription>,
    /// Whether the post takes comments; by default it does.
    comments_open: CommentsOpen,
}
