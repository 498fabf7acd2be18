//! The roles of the functions on a laptop: a call that a function's role in the template does not allow is refused, as IAM
//! does, and what was used of each role is noted, so that a test finds what no story uses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use template::{Function, Statement, Template};

use crate::gateway::operations;

/// A permission of a role: an action on a resource, and the partition keys that it is confined to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// The logical id of the resource, and for a bucket the prefix of the keys.
    pub resource: String,
    /// The action, as IAM writes it.
    pub action: String,
    /// The partition keys, with `*` for any end; empty if there is no such condition.
    pub leading_keys: Vec<String>,
}

/// What a call needs: an action on a resource and, of the table, the partition key of the item.
#[derive(Debug)]
struct Need {
    resource: String,
    action: String,
    key: Option<String>,
}

/// The roles of all functions, and what was used of them.
#[derive(Debug, Default)]
pub struct Roles {
    allowed: BTreeMap<String, Vec<Permission>>,
    used: Mutex<BTreeSet<(String, Permission)>>,
}

/// Every permission of a function's role.
pub fn permissions(function: &Function) -> Vec<Permission> {
    let of = |statement: &Statement| {
        let (resource, leading_keys) = (statement.resource.clone(), statement.leading_keys.clone().unwrap_or_default());
        let permission = |action: &String| Permission {
            resource: resource.clone(),
            action: action.clone(),
            leading_keys: leading_keys.clone(),
        };
        statement.actions.iter().map(permission).collect::<Vec<_>>()
    };
    function.statements.iter().chain(&function.shared).flat_map(of).collect()
}

impl Roles {
    /// The roles that this template gives.
    pub fn new(template: &Template) -> Self {
        let allowed = template.functions.iter().map(|(handler, function)| (handler.clone(), permissions(function)));
        Self { allowed: allowed.collect(), used: Mutex::default() }
    }

    /// What was used of each role: handlers, each with a permission.
    pub fn used(&self) -> BTreeSet<(String, Permission)> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes a call of the function `handler`, or says what its role does not allow.
    pub fn check(&self, handler: &str, service: &str, action: &str, request: &Value) -> Result<(), String> {
        let Some(allowed) = self.allowed.get(handler) else { return Err(format!("no function is called {handler}")) };
        if service == "cognito-idp" && guesses_or_sends(action, request) && !has_limit(handler) {
            return Err(format!("{handler} guesses or sends ({action}) without a rate limit of its own"));
        }
        for need in needs(service, action, request) {
            // On AWS nothing refuses this but our own code, so here whatever a story does tells if the code does not.
            if need.key.as_deref().is_some_and(|key| key.starts_with("AUDIT"))
                && matches!(need.action.as_str(), "dynamodb:UpdateItem" | "dynamodb:DeleteItem")
            {
                return Err(format!("{handler} changes the audit log, which is append-only (docs/adr/0034)"));
            }
            // What is confined counts before what is not, so that what is not is used only where it has to be.
            let matching = allowed.iter().filter(|permission| need.is_met_by(permission));
            match matching.min_by_key(|permission| permission.leading_keys.is_empty()) {
                Some(permission) => {
                    let used = (handler.to_owned(), permission.clone());
                    self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(used);
                }
                None => return Err(format!("the role of {handler} does not allow {need:?}")),
            }
        }
        Ok(())
    }
}

impl Need {
    fn is_met_by(&self, permission: &Permission) -> bool {
        let key_matches = |pattern: &String| match (pattern.strip_suffix('*'), &self.key) {
            (Some(prefix), Some(key)) => key.starts_with(prefix),
            (None, Some(key)) => key == pattern,
            (_, None) => false,
        };
        permission.resource == self.resource
            && permission.action == self.action
            && (permission.leading_keys.is_empty() || permission.leading_keys.iter().any(key_matches))
    }
}

/// What a call needs of the role. Calls of Cognito that anybody may make need nothing.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flows-public-server-side.html>
fn needs(service: &str, action: &str, request: &Value) -> Vec<Need> {
    let of_table = |action: &str, request: &Value| {
        let keys = [&request["Item"]["pk"]["S"], &request["Key"]["pk"]["S"]];
        let key = keys.into_iter().find_map(|key| key.as_str()).map(str::to_owned);
        Need { resource: "BlogTable".to_owned(), action: format!("dynamodb:{action}"), key }
    };
    match (service, action) {
        ("dynamodb", "TransactWriteItems") => {
            let writes = request["TransactItems"].as_array().into_iter().flatten();
            let writes = writes.flat_map(|write| write.as_object().into_iter().flatten());
            let action = |kind: &str| {
                if kind == "ConditionCheck" { "ConditionCheckItem".to_owned() } else { format!("{kind}Item") }
            };
            writes.map(|(kind, write)| of_table(&action(kind), write)).collect()
        }
        // Whoever signs looks for the key like this, and creates it if it is not there yet.
        ("dynamodb", "GetItem") if request["Key"]["pk"]["S"] == "SIGNING_KEY" && request["ConsistentRead"] == true => {
            vec![of_table("GetItem", request), of_table("PutItem", request)]
        }
        ("dynamodb", action) => vec![of_table(action, request)],
        ("s3", "HeadBucket") => {
            vec![Need { resource: "BlogBucket".to_owned(), action: "s3:ListBucket".to_owned(), key: None }]
        }
        ("s3", action) => {
            let folder = request["Key"].as_str().and_then(|key| key.split('/').next()).unwrap_or_default();
            // Each step of an upload takes the permission to put.
            let action = if ["GetObject", "DeleteObject"].contains(&action) { action } else { "PutObject" };
            vec![Need { resource: format!("BlogBucket/{folder}/*"), action: format!("s3:{action}"), key: None }]
        }
        ("events", action) => {
            vec![Need { resource: "Bus".to_owned(), action: format!("events:{action}"), key: None }]
        }
        (service, action) if action.starts_with("Admin") => {
            vec![Need { resource: "UserPool".to_owned(), action: format!("{service}:{action}"), key: None }]
        }
        _ => Vec::new(),
    }
}

/// Whether Cognito is asked whether a password or a code is right, or to send a code.
fn guesses_or_sends(action: &str, request: &Value) -> bool {
    match action {
        "AdminInitiateAuth" | "InitiateAuth" => request["AuthFlow"] != "REFRESH_TOKEN_AUTH",
        "SignUp" | "ConfirmSignUp" | "ResendConfirmationCode" | "ForgotPassword" | "ConfirmForgotPassword" => true,
        _ => false,
    }
}

/// Conduit runs operations, each with its own limit (`edge::perform`).
fn has_limit(handler: &str) -> bool {
    handler == conduit::NAME
        || operations().any(|(_, operation)| operation.name == handler && operation.rate_limit.is_some())
}
