//! The members of a request, as the service model constrains them.
//!
//! A member of the wrong JSON type is a `SerializationException`, a missing or malformed one an
//! `InvalidParameterException`; members that are not ours are ignored, as AWS does.

use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::rules;

pub(super) struct Request(Map<String, Value>);

impl Request {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Fault> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            _ => Err(unreadable("the body is not a JSON object")),
        }
    }

    /// `null` is the same as absent.
    fn member(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Fault> {
        match self.member(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(unreadable(&format!("{name} is not a string"))),
        }
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Fault> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// Folded: this pool does not tell `Ana` from `ana`.
    pub(super) fn username(&self) -> Result<String, Fault> {
        let username = self.required("Username")?;
        rules::check_name("username", username)?;
        Ok(rules::fold(username))
    }

    pub(super) fn new_password(&self, name: &str, least: usize) -> Result<&str, Fault> {
        let password = self.required(name)?;
        rules::check_password(&lower_camel(name), password, least)?;
        Ok(password)
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Fault> {
        match self.member(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(unreadable(&format!("{name} is not a boolean"))),
        }
    }

    pub(super) fn required_attributes(&self) -> Result<Vec<(String, String)>, Fault> {
        match self.member("UserAttributes") {
            Some(_) => self.attributes(),
            None => Err(missing("UserAttributes")),
        }
    }

    /// `UserAttributes`; an attribute without a value has a blank one.
    pub(super) fn attributes(&self) -> Result<Vec<(String, String)>, Fault> {
        let Some(list) = self.member("UserAttributes") else {
            return Ok(Vec::new());
        };
        let wrong = || unreadable("UserAttributes is not a list of attributes");
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(wrong);
        let attribute = |entry: &Value| {
            let entry = entry.as_object().ok_or_else(wrong)?;
            let name = entry.get("Name").ok_or_else(|| missing("Name"))?;
            let value = entry.get("Value").filter(|value| !value.is_null());
            Ok((text(name)?, value.map(text).transpose()?.unwrap_or_default()))
        };
        let list = list.as_array().ok_or_else(wrong)?;
        list.iter().map(attribute).collect()
    }

    /// A member of the `AuthParameters` map.
    pub(super) fn auth_parameter(&self, name: &str) -> Result<&str, Fault> {
        let value = match self.member("AuthParameters") {
            None => None,
            Some(Value::Object(parameters)) => parameters.get(name),
            Some(_) => return Err(unreadable("AuthParameters is not a map")),
        };
        match value {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            None | Some(Value::Null | Value::String(_)) => {
                Err(Fault::invalid_parameter(format!("Missing required parameter {name}")))
            }
            Some(_) => Err(unreadable(&format!("{name} is not a string"))),
        }
    }
}

fn unreadable(message: &str) -> Fault {
    Fault::refused("SerializationException", message)
}

fn missing(name: &str) -> Fault {
    Fault::constraint(&lower_camel(name), "Member must not be null")
}

/// Constraint messages name a member `username` where the wire has `Username`.
fn lower_camel(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}
