//! One Engine.IO connection of a probe: opened as asked, answering pings as asked, ended only as asked.

use std::sync::Arc;

use http::HeaderMap;
use sparring_client::engine_io::{Afterwards, Engine, Packet, Patience, Pongs, Route, Settings};
use sparring_client::net::{Base, Sockets};
use sparring_mock_server::contract::Contract;

use super::recorder::Recorder;
use super::witness::Witness;

/// How a connection is opened.
pub(super) struct Plan {
    pub(super) base: Base,
    pub(super) contract: &'static Contract,
    pub(super) route: Route,
    pub(super) afterwards: Afterwards,
    pub(super) headers: HeaderMap,
    pub(super) query: Vec<(String, String)>,
    pub(super) pongs: Pongs,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Link {
    engine: Engine,
    sockets: Sockets,
    witness: Arc<Witness>,
    left: bool,
}

impl Link {
    /// Begins to open connection `number`.
    pub(super) fn open(plan: Plan, recorder: Recorder, number: u32) -> Self {
        let Plan { base, contract, route, afterwards, headers, query, pongs } = plan;
        let sockets = Sockets::default();
        let witness = Arc::new(Witness::new(recorder, contract, number));
        let mut engine = Engine::open(Settings {
            route,
            afterwards,
            headers,
            query,
            pongs,
            patience: Patience::Endless,
            tap: Arc::clone(&witness) as _,
            ..Settings::new(base, &contract.transport.path, sockets.clone())
        });
        // The witness sees them all.
        engine.ignore_events();
        Self { engine, sockets, witness, left: false }
    }

    /// Whether this side has not left the connection.
    pub(super) fn is_ours(&self) -> bool {
        !self.left
    }

    pub(super) fn send(&self, packet: Packet) {
        self.engine.send(vec![packet]);
    }

    pub(super) fn answer_pings(&self, pongs: Pongs) {
        self.engine.set_pongs(pongs);
    }

    /// Says goodbye after these packets.
    pub(super) fn hang_up(&mut self, last: Vec<Packet>) {
        self.left = true;
        self.engine.hang_up(last);
    }

    /// Ends the connection with a TCP reset.
    pub(super) async fn reset(self) {
        self.sockets.end_with_reset();
        self.engine.cut().await;
        self.witness.cut();
    }
}
