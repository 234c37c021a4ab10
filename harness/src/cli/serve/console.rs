//! What `sparring serve` prints: where the server is, then what happens, as it happens.
//!
//! Reads the journal by offsets, so that a terminal which is too slow loses lines and holds up nothing.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use serde_json::{Value, json};
use sparring_mock_server::contract::{Contract, Protocol, SystemId};
use sparring_mock_server::control::Control;
use sparring_mock_server::journal::{Actor, Moment};
use sparring_mock_server::script::{Change, Rule};
use sparring_mock_server::server::MockServer;
use sparring_mock_server::tokens::TokenSpec;

use crate::report::words;
use crate::spec::model::Subject;
use crate::trace::Merger;

/// Lines that are printed at once.
const BATCH: usize = 256;

/// Says where the server is, how to connect, and what it will do.
pub(super) fn introduce(
    out: &mut impl Write,
    server: &MockServer,
    actor: &Actor,
    system: SystemId,
    rules: &[Rule],
) -> std::io::Result<()> {
    let contract = system.contract();
    let url = server.url(actor);
    writeln!(out, "{} on {url}", contract.title)?;
    for rule in rules {
        writeln!(out, "  fault    {rule}")?;
    }
    for (kind, token) in tokens(server, contract) {
        writeln!(out, "  token    {token} ({kind})")?;
    }
    for (name, endpoint) in &contract.endpoints {
        writeln!(out, "  {:<8} {} {url}{}  ({name})", "endpoint", endpoint.method, endpoint.path)?;
    }
    writeln!(out, "  connect  {}", how_to_connect(&url, contract))?;
    if let Some(control) = server.control() {
        writeln!(out, "  control  {}", control.url())?;
        if let Some(token) = control.token() {
            writeln!(out, "           Authorization: Bearer {token}")?;
        }
    }
    writeln!(out, "Ctrl-C stops it.")?;
    out.flush()
}

/// The same in one line for programs.
pub(super) fn ready(out: &mut impl Write, server: &MockServer, actor: &Actor, system: SystemId) -> std::io::Result<()> {
    let control = server.control();
    let ready = json!({
        "system": system.name(),
        "url": server.url(actor),
        "control": control.map(Control::url),
        "control_token": control.and_then(Control::token),
        "ca": server.ca_pem(),
        "tokens": tokens(server, system.contract()),
    });
    writeln!(out, "{ready}")?;
    out.flush()
}

/// A good token of each kind.
fn tokens<'a>(server: &MockServer, contract: &'a Contract) -> BTreeMap<&'a str, String> {
    let specs = contract.tokens.keys().filter_map(|kind| {
        let spec = TokenSpec::read(&Value::from(kind.as_str()), contract).ok()??;
        Some((kind.as_str(), server.mint(&spec, None).value))
    });
    specs.collect()
}

fn how_to_connect(url: &str, contract: &Contract) -> String {
    let transport = &contract.transport;
    let auth = if contract.tokens.is_empty() { "" } else { "auth: { token }, " };
    match transport.protocol {
        Protocol::SocketIo => format!("io(\"{url}\", {{ {auth}transports: {:?} }})", transport.order),
        Protocol::EngineIo => format!("new Socket(\"{url}\", {{ transports: {:?} }})", transport.order),
        Protocol::WebSocket => format!("new WebSocket(\"{}{}\")", url.replacen("http", "ws", 1), transport.path),
    }
}

/// Says what has changed in the rules.
pub(super) fn tell(out: &mut impl Write, file: &str, change: &Change) -> std::io::Result<()> {
    if change.gone.is_empty() && change.new.is_empty() {
        return Ok(());
    }
    writeln!(out, "{file} has changed")?;
    for rule in &change.gone {
        writeln!(out, "  gone     {rule}")?;
    }
    for rule in &change.new {
        writeln!(out, "  fault    {rule}")?;
    }
    out.flush()
}

/// Prints what happens, as it happens.
pub(super) async fn follow(out: &mut impl Write, server: &MockServer) -> std::io::Result<()> {
    let journal = server.journal();
    let mut merger = Merger::new(Subject::Client);
    let began = Moment::now();
    let width = if std::io::stdout().is_terminal() { 160 } else { usize::MAX };
    let mut next = 0;
    loop {
        journal.reached(next).await;
        let page = journal.read(next, BATCH);
        if let Some(gap) = page.gap {
            writeln!(out, "{:>10}  {} records came too fast to be printed", "", gap.end - gap.start)?;
        }
        for record in page.records.iter().filter_map(|record| merger.journal(record)) {
            let row = words::Row::of(&record);
            let line = format!("{:>10}  {}", words::offset(record.at, began), row.text);
            writeln!(out, "{}", line.chars().take(width).collect::<String>())?;
        }
        out.flush()?;
        next = page.next;
    }
}
