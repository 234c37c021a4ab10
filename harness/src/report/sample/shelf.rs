//! What the sample's reports quote, and a writer to catch them.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use crate::report::library::{Library, Quote};
use crate::spec::model::Level;

/// The scenario file and the catalogue behind the cases.
pub(in crate::report) struct Shelf;

impl Library for Shelf {
    fn step(&self, case: &str, step: usize) -> Option<&str> {
        let steps: &[&str] = match case.rsplit('/').next()? {
            "no-verdict" | "slow-verification" => &NO_VERDICT,
            "invalid-token[forged]" => &INVALID_TOKEN,
            "connect-called-again" => {
                &["- client: connect", "- client: connect", "- never: {attempt: any}\n  for: 5s\n  req: [DT-CONN-16]"]
            }
            "busy" => &[LONG_STEP],
            _ => &[],
        };
        steps.get(step).copied()
    }

    fn requirement(&self, id: &str) -> Option<Quote<'_>> {
        let (level, text) = match id {
            "DT-STATE-05" => (
                Level::Must,
                "AUTHENTICATING lasts at most 10000 ms from the connect event and is left for CONNECTED or ERROR.",
            ),
            "DT-TMO-01" => (
                Level::Must,
                "The session wait lasts 10000 ms and is counted from the Socket.IO connect event, not from connect(): with a transport phase of 8000 ms the error state is reached about 18000 ms after connect().",
            ),
            "DT-TMO-04" => (Level::Must, "Each attempt has a session wait of its own."),
            "DT-ERR-02" => (
                Level::Must,
                "On auth_error with code AUTH_INVALID the client clears the stored token before it reconnects.",
            ),
            "DT-CONN-16" => (
                Level::Should,
                "A second connect() call while an attempt is in progress or the session is up opens no additional Engine.IO session.",
            ),
            _ => return None,
        };
        Some(Quote { level, text })
    }

    fn reading(&self, contradiction: &str) -> Option<&str> {
        (contradiction == "DT-X-21").then_some("connect() is idempotent until the client is disconnected.")
    }
}

const NO_VERDICT: [&str; 9] = [
    "- never: {token: stored}\n  req: [DT-ERR-11]",
    "- never: {request: refresh}\n  req: [DT-ERR-11]",
    "- client: connect\n  as: dial",
    "- expect: {received: CONNECT, connection: 1}\n  as: first",
    "- expect: {state: [connecting, authenticating]}",
    "  - expect: {state: error}\n    after: 10s\n    note: from the connect event, so that the slow transport does not count\n    req: [DT-STATE-05, DT-TMO-01, DT-TMO-04]\n",
    "- expect: {log: Timeout waiting for session_created, level: error}\n  unordered: true\n  req: [DT-TMO-05]",
    "- expect: {state: reconnecting}\n  after: 18s\n  since: dial\n  req: [DT-STATE-05, DT-TMO-01]",
    "- expect: {state: connecting}\n  req: [DT-STATE-05]",
];

const INVALID_TOKEN: [&str; 4] = [
    "- client: connect",
    "- expect: {state: [connecting, authenticating]}",
    "- expect: {sent: auth_error, data: {code: AUTH_INVALID}}\n  as: verdict",
    "- expect: {token: cleared, kind: jwt}\n  within: 1s\n  since: verdict\n  req: [DT-ERR-02]",
];

const LONG_STEP: &str = "- expect:
    any_of:
      - {sent: typing, data: {user: alice}}
      - {sent: typing, data: {user: bob}}
      - {sent: typing, data: {user: carol}}
      - {sent: typing, data: {user: dave}}
      - {sent: typing, data: {user: eve}}
      - {sent: typing, data: {user: frank}}
      - {sent: typing, data: {user: grace}}
      - {sent: typing, data: {user: heidi}}
      - {sent: typing, data: {user: ivan}}
      - {sent: typing, data: {user: judy}}
      - {sent: typing, data: {user: mallory}}
  times: 1-2
  for: 3s
  who: alice";

/// A writer whose text can be read while others hold it.
#[derive(Clone, Default)]
pub(in crate::report) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(in crate::report) fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no test panics while it writes").clone()).expect("reports are UTF-8")
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics while it writes").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
