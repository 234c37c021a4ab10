//! The reference systems: whatever comes in goes back.
//!
//! Of use to any client, whatever its application; `specs/socket.io/system.yaml` says what each event does. Knows no
//! tokens and no sessions.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Peer, System, Task, nothing};
use crate::engine::packet::Packet;
use crate::plain::Client;
use crate::script::Stage;
use crate::socket_io::{Ack, Args, Audience};

/// See the module.
pub(crate) struct Echo;

/// Time for the answer to a question.
const ANSWER: Duration = Duration::from_secs(5);

impl System for Echo {
    fn namespaces(&self) -> &[&'static str] {
        &["/", "/custom"]
    }

    fn join(self: Arc<Self>, peer: Peer, auth: Value) -> Task {
        Box::pin(async move {
            let conn = Arc::clone(&peer.conn);
            let session = async {
                peer.stage(Stage::Acknowledged, Some("CONNECT")).await;
                peer.emit_soon("auth", &auth);
                peer.stage(Stage::Ready, Some("auth")).await;
            };
            conn.unless_over(session).await;
        })
    }

    fn event(self: Arc<Self>, peer: Peer, name: String, args: Args, ack: Option<Ack>) -> Task {
        if name == "ask" {
            return Box::pin(ask(peer, args, ack));
        }
        obey(&peer, &name, &args);
        if let Some(ack) = ack {
            ack.send(&args);
        }
        nothing()
    }

    fn message(self: Arc<Self>, client: Client, message: Packet) -> Task {
        let name = if message.is_plain() { message.name() } else { String::new() };
        match name.as_str() {
            "PING" => client.send("PONG", &json!({"type": "PONG"})),
            "broadcast" => client.broadcast(&message),
            "close" => close(&client, &message),
            _ => client.pass(message),
        }
        nothing()
    }

    fn refusal(&self, operation: &str, error: &str) -> (String, Value) {
        ("error".to_owned(), json!({"event": operation, "error": error}))
    }
}

/// Does what an event asks for; one that asks for nothing goes back.
fn obey(peer: &Peer, name: &str, args: &Args) {
    match (name, args.first()) {
        ("message", _) => peer.emit_all("message-back", args),
        ("message-with-ack", _) => {}
        ("broadcast", _) => peer.broadcast(Audience::default(), name, args),
        ("join", Some(Value::String(room))) => peer.enter(room),
        ("leave", Some(Value::String(room))) => peer.exit(room),
        ("publish", Some(publication)) => publish(peer, publication),
        _ => peer.emit_all(name, args),
    }
}

/// Sends the client a question, and tells it its own answer.
async fn ask(peer: Peer, args: Args, ack: Option<Ack>) {
    let answer = match peer.emit_with_ack("question", &args, ANSWER).await {
        Ok(answer) => answer,
        Err(error) => Args::from(json!({"error": error.to_string()})),
    };
    match ack {
        Some(ack) => ack.send(&answer),
        None => peer.emit_all("answer", &answer),
    }
}

/// Sends an event to everybody in a room, the publisher included if it is there.
fn publish(peer: &Peer, publication: &Value) {
    let (Some(room), Some(event)) = (publication["room"].as_str(), publication["event"].as_str()) else { return };
    let args = Args::maybe(publication.get("data").cloned());
    peer.broadcast(Audience { rooms: &[room], except: &[] }, event, &args);
}

/// Closes a plain WebSocket as the message asks for.
fn close(client: &Client, message: &Packet) {
    let data = message.message().and_then(|message| message.data.clone()).unwrap_or_default();
    let code = data["code"].as_u64().and_then(|code| u16::try_from(code).ok());
    client.close(code, data["reason"].as_str().unwrap_or_default());
}
