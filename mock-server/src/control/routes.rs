//! The routes put together, and the OpenAPI document that is made from them.
//!
//! A route that is not in the document cannot be added here: both come from the same list.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use serde_json::{Map, Value, json};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::{clock, connections, journal, rules, server, tokens};
use super::input::typed;
use super::problem::Problem;
use super::{Desk, guard};
use crate::script::Rule;

/// What the document says besides the routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Sparring control",
        description = "Rules, connections, tokens, clock and journal of a mock server that is up.",
        license(name = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "server", description = "The server as a whole"),
        (name = "rules", description = "What goes wrong, on which attempts, when"),
        (name = "connections", description = "Which there are, and what can be done to one"),
        (name = "tokens", description = "Tokens of each kind, good and bad"),
        (name = "clock", description = "The wall clock by which tokens and sessions age"),
        (name = "journal", description = "What was seen and done"),
    ),
    components(schemas(Problem, journal::Gap))
)]
struct Document;

/// All routes behind the guard.
pub(super) fn router(desk: Arc<Desk>) -> Router {
    let (router, _) = parts().split_for_parts();
    router
        .route("/openapi.json", axum::routing::get(document))
        .fallback(nothing_here)
        .method_not_allowed_fallback(|| async { Problem::method() })
        .layer(middleware::from_fn_with_state(Arc::clone(&desk), guard::check))
        .with_state(desk)
}

async fn nothing_here(State(_): State<Arc<Desk>>, uri: Uri) -> Response {
    let path = uri.path();
    Problem::not_found(format!("there is nothing at `{path}`; GET /openapi.json lists what there is")).into_response()
}

/// The OpenAPI document.
async fn document(State(desk): State<Arc<Desk>>) -> Response {
    let document = desk.document.get_or_init(|| described().to_string().into());
    typed(StatusCode::OK, "application/json", document.clone())
}

/// The routes, and what they say of themselves.
fn parts() -> OpenApiRouter<Arc<Desk>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(server::health))
        .routes(routes!(server::show))
        .routes(routes!(server::faults))
        .routes(routes!(server::metrics))
        .routes(routes!(server::restart))
        .routes(routes!(server::reset))
        .routes(routes!(rules::list, rules::add, rules::replace, rules::clear))
        .routes(routes!(rules::one, rules::remove))
        .routes(routes!(connections::list))
        .routes(routes!(connections::one))
        .routes(routes!(connections::act))
        .routes(routes!(tokens::kinds, tokens::make))
        .routes(routes!(clock::show))
        .routes(routes!(clock::set))
        .routes(routes!(journal::read))
}

/// What the routes say of themselves, and what no type says: the rules' own schema, and the token.
fn described() -> Value {
    let mut document = serde_json::to_value(parts().into_openapi()).expect("a document of texts is JSON");
    document["components"]["schemas"]["Rule"] = Rule::schema();
    document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut).for_each(describe_responses);
    document["components"]["securitySchemes"] = json!({"token": {
        "type": "http",
        "scheme": "bearer",
        "description": "Needed where others than this machine can reach the address, or where one was given.",
    }});
    document["security"] = json!([{}, {"token": []}]);
    document
}

/// OpenAPI wants a word on every response; where nothing else is said, that of the status.
fn describe_responses(path: &mut Value) {
    let operations = path.as_object_mut().into_iter().flat_map(Map::values_mut);
    let responses = operations.filter_map(|operation| operation.get_mut("responses")?.as_object_mut());
    for (status, response) in responses.flatten() {
        let reason = status.parse().ok().and_then(|status: StatusCode| status.canonical_reason());
        if let Some(response) = response.as_object_mut() {
            response.entry("description").or_insert_with(|| reason.unwrap_or_default().into());
        }
    }
}
