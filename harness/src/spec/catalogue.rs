//! The catalogue of a system, `specs/<id>/requirements.yaml`: what its document demands and where it contradicts
//! itself.
//!
//! Knows nothing of scenarios.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::error::{Diagnostics, Span, SpecError};
use super::model::Level;
use super::tree::{self, Entry, Node};

/// Requirements and contradictions by id.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// What the document demands.
    pub requirements: BTreeMap<String, Requirement>,
    /// Where it contradicts itself or is silent.
    pub contradictions: BTreeMap<String, Contradiction>,
}

/// One testable sentence.
#[derive(Debug, Clone)]
pub struct Requirement {
    /// Its id.
    pub id: String,
    /// Who can break it.
    pub party: Party,
    /// How binding it is.
    pub level: Level,
    /// What it takes to see it.
    pub observe: Observe,
    /// What it rests on.
    pub basis: Basis,
    /// The sentence.
    pub text: String,
    /// Section of the document.
    pub source: String,
    /// Contradictions on whose reading it rests.
    pub readings: Vec<String>,
    /// Faults that provoke it.
    pub faults: Vec<String>,
    /// Why no scenario names it, if that is so.
    pub untested: Option<String>,
}

/// A place where the document contradicts itself or is silent, and how it is read here.
#[derive(Debug, Clone)]
pub struct Contradiction {
    /// Its id.
    pub id: String,
    /// Contradiction, undefined and the like.
    pub kind: String,
    /// What it is about.
    pub topic: String,
    /// What was found.
    pub finding: String,
    /// How it is read.
    pub reading: String,
    /// Why so.
    pub why: String,
    /// Requirements that depend on it.
    pub affects: Vec<String>,
}

/// Who can break a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// The client.
    Client,
    /// The server.
    Server,
    /// Either side.
    Both,
}

impl Party {
    /// The word of the catalogue.
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Both => "both",
        }
    }
}

/// What it takes to see whether a requirement is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observe {
    /// Traffic alone.
    Wire,
    /// An adapter; of a server, its log or store.
    Driver,
}

/// What a requirement rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The document says it.
    Stated,
    /// It follows from the document's code or from the protocol.
    Derived,
    /// It follows from the reading of a contradiction.
    Reading,
}

/// The words of an enumeration of the catalogue.
trait Words: Sized + Copy + 'static {
    const WORDS: &'static [(&'static str, Self)];
}

impl Words for Party {
    const WORDS: &'static [(&'static str, Self)] =
        &[("client", Self::Client), ("server", Self::Server), ("both", Self::Both)];
}

impl Words for Observe {
    const WORDS: &'static [(&'static str, Self)] = &[("wire", Self::Wire), ("driver", Self::Driver)];
}

impl Words for Basis {
    const WORDS: &'static [(&'static str, Self)] =
        &[("stated", Self::Stated), ("derived", Self::Derived), ("reading", Self::Reading)];
}

impl Words for Level {
    const WORDS: &'static [(&'static str, Self)] = &[("must", Self::Must), ("should", Self::Should)];
}

impl Catalogue {
    /// Reads a `requirements.yaml`; all that is wrong with it at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<SpecError>> {
        let mut diagnostics = Diagnostics::new(file, text);
        let mut catalogue = Self::default();
        if let Some(document) = tree::parse(&mut diagnostics) {
            catalogue.read(&document, &mut diagnostics);
        }
        diagnostics.finish().map(|()| catalogue)
    }

    fn read(&mut self, document: &Node, diagnostics: &mut Diagnostics) {
        let Some(mut file) = Item::of(document, diagnostics, &["requirements", "contradictions"]) else { return };
        let requirements = file.nodes("requirements");
        let contradictions = file.nodes("contradictions");
        let mut ids = BTreeSet::new();
        for node in contradictions {
            if let Some(one) = contradiction(node, &mut ids, diagnostics) {
                self.contradictions.insert(one.id.clone(), one);
            }
        }
        for node in requirements {
            if let Some(one) = self.requirement(node, &mut ids, diagnostics) {
                self.requirements.insert(one.id.clone(), one);
            }
        }
        for node in contradictions {
            refuse_unknown(node.get("affects"), "requirement", &self.requirements, diagnostics);
        }
    }

    fn requirement(
        &self,
        node: &Node,
        ids: &mut BTreeSet<String>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Requirement> {
        refuse_unknown(node.get("readings"), "contradiction", &self.contradictions, diagnostics);
        let known = ["id", "party", "level", "observe", "basis", "text", "source", "readings", "faults", "untested"];
        let mut item = Item::of(node, diagnostics, &known)?;
        let requirement = Requirement {
            id: item.id(ids),
            party: item.word("party").unwrap_or(Party::Both),
            level: item.word("level").unwrap_or(Level::Must),
            observe: item.word("observe").unwrap_or(Observe::Wire),
            basis: item.word("basis").unwrap_or(Basis::Stated),
            text: item.text("text"),
            source: item.text("source"),
            readings: item.texts("readings"),
            faults: item.texts("faults"),
            untested: item.entry("untested").is_some().then(|| item.text("untested")),
        };
        if requirement.basis == Basis::Reading && requirement.readings.is_empty() {
            item.diagnostics.error(item.span, "a requirement of basis `reading` needs `readings`");
        }
        Some(requirement)
    }
}

fn contradiction(node: &Node, ids: &mut BTreeSet<String>, diagnostics: &mut Diagnostics) -> Option<Contradiction> {
    let mut item = Item::of(node, diagnostics, &["id", "kind", "topic", "finding", "reading", "why", "affects"])?;
    Some(Contradiction {
        id: item.id(ids),
        kind: item.text("kind"),
        topic: item.text("topic"),
        finding: item.text("finding"),
        reading: item.text("reading"),
        why: item.text("why"),
        affects: item.texts("affects"),
    })
}

fn refuse_unknown<T>(list: Option<&Node>, what: &str, known: &BTreeMap<String, T>, diagnostics: &mut Diagnostics) {
    for node in list.and_then(Node::as_list).unwrap_or_default() {
        if let Some(id) = node.as_text().filter(|id| !known.contains_key(*id)) {
            diagnostics.unknown(node.span, what, id, known.keys().map(String::as_str));
        }
    }
}

/// A map that is being read.
struct Item<'n, 'd> {
    entries: &'n [Entry],
    span: Span,
    diagnostics: &'d mut Diagnostics,
}

impl<'n, 'd> Item<'n, 'd> {
    fn of(node: &'n Node, diagnostics: &'d mut Diagnostics, known: &[&str]) -> Option<Self> {
        let Some(entries) = node.as_map() else {
            if !node.is_broken() {
                diagnostics.error(node.span, format!("expected a map, found {}", node.shown()));
            }
            return None;
        };
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            diagnostics.unknown(entry.key_span, "key here", &entry.key, known.iter().copied());
        }
        Some(Self { entries, span: node.span, diagnostics })
    }

    fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    fn expected(&mut self, node: &Node, key: &str, expected: &str) {
        if !node.is_broken() {
            let message = format!("`{key}`: expected {expected}, found {}", node.shown());
            self.diagnostics.error(node.span, message);
        }
    }

    fn text(&mut self, key: &str) -> String {
        let Some(entry) = self.entry(key) else {
            self.diagnostics.error(self.span, format!("`{key}` is missing"));
            return String::new();
        };
        if let Some(text) = entry.value.as_text() {
            return text.to_owned();
        }
        self.expected(&entry.value, key, "text");
        String::new()
    }

    fn id(&mut self, ids: &mut BTreeSet<String>) -> String {
        let id = self.text("id");
        if let Some(entry) = self.entry("id").filter(|_| !id.is_empty() && !ids.insert(id.clone())) {
            self.diagnostics.error(entry.value.span, format!("id `{id}` stands here a second time"));
        }
        id
    }

    fn word<T: Words>(&mut self, key: &str) -> Option<T> {
        let text = self.text(key);
        let found = T::WORDS.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if let Some(entry) = self.entry(key).filter(|_| found.is_none() && !text.is_empty()) {
            self.diagnostics.unknown(
                entry.value.span,
                &format!("value of `{key}`"),
                &text,
                T::WORDS.iter().map(|(word, _)| *word),
            );
        }
        found
    }

    fn nodes(&mut self, key: &str) -> &'n [Node] {
        match self.entry(key).map(|entry| &entry.value) {
            None => &[],
            Some(node) => node.as_list().unwrap_or_else(|| {
                self.expected(node, key, "a list");
                &[]
            }),
        }
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
        let mut texts = Vec::new();
        for node in self.nodes(key) {
            match node.as_text() {
                Some(text) => texts.push(text.to_owned()),
                None => self.expected(node, key, "text"),
            }
        }
        texts
    }
}

impl FromStr for Level {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::WORDS.iter().find(|(word, _)| *word == text).map(|(_, level)| *level).ok_or(())
    }
}
