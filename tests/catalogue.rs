//! The fault catalogue is whole: each fault that it was to have, on the layer where it belongs.

use std::collections::BTreeSet;

use sparring_mock_server::script::Fault;

/// The catalogue that the documents' requirements call for, by layer. What the field knows besides is welcome.
const CATALOGUE: [(&str, &[&str]); 7] = [
    (
        "tcp",
        &[
            "connection-refused",
            "accept-blackhole",
            "connection-reset",
            "abrupt-close",
            "half-open",
            "latency",
            "packet-coalesce",
            "idle-timeout",
            "max-connection-lifetime",
            "server-restart",
        ],
    ),
    (
        "http",
        &[
            "upgrade-reject",
            "upgrade-stripped",
            "upgrade-stall",
            "response-delay",
            "http-error",
            "affinity-loss",
            "cors-deny",
            "cors-no-credentials",
            "origin-check-upgrade",
            "rest-error",
            "rest-delay",
            "rest-malformed",
        ],
    ),
    (
        "engine.io",
        &["transport-unknown", "upgrade-probe-ignored", "open-packet-withheld", "engine-ping-suppress", "engine-close"],
    ),
    (
        "socket.io",
        &[
            "connect-ack-withheld",
            "connect-ack-delay",
            "socketio-connect-error",
            "server-disconnect",
            "ack-withheld",
            "ack-delay",
            "ack-error",
        ],
    ),
    (
        "websocket",
        &[
            "close-frame",
            "close-handshake-stall",
            "ws-ping",
            "ws-ping-suppress",
            "fragmented-frame",
            "oversized-frame",
            "binary-frame",
        ],
    ),
    (
        "application",
        &[
            "silent-auth",
            "disconnect-without-verdict",
            "forced-auth-error",
            "auth-error-without-disconnect",
            "verification-delay",
            "verification-error",
            "session-creation-delay",
            "session-creation-error",
            "late-session-created",
            "session-store-error",
            "session-revoked",
            "session-expiry",
            "guest-tokens-unrecognised",
            "guest-restriction",
            "blacklist-token",
            "blacklist-store-down",
            "application-error",
            "rate-limit",
            "offline-queue",
            "delivery-failure",
            "cross-room-leak",
            "event-delay",
            "event-drop",
            "event-reorder",
            "duplicate-event",
            "malformed-payload",
            "unknown-event",
            "pong-withhold",
            "pong-delay",
        ],
    ),
    (
        "time",
        &["token-expired", "token-expires-mid-session", "clock-freeze", "clock-advance", "cold-start", "server-stall"],
    ),
];

/// Those that are still to come.
const PENDING: [&str; 6] = [
    "session-store-error",
    "blacklist-token",
    "blacklist-store-down",
    "rate-limit",
    "offline-queue",
    "delivery-failure",
];

#[test]
fn no_fault_is_missing_or_on_another_layer() {
    let wanted = CATALOGUE.iter().flat_map(|(layer, ids)| ids.iter().map(move |id| (*layer, *id)));
    let wanted: BTreeSet<(&str, &str)> = wanted.filter(|(_, id)| !PENDING.contains(id)).collect();
    assert_eq!(wanted.len() + PENDING.len(), 76, "an id stands here twice, or is pending and unknown");
    let there: BTreeSet<(&str, &str)> = Fault::catalogue().iter().map(|info| (info.family, info.id)).collect();
    assert_eq!(&wanted - &there, BTreeSet::new());
}
