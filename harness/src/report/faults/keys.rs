//! The common keys of rules: which of them mean something for a fault, and what they say.
//!
//! Knows nothing of parameters.

use sparring_mock_server::script::FaultInfo;
use sparring_mock_server::script::fault::{OnKey, Selects, Span};

/// The common keys that mean something for a fault.
pub(super) fn keys(info: &FaultInfo) -> Vec<&'static str> {
    let mut keys = match info.keys.selects {
        Selects::Nobody => vec![],
        Selects::Actors => vec!["who"],
        Selects::Requests => vec!["who", "when"],
        Selects::Attempts => vec!["attempts", "who", "when"],
    };
    if info.keys.on != OnKey::Refused {
        keys.push("on");
    }
    keys.push("after");
    if info.keys.lasts != Span::Refused {
        keys.push("for");
    }
    keys.extend(["times", "probability"]);
    keys
}

/// What a common key says for a fault.
pub(super) fn meaning(key: &str, info: &FaultInfo) -> String {
    match key {
        "attempts" => "connection attempts on which it works, from 1: 3, 1-2 or 4+".to_owned(),
        "when" => "connections on which it works: {token: guest}; also transport, user, path, header".to_owned(),
        "who" => "the client on which it works; in scenarios only".to_owned(),
        "on" => on(info.keys.on),
        "after" => "how much later it begins: 250ms, 1.5s, 2m or 1h".to_owned(),
        "for" => lasts(info.keys.lasts).to_owned(),
        "times" => "how often it happens at most".to_owned(),
        "probability" => "its chance each time, from 0 to 1; `--seed` decides".to_owned(),
        other => unreachable!("{other} is no common key"),
    }
}

fn on(key: OnKey) -> String {
    match key {
        OnKey::Refused => String::new(),
        OnKey::Instead => "the message, either way, that starts it in place of its stage".to_owned(),
        OnKey::SentInstead => "the message of the server that it is about, in place of its stage".to_owned(),
        OnKey::Sent => "the message of the server that it is about; required".to_owned(),
        OnKey::SentOr(usual) => format!("the message of the server that it is about; default {usual}"),
        OnKey::Received => "the message of the client that it is about; absent means every one".to_owned(),
        OnKey::Acknowledged => "the event whose acknowledgement it is about; absent means every one".to_owned(),
        OnKey::Overheard => "the event of the room that it is about; required".to_owned(),
    }
}

fn lasts(span: Span) -> &'static str {
    match span {
        Span::Refused => "",
        Span::Effect => "how long it lasts until it is undone; absent means to the end",
        Span::Rule => "how long after its first time it goes on to happen",
    }
}
