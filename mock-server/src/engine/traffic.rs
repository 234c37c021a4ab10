//! Rules about the bytes of an attempt, whatever its TCP connections: late, slow, in pieces, limited, or none at all.
//!
//! Each works from its firing until the rule is over or the attempt is. Knows nothing of stages.

use std::time::Duration;

use super::conn::{Bent, Carrier, Conn};
use super::perform::{End, end_wire, strike};
use crate::script::Firing;
use crate::script::fault::{Bandwidth, Bytes, Flow, FrameEnd, Latency, Slicer, TruncatedFrame};
use crate::wire::{self, Activity, Direction, Frame, Limit, Slices};

pub(super) async fn delay(conn: &Conn, firing: &Firing, fault: &Latency) {
    let seed = u64::from(conn.number());
    let direction = direction(fault.direction);
    let latency = wire::Latency { delay: fault.delay, jitter: fault.jitter, direction, seed };
    bend(conn, firing, |bent| bent.latency = Some(latency), |bent| bent.latency = None).await;
}

pub(super) async fn pace(conn: &Conn, firing: &Firing, fault: &Bandwidth) {
    let bandwidth = wire::Bandwidth { rate: fault.rate.0, direction: direction(fault.direction) };
    bend(conn, firing, |bent| bent.shape.bandwidth = Some(bandwidth), |bent| bent.shape.bandwidth = None).await;
}

pub(super) async fn slice(conn: &Conn, firing: &Firing, fault: &Slicer) {
    let slices = Slices { size: fault.size.0, gap: fault.gap };
    bend(conn, firing, |bent| bent.shape.slices = Some(slices), |bent| bent.shape.slices = None).await;
}

pub(super) async fn close_slowly(conn: &Conn, firing: &Firing, delay: Duration) {
    bend(conn, firing, |bent| bent.shape.slow_close = Some(delay), |bent| bent.shape.slow_close = None).await;
}

pub(super) async fn limit(conn: &Conn, firing: &Firing, bytes: Bytes) {
    let limit = Limit::new(bytes.0.get());
    conn.bend(|bent| bent.limit = Some(limit.clone()));
    cut_upon(conn, firing, limit.reached()).await;
    conn.bend(|bent| bent.limit = None);
}

pub(super) async fn end_when_idle(conn: &Conn, firing: &Firing, idle: Duration) {
    let activity = Activity::default();
    conn.bend(|bent| bent.activity = Some(activity.clone()));
    cut_upon(conn, firing, activity.quiet_for(idle)).await;
    conn.bend(|bent| bent.activity = None);
}

pub(super) async fn live_for(conn: &Conn, firing: &Firing, lifetime: Duration) {
    cut_upon(conn, firing, tokio::time::sleep(lifetime)).await;
}

/// Sends the start of a frame and ends the connection.
pub(super) async fn truncate(conn: &Conn, firing: &Firing, fault: &TruncatedFrame) {
    conn.unless_over(conn.until(|conn| conn.carrier() == Carrier::WebSocket)).await;
    let (false, Some(link)) = (conn.is_over(), conn.links().pop()) else { return };
    let part = fault.bytes.and_then(|bytes| usize::try_from(bytes.get()).ok());
    // Long enough that something is missing.
    let frame = Frame::text("x".repeat(part.unwrap_or_default().max(SHORTEST))).to_bytes();
    firing.fired();
    link.send(frame.slice(..part.unwrap_or(frame.len() / 2)));
    end_wire(conn, if fault.end == FrameEnd::Reset { End::Reset } else { End::Cut });
}

/// Bends the attempt until the rule is over.
async fn bend(conn: &Conn, firing: &Firing, bend: impl FnOnce(&mut Bent), unbend: impl FnOnce(&mut Bent)) {
    firing.fired();
    conn.bend(bend);
    if conn.unless_over(firing.over()).await.is_some() {
        conn.bend(unbend);
        firing.undone();
    }
}

/// Cuts the connection when this comes to pass, if the rule is still in force.
async fn cut_upon(conn: &Conn, firing: &Firing, event: impl Future<Output = ()>) {
    let struck = conn.unless_over(async {
        tokio::select! {
            biased;
            () = firing.over() => false,
            () = event => true,
        }
    });
    if struck.await == Some(true) {
        strike(conn, firing, End::Cut);
    }
}

fn direction(flow: Flow) -> Direction {
    match flow {
        Flow::In => Direction::In,
        Flow::Out => Direction::Out,
        Flow::Both => Direction::Both,
    }
}

/// Payload of a truncated frame, unless more of it is to come.
const SHORTEST: usize = 64;
