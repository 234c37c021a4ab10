//! Bandwidth, slices, limits, slow ends and idleness.

use std::num::NonZeroU64;

use rstest::rstest;
use tokio::time::Instant;

use super::*;

fn bandwidth(rate: u64, direction: Direction) -> Shape {
    let rate = NonZeroU64::new(rate).unwrap();
    Shape { bandwidth: Some(Bandwidth { rate, direction }), ..Shape::default() }
}

fn slices(size: u64, gap: Duration) -> Shape {
    let size = NonZeroU64::new(size).unwrap();
    Shape { slices: Some(Slices { size, gap }), ..Shape::default() }
}

/// Whether 30,000 bytes each way take the 300 ms that they should.
#[rstest]
#[case(Direction::In, true, false)]
#[case(Direction::Out, false, true)]
#[case(Direction::Both, true, true)]
#[tokio::test]
async fn bandwidth_slows_each_direction(#[case] direction: Direction, #[case] inward: bool, #[case] outward: bool) {
    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    link.set_shape(bandwidth(100_000, direction));
    let (bytes, full) = (pattern(30_000), Duration::from_millis(299));
    let start = Instant::now();
    peer.write_all(&bytes).await.unwrap();
    expect_bytes(&mut stream, &bytes).await;
    assert!(!inward || start.elapsed() >= full, "{:?} inward", start.elapsed());
    let start = Instant::now();
    let (writing, ()) = tokio::join!(stream.write_all(&bytes), expect_bytes(&mut peer, &bytes));
    writing.unwrap();
    assert!(!outward || start.elapsed() >= full, "{:?} outward", start.elapsed());
}

#[tokio::test]
async fn who_sends_too_fast_has_to_wait() {
    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    link.set_shape(bandwidth(100_000, Direction::Out));
    let bytes = pattern(300_000);
    let writing = tokio::spawn(async move { stream.write_all(&bytes).await.map(|()| stream) });
    expect_bytes(&mut peer, &pattern(1_000)).await;
    assert!(!writing.is_finished(), "300 KB were taken at once");
    link.set_shape(Shape::default());
    expect_bytes(&mut peer, &pattern(300_000)[1_000..]).await;
    soon(writing).await.unwrap().unwrap();
}

#[tokio::test]
async fn slices_come_one_by_one() {
    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    let gap = Duration::from_millis(20);
    link.set_shape(slices(3, gap));
    let start = Instant::now();
    stream.write_all(b"abcdefgh").await.unwrap();
    // The first leaves at once, and alone.
    assert_eq!(look(&peer).unwrap(), b"abc");
    expect_bytes(&mut peer, "defgh").await;
    assert!(start.elapsed() >= gap * 2, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_limit_lets_exactly_so_many_bytes_pass() {
    let (mut one, mut other) = (pair().await, pair().await);
    let limit = Limit::new(1_000);
    one.link.set_limit(Some(limit.clone()));
    other.link.set_limit(Some(limit.clone()));
    one.stream.write_all(&pattern(900)).await.unwrap();
    expect_bytes(&mut one.peer, pattern(900)).await;
    let early = tokio::time::timeout(Duration::from_millis(50), limit.reached()).await;
    assert!(early.is_err(), "reached after 900 bytes");
    other.stream.write_all(&pattern(200)).await.unwrap();
    soon(limit.reached()).await;
    expect_bytes(&mut other.peer, pattern(100)).await;
    one.stream.write_all(b"none").await.unwrap();
    assert_eq!(look(&one.peer), Err(io::ErrorKind::WouldBlock));
    assert_eq!(look(&other.peer), Err(io::ErrorKind::WouldBlock));
    // What was held back is lost with the connection, and arrives where the limit is taken away.
    one.link.cut();
    expect_end(&mut one.peer, "").await;
    other.link.set_limit(None);
    expect_bytes(&mut other.peer, &pattern(200)[100..]).await;
}

#[rstest]
#[case::dropped(true)]
#[case::shut_down(false)]
#[tokio::test]
async fn an_end_can_come_late(#[case] dropped: bool) {
    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    let slow_close = Duration::from_millis(80);
    link.set_shape(Shape { slow_close: Some(slow_close), ..Shape::default() });
    let start = Instant::now();
    stream.write_all(b"last words").await.unwrap();
    stream.shutdown().await.unwrap();
    let rest = (!dropped).then_some(stream);
    expect_bytes(&mut peer, "last words").await;
    assert_eq!(look(&peer), Err(io::ErrorKind::WouldBlock));
    // The shape is for what comes from now on; this end is on its way.
    link.set_shape(Shape::default());
    expect_end(&mut peer, "").await;
    assert!(start.elapsed() >= slow_close, "{:?}", start.elapsed());
    drop(rest);
}

#[tokio::test]
async fn activity_is_noted_with_bytes_of_all_its_connections() {
    let (mut one, mut other) = (pair().await, pair().await);
    let activity = Activity::default();
    one.link.set_activity(Some(activity.clone()));
    other.link.set_activity(Some(activity.clone()));
    let idle = Duration::from_millis(150);
    let quiet = tokio::spawn(async move { activity.quiet_for(idle).await });
    let start = Instant::now();
    for round in 0..8 {
        tokio::time::sleep(idle / 3).await;
        if round % 2 == 0 {
            one.stream.write_all(b"out").await.unwrap();
        } else {
            other.peer.write_all(b"inn").await.unwrap();
            expect_bytes(&mut other.stream, "inn").await;
        }
    }
    let last = start.elapsed();
    soon(quiet).await.unwrap();
    assert!(
        start.elapsed() >= last,
        "it was quiet after {:?}, and the last byte passed after {last:?}",
        start.elapsed()
    );
}
