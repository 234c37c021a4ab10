//! Where the honest server differs from the official one (`engine.io` 6 under Node), and why.
//!
//! Both were asked the same odd questions over bare sockets and their answers compared byte by byte. What is not listed
//! is the same: statuses, bodies, content types, close codes, the order of checks, and what ends a session.
//!
//! | question | the official server | this one | why |
//! | --- | --- | --- | --- |
//! | any request | `Keep-Alive: timeout=5`, idle connections end after 5 s | idle connections end after [`head_time`](crate::limits::Limits::head_time) | the runtime's doing, not the protocol's |
//! | a refusal, or another answer without news | chunked | `Content-Length` | the same to every client |
//! | a refused upgrade | no cross-origin headers | those of every answer | faults and checks of CORS hold everywhere |
//! | a refused upgrade without key or with an odd version | `text/html` | `text/plain` | one answer for all WebSockets |
//! | `EIO=3` on an upgrade | 101, then HTTP 400 on the open WebSocket | 400 | clients cannot read the former |
//! | an upgrade with `transport=polling` | 101, then a close frame | a polling handshake | the transport that is named counts |
//! | `j`, JSONP | served | 400, code 3 | no client of this version has it |
//! | a preflight | `Vary: Access-Control-Request-Headers` | not | browsers do not keep preflights by it |
//! | a large polling body, `Accept-Encoding` | compressed | as it is | what goes out is to be readable on the wire |
//! | `b` without base64 | taken, with what can be decoded | ends the session as no packet | a broken client is to be noticed |
//! | a post that is being read when its session ends | its connection is cut | 400 | it has an answer coming |
//! | `1` over a WebSocket | ignored | ends the session, with a close frame | the protocol and its suite say so |
//! | a ping before an upgrade, its pong behind it | no pong is waited for any more | it is | a session must end when its client is gone |
//! | the path without its last slash | not served | served | clients can be told to ask so |
//! | longer paths | served | 404 | no client asks so |
//! | other paths | never answered | 404 | a client that waits for nothing is of no use |
//! | more packets than [`OUTBOX`](crate::limits::OUTBOX) unread | kept | ends the session | memory is bounded |
