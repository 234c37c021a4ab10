//! What a user would see: status, guest banner, controls. It has no look, only content.
//!
//! Knows nothing of sockets, retries or the adapter protocol.

use serde_json::{Value, json};

use super::client::Client;
use super::state::State;

/// The guest banner, or the sign-in screen while nobody has asked for a connection.
pub(super) fn show(client: &Client) -> Value {
    let guest = client.is_guest_session();
    let texts: &[&str] = if guest { &["Guest Mode", "Sign in to save your data"] } else { &[] };
    let controls: &[&str] = match client.state() {
        State::Disconnected => &["Skip", "Sign In"],
        _ if guest => &["Sign In"],
        _ => &[],
    };
    json!({"status": client.state().name(), "texts": texts, "controls": controls})
}
