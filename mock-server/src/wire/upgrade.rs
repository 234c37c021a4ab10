//! Finds the end of HTTP on a connection: the answer `101` to a WebSocket upgrade.
//!
//! A head is looked for only at the start of a write, which is where HTTP servers begin an answer, and must name the
//! protocol; so a body that happens to contain such a line is not mistaken for it. Knows nothing of frames.

/// Reads what the layer above writes until the upgrade has been answered.
#[derive(Debug, Default)]
pub(super) enum Upgrade {
    /// Plain HTTP.
    #[default]
    Http,
    /// Within the head of an answer `101`: the head so far.
    Head(Vec<u8>),
    /// From here on bytes are frames.
    Done,
}

impl Upgrade {
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Takes the bytes of a write; how many of them are HTTP.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        match self {
            Self::Http if bytes.starts_with(b"HTTP/1.1 101") => {
                *self = Self::Head(Vec::new());
                self.take(bytes)
            }
            Self::Http => bytes.len(),
            Self::Head(head) => {
                let before = head.len();
                head.extend_from_slice(bytes);
                let Some(size) = head_size(head) else {
                    if head.len() > LONGEST_HEAD {
                        *self = Self::Http;
                    }
                    return bytes.len();
                };
                let websocket = names_websocket(&head[..size]);
                *self = if websocket { Self::Done } else { Self::Http };
                if websocket { size - before } else { bytes.len() }
            }
            Self::Done => 0,
        }
    }
}

/// Size of a head with the empty line that ends it.
fn head_size(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|position| position + 4)
}

fn names_websocket(head: &[u8]) -> bool {
    String::from_utf8_lossy(head).lines().any(|line| {
        line.split_once(':').is_some_and(|(name, value)| {
            name.trim().eq_ignore_ascii_case("upgrade") && value.trim().eq_ignore_ascii_case("websocket")
        })
    })
}

const LONGEST_HEAD: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::Upgrade;

    const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUPGRADE: WebSocket\r\n\r\n";

    #[rstest]
    #[case::answer(&[ANSWER], ANSWER.len(), true)]
    #[case::frames_in_the_same_write(&[ANSWER, "frame"], ANSWER.len(), true)]
    #[case::after_another_answer(&["HTTP/1.1 200 OK\r\n\r\n", ANSWER], 19 + ANSWER.len(), true)]
    #[case::head_in_two_writes(&[&ANSWER[..40], &ANSWER[40..], "frame"], ANSWER.len(), true)]
    #[case::end_in_two_writes(&[&ANSWER[..ANSWER.len() - 2], "\r\n", "frame"], ANSWER.len(), true)]
    #[case::within_a_body(&["HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n"], 57, false)]
    #[case::other_protocol(&["HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\n", "rest"], 36, false)]
    fn http_ends_with_the_upgrade(#[case] writes: &[&str], #[case] http: usize, #[case] done: bool) {
        let mut upgrade = Upgrade::default();
        let taken: usize = writes.iter().map(|write| upgrade.take(write.as_bytes())).sum();
        assert_eq!((taken, upgrade.is_done()), (http, done));
    }
}
