//! `sparring serve` as a program that others start: what it prints, its control API, its script file.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Stdio};
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{run, sparring};

/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(30);

/// A server that is up. Dropping it ends it.
struct Served {
    child: Child,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
}

impl Served {
    fn start(arguments: &[&str]) -> Self {
        let mut command = sparring(&[&["serve"], arguments].concat());
        command.env_remove("SPARRING_CONTROL_TOKEN").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let err = BufReader::new(child.stderr.take().expect("it is piped"));
        Self { child, out, err }
    }

    /// A server that says in JSON where it is.
    fn ready(arguments: &[&str]) -> (Self, Value) {
        let mut served = Self::start(&[arguments, &["--ready-json"]].concat());
        let line = served.line();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        (served, ready)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("it prints text");
        line.trim_end().to_owned()
    }

    /// What it prints, up to the first line with this text.
    fn until(&mut self, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            lines.push(self.line());
            let last = lines.last().expect("one was pushed");
            if last.contains(text) {
                return lines;
            }
            assert!(!last.is_empty(), "it ended: {lines:#?}");
        }
    }

    /// What it complains of, up to the summary.
    fn complaint(&mut self) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            assert!(self.err.read_line(&mut line).expect("it prints text") > 0, "it ended: {all}");
            all.push_str(&line);
            if line.starts_with("sparring: ") {
                return all;
            }
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Fails if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks the control API; the answer's status and body.
fn ask(url: &Value, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let addr = url.as_str().expect("a URL").trim_start_matches("http://");
    let mut tcp = TcpStream::connect(addr).expect("it accepts connections");
    tcp.set_read_timeout(Some(LONG)).expect("a timeout can be set");
    let length = body.len();
    let request =
        format!("{method} {path} HTTP/1.0\r\nHost: {addr}\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
    tcp.write_all(request.as_bytes()).expect("it takes the request");
    let mut text = String::new();
    tcp.read_to_string(&mut text).expect("it answers");
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer has a head");
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), body.to_owned())
}

fn get(url: &Value, path: &str) -> Value {
    let (status, body) = ask(url, "GET", path, "", "");
    assert_eq!(status, 200, "{path} {body}");
    serde_json::from_str(&body).expect("JSON")
}

/// The rules in force, as they are written on a command line.
fn lines(url: &Value) -> Vec<String> {
    let rules = get(url, "/rules");
    rules.as_array().expect("a list").iter().map(|rule| rule["line"].as_str().expect("a text").to_owned()).collect()
}

fn script(text: &str) -> (TempDir, String) {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("faults.yaml");
    std::fs::write(&path, text).expect("the script is written");
    (folder, path.display().to_string())
}

/// Saves as editors do that never leave half a file.
fn save(path: &str, text: &str) {
    let beside = Path::new(path).with_extension("new");
    std::fs::write(&beside, text).expect("the script is written");
    std::fs::rename(&beside, path).expect("the script is put in its place");
}

#[test]
fn programs_learn_where_it_is() {
    let (_served, ready) = Served::ready(&["digitwin", "--fault", "silent-auth attempts=1-2"]);
    assert_eq!(ready["system"], "digitwin");
    assert!(ready["tokens"]["guest"].as_str().is_some_and(|token| token.starts_with("guest_")), "{ready}");
    assert_eq!((&ready["control_token"], &ready["ca"]), (&Value::Null, &Value::Null));
    assert_eq!(get(&ready["control"], "/server")["urls"]["client"], ready["url"]);
    assert_eq!(lines(&ready["control"]), ["silent-auth attempts=1-2"]);
    let faults: Value = serde_json::from_str(&run(&["faults", "--format", "json"]).out).expect("JSON");
    assert_eq!(get(&ready["control"], "/faults"), faults);
}

#[test]
fn people_learn_where_it_is_and_what_happens() {
    let mut served = Served::start(&["digitwin", "--fault", "silent-auth"]);
    let lines = served.until("Ctrl-C");
    let control = lines.iter().find_map(|line| line.strip_prefix("  control  ")).expect("the control API is on");
    assert!(lines.contains(&"  fault    silent-auth".to_owned()), "{lines:#?}");
    let url = lines[0].split(" on ").nth(1).expect("its address").to_owned();
    assert_eq!(ask(&json!(control), "GET", "/health", "", "").0, 200);
    assert_eq!(ask(&json!(url), "GET", "/health", "", "").0, 200);
    served.until("request");
}

#[test]
fn a_quiet_one_prints_no_records() {
    let mut served = Served::start(&["digitwin", "--quiet", "--control", "off"]);
    let lines = served.until("Ctrl-C");
    assert!(!lines.iter().any(|line| line.contains("control")), "{lines:#?}");
    let url = lines[0].split(" on ").nth(1).expect("its address").to_owned();
    assert_eq!(ask(&json!(url), "GET", "/health", "", "").0, 200);
    served.child.kill().expect("it runs");
    assert_eq!(served.line(), "");
}

#[test]
fn others_need_the_token() {
    let (_served, ready) = Served::ready(&["digitwin", "--control", "0.0.0.0:0"]);
    let token = ready["control_token"].as_str().expect("one was made up");
    assert_eq!(ask(&ready["control"], "GET", "/rules", "", "").0, 401);
    let bearer = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(ask(&ready["control"], "GET", "/rules", &bearer, "").0, 200);
    let (_served, ready) = Served::ready(&["digitwin", "--control-token", "mine", "--control-host", "mock.test"]);
    assert_eq!(ready["control_token"], "mine");
    assert_eq!(ask(&ready["control"], "GET", "/rules", "Authorization: Bearer mine\r\n", "").0, 200);
}

#[test]
fn it_can_speak_tls() {
    let folder = TempDir::new().expect("a temporary folder");
    let ca = folder.path().join("ca.pem");
    let (_served, ready) = Served::ready(&["digitwin", "--tls-ca", &ca.display().to_string()]);
    assert!(ready["url"].as_str().is_some_and(|url| url.starts_with("https://127.0.0.1:")), "{ready}");
    assert_eq!(get(&ready["control"], "/server")["urls"]["client"], ready["url"]);
    let pem = std::fs::read_to_string(&ca).expect("the certificate was written");
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
    assert_eq!(ready["ca"], json!(pem));
}

#[test]
fn a_script_is_read_again_when_it_changes() {
    let (_folder, path) = script("- fault: silent-auth\n- {fault: latency, delay: 1s}\n");
    let mut served = Served::start(&["digitwin", "--fault", "half-open attempts=9", "--script", &path]);
    let start = served.until("Ctrl-C");
    let control = json!(start.iter().find_map(|line| line.strip_prefix("  control  ")).expect("it is on"));
    assert_eq!(ask(&control, "POST", "/rules", "", r#"{"fault": "server-stall", "attempts": 8}"#).0, 201);

    save(&path, "- {fault: latency, delay: 1s}\n- {fault: token-expired}\n");
    let told = served.until("token-expired");
    assert!(told[0].ends_with("faults.yaml has changed"), "{told:#?}");
    assert_eq!(told[1..], ["  gone     silent-auth", "  fault    token-expired"]);
    let expected = ["half-open attempts=9", "latency delay=1s", "token-expired", "server-stall attempts=8"];
    assert_eq!(lines(&control), expected);

    save(&path, "- fault: latency\n  delay: 1\n- fault: token-expire\n");
    let complaint = served.complaint();
    for words in ["faults.yaml:2:10", "faults.yaml:3:10", "`delay`", "did you mean `token-expired`?"] {
        assert!(complaint.contains(words), "{words} in {complaint}");
    }
    assert!(complaint.ends_with("sparring: 2 errors in the rules; those in force stay\n"), "{complaint}");
    assert_eq!(lines(&control), expected);

    std::fs::remove_file(&path).expect("the script is removed");
    assert!(served.complaint().contains("No such file"));
    assert_eq!(lines(&control), expected);

    std::fs::write(&path, "[]").expect("the script is written");
    served.until("gone     token-expired");
    assert_eq!(ask(&control, "POST", "/reset", "", "").0, 200);
    assert_eq!(lines(&control), ["half-open attempts=9"]);
}

#[rstest]
#[case::all_at_once(
    &["--fault", "silent-aut", "--fault", "latency", "--fault", "silent-auth who=alice"],
    Some("- fault: silent-auth\n  atempts: 1\n"),
    &["did you mean `silent-auth`?", "delay", "--fault 'silent-auth who=alice'", "faults.yaml:2:3", "4 errors in the rules"]
)]
#[case::no_file(&["--script", "no/such/file.yaml"], None, &["no/such/file.yaml", "No such file"])]
#[case::not_yaml(&[], Some("- fault: ["), &["faults.yaml:"])]
#[case::no_list(&[], Some("fault: silent-auth"), &["a script is a list of rules"])]
#[case::tls_fault_without_tls(&["--fault", "tls-handshake-stall"], None, &["tls-handshake-stall", "without TLS"])]
#[case::control(&["--control", "here"], None, &["--control", "an address and a port, or `off`"])]
#[case::empty_token(&["--control-token", ""], None, &["--control-token"])]
fn wrong_rules_and_flags_are_refused(#[case] flags: &[&str], #[case] text: Option<&str>, #[case] words: &[&str]) {
    let file = text.map(script);
    let with_script = file.as_ref().map(|(_, path)| ["--script", path.as_str()]);
    let script = with_script.as_ref().map_or(&[][..], |words| &words[..]);
    let ran = run(&[&["serve", "digitwin"], flags, script].concat());
    assert_eq!(ran.code, 2, "{ran:#?}");
    for word in words {
        assert!(ran.err.contains(word), "{word} in {}", ran.err);
    }
}
