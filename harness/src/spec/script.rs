//! A script file of `sparring serve`: a list of rules, every error with its place.
//!
//! The same YAML and the same rules as in a scenario's `given.server`, and nothing else of a scenario.

use sparring_mock_server::contract::SystemId;
use sparring_mock_server::script::Rule;

use super::error::{Diagnostics, SpecError};
use super::{decode, tree};

/// Reads a script for a system; all that is wrong with it at once.
pub fn script(file: &str, text: &str, system: SystemId) -> Result<Vec<Rule>, Vec<SpecError>> {
    let mut diagnostics = Diagnostics::new(file, text);
    let tree = tree::parse(&mut diagnostics);
    let rules = tree.map(|tree| decode::script(&tree, system, &mut diagnostics)).unwrap_or_default();
    diagnostics.finish().map(|()| rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn a_script_is_a_list_of_rules() {
        let text = "# none\n- {fault: silent-auth, attempts: 1-2}\n- fault: latency\n  delay: 2s\n";
        let rules = script("a.yaml", text, SystemId::Digitwin).expect("a good script");
        assert_eq!(
            rules.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["silent-auth attempts=1-2", "latency delay=2s"]
        );
        assert_eq!(script("a.yaml", "[]", SystemId::Digitwin), Ok(Vec::new()));
    }

    #[rstest]
    #[case("- fault: silent-aut\n- fault: latency\n  delay: 5\n- 7\n", &["1:10", "3:10", "4:3"])]
    #[case("- fault: silent-auth\n  atempts: 1\n", &["2:3"])]
    #[case("- fault: silent-auth\n  who: alice\n", &["2:8"])]
    #[case("- fault: event-drop\n  on: no_such_event\n", &["2:7"])]
    #[case("- fault: [\n", &["2:1"])]
    #[case("fault: silent-auth\n", &["1:1"])]
    #[case("", &["1:1"])]
    #[case("- {fault: silent-auth, times: *a}\n", &["1:31"])]
    fn every_error_has_its_place(#[case] text: &str, #[case] places: &[&str]) {
        let errors = script("a.yaml", text, SystemId::Digitwin).expect_err("wrong on purpose");
        let place = |error: &SpecError| {
            let position = error.position.as_ref().expect("a place");
            format!("{}:{}", position.line, position.column)
        };
        assert_eq!(errors.iter().map(place).collect::<Vec<_>>(), places, "{errors:#?}");
    }
}
