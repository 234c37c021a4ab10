//! Rules over HTTP: listed, added, replaced in one step, removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rstest::rstest;
use serde_json::{Value, json};
use sparring_mock_server::journal::FaultPhase;
use tokio::net::TcpStream;

use super::{ask, get, ok, port, problem, refused, world};
use crate::client::{actor, name};

fn lines(rules: &Value) -> Vec<String> {
    let line = |rule: &Value| format!("{} {}", rule["index"], rule["line"].as_str().unwrap());
    rules.as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn rules_come_and_go() {
    let world = world(json!([{"fault": "silent-auth", "attempts": "1-2"}])).await;
    assert_eq!(
        get(&world, "/rules").await,
        json!([{
            "index": 0,
            "rule": {"fault": "silent-auth", "attempts": "1-2"},
            "line": "silent-auth attempts=1-2",
            "fired": 0,
        }])
    );
    let one = ok(&world, "POST", "/rules", json!({"fault": "latency", "delay": "1s"})).await;
    assert_eq!(lines(&one), ["1 latency delay=1s"]);
    let two = ok(&world, "POST", "/rules", json!([{"fault": "half-open"}, {"fault": "latency", "delay": "2s"}])).await;
    assert_eq!(lines(&two), ["2 half-open", "3 latency delay=2s"]);
    assert_eq!(lines(&json!([get(&world, "/rules/2").await])), ["2 half-open"]);

    assert_eq!(ok(&world, "DELETE", "/rules/2", Value::Null).await, json!({"disarmed": 1}));
    assert_eq!(ok(&world, "DELETE", "/rules?fault=latency", Value::Null).await, json!({"disarmed": 2}));
    assert_eq!(lines(&get(&world, "/rules").await), ["0 silent-auth attempts=1-2"]);
    let replaced = ok(&world, "PUT", "/rules", json!([{"fault": "half-open"}])).await;
    assert_eq!(lines(&replaced), ["4 half-open"]);
    assert_eq!(ok(&world, "DELETE", "/rules", Value::Null).await, json!({"disarmed": 1}));
    assert_eq!(get(&world, "/rules").await, json!([]));
}

#[tokio::test]
async fn a_rule_that_was_added_works_and_is_counted() {
    let world = world(json!([])).await;
    ok(&world, "POST", "/rules", json!({"fault": "forced-auth-error", "times": 1})).await;
    let mut socket = world.join(&world.token(&json!("jwt"))).await;
    socket.next().await;
    assert_eq!(name(&socket.next().await), "auth_error");
    assert_eq!(get(&world, "/rules/0").await["fired"], 1);
    world.established().await;
}

#[tokio::test]
async fn a_script_file_can_be_sent_as_it_is() {
    let world = world(json!([])).await;
    let script = "# one\n- fault: silent-auth\n  attempts: 1-2\n- {fault: half-open, after: 2s}\n";
    let yaml = [("Content-Type", "application/yaml; charset=utf-8")];
    let response = ask(port(&world), "PUT", "/rules", &yaml, script).await;
    assert_eq!(lines(&response.json()), ["0 silent-auth attempts=1-2", "1 half-open after=2s"]);
    let broken = ask(port(&world), "PUT", "/rules", &yaml, "- fault: [").await;
    assert_eq!(problem(&broken).0, 400);
}

#[rstest]
#[case("PUT", "/rules", r#"[{"fault": "silent-aut"}, {"fault": "latency"}, 3]"#, 422, &["[0].fault", "[1].delay", "[2]"])]
#[case("PUT", "/rules", r#"{"fault": "silent-auth", "attempt": 1, "times": 0}"#, 422, &["[0].attempt", "[0].times"])]
#[case("POST", "/rules", r#"[{"fault": "event-drop", "on": "no_such_event"}]"#, 422, &["[0].on"])]
#[case("POST", "/rules", "\"silent-auth\"", 422, &[""])]
#[case("POST", "/rules", "", 422, &[""])]
#[case("POST", "/rules", "{", 400, &[])]
#[case("DELETE", "/rules?fault=silent-aut&falt=1", "", 422, &["falt", "fault"])]
#[case("DELETE", "/rules/7", "", 404, &[])]
#[case("DELETE", "/rules/x", "", 404, &[])]
#[case("GET", "/rules/7", "", 404, &[])]
#[case("PATCH", "/rules", "", 405, &[])]
#[tokio::test]
async fn wrong_requests_leave_the_rules_in_force(
    #[case] method: &str,
    #[case] path: &str,
    #[case] body: &str,
    #[case] status: u16,
    #[case] fields: &[&str],
) {
    let world = world(json!([{"fault": "silent-auth"}])).await;
    assert_eq!(refused(&world, method, path, body).await, (status, fields.iter().map(ToString::to_string).collect()));
    assert_eq!(lines(&get(&world, "/rules").await), ["0 silent-auth"]);
}

#[tokio::test]
async fn there_is_a_limit_to_the_number_of_rules() {
    let world = world(json!([{"fault": "silent-auth"}])).await;
    let many = vec![json!({"fault": "half-open"}); 1_000];
    assert_eq!(refused(&world, "POST", "/rules", &json!(many).to_string()).await.0, 409);
    assert_eq!(ok(&world, "PUT", "/rules", json!(many)).await.as_array().unwrap().len(), 1_000);
}

/// While rules are replaced as fast as it goes, every connection meets one of two verdicts: never none of the rules.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_slips_through_a_replacement() {
    let rule = |code: &str| json!([{"fault": "forced-auth-error", "code": code}]);
    let world = Arc::new(world(rule("ONE")).await);
    let stop = Arc::new(AtomicBool::new(false));
    let (flag, mock) = (Arc::clone(&stop), Arc::clone(&world));
    let changes = tokio::spawn(async move {
        let mut count = 0_u32;
        while !flag.load(Ordering::Relaxed) {
            let code = if count.is_multiple_of(2) { "TWO" } else { "ONE" };
            ok(&mock, "PUT", "/rules", json!([{"fault": "forced-auth-error", "code": code}])).await;
            count += 1;
        }
        count
    });
    for _ in 0..40 {
        let mut socket = world.join(&world.token(&json!("jwt"))).await;
        socket.next().await;
        assert_eq!(name(&socket.next().await), "auth_error");
    }
    stop.store(true, Ordering::Relaxed);
    assert!(changes.await.unwrap() > 1);
}

#[tokio::test]
async fn a_rule_of_the_whole_server_is_in_force_when_the_answer_comes() {
    let mut world = world(json!([])).await;
    ok(&world, "PUT", "/rules", json!([{"fault": "connection-refused"}])).await;
    assert!(TcpStream::connect(world.mock.addr(&actor())).await.is_err());
    ok(&world, "DELETE", "/rules", Value::Null).await;
    world.fault("connection-refused", FaultPhase::Undone).await;
    world.established().await;
}
