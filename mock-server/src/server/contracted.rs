//! The payloads that the contract allows, as validators made once for each system.
//!
//! Knows nothing of who sends them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use jsonschema::Validator;
use serde_json::Value;

use crate::contract::SystemId;

/// The validators of one system's events.
#[derive(Clone)]
pub(crate) struct Payloads {
    validators: Arc<HashMap<&'static str, Validator>>,
    /// Whether events of any other name are allowed.
    any: bool,
}

impl fmt::Debug for Payloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.validators.keys()).finish()
    }
}

impl Payloads {
    /// Those of this system.
    pub(crate) fn of(system: SystemId) -> Self {
        static ALL: LazyLock<HashMap<&'static str, Payloads>> = LazyLock::new(|| {
            SystemId::ALL.into_iter().map(|system| (system.name(), Payloads::compile(system))).collect()
        });
        ALL.get(system.name()).cloned().unwrap_or_else(|| Self::compile(system))
    }

    fn compile(system: SystemId) -> Self {
        let events = &system.contract().events.sent;
        let validator =
            |schema| jsonschema::validator_for(schema).expect("a compiled-in schema is one: the tests compile it");
        let validators = events.iter().map(|event| (event.name.as_str(), validator(&event.payload))).collect();
        Self { validators: Arc::new(validators), any: system.contract().events.any }
    }

    /// What is wrong with sending this event, if anything.
    pub(crate) fn check(&self, event: &str, payload: &Value) -> Result<(), String> {
        let Some(validator) = self.validators.get(event) else {
            if self.any {
                return Ok(());
            }
            return Err("an event that the contract does not have".to_owned());
        };
        validator.validate(payload).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("auth_error", json!({"code": "AUTH_INVALID", "message": "no", "timestamp": 1}), true)]
    #[case("auth_error", json!({"code": "AUTH_BANNED", "message": "no", "timestamp": 1}), false)]
    #[case("auth_error", json!({"code": "AUTH_INVALID", "message": "no"}), false)]
    #[case("session_created", json!({}), false)]
    #[case("surprise", json!({}), false)]
    fn payloads_are_checked(#[case] event: &str, #[case] payload: Value, #[case] allowed: bool) {
        assert!(Payloads::of(SystemId::SocketIo).check(event, &payload).is_ok());
        assert_eq!(Payloads::of(SystemId::Digitwin).check(event, &payload).is_ok(), allowed);
    }
}
