//! The documented client of the system `digitwin`: client, storage and screen put together, and the actions it can be asked for.
//!
//! [`open`] starts the one task of a session. Knows nothing of how requests arrive or notifications leave.

mod client;
mod guest_token;
mod logger;
mod options;
mod reconnect;
mod recovery;
mod rest;
mod screen;
mod state;
mod storage;

use std::future::Future;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::adapter::{Field, Opening, Pending, Request, RpcError};
use crate::net::{Reply, Sockets};
use client::{Client, Given};
use options::Options;
use rest::RestError;
use state::State;
use storage::Storage;

/// The system's id.
pub(crate) const ID: &str = "digitwin";

/// Everything a session can be asked for.
pub(crate) const ACTIONS: [&str; 10] = [
    "connect",
    "disconnect",
    "reconnect",
    "destroy",
    "set_token",
    "clear_storage",
    "read_storage",
    "read_state",
    "read_logs",
    "press_control",
];

/// What the document leaves to the client. The states bear the document's own names.
pub(crate) fn declarations() -> Value {
    let states: Map<String, Value> =
        State::ALL.iter().map(|state| (state.name().to_owned(), json!(state.name()))).collect();
    json!({"state_map": states})
}

/// The task of one session: ends with its `close`, or with the end of its requests.
pub(crate) fn open(opening: Opening, requests: mpsc::UnboundedReceiver<Request>) -> impl Future<Output = ()> + Send {
    App::new(opening).run(requests)
}

/// One application: a client, and sign-ins that wait for their answer.
struct App {
    client: Client,
    sockets: Sockets,
    sign_ins: JoinSet<(Result<Reply, RestError>, Pending)>,
}

impl App {
    fn new(opening: Opening) -> Self {
        let Opening { url, api, token, options, reporter } = opening;
        let sockets = Sockets::default();
        let client = Client::new(Given {
            url,
            api,
            options: Options::with(&options),
            storage: Storage::new(token, reporter.clone()),
            sockets: sockets.clone(),
            reporter,
        });
        Self { client, sockets, sign_ins: JoinSet::new() }
    }

    async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        loop {
            tokio::select! {
                request = requests.recv() => match request {
                    Some(Request::Act { action, args, pending }) => self.act(&action, &args, pending).await,
                    Some(Request::Close { pending }) => return self.close(pending).await,
                    None => return,
                },
                Some(Ok((answer, pending))) = self.sign_ins.join_next() => {
                    let result = self.signed_in(answer);
                    pending.answer(result.map(|()| json!({"value": null})));
                }
                happening = self.client.next() => self.client.on(happening),
            }
        }
    }

    async fn act(&mut self, action: &str, args: &Map<String, Value>, pending: Pending) {
        let result = match action {
            "destroy" => {
                self.destroy().await;
                Ok(Value::Null)
            }
            "press_control" => match args.text("control") {
                Ok("Sign In") => return self.sign_in(pending),
                Ok("Skip") => self.skip_sign_in(),
                Ok(other) => Err(RpcError::failed("failed", &format!("no such control: {other}"))),
                Err(error) => Err(error),
            },
            action => self.act_at_once(action, args),
        };
        pending.answer(result.map(|value| json!({"value": value})));
    }

    fn act_at_once(&mut self, action: &str, args: &Map<String, Value>) -> Result<Value, RpcError> {
        let client = &mut self.client;
        match action {
            "connect" => client.connect()?,
            "disconnect" => client.disconnect(),
            "reconnect" => client.reconnect()?,
            "set_token" => client.storage.put(args.text_or_null("token")?),
            "clear_storage" => client.storage.put(None),
            "read_storage" => return Ok(json!({"token": client.storage.peek()})),
            "read_state" => return Ok(json!({"state": client.state().name(), "screen": screen::show(client)})),
            "read_logs" => return Ok(client.logger.lines()),
            _ => return Err(RpcError::unsupported(action)),
        }
        Ok(Value::Null)
    }

    fn skip_sign_in(&mut self) -> Result<Value, RpcError> {
        self.client.use_guest_token();
        self.client.connect()?;
        Ok(Value::Null)
    }

    /// Keeps the session that is up until there is a JWT to replace it with.
    fn sign_in(&mut self, pending: Pending) {
        let Client { api, sockets, options, .. } = &self.client;
        let asked = rest::post(sockets.clone(), api.clone(), "/auth/sign-in", json!({}), options.refresh_timeout);
        self.sign_ins.spawn(async move { (asked.await, pending) });
    }

    fn signed_in(&mut self, answer: Result<Reply, RestError>) -> Result<(), RpcError> {
        let reply = answer?;
        if reply.status != 200 {
            return Err(RestError::Status { what: "sign-in", status: reply.status }.into());
        }
        self.client.storage.set_access_token(rest::token_in(&reply)?);
        self.client.reconnect()?;
        Ok(())
    }

    /// A sign-in that is under way is not waited for: its dropped request is answered as failed.
    async fn destroy(&mut self) {
        self.sign_ins.shutdown().await;
        self.client.destroy().await;
    }

    /// The client goes first, as when its application ends; what is then still there was left behind.
    async fn close(mut self, pending: Pending) {
        self.destroy().await;
        let left = json!({"sockets": self.sockets.open(), "timers": self.client.timers()});
        pending.answer(Ok(left));
    }
}

impl From<client::Destroyed> for RpcError {
    fn from(error: client::Destroyed) -> Self {
        Self::failed("failed", &error.to_string())
    }
}

impl From<RestError> for RpcError {
    fn from(error: RestError) -> Self {
        let kind = match &error {
            RestError::Timeout(_) => "timeout",
            RestError::Http(error) if error.is_refusal() => "refused",
            _ => "failed",
        };
        Self::failed(kind, &error.to_string())
    }
}
