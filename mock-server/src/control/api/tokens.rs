//! Tokens of each kind, good and bad, by the server's clock.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::Desk;
use super::super::input::{Input, Query, answer};
use super::super::problem::Problem;
use crate::contract::Contract;
use crate::tokens::{TokenSpec, mint};

/// A kind of token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenKind {
    /// Its name.
    #[schema(example = "jwt")]
    kind: &'static str,
    /// How long it is good, in seconds.
    lifetime_s: u64,
    /// Named wrong forms, for the key `malformed`.
    malformed: &'static [String],
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Token {
    /// The token.
    token: String,
    /// Its kind by its look.
    kind: &'static str,
}

/// The kinds of token that the system has.
#[utoipa::path(get, path = "/tokens", operation_id = "list_token_kinds", tag = "tokens", responses((status = OK, body = Vec<TokenKind>)))]
pub(crate) async fn kinds(State(desk): State<Arc<Desk>>) -> Response {
    let contract: &'static Contract = desk.house.shared.contract;
    let kind = |(kind, token): (&'static String, &'static crate::contract::TokenContract)| TokenKind {
        kind,
        lifetime_s: token.lifetime.as_secs(),
        malformed: &token.malformed,
    };
    answer(StatusCode::OK, &contract.tokens.iter().map(kind).collect::<Vec<_>>())
}

/// Makes a token as a scenario describes it: a kind, or a map.
#[utoipa::path(post, path = "/tokens", operation_id = "mint_token", tag = "tokens", request_body = TokenDescription,
    params(("user" = Option<String>, Query, description = "The user whom a JWT names")),
    responses((status = CREATED, body = Token), (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn make(State(desk): State<Arc<Desk>>, uri: Uri, Input(value): Input) -> Result<Response, Problem> {
    let shared = &desk.house.shared;
    let user = Query::of(&uri).read(&["user"], |fields| fields.text("user", "the id of a user"))?;
    let spec = TokenSpec::read(&value, shared.contract).map_err(Problem::wrong)?;
    let minted = spec.map(|spec| mint(&spec, user.as_deref(), &shared.clock, shared.contract, &shared.secret));
    let token = minted.map_or(Token { token: String::new(), kind: "none" }, |minted| Token {
        token: minted.value,
        kind: minted.kind,
    });
    Ok(answer(StatusCode::CREATED, &token))
}

/// A token: the name of a kind, or this map.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it only names the body in the OpenAPI document")]
pub(crate) struct TokenDescription {
    /// Its kind; the other keys but `literal` need it.
    #[schema(example = "jwt")]
    kind: Option<String>,
    /// How long ago it was made, with a unit.
    #[schema(example = "2h")]
    age: Option<String>,
    /// How long it is still good, with a unit.
    #[schema(example = "5s")]
    expires_in: Option<String>,
    /// Claims that replace or add to the usual ones; null removes one.
    claims: Option<serde_json::Value>,
    /// Header members that replace or add to the usual ones; null removes one.
    header: Option<serde_json::Value>,
    /// A named wrong form.
    malformed: Option<String>,
    /// Text behind the token.
    suffix: Option<String>,
    /// Exactly this token, instead of all else.
    literal: Option<String>,
}
