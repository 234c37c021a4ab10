//! Proves that an adapter keeps to the protocol, before anything is scored with it.
//!
//! The rules are those of `harness/clients/README.md`. Judges the adapter, never its client.

use std::time::Duration;

use serde_json::{Map, json};
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::Actor;
use sparring_mock_server::server::MockServer;
use tokio::time::timeout;

use super::{Adapter, Ended, Heard, Launch, NoticeKind, RpcError, SessionSetup};

/// How long an answer or a first report may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A rule, and what is wrong if it was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule, as a statement that should be true.
    pub rule: &'static str,
    /// What happened instead; none if the rule was kept.
    pub wrong: Option<String>,
}

fn finding(rule: &'static str, outcome: Result<(), String>) -> Finding {
    Finding { rule, wrong: outcome.err() }
}

/// Puts an adapter to the test. Stops early where the rest has no ground.
pub async fn check(launch: Launch) -> Vec<Finding> {
    let mut findings = Vec::new();
    let adapter = match Adapter::start(launch, 1).await {
        Ok(adapter) => adapter,
        Err(error) => return vec![finding("it starts and introduces itself", Err(error.to_string()))],
    };
    findings.push(finding("it starts and introduces itself", Ok(())));
    let Some(system) = adapter.hello().systems.iter().find_map(|name| SystemId::from_name(name)) else {
        let wrong = format!("it names {:?}", adapter.hello().systems);
        findings.push(finding("it has a client for a documented system", Err(wrong)));
        return findings;
    };
    match MockServer::builder(system).actors(vec![actor()]).start().await {
        Ok(server) => {
            findings.extend(sessions(&adapter, system, &server.url(&actor())).await);
            server.shutdown().await;
        }
        Err(error) => findings.push(finding("a mock can be started for it", Err(error.to_string()))),
    }
    findings.push(finding("it exits with code 0 at the end of its input", exit(adapter).await));
    findings
}

fn actor() -> Actor {
    Actor::new("check")
}

async fn exit(adapter: Adapter) -> Result<(), String> {
    match adapter.stop().await {
        Some(Ended::Crashed { status, .. }) if status == "exit status: 0" => Ok(()),
        Some(ended) => Err(ended.to_string()),
        None => Err("it is still running".to_owned()),
    }
}

async fn sessions(adapter: &Adapter, system: SystemId, url: &str) -> Vec<Finding> {
    let options = Map::new();
    let setup = SessionSetup { system: system.name(), url, token: None, options: &options };
    let (session, mut heard) = match adapter.open(setup).await {
        Ok(opened) => opened,
        Err(ended) => return vec![finding("it opens a session", Err(ended.to_string()))],
    };
    let mut findings = vec![finding("it opens a session", Ok(()))];
    let unknown = answer(session.act("no_such_action", &Map::new()).await).await;
    findings.push(finding("it refuses an unknown action as unsupported", refused(unknown)));
    let connected = answer(session.act("connect", &Map::new()).await).await;
    findings.push(finding("it takes `connect`", connected.map(|_| ()).map_err(|wrong| wrong.to_string())));
    if adapter.hello().exposes.iter().any(|exposed| exposed == "states") {
        findings.push(finding("it reports a first state, with a stamp", first_state(&mut heard).await));
    }
    let closed = session.close().await;
    let counts = |value: &serde_json::Value| value["sockets"].is_u64() && value["timers"].is_u64();
    let closed = match closed {
        Ok(value) if counts(&value) => Ok(()),
        Ok(value) => Err(format!("it answered {value}, expected {}", json!({"sockets": 0, "timers": 0}))),
        Err(ended) => Err(ended.to_string()),
    };
    findings.push(finding("it closes a session and says what was left behind", closed));
    findings.push(finding("it prints nothing but messages", quiet(&mut heard)));
    findings
}

/// Why an action was not answered well.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Rpc(#[from] RpcError),
    #[error("{0}")]
    Ended(#[from] Ended),
    #[error("the process ended before it answered")]
    Gone,
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Silent,
}

async fn answer(sent: Result<super::Answer, Ended>) -> Result<serde_json::Value, Refusal> {
    let answer = timeout(PATIENCE, sent?).await.map_err(|_| Refusal::Silent)?;
    Ok(answer.map_err(|_| Refusal::Gone)??)
}

fn refused(answer: Result<serde_json::Value, Refusal>) -> Result<(), String> {
    match answer {
        Err(Refusal::Rpc(error)) if error.code == RpcError::UNSUPPORTED => Ok(()),
        Err(other) => Err(other.to_string()),
        Ok(value) => Err(format!("it answered {value}")),
    }
}

async fn first_state(heard: &mut tokio::sync::mpsc::UnboundedReceiver<Heard>) -> Result<(), String> {
    let state = async {
        while let Some(heard) = heard.recv().await {
            match heard {
                Heard::Notice(notice, _) if matches!(notice.what, NoticeKind::State { .. }) => {
                    return notice.at.map(|_| ()).ok_or_else(|| "its `at` is missing or no moment".to_owned());
                }
                Heard::Ended(ended) => return Err(ended.to_string()),
                _ => {}
            }
        }
        Err("the session ended".to_owned())
    };
    let none = || format!("none came within {} s of `connect`", PATIENCE.as_secs());
    timeout(PATIENCE, state).await.unwrap_or_else(|_| Err(none()))
}

fn quiet(heard: &mut tokio::sync::mpsc::UnboundedReceiver<Heard>) -> Result<(), String> {
    while let Ok(heard) = heard.try_recv() {
        if let Heard::Rubbish(line) = heard {
            return Err(format!("it printed `{line}`"));
        }
    }
    Ok(())
}
