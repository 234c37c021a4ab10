//! Connections: which there are, and what can be done to one of them.
//!
//! A connection is named by its actor and its number, which is that of its attempt: `client.3`; or `client.newest`. The
//! actor can be left out where there is one.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::Desk;
use super::super::input::{Input, answer};
use super::super::problem::Problem;
use crate::engine::conn::Conn;
use crate::journal::{Actor, Transport};
use crate::live::{LIVE_ACTIONS, LiveAction};
use crate::metrics::Progress;
use crate::server::Target;
use crate::values::FieldError;

/// A connection that has not ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Connection {
    /// By which it is named in paths.
    #[schema(example = "client.3")]
    id: String,
    /// Whose it is.
    actor: String,
    /// Number of the attempt, from 1; records and rules count connections by it.
    number: u32,
    /// What carries it now: `polling` or `websocket`.
    #[schema(value_type = String)]
    transport: Transport,
    /// Id of its Engine.IO session.
    sid: String,
    /// `jwt`, `guest` or `none`, once it has said who it is.
    token_kind: Option<&'static str>,
    /// The user, once that is known.
    user: Option<String>,
    /// How far it has come: attempted, open, connected, refused, established or disconnected.
    #[schema(value_type = String, example = "established")]
    state: &'static str,
    /// Since when it has been there, in microseconds since the Unix epoch, as in records.
    since: u64,
    /// Whether nothing is read from it and nothing leaves.
    stalled: bool,
}

impl Connection {
    fn of(desk: &Desk, conn: &Conn) -> Self {
        let (who, actor, number) = (conn.who(), conn.actor.clone(), conn.number());
        let (progress, since) = desk.watch.progress(&actor, number).unwrap_or((Progress::Attempted, desk.began));
        Self {
            id: format!("{actor}.{number}"),
            actor: actor.to_string(),
            number,
            transport: conn.transport(),
            sid: conn.sid.clone(),
            token_kind: who.token_kind,
            user: who.user,
            state: word(progress),
            since: u64::try_from(since.since_epoch().as_micros()).unwrap_or(u64::MAX),
            stalled: conn.bent().stalled,
        }
    }
}

fn word(progress: Progress) -> &'static str {
    match progress {
        Progress::Attempted => "attempted",
        Progress::Open => "open",
        Progress::Connected => "connected",
        Progress::Refused => "refused",
        Progress::Established => "established",
        Progress::Disconnected => "disconnected",
    }
}

/// The connections that have not ended, by actor and number.
#[utoipa::path(get, path = "/connections", operation_id = "list_connections", tag = "connections", responses((status = OK, body = Vec<Connection>)))]
pub(crate) async fn list(State(desk): State<Arc<Desk>>) -> Response {
    let connections = desk.house.shared.connections();
    answer(StatusCode::OK, &connections.iter().map(|conn| Connection::of(&desk, conn)).collect::<Vec<_>>())
}

/// One connection: `client.3`, `client.newest`; without the actor where there is one.
#[utoipa::path(get, path = "/connections/{connection}", operation_id = "get_connection", tag = "connections",
    params(("connection" = String, Path, description = "Its id, its number, or `newest`")),
    responses((status = OK, body = Connection), (status = NOT_FOUND, body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn one(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let name = read(&desk, &id)?;
    let conn = desk.house.meant(name.target());
    let conn = conn.ok_or_else(|| Problem::not_found(format!("there is no connection `{id}`, or it has ended")))?;
    Ok(answer(StatusCode::OK, &Connection::of(&desk, &conn)))
}

/// Does something to a connection: emit, disconnect, close, cut, reset, stall, resume, raw or revoke.
///
/// It has been done when the answer comes. With `room`, `emit` goes to everybody in that room instead.
#[utoipa::path(post, path = "/connections/{connection}/{action}", operation_id = "act_on_connection", tag = "connections",
    params(("connection" = String, Path, description = "Its id, its number, or `newest`"),
        ("action" = String, Path, description = "emit, disconnect, close, cut, reset, stall, resume, raw or revoke")),
    request_body(content = ActionArguments, description = "Nothing where the action takes nothing"),
    responses((status = NO_CONTENT, description = "It has been done"),
        (status = NOT_FOUND, description = "No such connection", body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, description = "No connection yet", body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn act(
    State(desk): State<Arc<Desk>>,
    Path((id, name)): Path<(String, String)>,
    input: Input,
) -> Result<Response, Problem> {
    let known = || LIVE_ACTIONS.into_iter().filter(|name| !LiveAction::is_global(name));
    if !known().any(|known| known == name) {
        return Err(Problem::wrong(vec![FieldError::unknown("action", &name, "an action on a connection", known())]));
    }
    let target = read(&desk, &id)?;
    let action = LiveAction::read(&name, &input.into_arguments()?).map_err(Problem::wrong)?;
    desk.house.act(&action, target.target()).await?;
    Ok(answer_nothing())
}

pub(super) fn answer_nothing() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A connection as a path names it.
#[derive(Debug)]
struct Name {
    actor: Actor,
    /// None means the newest.
    number: Option<u32>,
}

impl Name {
    fn target(&self) -> Target<'_> {
        match self.number {
            Some(number) => Target::Number(&self.actor, number),
            None => Target::Newest(&self.actor),
        }
    }
}

fn read(desk: &Desk, id: &str) -> Result<Name, Problem> {
    let wrong = |expected: String| Problem::wrong(vec![FieldError::new("connection", &id.into(), expected)]);
    let (actor, which) = id.rsplit_once('.').map_or((None, id), |(actor, which)| (Some(actor), which));
    let mut actors = desk.house.doors.keys();
    let actor = match (actor, actors.len()) {
        (Some(name), _) => actors.find(|actor| actor.name() == name),
        (None, 1) => actors.next(),
        (None, _) => None,
    };
    let actors = || desk.house.doors.keys().map(Actor::name).collect::<Vec<_>>().join(", ");
    let actor = actor.ok_or_else(|| wrong(format!("an actor in front of the dot, one of {}", actors())))?;
    let number = match which {
        "newest" => None,
        _ => Some(which.parse().map_err(|_| wrong("the number of a connection, or `newest`".to_owned()))?),
    };
    Ok(Name { actor: actor.clone(), number })
}

/// What an action takes.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it only names the body in the OpenAPI document")]
pub(crate) struct ActionArguments {
    /// For `emit`: the name of the event.
    event: Option<String>,
    /// For `emit`: its argument; without it, the event has none.
    data: Option<serde_json::Value>,
    /// For `emit`: to everybody in this room.
    room: Option<String>,
    /// For `disconnect`: whether the transport ends too.
    transport: Option<bool>,
    /// For `close`: the close code.
    #[schema(example = 4008)]
    code: Option<u16>,
    /// For `close`: the close reason.
    reason: Option<String>,
    /// For `raw`: a packet or frame text as it stands.
    text: Option<String>,
    /// For `raw`: bytes beneath all framing, in hexadecimal.
    #[schema(example = "81 02 36 36")]
    hex: Option<String>,
}
