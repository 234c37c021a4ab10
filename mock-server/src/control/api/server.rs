//! The server as a whole: what it is, how it is, its figures and faults; restart and reset.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::Desk;
use super::super::input::{Input, answer, typed};
use super::super::problem::Problem;
use super::clock::Clock;
use super::connections::answer_nothing;
use super::journal::Bounds;
use crate::contract::SystemId;
use crate::journal::{Actor, Moment};
use crate::live::LiveAction;
use crate::script::Fault;
use crate::server::Target;

/// The mock server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Server {
    /// The system that it plays.
    #[schema(example = "digitwin")]
    system: &'static str,
    /// The system's name.
    title: &'static str,
    /// The version of this program.
    version: &'static str,
    /// Where it is, for each actor.
    urls: BTreeMap<String, String>,
    /// How many rules are in force.
    rules: usize,
    /// How many connections have not ended.
    connections: usize,
    /// Its wall clock.
    clock: Clock,
    /// The bounds of its journal.
    journal: Bounds,
}

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, as long as it answers.
    status: &'static str,
    /// What it has sent outside a fault although the contract does not allow it: errors of the mock itself.
    violations: Vec<String>,
}

/// Whether the server is up.
#[utoipa::path(get, path = "/health", operation_id = "get_health", tag = "server", security(()), responses((status = OK, body = Health)))]
pub(crate) async fn health(State(desk): State<Arc<Desk>>) -> Response {
    let violations = desk.house.shared.violations().iter().map(ToString::to_string).collect();
    answer(StatusCode::OK, &Health { status: "ok", violations })
}

/// What the server is, where it is and how it stands.
#[utoipa::path(get, path = "/server", operation_id = "get_server", tag = "server", responses((status = OK, body = Server)))]
pub(crate) async fn show(State(desk): State<Arc<Desk>>) -> Response {
    let (house, shared) = (&desk.house, &desk.house.shared);
    let server = Server {
        system: shared.system.name(),
        title: &shared.contract.title,
        version: env!("CARGO_PKG_VERSION"),
        urls: house.doors.iter().map(|(actor, door)| (actor.to_string(), house.url(door.local_addr()))).collect(),
        rules: shared.script.rules().len(),
        connections: shared.connections().len(),
        clock: Clock::of(&desk),
        journal: Bounds::of(&desk),
    };
    answer(StatusCode::OK, &server)
}

/// Everything that can go wrong, with parameters and systems: as `sparring faults --format json`.
#[utoipa::path(get, path = "/faults", operation_id = "list_faults", tag = "rules", responses((status = OK, body = Vec<Object>)))]
pub(crate) async fn faults(State(desk): State<Arc<Desk>>) -> Response {
    let faults = desk.faults.get_or_init(|| (desk.make_faults)().to_string().into());
    typed(StatusCode::OK, "application/json", faults.clone())
}

/// The document's monitoring figures and more, in the text format of OpenMetrics.
#[utoipa::path(get, path = "/metrics", operation_id = "get_metrics", tag = "server", responses((status = OK, body = String, content_type = "application/openmetrics-text")))]
pub(crate) async fn metrics(State(desk): State<Arc<Desk>>) -> Response {
    typed(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", desk.watch.text(Moment::now()))
}

/// Ends the server's process, as it were, and starts it again after a while: all connections end, the ports are closed
/// meanwhile.
#[utoipa::path(post, path = "/restart", operation_id = "restart", tag = "server", request_body = RestartArguments,
    responses((status = NO_CONTENT, description = "All has ended"), (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn restart(State(desk): State<Arc<Desk>>, input: Input) -> Result<Response, Problem> {
    let action = LiveAction::read("restart", &input.into_arguments()?).map_err(Problem::wrong)?;
    // The actor means nothing to an action on the whole server.
    desk.house.act(&action, Target::Newest(&Actor::new("server"))).await?;
    Ok(answer_nothing())
}

/// Goes back to the start: no connection, no session, an empty journal, attempts counted from 1, figures from 0, the
/// clock and the rules as they were.
///
/// Offsets of the journal go on, so that whoever follows it is not misled. Done when the answer comes.
#[utoipa::path(post, path = "/reset", operation_id = "reset", tag = "server", responses((status = OK, body = Server)))]
pub(crate) async fn reset(state: State<Arc<Desk>>) -> Response {
    state.house.reset().await;
    show(state).await
}

/// How the server restarts.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it only names the body in the OpenAPI document")]
pub(crate) struct RestartArguments {
    /// How long the ports stay closed, with a unit.
    #[schema(example = "2s")]
    down: String,
    /// Whether sessions outlive it.
    keep_sessions: Option<bool>,
}

/// The catalogue as this crate knows it.
pub(in super::super) fn own_faults() -> Value {
    let systems = |info: &crate::script::FaultInfo| {
        SystemId::ALL.into_iter().filter(|system| info.applies_to(*system)).map(SystemId::name).collect::<Vec<_>>()
    };
    let fault = |info: &crate::script::FaultInfo| {
        json!({
            "id": info.id,
            "layer": info.family,
            "summary": info.summary,
            "params": info.schema(),
            "systems": systems(info),
        })
    };
    Fault::catalogue().iter().map(fault).collect()
}
