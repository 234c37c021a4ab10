//! The honest answers to cross-origin questions.
//!
//! Knows nothing of rules: those change an answer behind this.

use http::HeaderValue;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use crate::contract::Cors;

/// The layer that answers preflights and marks all other answers, as the contract has it.
pub(super) fn layer(rules: &Cors) -> CorsLayer {
    let origins = rules.origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let allowed = match rules.origins.as_slice() {
        [all] if all == "*" => AllowOrigin::any(),
        _ => AllowOrigin::list(origins),
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_credentials(rules.credentials)
        .allow_headers(AllowHeaders::mirror_request())
        .allow_methods(AllowMethods::mirror_request())
}
