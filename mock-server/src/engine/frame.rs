//! Faults of WebSocket frames: what they put on the wire, byte for byte.
//!
//! Frames wait in the outbox like packets, so that they go out in order with whatever else is sent. Knows nothing of the
//! socket.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::conn::{Carrier, Conn};
use super::gate::Gate;
use super::packet::{Frames, Packet};
use crate::contract::Protocol;
use crate::script::fault::{BinaryFrame, FragmentedFrame, IllegalKind, OversizedFrame, WsPing};
use crate::script::{Fault, Firing};
use crate::wire::{Frame, Opcode, put_length};

/// What illegal frames say, where that does not matter.
const HELLO: &str = "Hello";

/// The close code that stands for none.
const NO_CODE: u16 = 1005;

impl Gate {
    /// Carries out a rule about frames that is due, once a WebSocket carries the session.
    pub(super) async fn perform_frame(self: &Arc<Self>, conn: &Arc<Conn>, firing: &Firing) {
        if conn.carrier() == Carrier::WebSocket {
            return self.put(conn, firing).await;
        }
        // Whoever waits for the rule must not wait for the upgrade.
        let (gate, conn, firing) = (Arc::clone(self), Arc::clone(conn), firing.clone());
        self.shared.spawn(async move {
            let carried = conn.until(|conn| conn.carrier() == Carrier::WebSocket);
            if conn.unless_over(carried).await.is_some() {
                gate.put(&conn, &firing).await;
            }
        });
    }

    async fn put(&self, conn: &Conn, firing: &Firing) {
        match firing.fault() {
            Fault::CloseFrame(fault) => {
                firing.fired();
                conn.close(Some(fault.code.0).filter(|code| *code != NO_CODE), &fault.reason);
            }
            Fault::WsPing(fault) => self.keep_pinging(conn, firing, fault).await,
            Fault::OversizedFrame(fault) => {
                firing.fired();
                conn.send([self.oversized(fault)]);
            }
            Fault::BinaryFrame(fault) => {
                firing.fired();
                conn.send([binary(fault)]);
            }
            Fault::IllegalFrame(fault) => {
                firing.fired();
                conn.send([Packet::frames("RAW", vec![illegal(fault.kind)])]);
            }
            _ => {}
        }
    }

    /// A ping control frame. It is a heartbeat where there are no others.
    fn ping_frame(&self, payload: &[u8]) -> Packet {
        let frame = Frame::new(Opcode::Ping, payload.to_vec()).to_bytes();
        let told = (self.shared.contract.transport.protocol == Protocol::WebSocket)
            .then(|| Packet::Ping(String::from_utf8_lossy(payload).into_owned()));
        Packet::Frames(Box::new(Frames { packet: told, ..Frames::new("PING_FRAME", vec![frame]) }))
    }

    /// Sends a ping control frame, if there is a WebSocket for it.
    pub(crate) fn ping(&self, conn: &Conn, payload: &[u8]) {
        if conn.carrier() == Carrier::WebSocket {
            conn.send([self.ping_frame(payload)]);
        }
    }

    async fn keep_pinging(&self, conn: &Conn, firing: &Firing, fault: &WsPing) {
        firing.fired();
        let ping = self.ping_frame(&fault.payload.0);
        conn.send([ping.clone()]);
        let Some(period) = fault.period else { return };
        let mut pings = tokio::time::interval(period.max(Duration::from_millis(1)));
        pings.tick().await;
        let pinging = async {
            loop {
                pings.tick().await;
                conn.send([ping.clone()]);
            }
        };
        tokio::select! {
            () = conn.over() => {}
            () = firing.over() => firing.undone(),
            () = pinging => {}
        }
    }

    /// A large message, as the system's protocol has messages.
    fn oversized(&self, fault: &OversizedFrame) -> Packet {
        let event = serde_json::Value::from(fault.event.as_str());
        let (head, tail) = match self.shared.contract.transport.protocol {
            Protocol::SocketIo => (format!("42[{event},\""), "\"]".to_owned()),
            Protocol::EngineIo => ("4".to_owned(), String::new()),
            Protocol::WebSocket => {
                (format!("{{\"type\":{event},\"payload\":\""), format!("\",\"timestamp\":\"{}\"}}", self.timestamp()))
            }
        };
        Packet::frames(&fault.event, large(&head, &tail, fault.bytes.0.get()))
    }

    fn timestamp(&self) -> String {
        let now = time::Duration::try_from(self.shared.clock.now()).unwrap_or_default();
        let now = OffsetDateTime::UNIX_EPOCH.checked_add(now).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        now.format(&Rfc3339).unwrap_or_default()
    }

    /// Changes what goes out as a rule about the frames of a message has it.
    pub(super) async fn reframe(&self, conn: &Conn, firing: &Firing, mut packets: Vec<Packet>) -> Vec<Packet> {
        if conn.carrier() != Carrier::WebSocket || !firing.due().await {
            return packets;
        }
        firing.fired();
        match firing.fault() {
            Fault::FragmentedFrame(fault) => packets.into_iter().map(|packet| fragmented(packet, fault)).collect(),
            Fault::BinaryFrame(BinaryFrame { payload: None }) => packets.into_iter().map(as_binary).collect(),
            Fault::BinaryFrame(fault) => {
                packets.insert(0, binary(fault));
                packets
            }
            Fault::OversizedFrame(fault) => {
                packets.insert(0, self.oversized(fault));
                packets
            }
            _ => packets,
        }
    }
}

/// A binary frame of its own.
fn binary(fault: &BinaryFrame) -> Packet {
    Packet::Data(fault.payload.clone().unwrap_or_default().0.into())
}

/// The message in one frame with the binary opcode.
fn as_binary(packet: Packet) -> Packet {
    let (_, content) = packet.content();
    let frame = Frame::new(Opcode::Binary, content).to_bytes();
    Packet::Frames(Box::new(Frames { packet: Some(packet), ..Frames::new("", vec![frame]) }))
}

/// The message in several frames.
fn fragmented(packet: Packet, fault: &FragmentedFrame) -> Packet {
    let (opcode, content) = packet.content();
    let size = usize::try_from(fault.fragment_bytes.0.get()).unwrap_or(usize::MAX);
    let mut frames: Vec<Frame> =
        content.chunks(size).map(|piece| Frame::new(Opcode::Continuation, content.slice_ref(piece))).collect();
    if frames.is_empty() {
        frames.push(Frame::new(opcode, ""));
    }
    let last = frames.len() - 1;
    frames[0].opcode = opcode;
    frames[..last].iter_mut().for_each(|frame| frame.fin = false);
    let bytes = frames.iter().map(Frame::to_bytes).collect();
    Packet::Frames(Box::new(Frames { packet: Some(packet), pause: fault.pause, ..Frames::new("", bytes) }))
}

/// One text frame of so many bytes between a head and a tail, in pieces that share their memory.
fn large(head: &str, tail: &str, bytes: u64) -> Vec<Bytes> {
    let least = head.len() + tail.len();
    let mut missing = usize::try_from(bytes).unwrap_or(usize::MAX).saturating_sub(least);
    let mut first = BytesMut::from(&[0x81][..]);
    put_length(&mut first, least + missing, 0);
    first.put_slice(head.as_bytes());
    let piece = Bytes::from(vec![b'x'; missing.min(PIECE)]);
    let mut pieces = vec![first.freeze()];
    while missing > 0 {
        let next = piece.slice(..missing.min(piece.len()));
        missing -= next.len();
        pieces.push(next);
    }
    pieces.push(Bytes::copy_from_slice(tail.as_bytes()));
    pieces
}

const PIECE: usize = 64 * 1_024;

/// The bytes of an illegal frame.
fn illegal(kind: IllegalKind) -> Bytes {
    let hello = Frame::text(HELLO);
    let close = |payload: &'static [u8]| Frame::new(Opcode::Close, payload);
    let frame = match kind {
        IllegalKind::ReservedBits => Frame { rsv: 0b100, ..hello },
        IllegalKind::ReservedOpcode => Frame { opcode: Opcode::Reserved(3), ..hello },
        IllegalKind::ReservedControlOpcode => Frame::new(Opcode::Reserved(11), ""),
        IllegalKind::Masked => hello.masked([0x37, 0xFA, 0x21, 0x3D]),
        IllegalKind::InvalidUtf8 => Frame::new(Opcode::Text, &b"\xC3\x28"[..]),
        IllegalKind::FragmentedControl => Frame { fin: false, ..Frame::new(Opcode::Ping, "") },
        IllegalKind::OversizedControl => Frame::new(Opcode::Ping, vec![b'x'; 126]),
        IllegalKind::OrphanContinuation => Frame { opcode: Opcode::Continuation, ..hello },
        IllegalKind::ReservedCloseCode => Frame::close(Some(NO_CODE), ""),
        IllegalKind::ShortClose => close(b"\x03"),
        IllegalKind::BadCloseReason => close(b"\x03\xE8\xC3\x28"),
        IllegalKind::BadLength => return Bytes::from_static(b"\x81\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
        IllegalKind::InterleavedMessage => {
            let begun = Frame { fin: false, ..Frame::text("Hel") };
            return [begun.to_bytes(), Frame::text("lo").to_bytes()].concat().into();
        }
    };
    frame.to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::much(100_000)]
    #[case::more_than_a_piece(3 * PIECE as u64 + 10)]
    #[case::just_enough(6)]
    #[case::too_little(1)]
    fn a_large_frame_has_the_length_that_it_announces(#[case] bytes: u64) {
        let mut reader = crate::wire::FrameReader::default();
        reader.push(&large("head", "ta", bytes).concat());
        let Some(crate::wire::Piece::Whole(frame, _)) = reader.next_piece() else { panic!("no whole frame") };
        assert_eq!(frame.length, bytes.max(6));
        assert!(frame.payload.starts_with(b"head") && frame.payload.ends_with(b"ta"));
    }
}
