//! What the client does about an `auth_error`, decided by its code alone: refresh, guest mode, or just another try.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::Client;
use super::guest_token;
use super::rest::{RestError, post, token_in};
use super::state::State;

/// How a token refresh ended: a new token, none because the server said no, or none because it failed.
pub(super) type Refreshed = Result<Option<String>, RestError>;

/// A token refresh under way. Dropping it cancels it.
pub(super) struct Refresh(Pin<Box<dyn Future<Output = Refreshed> + Send>>);

impl Refresh {
    pub(super) async fn answer(&mut self) -> Refreshed {
        (&mut self.0).await
    }
}

impl fmt::Debug for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refresh")
    }
}

impl Client {
    pub(super) fn on_auth_error(&mut self, error: &Value) {
        let kind = guest_token::token_type(self.token.as_deref());
        let fields = json!({"code": error["code"], "message": error["message"], "tokenType": kind});
        self.logger.error("Authentication error", fields);
        // The old connection is closed with this, and with it the session timer.
        self.leave(State::Error);
        match error["code"].as_str() {
            Some("AUTH_EXPIRED") => self.handle_expired_token(),
            Some("AUTH_REQUIRED" | "AUTH_INVALID") => self.fall_back_to_guest(),
            // An unknown code says nothing against the token (DT-X-18).
            _ => self.schedule_with_backoff(),
        }
    }

    /// A guest has nothing to refresh (DT-X-14).
    fn handle_expired_token(&mut self) {
        match self.token.clone().filter(|token| !guest_token::is_guest(Some(token))) {
            None => self.fall_back_to_guest(),
            Some(token) => self.refresh = Some(self.start_refresh(token)),
        }
    }

    fn start_refresh(&self, old: String) -> Refresh {
        let asked = post(
            self.sockets.clone(),
            self.api.clone(),
            "/auth/refresh",
            json!({"token": old}),
            self.options.refresh_timeout,
        );
        Refresh(Box::pin(async move {
            let reply = asked.await?;
            match reply.status {
                200 => {}
                401 | 403 => return Ok(None),
                status => return Err(RestError::Status { what: "refresh", status }),
            }
            let token = token_in(&reply)?;
            if token == old { Err(RestError::SameToken) } else { Ok(Some(token)) }
        }))
    }

    pub(super) fn on_refreshed(&mut self, refreshed: Refreshed) {
        self.refresh = None;
        match refreshed {
            Ok(Some(token)) => {
                self.storage.set_access_token(token);
                self.schedule_reconnect(Duration::ZERO);
            }
            Ok(None) => self.fall_back_to_guest(),
            Err(error) => {
                self.logger.error("Token refresh failed", json!({"message": error.to_string()}));
                self.fall_back_to_guest();
            }
        }
    }

    fn fall_back_to_guest(&mut self) {
        self.use_guest_token();
        self.logger.info("Switched to guest mode", json!({}));
        self.schedule_reconnect(self.options.guest_delay);
    }

    /// Stores a new guest token as the access token.
    pub(super) fn use_guest_token(&mut self) {
        self.storage.set_access_token(guest_token::generate());
    }
}
