//! The stand-in for the app's `SecureStorage`: one access token, and word of every use the client makes of it.
//!
//! Knows nothing of what a token means, but for its kind by its look.

use super::guest_token::is_guest;
use crate::adapter::Reporter;

/// See the module.
#[derive(Debug)]
pub(super) struct Storage {
    token: Option<String>,
    reporter: Reporter,
}

impl Storage {
    pub(super) fn new(token: Option<String>, reporter: Reporter) -> Self {
        Self { token, reporter }
    }

    /// The client's own read, which is reported.
    pub(super) fn access_token(&self) -> Option<String> {
        self.report("read");
        self.token.clone()
    }

    /// The client's own write, which is reported.
    pub(super) fn set_access_token(&mut self, token: String) {
        self.token = Some(token);
        self.report("stored");
    }

    /// The driver's view of the storage, past the client.
    pub(super) fn peek(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The driver's hand in the storage.
    pub(super) fn put(&mut self, token: Option<String>) {
        self.token = token;
    }

    fn report(&self, op: &str) {
        let token = self.token.as_deref().filter(|token| !token.is_empty());
        let kind = match token {
            None => "none",
            Some(_) if is_guest(token) => "guest",
            Some(_) => "jwt",
        };
        self.reporter.token(op, kind, token.unwrap_or_default());
    }
}
