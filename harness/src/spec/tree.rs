//! YAML as a tree in which every node knows its place in the text.
//!
//! The subset that files here may use: one document, scalars of the core schema, lists, maps with scalar keys. Anchors,
//! aliases and tags are refused, because a value that comes from somewhere else has no place of its own. Knows nothing
//! of what the values mean.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};
use serde_json::{Map, Number, Value};
use sparring_mock_server::values::shown;

use super::error::{Diagnostics, Span};

/// Nesting beyond this is refused, so that no file can exhaust the stack of what walks the tree.
const MAX_DEPTH: usize = 64;

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) value: Yaml,
    pub(super) span: Span,
}

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Yaml {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something about which an error has been reported: to be passed over in silence.
    Broken,
}

/// A key of a map and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Span,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn broken(span: Span) -> Self {
        Self { value: Yaml::Broken, span }
    }

    pub(super) fn is_broken(&self) -> bool {
        matches!(self.value, Yaml::Broken)
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Yaml::Text(text) = &self.value { Some(text) } else { None }
    }

    pub(super) fn as_list(&self) -> Option<&[Node]> {
        if let Yaml::List(items) = &self.value { Some(items) } else { None }
    }

    pub(super) fn as_map(&self) -> Option<&[Entry]> {
        if let Yaml::Map(entries) = &self.value { Some(entries) } else { None }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The text of a scalar; none for lists and maps.
    pub(super) fn scalar_text(&self) -> Option<String> {
        match &self.value {
            Yaml::Null => Some("null".to_owned()),
            Yaml::Bool(flag) => Some(flag.to_string()),
            Yaml::Number(number) => Some(number.to_string()),
            Yaml::Text(text) => Some(text.clone()),
            Yaml::List(_) | Yaml::Map(_) | Yaml::Broken => None,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        match &self.value {
            Yaml::Null | Yaml::Broken => Value::Null,
            Yaml::Bool(flag) => Value::Bool(*flag),
            Yaml::Number(number) => Value::Number(number.clone()),
            Yaml::Text(text) => Value::String(text.clone()),
            Yaml::List(items) => items.iter().map(Self::to_json).collect(),
            Yaml::Map(entries) => Value::Object(json_map(entries)),
        }
    }

    /// The value as it stands in an error message.
    pub(super) fn shown(&self) -> String {
        match &self.value {
            Yaml::Text(text) if text.len() <= 80 && !text.is_empty() => format!("`{text}`"),
            _ => shown(&self.to_json()),
        }
    }

    /// Whether something inside has already been reported.
    pub(super) fn has_broken(&self) -> bool {
        match &self.value {
            Yaml::Broken => true,
            Yaml::List(items) => items.iter().any(Self::has_broken),
            Yaml::Map(entries) => entries.iter().any(|entry| entry.value.has_broken()),
            _ => false,
        }
    }

    /// The place of the innermost node that a dotted path such as `when.token` or `packets[1]` leads to.
    pub(super) fn locate(&self, path: &str) -> Span {
        let path = path.trim_start_matches('.');
        if let Some(rest) = path.strip_prefix('[') {
            let (index, rest) = rest.split_once(']').unwrap_or((rest, ""));
            let item = index.parse().ok().and_then(|index: usize| self.as_list()?.get(index));
            return item.map_or(self.span, |item| item.locate(rest));
        }
        // Keys may hold dots themselves, so the longest key that begins the path is the one meant.
        let entries = self.as_map().unwrap_or_default();
        let entry = entries.iter().filter(|entry| leads(&entry.key, path)).max_by_key(|entry| entry.key.len());
        entry.map_or(self.span, |entry| match &path[entry.key.len()..] {
            "" => entry.value.span,
            rest => entry.value.locate(rest),
        })
    }
}

fn leads(key: &str, path: &str) -> bool {
    path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

pub(super) fn json_map(entries: &[Entry]) -> Map<String, Value> {
    entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect()
}

/// Reads the one document of a file. None if there is no tree at all; what is wrong with parts of it is reported and
/// replaced by [`Yaml::Broken`].
pub(super) fn parse(diagnostics: &mut Diagnostics) -> Option<Node> {
    let text = diagnostics.text();
    let mut builder = Builder { places: Places::new(&text), diagnostics, open: Vec::new(), document: None };
    for event in Parser::new_from_str(&text) {
        match event {
            Ok((event, span)) => {
                let span = builder.places.span(span.start, span.end);
                builder.take(event, span)?;
            }
            Err(error) => {
                builder.syntax_error(&error);
                return None;
            }
        }
    }
    let document = builder.document.take();
    if document.is_none() {
        diagnostics.error(Span::default(), "the file is empty");
    }
    document
}

/// Places of characters in bytes: the parser counts characters.
struct Places(Option<Vec<usize>>, usize);

impl Places {
    fn new(text: &str) -> Self {
        let table = (!text.is_ascii()).then(|| text.char_indices().map(|(byte, _)| byte).collect());
        Self(table, text.len())
    }

    fn byte(&self, marker: Marker) -> usize {
        let index = marker.index();
        let byte = self.0.as_ref().map_or(Some(index), |table| table.get(index).copied());
        byte.unwrap_or(self.1).min(self.1)
    }

    fn span(&self, start: Marker, end: Marker) -> Span {
        let start = self.byte(start);
        Span { start, end: self.byte(end).max(start) }
    }
}

struct Builder<'d> {
    diagnostics: &'d mut Diagnostics,
    places: Places,
    open: Vec<Open>,
    document: Option<Node>,
}

/// A list or map that has not ended yet.
struct Open {
    start: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(Option<String>, Span)> },
}

impl Builder<'_> {
    /// Takes one event; none means that reading on is of no use.
    fn take(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => return self.start_document(span),
            Event::Alias(_) => {
                let help = "write the value again, or use an axis";
                self.diagnostics.error_with_help(span, "aliases are not supported", help);
                self.insert(Node::broken(span));
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = if self.refuse_extras(anchor, tag.is_some(), span) {
                    Yaml::Broken
                } else {
                    self.scalar(&text, style, span)
                };
                self.insert_scalar(&text, Node { value, span });
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), span);
                return self.open(span, Content::List(Vec::new()));
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), span);
                return self.open(span, Content::Map { entries: Vec::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
        }
        Some(())
    }

    fn start_document(&mut self, span: Span) -> Option<()> {
        if self.document.is_none() {
            return Some(());
        }
        self.diagnostics.error_with_help(span, "a second document begins here", "one file holds one document");
        None
    }

    fn refuse_extras(&mut self, anchor: usize, tagged: bool, span: Span) -> bool {
        if anchor > 0 {
            self.diagnostics.error_with_help(span, "anchors are not supported", "write the value where it is needed");
        }
        if tagged {
            self.diagnostics.error_with_help(span, "tags are not supported", "quote the value to make it text");
        }
        anchor > 0 || tagged
    }

    fn open(&mut self, span: Span, content: Content) -> Option<()> {
        if self.open.len() == MAX_DEPTH {
            self.diagnostics.error(span, format!("nested more than {MAX_DEPTH} deep"));
            return None;
        }
        self.open.push(Open { start: span.start, content });
        Some(())
    }

    fn close(&mut self, end: Span) {
        let Some(Open { start, content }) = self.open.pop() else { return };
        let last = match &content {
            Content::List(items) => items.last().map(|item| item.span.end),
            Content::Map { entries, .. } => entries.last().map(|entry| entry.value.span.end),
        };
        // A collection in flow style ends with its bracket; one in block style has no end mark of its own.
        let end = if end.end > end.start { end.end } else { last.unwrap_or(end.start) };
        let span = Span { start, end: end.max(start) };
        let value = match content {
            Content::List(items) => Yaml::List(items),
            Content::Map { entries, .. } => Yaml::Map(entries),
        };
        self.insert(Node { value, span });
    }

    fn insert_scalar(&mut self, text: &str, node: Node) {
        if let Some(Open { content: Content::Map { key: key @ None, .. }, .. }) = self.open.last_mut() {
            *key = Some((Some(text.to_owned()), node.span));
        } else {
            self.insert(node);
        }
    }

    fn insert(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.document = Some(node);
            return;
        };
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map { key: key @ None, .. } => {
                *key = Some((None, node.span));
                if !node.is_broken() {
                    self.diagnostics.error(node.span, format!("a key has to be a scalar, found {}", node.shown()));
                }
            }
            Content::Map { entries, key } => {
                let Some((Some(name), key_span)) = key.take() else { return };
                if entries.iter().any(|entry| entry.key == name) {
                    self.diagnostics.error(key_span, format!("key `{name}` stands here a second time"));
                    return;
                }
                entries.push(Entry { key: name, key_span, value: node });
            }
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) -> Yaml {
        if style != ScalarStyle::Plain {
            return Yaml::Text(text.to_owned());
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Yaml::Null,
            "true" | "True" | "TRUE" => Yaml::Bool(true),
            "false" | "False" | "FALSE" => Yaml::Bool(false),
            ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "-.inf" | "-.Inf" | "-.INF" => {
                self.diagnostics.error(span, format!("expected a finite number, found `{text}`"));
                Yaml::Broken
            }
            _ => number(text).map_or_else(|| Yaml::Text(text.to_owned()), Yaml::Number),
        }
    }

    fn syntax_error(&mut self, error: &ScanError) {
        let start = self.places.byte(*error.marker());
        self.diagnostics.error(Span { start, end: start }, format!("not well-formed YAML: {}", error.info()));
    }
}

/// A number of YAML's core schema.
fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(Number::from);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return u64::from_str_radix(octal, 8).ok().map(Number::from);
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let whole = text.parse::<i64>().ok().map(Number::from).or_else(|| text.parse::<u64>().ok().map(Number::from));
    whole.or_else(|| Number::from_f64(text.parse().ok()?))
}
