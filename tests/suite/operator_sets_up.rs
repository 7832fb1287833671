//! What an operator has for a machine: the health check, the doctor, the manual and completions.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use crate::process::Server;

fn maysend(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_maysend")).args(words).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_check_tells_serving_unknown_and_unreachable_apart() {
    let mut server = Server::new(&[]);
    let socket = format!("unix:{}", server.socket().display());
    let ask = |words: &[&str]| {
        let asked = maysend(&[&["--server", &socket, "healthcheck"], words].concat());
        (asked.status.code().unwrap(), text(&asked))
    };
    let (status, said) = ask(&[]);
    assert_eq!(status, 1);
    assert!(said.starts_with("UNREACHABLE: cannot reach a server"), "{said}");
    let _channel = server.start().await;
    assert_eq!(ask(&[]), (0, "SERVING\n".to_owned()));
    let writing = "maysend.v1.ConsentService";
    assert_eq!(ask(&["--service", writing]), (0, format!("SERVING {writing}\n")));
    assert_eq!(ask(&["--service", "nobody"]), (1, "SERVICE_UNKNOWN nobody\n".to_owned()));
    let (status, said) = ask(&["--format", "json"]);
    assert_eq!((status, said.contains(r#""status":"SERVING""#)), (0, true), "{said}");

    // One that accepts and says nothing does not hold a probe up.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let asked = maysend(&["--server", &url, "healthcheck", "--timeout", "1"]);
    assert_eq!(asked.status.code(), Some(1));
    assert_eq!(text(&asked), "UNREACHABLE: no answer within 1 s\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_looks_at_a_running_server_and_disturbs_nothing() {
    let mut server = Server::new(&[]);
    let _channel = server.start().await;
    let data = server.data_dir().display().to_string();
    let socket = format!("unix:{}", server.socket().display());
    let words = ["doctor", "--format", "json", "--data-dir", &data, "--listen", &socket];
    let before = names(&server.data_dir());
    let output = maysend(&words);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let point = |name: &str| {
        let points = said["points"].as_array().unwrap();
        points.iter().find(|point| point["point"] == name).unwrap().clone()
    };
    assert_eq!(point("data directory")["state"], "ok", "{said:#}");
    assert_eq!(point("keys")["state"], "ok");
    let lock = point("lock")["found"].as_str().unwrap().to_owned();
    assert!(lock.contains(&format!("process {}", server.id())), "{lock}");
    assert_eq!(point("address")["state"], "ok");
    assert_eq!(names(&server.data_dir()), before);
    assert_eq!(output.status.code(), Some(i32::from(said["problems"] != 0)));
    server.terminate();

    fs::remove_file(server.data_dir().join("keys.toml")).unwrap();
    let output = maysend(&["doctor", "--data-dir", &data]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output);
    assert!(said.contains("PROBLEM  keys"), "{said}");
    assert!(said.contains("mend: bring it back from its copy"), "{said}");
}

#[test]
fn the_doctor_looks_at_what_the_server_shows_and_whom_it_lets_in() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    };
    let entry = "[[credential]]\nname = \"crm\"\nroles = [\"system\"]\nsan = [\"dns:crm\"]\n\
                 created = 2026-01-01\n";
    let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let credentials = file("credentials.toml", entry);
    let cert = file("cert.pem", &made.cert.pem());
    let key = file("key.pem", &made.signing_key.serialize_pem());
    let data = dir.path().join("store").display().to_string();
    let doctor = |more: &[&str]| maysend(&[&["doctor", "--data-dir", &data], more].concat());
    let pair = ["--tls-cert", &cert, "--tls-key", &key, "--tls-client-ca"];
    let said = text(&doctor(&[&pair[..], &[&cert, "--credentials", &credentials]].concat()));
    let has = |said: &str, state: &str, point: &str, found: &str| {
        let mut lines = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let line = lines.find(|line| line.get(1) == Some(&point)).unwrap_or_default().join(" ");
        assert!(line.starts_with(state) && line.contains(found), "{said}");
    };
    has(&said, "ok", "credentials", "1 good credential");
    has(&said, "ok", "certificate", "belong together");
    has(&text(&doctor(&[&pair[..], &[&key]].concat())), "PROBLEM", "certificate", "no certificate");
    let alone = doctor(&["--tls-client-ca", &cert]);
    let talk = String::from_utf8_lossy(&alone.stderr);
    assert!(talk.contains("--tls-client-ca comes with --tls-cert and --tls-key"), "{talk}");
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_command_has_a_page_and_its_completion() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man");
    assert!(maysend(&["man", pages.to_str().unwrap()]).status.success());
    let help = text(&maysend(&["--help"]));
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let script = text(&maysend(&["completions", "bash"]));
    let mut number = 0;
    for line in commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let command = line.split_whitespace().next().unwrap();
        assert!(script.contains(&format!("maysend,{command})")), "{command}");
        if command != "help" {
            number += 1;
            let page = fs::read_to_string(pages.join(format!("maysend-{command}.1")));
            assert!(page.unwrap().contains(".SH SYNOPSIS"), "{command}");
        }
    }
    assert!(number > 20, "{help}");
    assert!(!script.contains("maysend,man)") || !help.contains("  man "), "hidden ones are hidden");
    assert!(pages.join("maysend-consent-grant.1").is_file());
}
