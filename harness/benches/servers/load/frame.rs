//! WebSocket frames, as few as a well-behaved server and a client of short messages need.

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Any key will do: nobody listens in.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// What a server has sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard<'a> {
    /// A message.
    Text(&'a [u8]),
    /// A ping with its payload.
    Ping(&'a [u8]),
    /// The end.
    Close,
    /// What needs no attention.
    Other,
}

/// Takes the first frame off the bytes; none if it is not there as a whole.
pub(super) fn take<'a>(bytes: &mut &'a [u8]) -> Option<Heard<'a>> {
    let (start, length) = match *bytes {
        [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        [_, 127, rest @ ..] => (10, usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?),
        [_, 126, ..] => return None,
        [_, length, ..] => (2, usize::from(*length)),
        _ => return None,
    };
    let opcode = bytes.first()? & 0x0f;
    let payload = bytes.get(start..start + length)?;
    *bytes = &bytes[start + length..];
    Some(match opcode {
        TEXT => Heard::Text(payload),
        PING => Heard::Ping(payload),
        CLOSE => Heard::Close,
        _ => Heard::Other,
    })
}

/// A message of a client.
pub(super) fn text(payload: &str) -> Vec<u8> {
    masked(TEXT, payload.as_bytes())
}

/// The answer to a ping.
pub(super) fn pong(payload: &[u8]) -> Vec<u8> {
    masked(PONG, payload)
}

fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126);
    let length = length.expect("what the bench says is short, and so is the payload of a ping");
    let head = [0x80 | opcode, 0x80 | length];
    let body = payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    head.into_iter().chain(MASK).chain(body).collect()
}
