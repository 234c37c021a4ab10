//! Taps and injection, with frames written by hand.

use rstest::rstest;

use super::*;

pub(super) const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
const KEY: [u8; 4] = [1, 2, 3, 4];

/// A connection under this tap, after its upgrade.
async fn upgraded(tap: &Arc<Notes>) -> Pair {
    let mut pair = pair().await;
    pair.link.set_tap(Arc::clone(tap) as Arc<dyn Tap>);
    pair.stream.write_all(ANSWER.as_bytes()).await.unwrap();
    expect_bytes(&mut pair.peer, ANSWER).await;
    pair
}

pub(super) fn text(text: &str) -> Vec<u8> {
    Frame::text(text).to_bytes().into()
}

pub(super) fn client_text(text: &str) -> Vec<u8> {
    Frame::text(text).masked(KEY).to_bytes().into()
}

/// Waits until what the peer has sent, a last frame `end` included, has come through.
async fn read_until(stream: &mut Stream, end: &[u8]) -> Vec<u8> {
    let mut got = Vec::new();
    while !got.ends_with(end) {
        got.extend(read_once(stream).await);
    }
    got
}

#[rstest]
#[case::byte_by_byte(1)]
#[case::in_small_portions(5)]
#[case::coalesced(10_000)]
#[tokio::test]
async fn a_tap_sees_whole_frames_however_they_are_split(#[case] portion: usize) {
    let notes = Notes::telling([]);
    let Pair { mut stream, mut peer, listener: _listener, .. } = upgraded(&notes).await;
    let long = "long ".repeat(50);
    let said = ["one", "", &long, "last"];
    let out: Vec<u8> = said.into_iter().flat_map(text).collect();
    for portion in out.chunks(portion) {
        stream.write_all(portion).await.unwrap();
    }
    expect_bytes(&mut peer, &out).await;
    assert_eq!(notes.outgoing_texts(), said);

    let inn: Vec<u8> = said.into_iter().flat_map(client_text).collect();
    let end = client_text("last");
    let (got, ()) = tokio::join!(read_until(&mut stream, &end), async {
        for portion in inn.chunks(portion) {
            peer.write_all(portion).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(got, inn, "the layer above gets the bytes as they came");
    assert_eq!(notes.incoming_texts(), said);
}

#[tokio::test]
async fn http_is_not_shown() {
    let notes = Notes::telling([]);
    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    link.set_tap(Arc::clone(&notes) as Arc<dyn Tap>);
    for _ in 0..2 {
        peer.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        expect_bytes(&mut stream, "GET / HTTP/1.1\r\n\r\n").await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        expect_bytes(&mut peer, "HTTP/1.1 200 OK\r\n\r\n").await;
    }
    stream.write_all(&[ANSWER.as_bytes(), &text("first")].concat()).await.unwrap();
    expect_bytes(&mut peer, [ANSWER.as_bytes(), &text("first")].concat()).await;
    assert_eq!((notes.outgoing_texts(), notes.incoming_texts()), (vec!["first".into()], vec![]));
}

/// Frames `a`, `b` and `c` meet these passages; the other side gets those.
#[rstest]
#[case::pass(vec![Passage::Pass], &["a", "b", "c"])]
#[case::drop(vec![Passage::Pass, Passage::Drop], &["a", "c"])]
#[case::instead(vec![Passage::Instead(vec![Frame::text("x"), Frame::text("y")])], &["x", "y", "b", "c"])]
#[case::instead_of_nothing(vec![Passage::Hold, Passage::Instead(vec![])], &["a", "c"])]
#[case::hold(vec![Passage::Hold, Passage::Hold], &["a", "b", "c"])]
#[case::hold_over_a_drop(vec![Passage::Hold, Passage::Drop], &["a", "c"])]
#[case::hold_before_instead(vec![Passage::Hold, Passage::Instead(vec![Frame::text("x")])], &["a", "x", "c"])]
#[tokio::test]
async fn a_tap_decides_on_each_frame(#[case] passages: Vec<Passage>, #[case] expected: &[&str]) {
    let notes = Notes::telling(passages.clone());
    let Pair { mut stream, mut peer, listener: _listener, .. } = upgraded(&notes).await;
    for said in ["a", "b", "c"] {
        stream.write_all(&text(said)).await.unwrap();
    }
    expect_bytes(&mut peer, expected.iter().flat_map(|said| text(said)).collect::<Vec<_>>()).await;
    assert_eq!(look(&peer), Err(io::ErrorKind::WouldBlock));

    let notes = Notes::telling(passages);
    let Pair { mut stream, mut peer, listener: _listener, .. } = upgraded(&notes).await;
    for said in ["a", "b", "c"] {
        peer.write_all(&client_text(said)).await.unwrap();
    }
    let got = read_until(&mut stream, &client_text("c")).await;
    let mut reader = FrameReader::default();
    reader.push(&got);
    let frames: Vec<Frame> = std::iter::from_fn(|| match reader.next_piece() {
        Some(Piece::Whole(frame, _)) => Some(frame),
        _ => None,
    })
    .collect();
    assert_eq!(texts(&frames), expected);
    assert!(frames.iter().all(|frame| frame.mask.is_some()), "a client masks all it sends");
}

#[tokio::test]
async fn held_frames_go_out_in_one_piece_with_the_next() {
    let notes = Notes::telling([Passage::Hold, Passage::Hold]);
    let Pair { mut stream, mut peer, listener: _listener, .. } = upgraded(&notes).await;
    for said in ["a", "b"] {
        stream.write_all(&text(said)).await.unwrap();
        stream.flush().await.unwrap();
    }
    assert_eq!(look(&peer), Err(io::ErrorKind::WouldBlock));
    let reading = tokio::spawn(async move { read_once(&mut peer).await });
    tokio::task::yield_now().await;
    stream.write_all(&text("c")).await.unwrap();
    assert_eq!(soon(reading).await.unwrap(), ["a", "b", "c"].map(text).concat());
}

#[tokio::test]
async fn held_frames_go_when_released_and_at_the_end() {
    let notes = Notes::telling([Passage::Hold, Passage::Hold, Passage::Hold, Passage::Hold]);
    let Pair { mut stream, link, mut peer, listener: _listener } = upgraded(&notes).await;
    stream.write_all(&text("a")).await.unwrap();
    stream.write_all(&text("b")).await.unwrap();
    peer.write_all(&client_text("in")).await.unwrap();
    let (reader, writer) = tokio::io::split(stream);
    let mut reader = tokio::io::BufReader::new(reader);
    let reading = tokio::spawn(async move { (read_once(&mut reader).await, reader) });
    while notes.incoming_texts().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(!reading.is_finished());
    link.release();
    assert_eq!(read_once(&mut peer).await, ["a", "b"].map(text).concat());
    let (got, reader) = soon(reading).await.unwrap();
    assert_eq!(got, client_text("in"));

    let mut stream = reader.into_inner().unsplit(writer);
    stream.write_all(&text("c")).await.unwrap();
    assert_eq!(look(&peer), Err(io::ErrorKind::WouldBlock));
    drop(stream);
    expect_end(&mut peer, text("c")).await;
}

#[tokio::test]
async fn injected_bytes_wait_for_the_upgrade() {
    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    link.set_tap(Notes::telling([]));
    link.send_frame(&Frame::text("out"));
    link.feed(Frame::text("in"));
    stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
    expect_bytes(&mut peer, "HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(look(&peer), Err(io::ErrorKind::WouldBlock));
    let (mut reader, mut writer) = tokio::io::split(stream);
    let reading = tokio::spawn(async move { read_once(&mut reader).await });
    tokio::task::yield_now().await;
    writer.write_all(ANSWER.as_bytes()).await.unwrap();
    expect_bytes(&mut peer, [ANSWER.as_bytes(), &text("out")].concat()).await;
    let mut fed = FrameReader::default();
    fed.push(&soon(reading).await.unwrap());
    assert!(matches!(fed.next_piece(), Some(Piece::Whole(frame, _)) if frame.payload == "in" && frame.mask.is_some()));
}

#[tokio::test]
async fn injected_bytes_wait_for_the_frame_boundary() {
    let notes = Notes::telling([]);
    let Pair { mut stream, link, mut peer, listener: _listener } = upgraded(&notes).await;
    // Half of a frame that is kept: it has not left, so bytes can still go before it.
    let (left, right) = (&text("halves")[..4], &text("halves")[4..]);
    stream.write_all(left).await.unwrap();
    link.send("raw 1 ");
    stream.write_all(right).await.unwrap();
    expect_bytes(&mut peer, [b"raw 1 ", left, right].concat()).await;

    // Half of a frame that is not: bytes have to wait for its end.
    let payload = pattern(usize::try_from(LARGEST_KEPT).unwrap() + 1000);
    let large = Frame::new(Opcode::Binary, payload).to_bytes();
    let (left, right) = large.split_at(900_000);
    tokio::join!(async { stream.write_all(left).await.unwrap() }, expect_bytes(&mut peer, left));
    link.send("raw 2");
    link.feed(Frame::text("in"));
    assert_ne!(read_once(&mut stream).await, b"", "the other direction does not wait");
    assert_eq!(look(&peer), Err(io::ErrorKind::WouldBlock));
    tokio::join!(async { stream.write_all(right).await.unwrap() }, expect_bytes(&mut peer, right));
    expect_bytes(&mut peer, "raw 2").await;
    let shown = notes.outgoing.lock().unwrap();
    assert_eq!((shown[1].length, shown[1].is_whole()), (LARGEST_KEPT + 1000, false));
}

#[tokio::test]
async fn a_large_frame_can_be_dropped() {
    let notes = Notes::telling([Passage::Drop]);
    let Pair { mut stream, mut peer, listener: _listener, .. } = upgraded(&notes).await;
    let large = Frame::new(Opcode::Binary, pattern(3 << 20)).to_bytes();
    stream.write_all(&large).await.unwrap();
    stream.write_all(&text("next")).await.unwrap();
    expect_bytes(&mut peer, text("next")).await;
}

#[tokio::test]
async fn injected_bytes_leave_while_the_layer_above_only_reads() {
    let notes = Notes::telling([]);
    let Pair { stream, link, mut peer, listener: _listener } = upgraded(&notes).await;
    tokio::spawn(echo(stream));
    tokio::task::yield_now().await;
    link.send_frame(&Frame::text("injected"));
    expect_bytes(&mut peer, text("injected")).await;
    assert_eq!(notes.outgoing_texts(), [""; 0]);
}

#[tokio::test]
async fn a_tap_learns_of_the_end_once() {
    let notes = Notes::telling([]);
    let Pair { mut stream, peer, listener: _listener, .. } = upgraded(&notes).await;
    drop(peer);
    expect_end(&mut stream, "").await;
    drop(stream);
    assert_eq!(*notes.ends.lock().unwrap(), [End { by: By::Peer, how: How::Fin }]);
    assert_eq!(Arc::strong_count(&notes), 1, "the tap is let go");
}

/// Resets as soon as a frame has gone out.
struct Trap(Arc<Link>);

impl Tap for Trap {
    fn outgoing(&self, _: &Frame) -> Passage {
        self.0.reset();
        Passage::Pass
    }
}

#[tokio::test]
async fn a_tap_may_use_the_link() {
    let Pair { mut stream, link, mut peer, listener: _listener } = pair().await;
    link.set_tap(Arc::new(Trap(Arc::clone(&link))));
    stream.write_all(ANSWER.as_bytes()).await.unwrap();
    expect_bytes(&mut peer, ANSWER).await;
    let released = Arc::downgrade(&link);
    stream.write_all(&text("last")).await.unwrap();
    let error = async {
        expect_bytes(&mut peer, text("last")).await;
        peer.read(&mut [0]).await.unwrap_err().kind()
    };
    let mut buf = [0];
    let (_, error) = tokio::join!(stream.read(&mut buf), soon(error));
    assert_eq!(error, io::ErrorKind::ConnectionReset);
    drop((stream, link));
    assert!(released.upgrade().is_none(), "link and tap keep each other alive");
}
