//! Checks a rule against a system: that the fault exists there, and the names it uses too.
//!
//! Knows the contract's names only; whether a rule makes sense in a scenario is not said here.

use serde_json::json;

use super::fault::{Fault, RateVia};
use super::rule::Rule;
use super::stage::Stage;
use crate::contract::{Contract, Protocol, SystemId};
use crate::values::FieldError;

/// Packets that can stand where the name of an event can.
const PACKETS: [&str; 8] = ["OPEN", "CLOSE", "UPGRADE", "NOOP", "CONNECT", "DISCONNECT", "CONNECT_ERROR", "ACK"];

/// The same for a plain WebSocket.
const MESSAGES: [&str; 3] = ["OPEN", "TEXT", "BINARY"];

/// Whether a name is that of a packet, and not of an event.
pub(super) fn is_packet(name: &str) -> bool {
    PACKETS.contains(&name) || name == "RAW"
}

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
        let rest = check_token(self, contract)
            .into_iter()
            .chain(check_moment(self, contract))
            .chain(check_size(self))
            .chain(check_namespace(self))
            .chain(check_attempts_by_message(self));
        messages.chain(endpoint).chain(rest).collect()
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

/// A namespace begins with a slash, wherever it is.
fn check_namespace(rule: &Rule) -> Option<FieldError> {
    match &rule.fault {
        Fault::EventWrongNamespace(fault) if !fault.namespace.starts_with('/') => {
            Some(FieldError::new("namespace", &json!(fault.namespace), "a name that begins with /"))
        }
        _ => None,
    }
}

/// A connection attempt is no message.
fn check_attempts_by_message(rule: &Rule) -> Option<FieldError> {
    match &rule.fault {
        Fault::RateLimit(fault) if fault.via == RateVia::Http => {
            let why = "no message: connection attempts are limited";
            rule.on.as_ref().map(|on| FieldError::new("on", &json!(on), why))
        }
        _ => None,
    }
}

/// A control frame has room for 125 bytes.
fn check_size(rule: &Rule) -> Option<FieldError> {
    match &rule.fault {
        Fault::WsPing(fault) if fault.payload.0.len() > 125 => {
            Some(FieldError::new("payload", &json!(fault.payload.0.len()), "at most 125 bytes"))
        }
        Fault::CloseFrame(fault) if fault.reason.len() > 123 => {
            Some(FieldError::new("reason", &json!(fault.reason), "at most 123 bytes"))
        }
        _ => None,
    }
}

fn check_message(path: &str, name: &str, contract: &Contract) -> Option<FieldError> {
    if contract.events.any {
        return None;
    }
    let events = contract.events.sent.iter().chain(&contract.events.received).map(|event| event.name.as_str());
    let packets: &[&str] = match contract.transport.protocol {
        Protocol::WebSocket => &MESSAGES,
        Protocol::SocketIo | Protocol::EngineIo => &PACKETS,
    };
    let known: Vec<&str> = events.chain(packets.iter().copied()).collect();
    (!known.contains(&name)).then(|| FieldError::unknown(path, name, "an event or packet", known))
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
