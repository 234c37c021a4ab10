//! Who may ask: the right host, no page of another site, and the token where one is needed.
//!
//! A page that a browser shows can send requests to any address, and by DNS rebinding read the answers; `Host` and
//! `Origin` give it away. Knows nothing of routes, except that everybody may ask whether the server is well.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{AUTHORIZATION, CACHE_CONTROL, HOST, HeaderValue, ORIGIN, X_CONTENT_TYPE_OPTIONS};
use http::uri::Authority;

use super::problem::Problem;
use super::{Desk, is_local};

/// The local address of the TCP connection on which a request came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Local(pub(super) SocketAddr);

/// Lets a request through, or says why not.
pub(super) async fn check(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let local = request.extensions().get::<Local>().map(|local| local.0.ip());
    let mut response = match may(&desk, local, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn may(desk: &Desk, local: Option<IpAddr>, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let host = host(headers, local, &desk.hosts)?;
    origin(headers, &host)?;
    match &desk.token {
        Some(token) if request.uri().path() != HEALTH => bears(headers, token),
        _ => Ok(()),
    }
}

/// The host that is asked for, if it is this one.
fn host(headers: &HeaderMap, local: Option<IpAddr>, names: &[String]) -> Result<Authority, Problem> {
    let told = headers.get(HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned()).unwrap_or_default();
    let refused = || {
        let detail = "is neither localhost, nor the address of this server, nor a name that it was given \
                      (--control-host)";
        Problem::host(format!("`Host: {told}` {detail}"))
    };
    let more_than_one = headers.get_all(HOST).iter().count() > 1;
    let plain = !more_than_one && !told.contains('@');
    let host: Authority = told.parse().ok().filter(|_| plain).ok_or_else(refused)?;
    let name = host.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let is_address = name.parse::<IpAddr>().is_ok_and(|ip| match local {
        Some(local) => ip.to_canonical() == local.to_canonical() || (is_local(ip) && is_local(local)),
        None => is_local(ip),
    });
    let is_name = || name == "localhost" || names.iter().any(|known| known.eq_ignore_ascii_case(&name));
    if is_address || is_name() { Ok(host) } else { Err(refused()) }
}

/// Whoever says that it is a page must be one of this server.
fn origin(headers: &HeaderMap, host: &Authority) -> Result<(), Problem> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let text = String::from_utf8_lossy(origin.as_bytes());
    let authority = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    if authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host.as_str())) {
        return Ok(());
    }
    Err(Problem::origin(format!("`Origin: {text}` is another site; only pages of this server may ask it")))
}

fn bears(headers: &HeaderMap, token: &str) -> Result<(), Problem> {
    let told = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (scheme, told) = told.split_once(' ').unwrap_or_default();
    let right = scheme.eq_ignore_ascii_case("bearer") && is_same(told.trim().as_bytes(), token.as_bytes());
    if right { Ok(()) } else { Err(Problem::token()) }
}

/// Compares in a time that tells nothing of where two texts differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |found, (a, b)| found | (a ^ b)) == 0
}

/// What everybody may ask.
const HEALTH: &str = "/health";

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().expect("a value")))
            .collect()
    }

    #[rstest]
    #[case("127.0.0.1:4000", "127.0.0.1", true)]
    #[case("localhost", "127.0.0.1", true)]
    #[case("LOCALHOST:9", "127.0.0.1", true)]
    #[case("[::1]:4000", "127.0.0.1", true)]
    #[case("127.0.0.2", "127.0.0.1", true)]
    #[case("10.0.0.1", "127.0.0.1", false)]
    #[case("10.0.0.1:1", "10.0.0.1", true)]
    #[case("127.0.0.1", "10.0.0.1", false)]
    #[case("10.0.0.1", "::ffff:10.0.0.1", true)]
    #[case("mock.test:1", "10.0.0.1", true)]
    #[case("evil.test", "127.0.0.1", false)]
    #[case("localhost.evil.test", "127.0.0.1", false)]
    #[case("evil.test@localhost", "127.0.0.1", false)]
    #[case("", "127.0.0.1", false)]
    #[case("a b", "127.0.0.1", false)]
    fn hosts(#[case] told: &str, #[case] local: &str, #[case] right: bool) {
        let local = local.parse().expect("an address");
        let outcome = host(&headers(&[("host", told)]), Some(local), &["mock.test".to_owned()]);
        assert_eq!(outcome.is_ok(), right, "{outcome:?}");
    }

    #[rstest]
    #[case("http://localhost:4000", true)]
    #[case("https://localhost:4000", true)]
    #[case("http://localhost:4001", false)]
    #[case("http://localhost", false)]
    #[case("http://evil.test", false)]
    #[case("null", false)]
    #[case("", false)]
    fn origins(#[case] told: &str, #[case] right: bool) {
        let outcome = origin(&headers(&[("origin", told)]), &Authority::from_static("localhost:4000"));
        assert_eq!(outcome.is_ok(), right, "{outcome:?}");
    }

    #[rstest]
    #[case("Bearer secret", true)]
    #[case("bearer  secret", true)]
    #[case("Bearer secre", false)]
    #[case("Bearer secrets", false)]
    #[case("Basic secret", false)]
    #[case("secret", false)]
    fn tokens(#[case] told: &str, #[case] right: bool) {
        let outcome = bears(&headers(&[("authorization", told)]), "secret");
        assert_eq!(outcome.is_ok(), right, "{outcome:?}");
        assert!(outcome.is_ok() || bears(&HeaderMap::new(), "secret").is_err_and(|problem| problem.status() == 401));
    }
}
