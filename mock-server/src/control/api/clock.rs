//! The server's wall clock, by which tokens and sessions age.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use super::super::Desk;
use super::super::input::{Input, answer};
use super::super::problem::Problem;
use crate::journal::Actor;
use crate::live::LiveAction;
use crate::server::Target;
use crate::values::FieldError;

/// The server's wall clock.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Clock {
    /// The time that it shows, as in RFC 3339.
    #[schema(example = "2025-01-01T00:00:00Z")]
    now: String,
    /// The same in milliseconds since the Unix epoch.
    millis: u64,
    /// Whether it stands still.
    frozen: bool,
}

impl Clock {
    pub(super) fn of(desk: &Desk) -> Self {
        let clock = &desk.house.shared.clock;
        let (now, frozen) = (clock.now(), clock.stands());
        let written = OffsetDateTime::UNIX_EPOCH.checked_add(now.try_into().unwrap_or(time::Duration::MAX));
        let written = written.and_then(|now| now.format(&Rfc3339).ok()).unwrap_or_default();
        Self { now: written, millis: u64::try_from(now.as_millis()).unwrap_or(u64::MAX), frozen }
    }
}

/// What the clock shows.
#[utoipa::path(get, path = "/clock", operation_id = "get_clock", tag = "clock", responses((status = OK, body = Clock)))]
pub(crate) async fn show(State(desk): State<Arc<Desk>>) -> Response {
    answer(StatusCode::OK, &Clock::of(&desk))
}

/// Sets the clock: `advance` by a duration, `freeze` at a time or the present one, `thaw`.
///
/// Timers of connections do not follow it; tokens and sessions do.
#[utoipa::path(post, path = "/clock/{action}", operation_id = "set_clock", tag = "clock",
    params(("action" = String, Path, description = "advance, freeze or thaw")),
    request_body(content = ClockArguments, description = "Nothing for `thaw`"),
    responses((status = OK, body = Clock), (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn set(
    State(desk): State<Arc<Desk>>,
    Path(name): Path<String>,
    input: Input,
) -> Result<Response, Problem> {
    if !ACTIONS.contains(&name.as_str()) {
        return Err(Problem::wrong(vec![FieldError::unknown("action", &name, "an action on the clock", ACTIONS)]));
    }
    let action = LiveAction::read(&name, &input.into_arguments()?).map_err(Problem::wrong)?;
    // The actor means nothing to an action on the whole server.
    desk.house.act(&action, Target::Newest(&Actor::new("server"))).await?;
    Ok(answer(StatusCode::OK, &Clock::of(&desk)))
}

const ACTIONS: [&str; 3] = ["advance", "freeze", "thaw"];

/// How the clock is set.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it only names the body in the OpenAPI document")]
pub(crate) struct ClockArguments {
    /// For `advance`: how far, with a unit.
    #[schema(example = "1h")]
    by: Option<String>,
    /// For `freeze`: at which time, as in RFC 3339.
    #[schema(example = "2025-01-01T00:00:00Z")]
    at: Option<String>,
}
