//! What is printed of faults: nothing is missing, and nothing is wider than it may be.

use std::collections::BTreeMap;

use console::measure_text_width;
use serde_json::Value;
use sparring_mock_server::script::Fault;

use super::observed::{Meeting, Observation, Observed};
use super::{Demand, Explained, all_as_json, closest, layers, list, one_as_json, page};
use crate::report::terminal::Look;

const NARROW: Look = Look { width: 80, colour: false };

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("a vector takes all");
    String::from_utf8(bytes).expect("it is text")
}

fn explained(id: &str) -> Explained<'static> {
    let info = Fault::describe(id).expect("it is in the catalogue");
    let long = "A client whose server stands still notices it within pingInterval and pingTimeout, whatever it does.";
    Explained { info, requirements: vec![Demand { id: "DT-TMO-09", text: long }, Demand { id: "A-1", text: "Short." }] }
}

/// Two clients that met a fault, one of them twice.
fn sample() -> Observed {
    let seen = |client: &str, setup: Option<&str>, reports: &[&str]| Observation {
        client: client.to_owned(),
        system: "digitwin".to_owned(),
        rule: "half-open after=1s attempts=1".to_owned(),
        setup: setup.map(str::to_owned),
        reports: reports.iter().map(|report| (*report).to_owned()).collect(),
        note: setup.map(|_| "Noticed one ping interval and one ping timeout after the last ping.".to_owned()),
    };
    let half_open = vec![
        seen("socket.io-client", Some("transports [websocket]; pings every 500ms"), &["connect", "disconnect: x"]),
        seen("ws", None, &["open"]),
    ];
    Observed {
        clients: BTreeMap::from([("socket.io-client".to_owned(), "4.8.4".to_owned())]),
        faults: vec![
            Meeting { fault: "half-open".to_owned(), seen: half_open, unseen: None },
            Meeting {
                fault: "clock-freeze".to_owned(),
                seen: vec![],
                unseen: Some("the clock is far away".to_owned()),
            },
        ],
    }
}

#[test]
fn a_page() {
    let page = written(|out| page(&explained("half-open"), &sample(), NARROW, out));
    insta::with_settings!({filters => vec![("  systems .*\n(   .*\n)*", "  systems        [all]\n")]}, {
        insta::assert_snapshot!(page);
    });
}

#[test]
fn every_fault_is_listed_and_has_a_page_that_fits() {
    let faults: Vec<_> = Fault::catalogue().iter().collect();
    let all = written(|out| list(&faults, NARROW, out));
    assert!(layers().iter().all(|layer| all.contains(&format!("{layer}\n"))));
    for id in Fault::ids() {
        assert_eq!(all.matches(&format!("  {id} ")).count(), 1, "{id}");
        let page = written(|out| page(&explained(id), Observed::built_in(), NARROW, out));
        assert!(page.contains("\nExample\n"), "{id} has no rule that one of its systems takes:\n{page}");
        // A rule cannot be broken into lines: it is there to be copied.
        let wide =
            |line: &&str| measure_text_width(line) > 80 && !line.contains("--fault") && !line.contains("{fault:");
        assert_eq!(page.lines().chain(all.lines()).find(wide), None, "{id}");
    }
}

#[test]
fn json_says_the_same_of_one_and_of_all() {
    let faults: Vec<_> = Fault::ids().map(explained).collect();
    let mut all: Value =
        serde_json::from_str(&written(|out| all_as_json(&faults, &sample(), out))).expect("it is JSON");
    assert_eq!(all.as_array().map(Vec::len), Some(faults.len()));
    let place = faults.iter().position(|fault| fault.info.id == "half-open").expect("it is in the catalogue");
    let text = written(|out| one_as_json(&faults[place], &sample(), out));
    assert_eq!(serde_json::from_str::<Value>(&text).expect("it is JSON"), all[place]);
    // More systems come.
    all[place]["systems"] = "all".into();
    insta::assert_snapshot!(format!("{:#}", all[place]));
}

#[test]
fn a_wrong_id_has_a_neighbour() {
    assert_eq!(closest("silent-aut").as_deref(), Some("silent-auth"));
}
