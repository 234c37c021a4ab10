//! The two lanes of a case as stable text: what the client reported and what the server observed, without what differs
//! from run to run (ids, tokens, ports, times, the race between transports).

use std::fmt::Write as _;

use serde_json::Value;

/// Packets whose place depends on when the upgrade of the transport happens.
const RACING: [&str; 6] = ["OPEN", "PROBE", "UPGRADE", "NOOP", "PING", "PONG"];

/// The lanes of every actor of a case.
pub(crate) fn of(case: &Value) -> String {
    let trace = settled(case);
    let mut actors: Vec<&str> = Vec::new();
    for record in trace {
        let actor = record["actor"].as_str().unwrap_or_default();
        if !actors.contains(&actor) {
            actors.push(actor);
        }
    }
    let mut text = String::new();
    for actor in actors {
        let own: Vec<&Value> = trace.iter().filter(|record| record["actor"] == actor).collect();
        let _ = writeln!(text, "  {actor}");
        lane(&mut text, "client", own.iter().filter_map(|record| client(record)));
        lane(&mut text, "server", own.iter().filter_map(|record| server(record)));
    }
    text
}

/// The trace up to the last record that a check decided on: what comes behind it may or may not have been seen.
fn settled(case: &Value) -> &[Value] {
    let trace = case["trace"].as_array().map_or(&[][..], Vec::as_slice);
    let decided = case["checks"].as_array().into_iter().flatten().filter_map(|check| check["record"].as_u64());
    let last = decided.max().and_then(|last| usize::try_from(last).ok());
    last.map_or(trace, |last| &trace[..=last.min(trace.len() - 1)])
}

fn lane(text: &mut String, name: &str, rows: impl Iterator<Item = String>) {
    let rows: Vec<String> = rows.collect();
    if !rows.is_empty() {
        let _ = writeln!(text, "    {name}: {}", rows.join(" · "));
    }
}

fn observed(record: &Value) -> Option<(&str, &str, &Value)> {
    let observed = record.get("what")?.get("observed")?;
    Some((observed["key"].as_str()?, observed["value"].as_str().unwrap_or_default(), &observed["fields"]))
}

fn client(record: &Value) -> Option<String> {
    match observed(record)? {
        ("state", state, _) => Some(state.to_owned()),
        // It repeats the states.
        ("event", "connectionStateChange", _) => None,
        ("event", name, _) => Some(format!("[{name}]")),
        ("token", op, fields) if op != "read" => Some(format!("({op} {})", fields["kind"].as_str().unwrap_or("?"))),
        _ => None,
    }
}

fn server(record: &Value) -> Option<String> {
    let number = || record["what"]["observed"]["value"].as_u64().unwrap_or_default();
    match observed(record)? {
        ("attempt", _, _) => Some(format!("attempt {}", number())),
        ("received", "CONNECT", fields) => Some(format!("CONNECT {}", fields["token_kind"].as_str().unwrap_or("?"))),
        ("received" | "sent", packet, _) if RACING.contains(&packet) => None,
        ("received", name, _) => Some(format!("→{name}")),
        ("sent", "auth_error", fields) => Some(format!("←auth_error {}", fields["data"]["code"])),
        ("sent", name, _) => Some(format!("←{name}")),
        ("fault", id, fields) if fields["phase"] == "fired" => Some(format!("!{id}")),
        ("request", name, _) if !["polling", "upgrade", "preflight"].contains(&name) => Some(format!("{name}?")),
        _ => None,
    }
}
