//! Checks a rule against a system: that the fault exists there, and the names it uses too.
//!
//! Knows the contract's names only; whether a rule makes sense in a scenario is not said here.

use serde_json::json;

use super::fault::Fault;
use super::rule::Rule;
use super::stage::Stage;
use crate::contract::{Contract, Protocol, SystemId};
use crate::values::FieldError;

/// Packets that can stand where the name of an event can.
const PACKETS: [&str; 8] = ["OPEN", "CLOSE", "UPGRADE", "NOOP", "CONNECT", "DISCONNECT", "CONNECT_ERROR", "ACK"];

impl Rule {
    /// All that is wrong with the rule in this system; empty if nothing is.
    pub fn check(&self, system: SystemId) -> Vec<FieldError> {
        if !self.fault.applies_to(system) {
            let there = Fault::catalogue().iter().filter(|info| info.applies_to(system)).map(|info| info.id);
            let what = format!("a fault that {} has", system.name());
            return vec![FieldError::unknown("fault", self.fault.id(), &what, there)];
        }
        let contract = system.contract();
        let messages = self.messages().into_iter().filter_map(|(path, name)| check_message(&path, name, contract));
        let endpoint = self.endpoint().and_then(|name| check_endpoint(name, contract));
        messages.chain(endpoint).chain(check_token(self, contract)).chain(check_moment(self, contract)).collect()
    }

    fn messages(&self) -> Vec<(String, &str)> {
        let (key, names): (_, &[String]) = match &self.fault {
            Fault::PacketCoalesce(fault) => ("packets", &fault.packets),
            Fault::EventReorder(fault) => ("order", &fault.order),
            _ => ("", &[]),
        };
        let listed = names.iter().enumerate().map(|(index, name)| (format!("{key}[{index}]"), name.as_str()));
        listed.chain(self.on.as_deref().map(|on| ("on".to_owned(), on))).collect()
    }

    fn endpoint(&self) -> Option<&str> {
        match &self.fault {
            Fault::RestError(fault) => fault.endpoint.as_deref(),
            Fault::RestDelay(fault) => fault.endpoint.as_deref(),
            Fault::RestMalformed(fault) => fault.endpoint.as_deref(),
            _ => None,
        }
    }
}

fn check_message(path: &str, name: &str, contract: &Contract) -> Option<FieldError> {
    let events = contract.events.sent.iter().chain(&contract.events.received).map(|event| event.name.as_str());
    let known: Vec<&str> = events.chain(PACKETS).collect();
    (!contract.events.any && !known.contains(&name))
        .then(|| FieldError::unknown(path, name, "an event or packet", known))
}

fn check_endpoint(name: &str, contract: &Contract) -> Option<FieldError> {
    let known = contract.endpoints.keys().map(String::as_str);
    (!contract.endpoints.contains_key(name)).then(|| FieldError::unknown("endpoint", name, "an endpoint", known))
}

fn check_token(rule: &Rule, contract: &Contract) -> Option<FieldError> {
    let kind = rule.when.token.as_deref()?;
    let known: Vec<&str> = contract.tokens.keys().map(String::as_str).chain(["none"]).collect();
    (!known.contains(&kind)).then(|| FieldError::unknown("when.token", kind, "a kind of token", known))
}

/// Socket.IO carries the token in the CONNECT packet: before it, nobody can ask for its kind or its user.
fn check_moment(rule: &Rule, contract: &Contract) -> Vec<FieldError> {
    if contract.transport.protocol != Protocol::SocketIo || rule.stage() >= Stage::Connect {
        return Vec::new();
    }
    let asked = [("when.token", &rule.when.token), ("when.user", &rule.when.user)];
    let early = |(path, text): (&str, &Option<String>)| {
        let id = rule.fault.id();
        let why = format!("no such condition: {id} works before the CONNECT that carries the token");
        text.as_ref().map(|text| FieldError::new(path, &json!(text), why))
    };
    asked.into_iter().filter_map(early).collect()
}
