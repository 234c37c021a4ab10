//! What the load stage makes of whole files: good ones, wrong ones, and broken ones.

use std::path::PathBuf;
use std::time::Duration;

use rstest::rstest;
use sparring_mock_server::contract::SystemId;
use sparring_mock_server::journal::Actor;
use sparring_mock_server::values::{DurationRange, NumberRange};

use super::model::{Key, Pattern, Role, Subject, Times, Verb, Window};
use super::*;

/// DigiTwin's catalogue as it was compiled in.
fn catalogue() -> Catalogue {
    let sources = Sources::built_in();
    let file = sources.files.iter().find(|file| file.id == "digitwin/requirements").expect("it is in specs/");
    Catalogue::parse(&file.path, &file.text).expect("the catalogue is well-formed")
}

fn read(text: &str) -> Result<Vec<Scenario>, Vec<SpecError>> {
    parse("specs/digitwin/area/name.yaml", text, SystemId::Digitwin, &catalogue())
}

fn read_one(text: &str) -> Scenario {
    let mut scenarios = read(text).expect("the file is right");
    assert_eq!(scenarios.len(), 1);
    scenarios.remove(0)
}

/// Errors as a terminal without colours would show them.
fn shown(errors: &[SpecError]) -> String {
    let line = |error: &SpecError| match &error.help {
        Some(help) => format!("{error}\n    help: {help}\n"),
        None => format!("{error}\n"),
    };
    errors.iter().map(line).collect()
}

#[rstest]
fn wrong_files_are_explained(#[files("../tests/fixtures/spec-errors/*.yaml")] path: PathBuf) {
    let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
    let text = std::fs::read_to_string(&path).expect("it is there");
    let file = format!("digitwin/area/{name}.yaml");
    let errors = parse(&file, &text, SystemId::Digitwin, &catalogue()).expect_err("the file is wrong");
    for error in &errors {
        let position = error.position.as_ref().expect("errors of a text have a place in it");
        assert!(text.get(position.span.clone()).is_some(), "{error}: the span lies in the text");
    }
    insta::with_settings!({
        snapshot_path => "../../../tests/fixtures/spec-errors",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, shown(&errors));
    });
}

#[rstest]
#[case("  - expect: {attempt: 1}\n    within: 2 # seconds\n", "2")]
#[case("  - expect: {attempt: 1}\n    withn: 2s\n", "withn")]
#[case("  - expect: {log: Übergröße, level: 'schlimm'}\n", "'schlimm'")]
#[case("  - expect: {attempt: 1}\n    req: [ ]\n", "[ ]")]
#[case("  - never:\n      attempt:\n        - 1\n        - 2\n\n    # behind it\n    for: 2s\n", "- 1\n        - 2")]
fn the_span_covers_what_is_wrong(#[case] step: &str, #[case] expected: &str) {
    let text = format!("title: Größe\nsteps:\n{step}");
    let errors = read(&text).expect_err("the file is wrong");
    let position = errors[0].position.as_ref().expect("errors of a text have a place in it");
    assert_eq!(&text[position.span.clone()], expected, "{}", shown(&errors));
}

#[test]
fn the_built_in_suite_is_right() {
    match load(&Sources::built_in()) {
        Ok(suite) => assert!(suite.catalogues.contains_key(&SystemId::Digitwin) && !suite.scenarios.is_empty()),
        Err(errors) => panic!("{}", shown(&errors)),
    }
}

#[test]
fn no_beginning_of_a_file_upsets_the_reader() {
    let catalogue = catalogue();
    for text in [EVERYTHING, AXES] {
        for end in 0..text.len() {
            if let Some(beginning) = text.get(..end) {
                // Right or wrong, it must not panic.
                let _ = parse("digitwin/area/name.yaml", beginning, SystemId::Digitwin, &catalogue);
            }
        }
    }
}

#[test]
fn no_missing_line_upsets_the_reader() {
    let catalogue = catalogue();
    for text in [EVERYTHING, AXES] {
        let lines: Vec<&str> = text.lines().collect();
        for left_out in 0..lines.len() {
            let rest = [&lines[..left_out], &lines[left_out + 1..]].concat().join("\n");
            let _ = parse("digitwin/area/name.yaml", &rest, SystemId::Digitwin, &catalogue);
        }
    }
}

const EVERYTHING: &str = r#"
title: Ein Gerüst aus allem, was es gibt
tags: [smoke]
note: free text
given:
  clients:
    alice: {token: jwt, user: alice, options: {timeout: 30s}}
  probes:
    crowd: {count: 3, token: {kind: guest, age: 5m}, origin: "http://localhost:3000", headers: {x-trace: "1"}}
  server:
    - {fault: event-delay, on: session_created, delay: 2s, attempts: 1-2, who: crowd}
    - {fault: unknown-event, on: session_created, event: surprise}
  clock: {offset: 2h}
  switches: {jwt_expired_code: AUTH_INVALID}
steps:
  - client: connect
    who: alice
    as: dial
  - probe: connect
    who: crowd
    with: {auth: {token: {$token: {kind: jwt, expires_in: 10s}}}}
  - never: {attempt: 3+}
    who: [alice, crowd/2]
    until: ready
    req: [DT-CONN-01]
  - expect:
      any_of:
        - {received: CONNECT, token: {$not: {$match: "^guest_"}}, gap: 1s-2s}
        - {sent: surprise, data: {$exact: {a: {$range: 1-2.5}, b: [1, {$type: "null"}]}}, deviation: DT-X-02}
    who: alice
    where: {connection: 1}
    after: 9s-11s
    as: first
  - expect: {pong: 1+, delay: 9s}
    who: crowd
    times: 1-2
    for: 30s
  - wait: 10s
    since: dial
  - expect: {state: [connecting, any]}
    who: alice
    as: ready
    level: should
  - server: advance
    with: {by: 1h}
  - expect: {event: sessionCreated, data: "${first.data}"}
    who: alice
    unordered: true
"#;

const AXES: &str = r#"
title: Two axes, ${axes.code} first
axes:
  code: [AUTH_INVALID, 7]
  rules:
    none: []
    two: [{fault: silent-auth}, {fault: latency, delay: 1s}]
given:
  token: jwt
  server:
    - {fault: connect-ack-delay, delay: 2s}
    - ${axes.rules}
steps:
  - client: connect
  - expect: {sent: auth_error, data: {code: "${axes.code}", text: "code ${axes.code}", first: "${axes.rules.0.fault}"}}
"#;

#[test]
fn every_form_is_read() {
    let scenario = read_one(EVERYTHING);
    assert_eq!(scenario.id, "digitwin/area/name");
    assert_eq!(scenario.subject, Subject::Client);
    let actors: Vec<&str> = scenario.given.actors.iter().map(|spec| spec.actor.name()).collect();
    assert_eq!(actors, ["alice", "crowd/1", "crowd/2", "crowd/3"]);
    assert_eq!(scenario.given.actors[3].role, Role::Probe);
    assert_eq!(scenario.given.rules.len(), 2);
    assert_eq!(scenario.limit, Duration::from_secs(300 + 30 + 10));
}

#[test]
fn checks_keep_what_was_written() {
    let scenario = read_one(EVERYTHING);
    let steps = &scenario.steps;
    let Verb::Never(never) = &steps[2].verb else { panic!("{:?}", steps[2].verb) };
    assert_eq!(never.window, Some(Window::Until("ready".to_owned())));
    assert_eq!(steps[2].who, [Actor::new("alice"), Actor::new("crowd/2")]);
    let Verb::Expect(first) = &steps[3].verb else { panic!("{:?}", steps[3].verb) };
    assert_eq!(first.after, Some(DurationRange::Between(Duration::from_secs(9), Duration::from_secs(11))));
    assert!(first.branches.iter().all(|branch| branch.filter.contains_key("connection")));
    assert_eq!(first.branches[1].deviation.as_deref(), Some("DT-X-02"));
    let Verb::Expect(pong) = &steps[4].verb else { panic!("{:?}", steps[4].verb) };
    let range = NumberRange { min: 1, max: Some(2) };
    assert_eq!(pong.times, Times::Counted(range, Window::For(Duration::from_secs(30))));
    let Verb::Expect(run) = &steps[6].verb else { panic!("{:?}", steps[6].verb) };
    let observation = &run.branches[0].observation;
    assert_eq!(observation.key, Key::State);
    assert!(matches!(observation.run.as_slice(), [Pattern::Equal(_), Pattern::Any]));
}

#[test]
fn a_step_without_modifiers_has_the_defaults() {
    let scenario = read_one("title: Defaults\nsteps:\n  - expect: {attempt: 1}\n");
    assert_eq!(scenario.limit, Duration::from_secs(300));
    assert_eq!(scenario.given.actors.len(), 1);
    assert_eq!(scenario.given.actors[0].actor, Actor::new("client"));
    assert!(scenario.given.actors[0].token.is_none());
    let step = &scenario.steps[0];
    assert_eq!((step.index, step.line, step.source.as_str()), (0, 3, "expect: {attempt: 1}"));
    assert_eq!(step.who, [Actor::new("client")]);
    let Verb::Expect(expect) = &step.verb else { panic!("{:?}", step.verb) };
    assert_eq!(expect.times, Times::Each(1));
    assert!(!expect.optional && !expect.unordered && !expect.eventually);
    assert!(expect.claim.requirements.is_empty() && expect.claim.level.is_none());
}

#[rstest]
#[case("{}", Subject::Client)]
#[case("{token: jwt}", Subject::Client)]
#[case("{clients: {client: {token: jwt}}}", Subject::Client)]
#[case("{clients: {a: {}}, probes: {b: {}}}", Subject::Client)]
#[case("{token: jwt, probes: {b: {}}}", Subject::Client)]
#[case("{probes: {b: {}}}", Subject::Server)]
fn probes_alone_judge_a_server(#[case] given: &str, #[case] expected: Subject) {
    let text =
        format!("title: T\ngiven: {given}\nsteps:\n  - server: thaw\n  - never: {{attempt: any}}\n    who: WHO\n");
    let who = if given.contains("probes") { "b" } else { "client" };
    assert_eq!(read_one(&text.replace("WHO", who)).subject, expected);
}

#[test]
fn axes_multiply_in_the_order_of_the_file() {
    let errors = read(AXES).expect_err("the empty list has no first rule");
    assert_eq!(errors.len(), 1, "{}", shown(&errors));
    let scenarios = read(&AXES.replace(", first: \"${axes.rules.0.fault}\"", "")).expect("now it is right");
    let ids: Vec<&str> = scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
    let base = "digitwin/area/name";
    let expected =
        ["AUTH_INVALID,none", "AUTH_INVALID,two", "7,none", "7,two"].map(|labels| format!("{base}[{labels}]"));
    assert_eq!(ids, expected);
    let rules: Vec<usize> = scenarios.iter().map(|scenario| scenario.given.rules.len()).collect();
    assert_eq!(rules, [1, 3, 1, 3]);
    assert_eq!(scenarios[2].title, "Two axes, 7 first");
    let Verb::Expect(expect) = &scenarios[2].steps[1].verb else { panic!("the second step is a check") };
    let Pattern::Map(data) = &expect.branches[0].observation.fields["data"] else { panic!("data is a map") };
    assert!(matches!(&data["code"], Pattern::Equal(code) if *code == 7));
    assert!(matches!(&data["text"], Pattern::Equal(text) if *text == "code 7"));
}

#[test]
fn the_source_of_a_step_keeps_its_lines() {
    let text = "title: T\nsteps:\n    - expect:\n          attempt: 1   # the first\n      note: >-\n        one\n        two\n\n    # next\n    - wait: 1s\n";
    let scenario = read_one(text);
    let expected = "expect:\n    attempt: 1   # the first\nnote: >-\n  one\n  two";
    assert_eq!(scenario.steps[0].source, expected);
    assert_eq!(scenario.steps[1].source, "wait: 1s");
    assert_eq!(scenario.steps[1].line, 10);
}

#[rstest]
#[case("digitwin/a/b.yaml", "digitwin/a/b")]
#[case("specs/digitwin/a/b.yaml", "digitwin/a/b")]
#[case("/srv/digitwin/specs/digitwin/a/b.yaml", "digitwin/a/b")]
#[case("a/b.yaml", "a/b")]
fn the_id_is_the_path_from_the_system_on(#[case] file: &str, #[case] id: &str) {
    let text = "title: T\nsteps:\n  - never: {attempt: any}\n";
    let scenarios = parse(file, text, SystemId::Digitwin, &Catalogue::default()).expect("the file is right");
    assert_eq!(scenarios[0].id, id);
}

#[rstest]
#[case(&[], "<dir>: holds no scenario: expected <system>/<area>/<name>.yaml below it")]
#[case(&[("README.md", "x"), ("scenario.schema.json", "{}")], "<dir>: holds no scenario: expected <system>/<area>/<name>.yaml below it")]
#[case(&[("digitwin/a/b.yml", RIGHT)], "<dir>/digitwin/a/b.yml: scenario files end in .yaml")]
#[case(&[("digitwin/b.yaml", RIGHT)], "<dir>/digitwin/b.yaml: a scenario stands in the folder of its area: <system>/<area>/<name>.yaml")]
#[case(&[("nowhere/a/b.yaml", RIGHT)], "<dir>/nowhere/a/b.yaml: `nowhere` is no system")]
#[case(&[("digitwin/a/b.yaml", RIGHT)], "digitwin/a/b")]
#[case(
    &[("digitwin/a/b.yaml", "title: T\n"), ("digitwin/requirements.yaml", "rules: []\n"), ("digitwin/a/c.yaml", RIGHT)],
    "<dir>/digitwin/requirements.yaml:1:1: `rules` is no key here"
)]
#[case(
    &[("digitwin/a/b.yaml", "title: T\n"), ("digitwin/a/c.yaml", "steps: []\n")],
    "<dir>/digitwin/a/b.yaml:1:1: `steps` is missing
<dir>/digitwin/a/c.yaml:1:1: no step checks anything
<dir>/digitwin/a/c.yaml:1:1: `title` is missing"
)]
fn folders(#[case] files: &[(&str, &str)], #[case] expected: &str) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a folder can be made");
        std::fs::write(path, text).expect("a file can be written");
    }
    let loaded = Sources::from_dir(folder.path()).and_then(|sources| load(&sources));
    let shown: Vec<String> = match loaded {
        Ok(suite) => suite.scenarios.iter().map(|scenario| scenario.id.clone()).collect(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    };
    let shown = shown.join("\n").replace(&folder.path().display().to_string(), "<dir>");
    assert_eq!(shown, expected);
}

const RIGHT: &str = "title: T\nsteps:\n  - expect: {attempt: 1}\n    req: [DT-CONN-01]\n";

#[test]
fn a_folder_that_is_not_there_is_named() {
    let errors = Sources::from_dir(std::path::Path::new("no/such/folder")).expect_err("it is not there");
    assert!(errors[0].to_string().starts_with("no/such/folder: failed to read"), "{}", errors[0]);
}

#[rstest]
#[case("requirements:\n  - {id: A-1, party: clint}\n", "1")]
#[case("contradictions:\n  - {id: A-X-1, affects: [A-9]}\n  - {id: A-X-1}\n", "2")]
#[case("requirements: 5\n", "3")]
#[case(
    "requirements:\n  - {id: A-1, party: both, level: must, observe: wire, basis: reading, text: a, source: b, readings: [A-X-9]}\n  - {id: A-2, party: both, level: must, observe: wire, basis: reading, text: a, source: b}\n",
    "4"
)]
#[case("- id: A-1\n", "5")]
fn wrong_catalogues_are_explained(#[case] text: &str, #[case] name: &str) {
    let errors = Catalogue::parse("digitwin/requirements.yaml", text).expect_err("it is wrong");
    insta::assert_snapshot!(format!("wrong_catalogue_{name}"), shown(&errors));
}

#[test]
fn the_schema_in_the_repository_is_the_one_generated() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../specs/scenario.schema.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, schema_text()).expect("the schema can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == schema_text(), "specs/scenario.schema.json is stale: run the tests with UPDATE_SCHEMA=1");
}

fn as_json(text: &str) -> serde_json::Value {
    let mut diagnostics = Diagnostics::new("", text);
    let tree = tree::parse(&mut diagnostics).expect("it is YAML");
    tree.to_json()
}

#[test]
fn the_schema_takes_every_scenario() {
    let validator = jsonschema::draft202012::new(&schema()).expect("the schema is a schema");
    let sources = Sources::built_in();
    let scenarios = sources.files.iter().filter(|file| file.id.matches('/').count() > 1);
    let texts = scenarios.map(|file| (file.path.as_str(), file.text.as_str()));
    for (path, text) in texts.chain([("everything", EVERYTHING), ("axes", AXES)]) {
        let errors: Vec<String> = validator
            .iter_errors(&as_json(text))
            .map(|error| format!("{path}: {}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}", errors.join("\n"));
    }
}

#[rstest]
#[case("unknown-key-of-file")]
#[case("unknown-key-of-given")]
#[case("unknown-key-of-actor")]
#[case("unknown-modifier")]
#[case("modifier-of-another-verb")]
#[case("two-verbs")]
#[case("misspelt-verb")]
#[case("unknown-fault")]
#[case("fault-parameters")]
#[case("fault-common-keys")]
#[case("action-arguments")]
#[case("durations")]
#[case("ranges")]
#[case("observation-key")]
#[case("observation-fields")]
#[case("patterns")]
#[case("pattern-types")]
#[case("clock-both-ways")]
#[case("levels")]
#[case("alternatives")]
#[case("title-with-full-stop")]
#[case("missing-keys")]
fn the_schema_refuses_what_needs_no_system_to_be_wrong(#[case] name: &str) {
    let validator = jsonschema::draft202012::new(&schema()).expect("the schema is a schema");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/fixtures/spec-errors/{name}.yaml"));
    let text = std::fs::read_to_string(path).expect("it is there");
    assert!(!validator.is_valid(&as_json(&text)), "{name} is wrong");
}
