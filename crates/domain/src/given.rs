//! The value of a field, read in such a way that what is said of a wrong one is said in the API's words. `serde_json` reads
//! values too, and speaks of variants, maps and sequences.

use std::fmt;

use serde::de::value::{MapDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, SeqAccess, Unexpected, Visitor};
use serde_json::Value;

/// The rule that a value breaks.
#[derive(Debug)]
pub(crate) struct BrokenRule(String);

impl fmt::Display for BrokenRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BrokenRule {}

impl Error for BrokenRule {
    fn custom<T: fmt::Display>(rule: T) -> Self {
        Self(rule.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(must_be(&expected.to_string()))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(must_be(&expected.to_string()))
    }

    fn invalid_length(length: usize, _: &dyn Expected) -> Self {
        Self(format!("must not have {length} items"))
    }

    fn unknown_variant(_: &str, names: &'static [&'static str]) -> Self {
        Self(must_be_one_of(names))
    }

    fn unknown_field(name: &str, _: &'static [&'static str]) -> Self {
        Self(format!("must not contain {name:?}"))
    }

    fn missing_field(name: &'static str) -> Self {
        Self(format!("must contain {name:?}"))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self(format!("must contain {name:?} only once"))
    }
}

/// What serde calls a type, in JSON's words.
fn must_be(expected: &str) -> String {
    let words = match expected {
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        expected if expected.starts_with("struct ") => "an object",
        expected => expected,
    };
    format!("must be {words}")
}

fn must_be_one_of(names: &[&str]) -> String {
    match names {
        [] => "is not accepted".to_owned(),
        [name] => format!("must be {name}"),
        [names @ .., last] => format!("must be {} or {last}", names.join(", ")),
    }
}

/// A value that was sent.
pub(crate) struct Given(pub Value);

impl IntoDeserializer<'_, BrokenRule> for Given {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Given {
    type Error = BrokenRule;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BrokenRule> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (.., Some(number)) => visitor.visit_f64(number),
                _ => Err(BrokenRule("must be a smaller number".to_owned())),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(values) => visitor.visit_seq(Items { values: values.into_iter(), number: 0 }),
            Value::Object(values) => {
                visitor.visit_map(MapDeserializer::new(values.into_iter().map(|(name, value)| (name, Self(value)))))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BrokenRule> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, BrokenRule> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BrokenRule> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(StringDeserializer::new(name)),
            _ => Err(BrokenRule(must_be_one_of(names))),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The values of a list. What is said of one names its place.
struct Items {
    values: std::vec::IntoIter<Value>,
    number: usize,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = BrokenRule;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, BrokenRule> {
        let Some(value) = self.values.next() else { return Ok(None) };
        self.number += 1;
        let item = seed.deserialize(Given(value));
        item.map(Some).map_err(|rule| BrokenRule(format!("item {} {rule}", self.number)))
    }
}

/// Stands for a field that was not sent: an `Option` reads it as none, everything else as an error.
pub(crate) struct Absent;

impl<'de> Deserializer<'de> for Absent {
    type Error = BrokenRule;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, BrokenRule> {
        Err(BrokenRule("is required".to_owned()))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BrokenRule> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::{Patch, PatchRequired, PostKind, PostName, Tags, Timestamp, Title};

    fn rule<T: for<'de> Deserialize<'de>>(value: Value) -> String {
        T::deserialize(Given(value)).map(|_| ()).expect_err("a broken rule").0
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Pair {
        #[allow(dead_code, reason = "only its name and type are tried")]
        one: bool,
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_the_api() {
        for value in [json!(1), json!({}), json!([]), json!(true)] {
            assert_eq!(rule::<Title>(value.clone()), "must be a string");
            assert_eq!(rule::<Option<Title>>(value.clone()), "must be a string");
            assert_eq!(rule::<Patch<Title>>(value.clone()), "must be a string");
            assert_eq!(rule::<Timestamp>(value.clone()), "must be a string");
            assert_eq!(rule::<PostName>(value.clone()), "must be a string");
        }
        let kinds = "must be article, note, quote, reply or repost";
        for value in [json!("poem"), json!({ "article": 1 }), json!(1), json!(null)] {
            assert_eq!(rule::<PostKind>(value), kinds);
        }
        assert_eq!(rule::<Tags>(json!("a")), "must be a list");
        assert_eq!(rule::<Tags>(json!({ "a": 1 })), "must be a list");
        assert_eq!(rule::<Tags>(json!(["a", 1])), "item 2 must be a string");
        assert_eq!(rule::<PatchRequired<Title>>(json!(null)), "cannot be null");
        assert_eq!(rule::<bool>(json!("true")), "must be true or false");
        assert_eq!(rule::<u32>(json!(-1)), "must be a whole number that is not negative");
        assert_eq!(rule::<i64>(json!(1.5)), "must be a whole number");
        assert_eq!(rule::<f64>(json!("1")), "must be a number");
        assert_eq!(rule::<Pair>(json!([])), "must not have 0 items");
        assert_eq!(rule::<Pair>(json!("x")), "must be an object");
        assert_eq!(rule::<Pair>(json!({})), "must contain \"one\"");
        assert_eq!(rule::<Pair>(json!({ "one": true, "two": 1 })), "must not contain \"two\"");
    }
}
