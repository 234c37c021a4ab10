//! What must hold of every fault.

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::{Map, Value, json};

use crate::contract::SystemId;
use crate::script::fault::{Kind, ParamInfo, Presence};
use crate::script::{COMMON_KEYS, Fault, FaultInfo, Rule, Stage};

/// A value that a parameter of this kind takes.
fn sample(kind: Kind) -> Value {
    match kind {
        Kind::Duration => json!("1.5s"),
        Kind::Count => json!(7),
        Kind::Bytes => json!(12_345),
        Kind::Code => json!(4_321),
        Kind::Octets => json!("0x00ff"),
        Kind::Status => json!(418),
        Kind::Flag => json!(true),
        Kind::Text => json!("two words"),
        Kind::Choice(words) => json!(words.last()),
        Kind::Choices(words) => json!(words),
        Kind::Names => json!(["session_created", "auth_error"]),
        Kind::Headers => json!({"x-why": "just because"}),
        Kind::Members => json!({"extra": 1}),
        Kind::Payload => json!({"deep": [null, {}]}),
        Kind::Time => json!("2025-01-01T00:00:00Z"),
    }
}

/// A rule with the given parameters of the fault.
fn rule(info: &FaultInfo, given: impl Fn(&ParamInfo) -> bool) -> Map<String, Value> {
    let mut map = Map::from_iter([("fault".to_owned(), json!(info.id))]);
    map.extend(
        info.params.iter().filter(|param| given(param)).map(|param| (param.name.to_owned(), sample(param.kind))),
    );
    if info.keys.on.is_required() {
        map.insert("on".to_owned(), json!("session_created"));
    }
    map
}

#[test]
fn ids_are_distinct_words() {
    let ids: Vec<&str> = Fault::ids().collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    for id in ids {
        assert!(id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{id}");
    }
}

#[test]
fn every_fault_is_described_in_sentences() {
    for info in Fault::catalogue() {
        let texts = info.params.iter().map(|param| param.doc).chain([info.summary]);
        for text in texts {
            assert!(
                text.starts_with(|c: char| c.is_ascii_uppercase()) && text.ends_with(['.', '}']),
                "{}: {text}",
                info.id
            );
            assert!(!text.contains("  "), "{}: {text}", info.id);
        }
    }
}

#[test]
fn no_parameter_bears_the_name_of_a_common_key() {
    for info in Fault::catalogue() {
        for param in &info.params {
            assert!(!COMMON_KEYS.contains(&param.name), "{}: {}", info.id, param.name);
        }
    }
}

#[test]
fn every_fault_reads_back_as_it_is_written() {
    for info in Fault::catalogue() {
        for given in [|_: &ParamInfo| true, |param: &ParamInfo| param.presence == Presence::Required] {
            let map = rule(info, given);
            let read = Rule::read(&map).unwrap_or_else(|errors| panic!("{map:?}: {errors:?}"));
            assert_eq!(read.fault.id(), info.id);
            assert_eq!(Rule::read(&read.to_map()), Ok(read.clone()), "{map:?}");
            assert_eq!(Rule::parse_line(&read.to_string()), Ok(read.clone()), "{read}");
            assert!(info.stages.contains(&read.fault.stage()), "{}", info.id);
        }
    }
}

#[test]
fn what_is_written_is_what_was_given() {
    for info in Fault::catalogue() {
        let map = rule(info, |_| true);
        let written = Rule::read(&map).expect("samples are good").to_map();
        for (key, value) in &map {
            let param = info.params.iter().find(|param| param.name == key);
            let usual = param.is_some_and(|param| param.presence == Presence::Default(value.clone()));
            assert_eq!(written.get(key), (!usual).then_some(value), "{}: {key}", info.id);
        }
    }
}

#[test]
fn every_fault_misses_what_it_requires() {
    for info in Fault::catalogue() {
        let required: Vec<&str> =
            info.params.iter().filter(|param| param.presence == Presence::Required).map(|param| param.name).collect();
        match Rule::read(&rule(info, |_| false)) {
            Ok(_) => assert!(required.is_empty(), "{}: {required:?}", info.id),
            Err(errors) => {
                assert_eq!(errors.iter().map(|error| error.path.as_str()).collect::<Vec<_>>(), required, "{}", info.id);
            }
        }
    }
}

#[test]
fn every_parameter_refuses_a_value_of_another_kind() {
    for info in Fault::catalogue() {
        for param in info.params.iter().filter(|param| param.kind != Kind::Payload) {
            let mut map = rule(info, |_| true);
            map.insert(param.name.to_owned(), json!(-1));
            let errors = Rule::read(&map).expect_err(info.id);
            assert_eq!(errors.len(), 1, "{}: {errors:?}", info.id);
            assert_eq!((errors[0].path.as_str(), errors[0].found.as_str()), (param.name, "`-1`"));
            assert_eq!(errors[0].expected, param.kind.expected());
        }
    }
}

#[test]
fn the_schema_takes_what_the_reader_takes() {
    let schema = jsonschema::validator_for(&Rule::schema()).expect("a schema");
    for info in Fault::catalogue() {
        let mut map = rule(info, |_| true);
        assert!(schema.is_valid(&Value::Object(map.clone())), "{map:?}");
        map.insert("wombat".to_owned(), json!(1));
        assert!(!schema.is_valid(&Value::Object(map)), "{}", info.id);
        let bare = rule(info, |_| false);
        assert_eq!(schema.is_valid(&Value::Object(bare.clone())), Rule::read(&bare).is_ok(), "{bare:?}");
    }
}

#[rstest]
#[case("connection-reset phase=accept times=2", Stage::Accept)]
#[case("connection-reset phase=handshake", Stage::Handshake)]
#[case("connection-reset phase=post-open", Stage::Open)]
#[case("connection-reset phase=post-connect", Stage::Acknowledged)]
#[case("connection-reset phase=authenticating", Stage::Authenticate)]
#[case("connection-reset", Stage::Ready)]
#[case("connection-reset on=auth_error", Stage::Message)]
#[case("cold-start delay=1s", Stage::Request)]
#[case("cold-start delay=1s phase=tcp", Stage::Accept)]
#[case("session-revoked", Stage::Ready)]
#[case("session-revoked phase=before-connect", Stage::Authenticate)]
#[case("late-session-created", Stage::Message)]
fn the_stage_follows_from_phase_and_trigger(#[case] line: &str, #[case] expected: Stage) {
    assert_eq!(Rule::parse_line(line).map(|rule| rule.stage()), Ok(expected));
}

#[test]
fn every_fault_is_for_some_system() {
    for info in Fault::catalogue() {
        assert!(SystemId::ALL.into_iter().any(|system| info.applies_to(system)), "{}", info.id);
    }
}
