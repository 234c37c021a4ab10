//! Which records of a case are there in every run, however fast the parts were: those that a check took, and those that
//! must have come before one of them. Knows the causes in the protocol, and nothing of how a lane is shown.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::lanes::Seen;

/// A kind of record and its name, any name if empty.
type Kind = (&'static str, &'static str);

const VERDICT: &[Kind] = &[("sent", "session_created")];

/// The places of the certain records among those that were seen of an actor.
pub(crate) fn certain(case: &Value, actor: &str, seen: &[Seen]) -> BTreeSet<usize> {
    let actions = actions(case, actor);
    let mut certain = taken(case, actor);
    let last_state = seen.iter().rfind(|one| one.key == "state" && certain.contains(&one.place)).map(|one| one.place);
    // No check passes a state over.
    certain.extend(seen.iter().filter(|one| one.key == "state" && Some(one.place) <= last_state).map(|one| one.place));
    loop {
        let known = certain.len();
        let causes = seen.iter().filter(|one| certain.contains(&one.place)).filter_map(|one| cause(seen, one));
        let causes: Vec<usize> = causes.collect();
        certain.extend(causes);
        let implied = seen.iter().filter(|one| is_implied(one, seen, &certain, &actions)).map(|one| one.place);
        let implied: Vec<usize> = implied.collect();
        certain.extend(implied);
        if certain.len() == known {
            return certain;
        }
    }
}

/// The places of the records that checks took.
fn taken(case: &Value, actor: &str) -> BTreeSet<usize> {
    let checks = case["checks"].as_array().into_iter().flatten().filter(|check| check["actor"] == actor);
    checks.filter_map(|check| check["record"].as_u64()).filter_map(|place| usize::try_from(place).ok()).collect()
}

/// The places of the actions. Each is taken as soon as the check before it is decided, so that what the subject did
/// since then by itself is a matter of pace.
fn actions(case: &Value, actor: &str) -> Vec<usize> {
    let records = case["trace"].as_array().into_iter().flatten().enumerate();
    let acted = records.filter(|(_, record)| record["actor"] == actor && record["what"].get("acted").is_some());
    acted.map(|(place, _)| place).collect()
}

/// The record without which this one could not have come.
fn cause(seen: &[Seen], effect: &Seen) -> Option<usize> {
    let causes = causes(effect);
    let is_one =
        |one: &Seen| causes.iter().any(|(key, name)| one.key == *key && (name.is_empty() || one.name == *name));
    let fits = |one: &&Seen| is_one(one) && !hits_nothing(one, seen);
    let before = seen.iter().rfind(|one| one.place < effect.place && fits(one));
    match effect.key {
        // An adapter may tell of it later than the server.
        "attempt" => {
            let nth = usize::try_from(effect.ordinal()).ok()?;
            seen.iter().filter(fits).take(nth).last().into_iter().chain(before).map(|one| one.place).max()
        }
        "result" => before.filter(|state| effect.fields["value"]["state"] == state.name).map(|one| one.place),
        _ => before.map(|one| one.place),
    }
}

/// The kinds of records of which the last one before this must have been its cause.
fn causes(effect: &Seen) -> &'static [Kind] {
    match (effect.key, effect.name) {
        ("state", "authenticating") | ("log", "Transport established") => &[("sent", "CONNECT")],
        // The first ping comes long after the verdict.
        ("state", "connected") | ("event", "sessionCreated") | ("log", "Session created") | ("ping", _) => VERDICT,
        ("state", "error") => &[("sent", "auth_error"), ("fault", "connection-reset")],
        ("request", "refresh") => &[("sent", "auth_error")],
        ("token", "stored") => &[("sent", "auth_error"), ("answer", "refresh"), ("answer", "sign-in")],
        ("answer", "refresh") => &[("request", "refresh")],
        ("answer", "sign-in") => &[("request", "sign-in")],
        ("attempt", _) => &[("state", "connecting")],
        ("result", _) => &[("state", "")],
        ("sent", "session_created") => &[("stored", "")],
        ("sent", "auth_error") => &[("log", "Connection handling failed")],
        _ => &[],
    }
}

/// Whether it is a fault on a connection that a side has left, or that a client is about to leave because it was
/// refused. That it comes at all is a matter of pace.
fn hits_nothing(one: &Seen, seen: &[Seen]) -> bool {
    let earlier = seen.iter().take_while(|other| other.place < one.place);
    let mut own = earlier.filter(|other| other.connection() == one.connection());
    one.key == "fault" && one.connection().is_some() && own.any(|other| other.is_ending() || other.is_refusal())
}

/// Whether it follows from what comes behind it.
fn is_implied(one: &Seen, seen: &[Seen], certain: &BTreeSet<usize>, actions: &[usize]) -> bool {
    // An answer to an action comes beside the rest of its lane.
    let known = |other: &&Seen| certain.contains(&other.place) && other.lane() == one.lane() && other.key != "result";
    let mut later = seen.iter().filter(|other| other.place > one.place).filter(known);
    match one.key {
        "ping" | "pong" | "log" | "result" | "stored" => false,
        _ if one.is_racing() => false,
        // Both sides end a connection that has failed, and either may be the first.
        _ if one.is_ending() => false,
        // It acts beside what passes, so that at the end, and at the acknowledgement, it may be too late to be seen.
        "fault" => !hits_nothing(one, seen) && later.any(|other| other.name != "CONNECT"),
        "attempt" if seen.iter().any(|other| known(&other) && other.connection() == one.connection()) => true,
        "sent" | "received" => later.any(|other| other.is_message() && other.connection() == one.connection()),
        _ => {
            let earlier = seen.iter().take_while(|other| other.place < one.place).filter(known).last();
            let next = later.next().map(|next| next.place);
            let acts = |next| actions.iter().any(|act| earlier.is_some_and(|one| one.place < *act) && *act < next);
            next.is_some_and(|next| !acts(next))
        }
    }
}
