//! Rules that come and go while the server runs.

use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;

use crate::journal::{Actor, Journal};
use crate::script::{Rule, Script, Stage, Subject};

fn rules(lines: &[&str]) -> Vec<Rule> {
    lines.iter().map(|line| Rule::parse_line(line).expect("a good rule")).collect()
}

fn script(lines: &[&str]) -> Script {
    Script::new(rules(lines), 7, Arc::new(Journal::default()))
}

/// The rules in force as `index line`.
fn in_force(script: &Script) -> Vec<String> {
    script.rules().iter().map(|(index, rule)| format!("{index} {rule}")).collect()
}

fn ask(script: &Script) -> Vec<usize> {
    let actor = Actor::new("client");
    let subject = Subject { connection: Some(1), ..Subject::of(&actor) };
    script.at(Stage::Authenticate, &subject).iter().map(|firing| firing.index).collect()
}

#[test]
fn a_rule_is_removed_by_its_index() {
    let script = script(&["silent-auth", "forced-auth-error", "token-expired"]);
    assert_eq!(script.remove(1).map(|rule| rule.to_string()), Some("forced-auth-error".to_owned()));
    assert_eq!(script.remove(1), None);
    assert_eq!(in_force(&script), ["0 silent-auth", "2 token-expired"]);
    assert_eq!(ask(&script), [0, 2]);
}

#[test]
fn all_are_replaced_by_new_ones() {
    let script = script(&["silent-auth times=1", "token-expired"]);
    assert_eq!(ask(&script), [0, 1]);
    assert_eq!(script.replace(rules(&["silent-auth times=1"])), 2);
    assert_eq!(ask(&script), [2]);
    assert_eq!(ask(&script), Vec::<usize>::new());
    assert_eq!(script.replace(Vec::new()), 3);
    assert_eq!(in_force(&script), Vec::<String>::new());
}

#[rstest]
#[case::nothing_new(&["a", "b"], &[], &[], &["0 a", "1 b"])]
#[case::one_behind(&["a", "b", "c"], &[], &["c"], &["0 a", "1 b", "2 c"])]
#[case::one_before(&["c", "a", "b"], &[], &["c"], &["2 c", "0 a", "1 b"])]
#[case::one_gone(&["b"], &["a"], &[], &["1 b"])]
#[case::another_order(&["b", "a"], &[], &[], &["1 b", "0 a"])]
#[case::twice_the_same(&["a", "a", "b"], &[], &["a"], &["0 a", "2 a", "1 b"])]
#[case::all_gone(&[], &["a", "b"], &[], &[])]
fn rules_of_the_start_are_exchanged(
    #[case] after: &[&str],
    #[case] gone: &[&str],
    #[case] new: &[&str],
    #[case] left: &[&str],
) {
    let long = |words: &[&str]| {
        let word =
            |word: &&str| word.replace('a', "silent-auth").replace('b', "token-expired").replace('c', "half-open");
        words.iter().map(word).collect::<Vec<_>>()
    };
    let lines = |words: &[&str]| rules(&long(words).iter().map(String::as_str).collect::<Vec<_>>());
    let script = Script::new(lines(&["a", "b"]), 7, Arc::new(Journal::default()));
    let change = script.rebase(lines(after));
    let told = |rules: &[Arc<Rule>]| rules.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!((told(&change.gone), told(&change.new)), (long(gone), long(new)));
    assert_eq!(in_force(&script), long(left));
}

#[test]
fn rules_that_stay_keep_what_they_have_done() {
    let script = script(&["silent-auth times=1", "token-expired"]);
    assert_eq!(ask(&script), [0, 1]);
    script.rebase(rules(&["verification-delay", "silent-auth times=1"]));
    assert_eq!(ask(&script), [2]);
    assert_eq!(script.list().iter().map(|armed| (armed.index, armed.fired)).collect::<Vec<_>>(), [(2, 1), (0, 1)]);
}

#[test]
fn rules_that_came_later_outlive_an_exchange_and_not_a_reset() {
    let script = script(&["silent-auth times=1"]);
    script.arm(rules(&["token-expired"]));
    script.rebase(rules(&["forced-auth-error"]));
    assert_eq!(in_force(&script), ["2 forced-auth-error", "1 token-expired"]);
    script.begin_again();
    assert_eq!(in_force(&script), ["0 forced-auth-error"]);
    assert_eq!(*script.armed().borrow(), 1);
}

#[tokio::test]
async fn a_script_is_settled_when_every_effect_has_been_undone() {
    let script = script(&["half-open", "silent-auth"]);
    let actor = Actor::new("client");
    let firing = script.at(Stage::Ready, &Subject { connection: Some(1), ..Subject::of(&actor) }).remove(0);
    script.clear();
    assert!(tokio::time::timeout(Duration::from_millis(20), script.settled()).await.is_err());

    let script = self::script(&["half-open"]);
    let later = script.at(Stage::Ready, &Subject { connection: Some(1), ..Subject::of(&actor) }).remove(0);
    script.clear();
    let undo = async move {
        later.over().await;
        drop(later);
    };
    tokio::join!(script.settled(), undo);
    drop(firing);
}
