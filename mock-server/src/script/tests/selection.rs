//! Which rules fire, how often, and what they write down.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use serde_json::json;

use crate::journal::{Actor, Entry, FaultPhase, Journal, Transport};
use crate::script::{Direction, Firing, RequestKind, Rule, Script, Stage, Subject};

fn script(lines: &[&str]) -> Script {
    seeded(lines, 1)
}

fn seeded(lines: &[&str], seed: u64) -> Script {
    let rules = lines.iter().map(|line| Rule::parse_line(line).unwrap_or_else(|error| panic!("{line}: {error}")));
    Script::new(rules.collect(), seed, Arc::default())
}

fn client() -> Actor {
    Actor::new("client")
}

/// The connection that most cases ask about: everything is known of it.
fn ask(script: &Script, stage: Stage, connection: u32) -> Vec<Firing> {
    let (actor, headers) = (client(), BTreeMap::from([("x-why".to_owned(), "so".to_owned())]));
    script.at(
        stage,
        &Subject {
            connection: Some(connection),
            transport: Some(Transport::Polling),
            token_kind: Some("jwt"),
            user: Some("alice"),
            path: Some("/socket.io/"),
            headers: &headers,
            request: Some(RequestKind::Attempt),
            ..Subject::of(&actor)
        },
    )
}

fn indices(firings: &[Firing]) -> Vec<usize> {
    firings.iter().map(|firing| firing.index).collect()
}

#[rstest]
#[case("silent-auth", true)]
#[case("silent-auth attempts=2", true)]
#[case("silent-auth attempts=3+", false)]
#[case("silent-auth who=client", true)]
#[case("silent-auth who=clien", false)]
#[case("silent-auth when={token: jwt, transport: polling, user: alice, path: /socket.io/, header: {X-Why: so}}", true)]
#[case("silent-auth when={token: guest}", false)]
#[case("silent-auth when={transport: websocket}", false)]
#[case("silent-auth when={user: bob}", false)]
#[case("silent-auth when={path: /}", false)]
#[case("silent-auth when={header: {x-why: not}}", false)]
#[case("silent-auth when={header: {x-who: so}}", false)]
#[case("silent-auth probability=0", false)]
#[case("silent-auth probability=1", true)]
#[case("forced-auth-error", true)]
#[case("session-creation-error", false)]
#[case("guest-tokens-unrecognised", false)]
#[case("connection-reset", false)]
#[case("connection-reset phase=authenticating", true)]
#[case("connection-reset phase=authenticating on=auth_error", false)]
fn predicates(#[case] line: &str, #[case] fires: bool) {
    assert_eq!(!ask(&script(&[line]), Stage::Authenticate, 2).is_empty(), fires);
}

#[rstest]
#[case("crowd", "crowd", true)]
#[case("crowd", "crowd/3", true)]
#[case("crowd/3", "crowd/3", true)]
#[case("crowd/3", "crowd/31", false)]
#[case("crowd", "crowds", false)]
fn counted_names(#[case] who: &str, #[case] actor: &str, #[case] expected: bool) {
    let rule = Rule::parse_line(&format!("silent-auth who={who}")).expect("a good rule");
    assert_eq!(rule.is_for(&Actor::new(actor)), expected);
}

#[test]
fn what_is_not_known_matches_no_predicate() {
    let script = script(&["silent-auth attempts=1+", "silent-auth when={token: none}"]);
    assert!(script.at(Stage::Authenticate, &Subject::of(&client())).is_empty());
}

#[rstest]
#[case("upgrade-reject", Some(RequestKind::Upgrade), Transport::Websocket, true)]
#[case("upgrade-reject", Some(RequestKind::Attempt), Transport::Websocket, true)]
#[case("upgrade-reject", Some(RequestKind::Attempt), Transport::Polling, false)]
#[case("upgrade-reject", Some(RequestKind::Polling(1)), Transport::Polling, false)]
#[case("http-error", Some(RequestKind::Attempt), Transport::Polling, true)]
#[case("http-error", Some(RequestKind::Polling(1)), Transport::Polling, true)]
#[case("http-error", Some(RequestKind::Upgrade), Transport::Websocket, true)]
#[case("http-error", Some(RequestKind::Endpoint("refresh")), Transport::Polling, false)]
#[case("http-error", Some(RequestKind::Preflight), Transport::Polling, false)]
#[case("http-error", None, Transport::Polling, false)]
#[case("http-error only=handshake", Some(RequestKind::Attempt), Transport::Polling, true)]
#[case("http-error only=handshake", Some(RequestKind::Polling(1)), Transport::Polling, false)]
#[case("http-error only=handshake", Some(RequestKind::Upgrade), Transport::Polling, false)]
#[case("http-error only=polling", Some(RequestKind::Polling(9)), Transport::Polling, true)]
#[case("http-error only=polling", Some(RequestKind::Attempt), Transport::Polling, false)]
#[case("affinity-loss", Some(RequestKind::Polling(2)), Transport::Polling, true)]
#[case("affinity-loss", Some(RequestKind::Polling(1)), Transport::Polling, false)]
#[case("affinity-loss request=1", Some(RequestKind::Polling(1)), Transport::Polling, true)]
#[case("upgrade-probe-ignored", Some(RequestKind::Upgrade), Transport::Websocket, true)]
#[case("upgrade-probe-ignored", Some(RequestKind::Attempt), Transport::Websocket, false)]
#[case("rest-error", Some(RequestKind::Endpoint("health")), Transport::Polling, true)]
#[case("rest-error endpoint=refresh", Some(RequestKind::Endpoint("refresh")), Transport::Polling, true)]
#[case("rest-delay endpoint=refresh", Some(RequestKind::Endpoint("health")), Transport::Polling, false)]
#[case("rest-malformed", Some(RequestKind::Polling(1)), Transport::Polling, false)]
fn requests(
    #[case] line: &str,
    #[case] request: Option<RequestKind<'_>>,
    #[case] transport: Transport,
    #[case] fires: bool,
) {
    let actor = client();
    let subject = Subject { request, transport: Some(transport), ..Subject::of(&actor) };
    assert_eq!(!script(&[line]).at(Stage::Request, &subject).is_empty(), fires);
}

#[rstest]
#[case("event-drop on=auth_error", "auth_error", Direction::Sent, true)]
#[case("event-drop on=auth_error", "auth_error", Direction::Received, false)]
#[case("event-drop on=auth_error", "session_created", Direction::Sent, false)]
#[case("abrupt-close on=CONNECT", "CONNECT", Direction::Received, true)]
#[case("abrupt-close on=CONNECT", "CONNECT", Direction::Sent, true)]
#[case("abrupt-close", "CONNECT", Direction::Sent, false)]
#[case("late-session-created", "auth_error", Direction::Sent, true)]
#[case("late-session-created", "session_created", Direction::Sent, false)]
#[case("late-session-created on=session_created", "session_created", Direction::Sent, true)]
#[case("guest-restriction", "get_protected", Direction::Received, true)]
#[case("guest-restriction", "operation_error", Direction::Sent, false)]
#[case("guest-restriction on=get_history", "get_protected", Direction::Received, false)]
#[case("event-reorder order=[auth_error, session_created]", "session_created", Direction::Sent, true)]
#[case("event-reorder order=[auth_error, session_created]", "operation_done", Direction::Sent, false)]
#[case("silent-auth", "auth_error", Direction::Sent, false)]
#[case("ack-withheld", "save_preferences", Direction::Acknowledged, true)]
#[case("ack-withheld", "save_preferences", Direction::Received, false)]
#[case("ack-withheld", "ACK", Direction::Sent, false)]
#[case("ack-withheld on=get_history", "save_preferences", Direction::Acknowledged, false)]
#[case("abrupt-close on=get_history", "get_history", Direction::Acknowledged, false)]
#[case("cross-room-leak on=news", "news", Direction::Overheard, true)]
#[case("cross-room-leak on=news", "news", Direction::Sent, false)]
#[case("cross-room-leak on=news room=r", "news", Direction::Overheard, false)]
fn messages(#[case] line: &str, #[case] message: &str, #[case] direction: Direction, #[case] fires: bool) {
    let actor = client();
    let subject = Subject { token_kind: Some("guest"), ..Subject::of(&actor) };
    let script = script(&[line]);
    assert_eq!(!script.on(message, direction, &subject).is_empty(), fires);
}

#[test]
fn guest_restrictions_spare_users() {
    let actor = client();
    let subject = Subject { token_kind: Some("jwt"), ..Subject::of(&actor) };
    assert!(script(&["guest-restriction"]).on("get_protected", Direction::Received, &subject).is_empty());
}

#[rstest]
#[case("session-creation-error target=guest", "guest", true)]
#[case("session-creation-error target=guest", "jwt", false)]
#[case("session-creation-error target=jwt", "jwt", true)]
#[case("session-creation-error", "guest", true)]
fn session_creation_fails_for_its_target(#[case] line: &str, #[case] kind: &str, #[case] fires: bool) {
    let actor = client();
    let subject = Subject { token_kind: Some(kind), ..Subject::of(&actor) };
    assert_eq!(!script(&[line]).at(Stage::Session, &subject).is_empty(), fires);
}

#[test]
fn several_rules_fire_in_their_order() {
    let script = script(&["forced-auth-error", "connect-ack-withheld", "silent-auth", "verification-delay"]);
    assert_eq!(indices(&ask(&script, Stage::Authenticate, 1)), [0, 2, 3]);
    assert_eq!(indices(&ask(&script, Stage::Connect, 1)), [1]);
}

#[test]
fn times_counts_for_each_actor() {
    let script = script(&["accept-blackhole times=2"]);
    let fired = |actor: &str| script.accept(&Actor::new(actor)).len();
    assert_eq!([fired("a"), fired("a"), fired("a"), fired("b"), fired("b"), fired("b")], [1, 1, 0, 1, 1, 0]);
}

#[test]
fn a_rule_is_used_up_when_its_time_has_passed() {
    let script = script(&["silent-auth for=1ms", "silent-auth for=1h"]);
    assert_eq!(indices(&ask(&script, Stage::Authenticate, 1)), [0, 1]);
    std::thread::sleep(Duration::from_millis(2));
    assert_eq!(indices(&ask(&script, Stage::Authenticate, 2)), [1]);
}

#[test]
fn lasting_effects_are_undone_instead() {
    let script = script(&["half-open for=1ms", "silent-auth for=1ms"]);
    assert_eq!(ask(&script, Stage::Ready, 1)[0].lasts, Some(Duration::from_millis(1)));
    assert_eq!(ask(&script, Stage::Authenticate, 1)[0].lasts, None);
    std::thread::sleep(Duration::from_millis(2));
    assert_eq!(indices(&ask(&script, Stage::Ready, 2)), [0]);
}

/// Which of a hundred askings fire, for actors asked in turn.
fn draws(seed: u64, actors: &[&str]) -> BTreeMap<String, Vec<bool>> {
    let script = seeded(&["silent-auth probability=0.3", "silent-auth probability=0.3"], seed);
    let mut drawn: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for _ in 0..100 {
        for name in actors {
            let actor = Actor::new(name);
            let fired = indices(&script.at(Stage::Authenticate, &Subject::of(&actor)));
            drawn.entry((*name).to_owned()).or_default().extend([fired.contains(&0), fired.contains(&1)]);
        }
    }
    drawn
}

#[test]
fn chance_depends_on_seed_rule_actor_and_ordinal_alone() {
    let together = draws(7, &["a", "b"]);
    assert_eq!(together, draws(7, &["b", "a"]));
    assert_eq!(together["b"], draws(7, &["b"])["b"]);
    assert_ne!(together["a"], together["b"]);
    assert_ne!(together["a"], draws(8, &["a"])["a"]);
    let rule = |index: usize| together["a"].iter().copied().skip(index).step_by(2).collect::<Vec<_>>();
    assert_ne!(rule(0), rule(1));
}

#[test]
fn chance_is_about_as_likely_as_it_says() {
    let script = seeded(&["silent-auth probability=0.3"], 42);
    let fired = (0..10_000).filter(|_| !ask(&script, Stage::Authenticate, 1).is_empty()).count();
    // Four standard deviations; the seed is fixed, so that this holds always or never.
    assert!((2_816..=3_184).contains(&fired), "{fired}");
}

#[test]
fn a_disarmed_rule_fires_no_more() {
    let script = script(&["silent-auth", "forced-auth-error", "silent-auth attempts=1"]);
    assert_eq!(script.disarm("silent-auth"), 2);
    assert_eq!(script.disarm("silent-auth"), 0);
    assert_eq!(indices(&ask(&script, Stage::Authenticate, 1)), [1]);
    assert_eq!(script.rules().iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_rule_that_is_armed_later_keeps_its_own_index() {
    let script = script(&["silent-auth"]);
    let armed = script.armed();
    assert_eq!(*armed.borrow(), 1);
    script.disarm("silent-auth");
    assert_eq!(script.arm(vec![Rule::parse_line("silent-auth times=1").expect("a good rule")]), 1);
    assert_eq!(*armed.borrow(), 2);
    assert_eq!(indices(&ask(&script, Stage::Authenticate, 1)), [1]);
    assert_eq!(script.rules()[0].1.to_string(), "silent-auth times=1");
}

#[test]
fn standing_rules_are_handed_out_once() {
    let script =
        script(&["clock-freeze", "silent-auth", "connection-refused who=alice for=1s", "server-restart down=1s"]);
    let standing = script.standing();
    assert_eq!(indices(&standing), [0, 2, 3]);
    assert!(standing[1].rule.is_for(&Actor::new("alice")) && !standing[1].rule.is_for(&client()));
    assert_eq!(standing[1].lasts, Some(Duration::from_secs(1)));
    assert!(script.standing().is_empty());
    script.arm(vec![Rule::parse_line("clock-advance by=1h").expect("a good rule")]);
    assert_eq!(indices(&script.standing()), [4]);
}

fn cold_waits(script: &Script, requests: usize) -> Vec<bool> {
    (1..=requests).map(|_| !ask(script, Stage::Request, 1).is_empty()).collect()
}

#[test]
fn requests_wait_until_a_cold_instance_is_up() {
    let script = script(&["cold-start delay=1h times=1"]);
    let first = ask(&script, Stage::Request, 1);
    assert_eq!(first[0].wait, Duration::from_secs(3_600));
    let second = ask(&script, Stage::Request, 1);
    assert!(second[0].wait <= first[0].wait && second[0].wait > Duration::from_secs(3_500), "{:?}", second[0].wait);
}

#[test]
fn a_warm_instance_stays_up() {
    let script = script(&["cold-start delay=1ms"]);
    assert_eq!(cold_waits(&script, 1), [true]);
    std::thread::sleep(Duration::from_millis(2));
    assert_eq!(cold_waits(&script, 2), [false, false]);
}

#[test]
fn an_idle_instance_is_cold_again() {
    let script = script(&["cold-start delay=1ms idle=20ms times=2"]);
    assert_eq!(cold_waits(&script, 1), [true]);
    std::thread::sleep(Duration::from_millis(25));
    assert_eq!(cold_waits(&script, 1), [true]);
    std::thread::sleep(Duration::from_millis(25));
    assert_eq!(cold_waits(&script, 1), [false], "two cold starts are all there are");
}

#[test]
fn an_instance_that_is_starting_is_not_idle() {
    let script = script(&["cold-start delay=1h idle=1ms"]);
    let first = ask(&script, Stage::Request, 1)[0].wait;
    std::thread::sleep(Duration::from_millis(2));
    let second = ask(&script, Stage::Request, 1)[0].wait;
    assert!(second < first, "{second:?}");
}

#[test]
fn firings_are_written_down() {
    let journal = Arc::new(Journal::default());
    let rules = ["clock-freeze", "latency delay=1s"].map(|line| Rule::parse_line(line).expect("a good rule"));
    let script = Script::new(rules.into(), 1, Arc::clone(&journal));
    let firing = ask(&script, Stage::Handshake, 3).remove(0);
    firing.fired();
    firing.on_connection(4).undone();
    script.standing()[0].on_behalf_of(&Actor::new("alice")).fired();
    let written: Vec<_> = journal
        .since(0)
        .iter()
        .map(|record| {
            let Entry::Fault(fault) = &record.entry else { panic!("{record:?}") };
            (record.actor.name().to_owned(), record.connection, fault.fault.clone(), fault.rule, fault.phase)
        })
        .collect();
    assert_eq!(
        written,
        [
            ("client".to_owned(), Some(3), "latency".to_owned(), 1, FaultPhase::Fired),
            ("client".to_owned(), Some(4), "latency".to_owned(), 1, FaultPhase::Undone),
            ("alice".to_owned(), None, "clock-freeze".to_owned(), 0, FaultPhase::Fired),
        ]
    );
}

#[tokio::test]
async fn a_firing_is_due_unless_it_is_disarmed_meanwhile() {
    let script = script(&["silent-auth after=1ms", "silent-auth after=1h"]);
    let firings = ask(&script, Stage::Authenticate, 1);
    assert!(firings[0].due().await);
    let (due, disarmed) = tokio::join!(firings[1].due(), async { script.disarm("silent-auth") });
    assert_eq!((due, disarmed), (false, 2));
}

#[tokio::test]
async fn an_effect_is_over_when_its_time_has_passed_or_it_is_disarmed() {
    let script = script(&["half-open for=1ms", "half-open"]);
    let firings = ask(&script, Stage::Ready, 1);
    firings[0].over().await;
    let ((), disarmed) = tokio::join!(firings[1].over(), async { script.disarm("half-open") });
    assert_eq!(disarmed, 2);
}

#[test]
fn askings_from_many_threads_are_all_counted() {
    let script = script(&["silent-auth times=500"]);
    let fired: usize = std::thread::scope(|scope| {
        let ask = || (0..250).map(|_| ask(&script, Stage::Authenticate, 1).len()).sum::<usize>();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!(fired, 500);
}

#[test]
fn a_firing_tells_its_delay() {
    let firing = ask(&script(&["silent-auth after=2s"]), Stage::Authenticate, 1).remove(0);
    assert_eq!((firing.after, firing.fault().id()), (Duration::from_secs(2), "silent-auth"));
    assert_eq!(json!(firing.rule.to_map()), json!({"fault": "silent-auth", "after": "2s"}));
}
