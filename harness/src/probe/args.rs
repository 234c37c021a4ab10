//! The actions of a probe and their arguments, read strictly: every error at once, unknown names with a suggestion.
//!
//! Does nothing with them.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Map, Value};
use sparring_client::engine_io::{Pongs, Route};
use sparring_mock_server::contract::Contract;
use sparring_mock_server::values::{FieldError, parse_duration};

/// Everything a probe can be asked for.
const NAMES: [&str; 11] = [
    "connect",
    "disconnect",
    "send",
    "handshake",
    "upgrade",
    "raw_connect",
    "raw_send",
    "ignore_pings",
    "delay_pongs",
    "reset",
    "request",
];

/// An action with its arguments.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    Connect(Opening),
    Disconnect,
    Send { event: String, data: Option<Value>, ack: bool },
    Handshake(Opening),
    Upgrade(Opening),
    RawConnect,
    RawSend(Bytes),
    AnswerPings(Pongs),
    Reset,
    Request(Request),
}

/// How a connection is opened.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Opening {
    pub(super) carried: Carried,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: BTreeMap<String, String>,
    /// None means that of the probe.
    pub(super) route: Option<Route>,
}

/// The payload of CONNECT.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Carried {
    /// The actor's own token, or nothing if it has none.
    #[default]
    OwnToken,
    /// Exactly this.
    Literal(Value),
}

/// Bytes as they are written in a scenario.
#[derive(Debug, PartialEq)]
pub(super) enum Bytes {
    Text(String),
    Hex(Vec<u8>),
}

impl Bytes {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Hex(bytes) => bytes,
        }
    }
}

/// A single HTTP request.
#[derive(Debug, PartialEq)]
pub(super) struct Request {
    pub(super) method: Option<Method>,
    pub(super) target: Target,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<Value>,
}

/// Where a request goes.
#[derive(Debug, PartialEq)]
pub(super) enum Target {
    /// Method and path of an endpoint.
    Endpoint((Method, String)),
    /// A path.
    Path(String),
}

impl Action {
    /// Reads an action.
    pub(super) fn read(name: &str, args: &Map<String, Value>, contract: &Contract) -> Result<Self, Vec<FieldError>> {
        let mut args = Args { map: args, errors: Vec::new() };
        let action = match name {
            "connect" => Some(Self::Connect(args.opening(&["auth", "query", "headers", "transports"]))),
            "handshake" => Some(Self::Handshake(args.handshake())),
            "upgrade" => {
                let opening = args.opening(&["query", "headers"]);
                Some(Self::Upgrade(Opening { route: Some(Route::Websocket), ..opening }))
            }
            "disconnect" => Some(args.nothing(Self::Disconnect)),
            "send" => args.send(),
            "raw_connect" => Some(args.nothing(Self::RawConnect)),
            "raw_send" => args.raw_send(),
            "ignore_pings" => Some(args.nothing(Self::AnswerPings(Pongs::Never))),
            "delay_pongs" => args.delay_pongs(),
            "reset" => Some(args.nothing(Self::Reset)),
            "request" => args.request(contract),
            other => return Err(vec![FieldError::unknown("probe", other, "an action of the probe", NAMES)]),
        };
        match (action, args.errors) {
            (Some(action), errors) if errors.is_empty() => Ok(action),
            (_, errors) => Err(errors),
        }
    }
}

/// A map that is being read, and what is wrong with it so far.
struct Args<'a> {
    map: &'a Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Args<'_> {
    fn only(&mut self, known: &[&str]) {
        let unknown = self.map.keys().filter(|key| !known.contains(&key.as_str()));
        let errors = unknown.map(|key| FieldError::unknown(key, key, "an argument", known.iter().copied()));
        self.errors.extend(errors);
    }

    fn nothing(&mut self, action: Action) -> Action {
        let unexpected = self.map.iter().map(|(key, value)| FieldError::new(key, value, "no argument"));
        self.errors.extend(unexpected);
        action
    }

    fn opening(&mut self, known: &[&str]) -> Opening {
        self.only(known);
        Opening {
            carried: self.map.get("auth").map_or(Carried::OwnToken, |auth| Carried::Literal(auth.clone())),
            query: self.texts("query").into_iter().collect(),
            headers: self.headers(),
            route: self.transports(),
        }
    }

    fn handshake(&mut self) -> Opening {
        let route = match self.map.get("transport") {
            None => Route::Polling,
            Some(name) if name == "polling" => Route::Polling,
            Some(name) if name == "websocket" => Route::Websocket,
            Some(other) => self.refuse("transport", other, "polling or websocket", Route::Polling),
        };
        Opening { route: Some(route), ..self.opening(&["transport", "query", "headers"]) }
    }

    fn transports(&mut self) -> Option<Route> {
        let value = self.map.get("transports")?;
        let names: Option<Vec<String>> =
            value.as_array().and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
        match names.as_deref().map(|names| route("transports", names)) {
            Some(Ok(route)) => Some(route),
            Some(Err(error)) => {
                self.errors.push(error);
                None
            }
            None => self.refuse("transports", value, ROUTES, None),
        }
    }

    fn send(&mut self) -> Option<Action> {
        self.only(&["event", "data", "ack"]);
        let ack = match self.map.get("ack") {
            None => false,
            Some(Value::Bool(ack)) => *ack,
            Some(other) => self.refuse("ack", other, "true or false", false),
        };
        let event = self.text("event", "the name of an event")?;
        Some(Action::Send { event, data: self.map.get("data").cloned(), ack })
    }

    fn raw_send(&mut self) -> Option<Action> {
        self.only(&["text", "hex"]);
        let bytes = match (self.map.get("text"), self.map.get("hex")) {
            (Some(Value::String(text)), None) => Bytes::Text(text.clone()),
            (None, Some(Value::String(hex))) => match decode_hex(hex) {
                Some(bytes) => Bytes::Hex(bytes),
                None => return self.refuse("hex", &Value::from(hex.as_str()), "pairs of hexadecimal digits", None),
            },
            _ => return self.refuse("", &Value::Object(self.map.clone()), "either text or hex, a string", None),
        };
        Some(Action::RawSend(bytes))
    }

    fn delay_pongs(&mut self) -> Option<Action> {
        self.only(&["by"]);
        let value = self.map.get("by").cloned().unwrap_or_default();
        match value.as_str().map(parse_duration) {
            Some(Ok(by)) => Some(Action::AnswerPings(Pongs::Late(by))),
            Some(Err(error)) => self.refuse("by", &value, &error.to_string(), None),
            None => self.refuse("by", &value, "a duration with a unit, such as 5s", None),
        }
    }

    fn request(&mut self, contract: &Contract) -> Option<Action> {
        self.only(&["method", "path", "endpoint", "headers", "body"]);
        let (method, headers) = (self.method(), self.headers());
        let target = match (self.map.get("endpoint"), self.map.get("path")) {
            (Some(_), None) => Target::Endpoint(self.endpoint(contract)?),
            (None, Some(_)) => Target::Path(self.path()?),
            _ => return self.refuse("", &Value::Object(self.map.clone()), "either endpoint or path", None),
        };
        Some(Action::Request(Request { method, target, headers, body: self.map.get("body").cloned() }))
    }

    fn endpoint(&mut self, contract: &Contract) -> Option<(Method, String)> {
        let name = self.text("endpoint", "the name of an endpoint")?;
        let Some(endpoint) = contract.endpoints.get(&name) else {
            let known = contract.endpoints.keys().map(String::as_str);
            self.errors.push(FieldError::unknown("endpoint", &name, "an endpoint of the system", known));
            return None;
        };
        let method = Method::from_bytes(endpoint.method.as_bytes()).unwrap_or_default();
        Some((method, endpoint.path.clone()))
    }

    fn path(&mut self) -> Option<String> {
        let path = self.text("path", "a path that begins with /")?;
        if path.starts_with('/') && path.parse::<http::Uri>().is_ok() {
            return Some(path);
        }
        self.refuse("path", &Value::from(path), "a path that begins with /", None)
    }

    fn method(&mut self) -> Option<Method> {
        self.map.get("method")?;
        let name = self.text("method", "an HTTP method")?;
        let method = Method::from_bytes(name.as_bytes()).ok();
        if method.is_none() {
            self.refuse("method", &Value::from(name), "an HTTP method", ());
        }
        method
    }

    fn text(&mut self, name: &str, expected: &str) -> Option<String> {
        match self.map.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            other => {
                let found = other.cloned().unwrap_or_default();
                self.refuse(name, &found, expected, None)
            }
        }
    }

    /// A map of scalars, as texts.
    fn texts(&mut self, name: &str) -> BTreeMap<String, String> {
        let entries = match self.map.get(name) {
            None => return BTreeMap::new(),
            Some(Value::Object(entries)) => entries,
            Some(other) => return self.refuse(name, other, "a map of texts", BTreeMap::new()),
        };
        let mut texts = BTreeMap::new();
        for (key, value) in entries {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                other => {
                    self.errors.push(FieldError::new(key, other, "a text").under(name));
                    continue;
                }
            };
            texts.insert(key.clone(), text);
        }
        texts
    }

    fn headers(&mut self) -> BTreeMap<String, String> {
        let headers = self.texts("headers");
        let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if let Err(errors) = header_map("headers", pairs) {
            self.errors.extend(errors);
        }
        headers
    }

    fn refuse<T>(&mut self, path: &str, found: &Value, expected: &str, instead: T) -> T {
        self.errors.push(FieldError::new(path, found, expected));
        instead
    }
}

const ROUTES: &str = "[polling], [websocket] or [polling, websocket]";

/// The route that a list of transports means.
pub(super) fn route(path: &str, names: &[String]) -> Result<Route, FieldError> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match names.as_slice() {
        ["polling"] => Ok(Route::Polling),
        ["websocket"] => Ok(Route::Websocket),
        ["polling", "websocket"] => Ok(Route::Upgrading),
        other => Err(FieldError::new(path, &Value::from(other.to_vec()), ROUTES)),
    }
}

/// Header fields as HTTP has them; a later one replaces an earlier one of its name.
pub(super) fn header_map<'a>(
    path: &str,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<HeaderMap, Vec<FieldError>> {
    let (mut map, mut errors) = (HeaderMap::new(), Vec::new());
    for (name, value) in pairs {
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes())) {
            (Ok(name), Ok(value)) => drop(map.insert(name, value)),
            (Err(_), _) => {
                errors.push(FieldError::new(name, &Value::from(name), "the name of a header field").under(path));
            }
            (_, Err(_)) => {
                errors.push(FieldError::new(name, &Value::from(value), "a text without line breaks").under(path));
            }
        }
    }
    if errors.is_empty() { Ok(map) } else { Err(errors) }
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;
    use sparring_mock_server::contract::SystemId;

    fn read(name: &str, args: &Value) -> Result<Action, Vec<FieldError>> {
        Action::read(name, args.as_object().expect("a map"), SystemId::Digitwin.contract())
    }

    #[rstest]
    #[case("connect", json!({}), Action::Connect(Opening::default()))]
    #[case("connect", json!({"auth": {}}), Action::Connect(Opening { carried: Carried::Literal(json!({})), ..Opening::default() }))]
    #[case("connect", json!({"transports": ["polling"]}), Action::Connect(Opening { route: Some(Route::Polling), ..Opening::default() }))]
    #[case("handshake", json!({"transport": "websocket"}), Action::Handshake(Opening { route: Some(Route::Websocket), ..Opening::default() }))]
    #[case("upgrade", json!({}), Action::Upgrade(Opening { route: Some(Route::Websocket), ..Opening::default() }))]
    #[case("delay_pongs", json!({"by": "1.5s"}), Action::AnswerPings(Pongs::Late(std::time::Duration::from_millis(1_500))))]
    #[case("ignore_pings", json!({}), Action::AnswerPings(Pongs::Never))]
    #[case("raw_send", json!({"hex": "81 0a FF"}), Action::RawSend(Bytes::Hex(vec![0x81, 0x0a, 0xff])))]
    #[case("raw_send", json!({"text": ""}), Action::RawSend(Bytes::Text(String::new())))]
    #[case("send", json!({"event": "e", "data": null}), Action::Send { event: "e".into(), data: Some(Value::Null), ack: false })]
    #[case("request", json!({"endpoint": "refresh"}), Action::Request(Request {
        method: None, target: Target::Endpoint((Method::POST, "/auth/refresh".into())), headers: BTreeMap::new(), body: None,
    }))]
    fn actions(#[case] name: &str, #[case] args: Value, #[case] expected: Action) {
        assert_eq!(read(name, &args), Ok(expected));
    }

    #[rstest]
    #[case("conect", json!({}), "probe: found `conect`, expected an action of the probe: connect, disconnect, send, handshake, \
        upgrade, raw_connect, raw_send, ignore_pings, delay_pongs, reset, request; did you mean `connect`?")]
    #[case("connect", json!({"heders": {}}), "heders: found `heders`, expected an argument: auth, query, headers, transports; did you mean `headers`?")]
    #[case("connect", json!({"transports": ["carrier pigeon"]}), "transports: found `[\"carrier pigeon\"]`, expected [polling], [websocket] or [polling, websocket]")]
    #[case("connect", json!({"query": {"a": []}, "headers": {"a b": "c"}}), "query.a: found `[]`, expected a text | headers.a b: found `\"a b\"`, expected the name of a header field")]
    #[case("connect", json!({"headers": {"a": "b\r\nc: d"}}), "headers.a: found `\"b\\r\\nc: d\"`, expected a text without line breaks")]
    #[case("disconnect", json!({"now": true}), "now: found `true`, expected no argument")]
    #[case("delay_pongs", json!({"by": 5}), "by: found `5`, expected a duration with a unit, such as 5s")]
    #[case("delay_pongs", json!({"by": "5"}), "by: found `\"5\"`, expected a duration with a unit, such as 250ms, 1.5s, 2m or 1h")]
    #[case("raw_send", json!({"hex": "8"}), "hex: found `\"8\"`, expected pairs of hexadecimal digits")]
    #[case("raw_send", json!({}), "found `{}`, expected either text or hex, a string")]
    #[case("send", json!({"ack": 1}), "ack: found `1`, expected true or false | event: found `null`, expected the name of an event")]
    #[case("request", json!({"endpoint": "helth"}), "endpoint: found `helth`, expected an endpoint of the system: health, refresh, sign-in; did you mean `health`?")]
    #[case("request", json!({"path": "health"}), "path: found `\"health\"`, expected a path that begins with /")]
    #[case("request", json!({"path": "/a", "endpoint": "health"}), "expected either endpoint or path")]
    fn wrong_arguments(#[case] name: &str, #[case] args: Value, #[case] expected: &str) {
        let errors = read(name, &args).expect_err("the arguments are wrong");
        let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(shown.join(" | ").ends_with(expected), "{shown:?}");
    }
}
