//! The user pool's triggers on a laptop: the functions that the template's `LambdaConfig` names, called in this process.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Weak};

use events::{Function, Services, Trigger};
use serde_json::Value;
use tokio::runtime::{Builder, Handle};

use crate::wire::OPERATION;
use local_cognito::Triggers;
use template::Template;

/// The pool's functions, by the names that `LambdaConfig` has for them.
pub struct PoolFunctions {
    /// Not owned: the services own the pool, by way of the SDK, and a stack would never end.
    services: Weak<Services>,
    functions: BTreeMap<String, &'static Trigger>,
    runtime: Handle,
}

impl PoolFunctions {
    /// The functions that this template names. To be made within the runtime that they will run in.
    pub fn new(services: &Arc<Services>, template: &Template) -> io::Result<Self> {
        let trigger = |(kind, handler): (&String, &String)| match events::find(handler) {
            Ok(Function::Trigger(trigger)) => Ok((kind.clone(), trigger)),
            Ok(_) => Err(io::Error::other(format!("{handler} is no trigger"))),
            Err(unknown) => Err(io::Error::other(unknown)),
        };
        let functions = template.triggers.iter().map(trigger).collect::<Result<_, _>>()?;
        Ok(Self { services: Arc::downgrade(services), functions, runtime: Handle::current() })
    }
}

impl Triggers for PoolFunctions {
    fn call(&self, kind: &str, event: Value) -> Option<Result<Value, String>> {
        let trigger = self.functions.get(kind)?;
        let Some(services) = self.services.upgrade() else { return Some(Err("the stack has ended".to_owned())) };
        let answer = OPERATION.scope(trigger.name.to_owned(), trigger.answer(&services, event));
        let answer = match Handle::try_current() {
            Ok(_) => self.runtime.block_on(answer),
            // In the simulation the stack's own runtime waits for this (`crate::direct`).
            Err(_) => match Builder::new_current_thread().enable_time().build() {
                Ok(runtime) => runtime.block_on(answer),
                Err(error) => return Some(Err(error.to_string())),
            },
        };
        Some(answer.map_err(|error| error.to_string()))
    }
}
