//! The accept loop of each address, and what happens to a connection before its first request.
//!
//! Knows nothing of what is spoken on a connection.

use std::sync::Arc;

use serde_json::json;

use super::House;
use crate::journal::{Actor, LogLevel};
use crate::script::fault::{Alert, CertificateProblem};
use crate::script::{Fault, Firing};
use crate::wire::{Flaw, Stream};

/// Accepts on all addresses until the mock ends.
pub(super) fn open(house: &Arc<House>) {
    for actor in house.doors.keys() {
        let (house, actor) = (Arc::clone(house), actor.clone());
        let shared = Arc::clone(&house.shared);
        shared.spawn_lasting(async move { accept(&house, &actor).await });
    }
}

async fn accept(house: &Arc<House>, actor: &Actor) {
    let Some(door) = house.doors.get(actor) else { return };
    loop {
        let (stream, _link) = door.accept().await;
        let firings = house.shared.script.accept(actor);
        house.shared.spawn(admit(Arc::clone(house), stream, actor.clone(), firings));
    }
}

/// Serves a connection as soon as the rules let it in. Until then nothing is read from it.
async fn admit(house: Arc<House>, stream: Stream, actor: Actor, firings: Vec<Firing>) {
    let mut flaw = None;
    for firing in firings {
        match house.meet(&stream, &actor, &firing).await {
            Fate::Lives => {}
            Fate::Flawed(found) => flaw = Some(found),
            Fate::Ended => return,
        }
    }
    if house.greet(&stream, &actor, flaw).await {
        Arc::clone(&house.gate).serve(stream, actor).await;
    }
}

/// What a rule has made of a connection that has not been served yet.
enum Fate {
    /// It can go on.
    Lives,
    /// It can go on with such a certificate.
    Flawed(Flaw),
    /// It is over.
    Ended,
}

impl House {
    async fn meet(&self, stream: &Stream, actor: &Actor, firing: &Firing) -> Fate {
        if !firing.due().await {
            return Fate::Lives;
        }
        if matches!(firing.fault(), Fault::TlsHandshakeStall(_) | Fault::TlsHandshakeFailure(_))
            && stream.heard().await.is_err()
        {
            return Fate::Ended;
        }
        firing.fired();
        match firing.fault() {
            Fault::AcceptBlackhole(_) | Fault::HalfOpen(_) | Fault::TlsHandshakeStall(_) => {
                firing.over().await;
                firing.undone();
            }
            Fault::ColdStart(_) => tokio::time::sleep(firing.wait).await,
            Fault::ConnectionReset(_) => {
                stream.link().reset();
                return Fate::Ended;
            }
            Fault::AbruptClose(fault) => {
                stream.link().cut();
                self.gate.keep_cutting(actor, firing, fault);
                return Fate::Ended;
            }
            Fault::TlsCertificate(fault) => return Fate::Flawed(flaw(fault.problem)),
            Fault::TlsHandshakeFailure(fault) => {
                stream.link().send(alert(fault.alert));
                stream.link().cut();
                return Fate::Ended;
            }
            _ => {}
        }
        Fate::Lives
    }

    /// Makes the TLS handshake, where TLS is spoken; whether the connection lives.
    async fn greet(&self, stream: &Stream, actor: &Actor, flaw: Option<Flaw>) -> bool {
        let Some(tls) = &self.tls else { return true };
        let greeting = stream.secure(tls.acceptor(flaw));
        let error = match tokio::time::timeout(self.shared.limits.head_time, greeting).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no handshake in time".to_owned(),
        };
        self.shared.log(actor, None, LogLevel::Info, "TLS handshake failed", json!({"error": error}));
        false
    }
}

fn flaw(problem: CertificateProblem) -> Flaw {
    match problem {
        CertificateProblem::Expired => Flaw::Expired,
        CertificateProblem::NotYetValid => Flaw::NotYetValid,
        CertificateProblem::WrongHost => Flaw::WrongHost,
        CertificateProblem::Untrusted => Flaw::Untrusted,
    }
}

/// A record of TLS that carries a fatal alert, as it is sent before anything has been agreed upon.
fn alert(alert: Alert) -> Vec<u8> {
    const ALERT: u8 = 21;
    const VERSION: [u8; 2] = [3, 3];
    const LENGTH: [u8; 2] = [0, 2];
    const FATAL: u8 = 2;
    [&[ALERT][..], &VERSION, &LENGTH, &[FATAL, alert.code()]].concat()
}
