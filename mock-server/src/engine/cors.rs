//! The honest answers to cross-origin questions.
//!
//! Knows nothing of rules: those change an answer behind this.

use http::header::ORIGIN;
use http::{HeaderValue, Method};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::contract::Cors;

/// The methods that are granted, as by the official server's `cors`.
const METHODS: [Method; 6] = [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::POST, Method::DELETE];

/// The layer that answers preflights and marks all other answers, as the contract has it.
pub(super) fn layer(rules: &Cors) -> CorsLayer {
    let origins = rules.origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let (allowed, vary) = match rules.origins.as_slice() {
        [all] if all == "*" => (AllowOrigin::any(), Vec::new()),
        _ => (AllowOrigin::list(origins), vec![ORIGIN]),
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_credentials(rules.credentials)
        .allow_headers(AllowHeaders::mirror_request())
        .allow_methods(METHODS)
        .vary(vary)
}
