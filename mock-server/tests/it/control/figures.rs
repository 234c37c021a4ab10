//! The monitoring figures over HTTP, from real connections.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use sparring_mock_server::control::Setting;
use sparring_mock_server::metrics::Limits;

use super::{ask, controlled, ok, port, world};
use crate::client::World;

async fn figures(world: &World) -> BTreeMap<String, f64> {
    let response = ask(port(world), "GET", "/metrics", &[], "").await;
    assert!(response.head.contains("content-type: application/openmetrics-text"), "{}", response.head);
    assert!(response.body.ends_with("# EOF\n"), "{}", response.body);
    let lines = response.body.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

/// The document's own case: 100 connections with 10 silent ones, 5 refusals and 3 cold starts.
#[tokio::test]
async fn the_figures_match_the_injected_faults() {
    let limits = Limits { verdict: Duration::from_millis(1_500), first_response: Duration::from_millis(250) };
    let rules = json!([
        {"fault": "silent-auth", "attempts": "1-10"},
        {"fault": "forced-auth-error", "code": "AUTH_INVALID", "attempts": "11-15"},
        {"fault": "cold-start", "attempts": 16, "delay": "300ms"},
        {"fault": "cold-start", "attempts": 17, "delay": "300ms"},
        {"fault": "cold-start", "attempts": 18, "delay": "300ms"},
    ]);
    let world = controlled(rules, Setting { limits: Some(limits), ..Setting::default() }).await;
    let mut silent = Vec::new();
    for _ in 1..=10 {
        silent.push(world.join(&world.token(&json!("jwt"))).await);
    }
    for _ in 11..=15 {
        let mut refused = world.join(&world.token(&json!("jwt"))).await;
        refused.next().await;
        refused.next().await;
    }
    for _ in 16..=100 {
        world.established().await;
    }
    tokio::time::sleep(limits.verdict).await;
    let figures = figures(&world).await;
    let figure = |name: &str| figures.get(&format!("sparring_{name}")).copied();
    assert_eq!(figure("attempts_total{transport=\"websocket\"}"), Some(100.0));
    assert_eq!(figure("connection_success_ratio"), Some(0.85));
    assert_eq!(figure("authentication_failure_ratio"), Some(0.05));
    assert_eq!(figure("authentication_failures_total{code=\"AUTH_INVALID\"}"), Some(5.0));
    assert_eq!(figure("timeout_ratio"), Some(0.1));
    assert_eq!(figure("cold_starts_total"), Some(3.0));
    assert_eq!(figure("cold_start_ratio"), Some(0.03));
    assert_eq!(figure("connection_seconds_count"), Some(85.0));
    let average = figure("connection_seconds_average").unwrap();
    assert!((0.9 / 85.0..1.0).contains(&average), "three of 85 took 0.3 s: {average}");
}

#[tokio::test]
async fn figures_begin_again_with_a_reset() {
    let world = world(json!([])).await;
    world.established().await;
    let established = |figures: &BTreeMap<String, f64>| figures.get("sparring_connections_established_total").copied();
    assert_eq!(established(&figures(&world).await), Some(1.0));
    ok(&world, "POST", "/reset", json!(null)).await;
    let figures = figures(&world).await;
    assert_eq!(established(&figures), Some(0.0));
    assert!(figures["sparring_connection_success_ratio"].is_nan());
}
