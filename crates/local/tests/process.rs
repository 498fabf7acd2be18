//! The program as a user runs it: `cargo run`, killed and started again, and the tour of the README.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aws::Sdk;
use axum::extract::connect_info::MockConnectInfo;
use bucket::Bucket;
use domain::Timestamp;
use edge::Clock;
use local::s3::BUCKET_NAME;
use local::server::{self, Mailbox};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::TestStack;

const BINARY: &str = env!("CARGO_BIN_EXE_broadsheet");

struct Process {
    child: Child,
    base: String,
}

impl Process {
    fn start(data: &Path, extra: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args(["--port", "0", "--data"])
            .arg(data)
            .args(extra)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base = loop {
            let line = lines.next().expect("it says where it is").unwrap();
            if let Some((_, base)) = line.split_once("API      ") {
                break base.to_owned();
            }
        };
        // Read on, or it would block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, base }
    }

    fn signal(mut self, name: &str) -> Option<i32> {
        Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

async fn send(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.json().await.unwrap()
}

/// Registers Ada; gives her token.
async fn registered(http: &reqwest::Client, base: &str) -> String {
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": "correct horse" });
    send(http.post(format!("{base}/users")).json(&registration)).await;
    log_in(http, base).await
}

async fn log_in(http: &reqwest::Client, base: &str) -> String {
    let credentials = json!({ "login": "ada", "password": "correct horse" });
    let session = send(http.post(format!("{base}/sessions")).json(&credentials)).await;
    session["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let http = reqwest::Client::new();
    let process = Process::start(folder.path(), &[]);
    let base = process.base.clone();
    let token = registered(&http, &base).await;
    let post = json!({ "title": "Kept", "body": "Text.", "status": "published" });
    send(http.post(format!("{base}/posts")).bearer_auth(&token).json(&post)).await;
    let page = send(http.get(format!("{base}/posts?limit=1"))).await;
    process.signal("-KILL");

    let process = Process::start(folder.path(), &[]);
    let base = process.base.clone();
    assert_eq!(send(http.get(format!("{base}/posts"))).await["items"], page["items"]);
    // Tokens stay good, and so does the password.
    assert_eq!(send(http.get(format!("{base}/me")).bearer_auth(&token)).await["username"], "ada");
    log_in(&http, &base).await;
    assert_eq!(process.signal("-INT"), Some(0), "Ctrl-C ends it cleanly");

    let run =
        |command: &str, folder: &Path| Command::new(BINARY).args([command, "--data"]).arg(folder).output().unwrap();
    let repaired = run("repair", folder.path());
    // What the log says of changes that were left over is not in it.
    assert_eq!(String::from_utf8(repaired.stdout).unwrap(), "Nothing is wrong.\n");
    assert!(repaired.status.success());
    for command in ["repair", "reindex"] {
        let elsewhere = folder.path().join("elsewhere");
        assert!(!run(command, &elsewhere).status.success() && !elsewhere.exists(), "{command} makes no new blog");
    }
}

#[test]
fn one_process_at_a_time_has_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &[]);
    // First those that end by themselves.
    for command in [&["repair"][..], &["reindex"], &["--port", "0"], &["backing", "--host", "127.0.0.1"]] {
        let mut second = Command::new(BINARY);
        second.args(command).arg("--data").arg(folder.path());
        let ended = second.output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success() && said.contains("is running; stop it first"), "{command:?}: {said}");
    }
    process.signal("-KILL");
    drop(Process::start(folder.path(), &[]));
}

#[test]
fn what_contradicts_itself_does_not_start() {
    for (option, value, refused) in [
        (
            "--parameter",
            "SignUpConfirmation=auto",
            "--confirm-email and --parameter SignUpConfirmation=auto contradict each other",
        ),
        ("--parameter", "WebSubHub=https://hub.example.com/", "WebSubHub needs FeedUrl"),
        ("--admin-email", "admin", "The parameter AdminEmail must be an e-mail address"),
    ] {
        let mut command = Command::new(BINARY);
        command.args(["--port", "0", "--memory", "--confirm-email", option, value]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // One that starts says so, and would not end by itself.
        let started = BufReader::new(child.stdout.take().unwrap()).lines().next();
        child.kill().unwrap();
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(started.is_none() && said.contains(refused), "{started:?} {said}");
    }
}

#[test]
fn the_start_says_what_there_is() {
    let said = |parameters: &[&str]| {
        let mut command = Command::new(BINARY);
        command.args(["--port", "0", "--memory"]).args(parameters.iter().flat_map(|given| ["--parameter", given]));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let said: Vec<_> = lines.take_while(|line| !line.starts_with("Open ")).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        said.join("\n")
    };
    let usual = said(&[]);
    assert!(["Conduit", "Ghost", "admin@example.com"].iter().all(|word| usual.contains(word)), "{usual}");
    let other = said(&["Conduit=false", "GhostContent=false", "AdminEmail=me@example.com"]);
    assert!(["Conduit", "Ghost", "admin@example.com"].iter().all(|word| !other.contains(word)), "{other}");
    assert!(other.contains("whoever registers me@example.com"), "{other}");
}

#[tokio::test]
async fn the_mailbox_is_closed_to_other_machines() {
    let stack = TestStack::start().await;
    let read = async |peer: [u8; 4], mailbox: Mailbox| {
        let app = server::app(stack.stack.clone(), mailbox).layer(MockConnectInfo(SocketAddr::from((peer, 4000))));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/_local/emails", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, app).await });
        reqwest::get(url).await.unwrap().status()
    };
    assert_eq!(read([192, 168, 0, 7], Mailbox::Closed).await, 403);
    assert_eq!(read([127, 0, 0, 1], Mailbox::Closed).await, 200);
    assert_eq!(read([192, 168, 0, 7], Mailbox::Open).await, 200);
}

/// Whoever reaches the table, or the emulator of Cognito with its mailbox, can do anything with the blog.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_network_reaches_the_blog_and_links_to_files_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &["--memory", "--host", "0.0.0.0"]);
    let blog: u16 = process.base.split([':', '/']).find_map(|part| part.parse().ok()).unwrap();
    let [files] = *open_ports(process.child.id()).into_iter().filter(|port| *port != blog).collect::<Vec<_>>() else {
        panic!("one port for the blog, and one for files: {:?}", open_ports(process.child.id()));
    };
    // What would be a link, signed with the key that everybody knows.
    let sdk = Sdk::new(local::stack::sdk_config_at(SocketAddr::from(([127, 0, 0, 1], files))));
    let link = Bucket::new(&sdk, BUCKET_NAME.to_owned()).link("exports/any").await.unwrap();
    let refused = reqwest::get(link).await.unwrap().text().await.unwrap();
    assert!(refused.contains("SignatureDoesNotMatch"), "{refused}");
}

/// The ports of a process that others than this machine reach.
#[cfg(target_os = "linux")]
fn open_ports(process: u32) -> Vec<u16> {
    let sockets: Vec<String> = std::fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .filter_map(|file| std::fs::read_link(file.unwrap().path()).ok()?.to_str().map(str::to_owned))
        .collect();
    // Those that listen have the state 0A; 0100007F is 127.0.0.1
    // (<https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html>).
    let table = std::fs::read_to_string(format!("/proc/{process}/net/tcp")).unwrap();
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    let listening = rows.filter(|row| row[3] == "0A" && sockets.contains(&format!("socket:[{}]", row[9])));
    let addresses = listening.map(|row| row[1].split_once(':').unwrap()).filter(|(host, _)| *host != "0100007F");
    addresses.map(|(_, port)| u16::from_str_radix(port, 16).unwrap()).collect()
}

#[tokio::test]
async fn a_repair_does_what_was_left_over_as_the_blog_would_have() {
    let folder = tempfile::tempdir().unwrap();
    let http = reqwest::Client::new();
    let process = Process::start(folder.path(), &[]);
    let base = process.base.clone();
    let token = registered(&http, &base).await;
    for number in 0..10 {
        let post = json!({ "title": format!("Post {number}"), "body": "Text.", "status": "published" });
        send(http.post(format!("{base}/posts")).bearer_auth(&token).json(&post)).await;
    }
    let left = http.delete(format!("{base}/me")).bearer_auth(&token).json(&json!({ "password": "correct horse" }));
    assert_eq!(left.send().await.unwrap().status(), 204);
    process.signal("-KILL");

    // The posts are still there to be deleted, and Conduit and Ghost to be told of it: they are on.
    let repaired = Command::new(BINARY).args(["repair", "--data"]).arg(folder.path()).output().unwrap();
    assert_eq!(String::from_utf8(repaired.stdout).unwrap(), "Nothing is wrong.\n");
}

#[tokio::test]
async fn a_scheduled_post_comes_out_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let http = reqwest::Client::new();
    let process = Process::start(folder.path(), &[]);
    let token = registered(&http, &process.base).await;
    let soon = Clock::system().now().milliseconds() + 300;
    let post = json!({ "title": "By itself", "body": "B", "status": "published", "publish_at": Timestamp::from_milliseconds(soon) });
    send(http.post(format!("{}/posts", process.base)).bearer_auth(&token).json(&post)).await;
    // Its time comes while nothing runs. Waiting for the next minute would take one.
    process.signal("-KILL");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;

    let process = Process::start(folder.path(), &[]);
    let mut tries = 0;
    while send(http.get(format!("{}/posts", process.base))).await["items"][0]["slug"] != "by-itself" {
        tries += 1;
        assert!(tries < 100, "it is not out after ten seconds");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn the_mailbox_has_the_code_that_registering_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &["--confirm-email", "--memory"]);
    let http = reqwest::Client::new();
    let registration = json!({ "username": "ada", "email": "ada@example.com", "password": "correct horse" });
    send(http.post(format!("{}/users", process.base)).json(&registration)).await;
    let mailbox = process.base.replace("/v1", "/_local/emails");
    let emails = send(http.get(mailbox)).await;
    let confirmation = json!({ "email": "ada@example.com", "code": emails[0]["code"] });
    let confirmed = http.post(format!("{}/users/confirm", process.base)).json(&confirmation).send().await.unwrap();
    assert_eq!(confirmed.status(), 204);
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "in memory means no files");
}

#[tokio::test]
async fn a_body_that_is_far_too_large_is_refused_in_the_form_of_every_error() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &["--memory"]);
    let sent = reqwest::Client::new().post(format!("{}/sessions", process.base)).body(vec![b'x'; 11 * 1024 * 1024]);
    let answer = sent.send().await.unwrap();
    assert_eq!(answer.status(), 413);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["type"], "urn:broadsheet:problem:payload-too-large");
}

#[tokio::test]
async fn head_says_nothing_of_a_length_that_get_does_not_have() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &["--memory"]);
    let http = reqwest::Client::new();
    let address = format!("{}/posts", process.base);
    let (get, head) = (http.get(&address).send().await.unwrap(), http.head(&address).send().await.unwrap());
    assert_eq!(head.status(), get.status());
    assert_eq!(head.headers()["etag"], get.headers()["etag"]);
    assert!(get.headers().contains_key("content-length"));
    assert_eq!(head.headers().get("content-length"), None);
}

#[tokio::test]
async fn in_a_container_files_are_fetched_from_the_port_that_it_publishes() {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let process = Process::start(folder.path(), &["--host", "0.0.0.0", "--files-port", &port.to_string()]);
    let (http, base) = (reqwest::Client::new(), &process.base);
    let password = "a long passphrase";
    let ada = json!({ "username": "ada", "email": "ada@example.com", "password": password });
    send(http.post(format!("{base}/users")).json(&ada)).await;
    let session = json!({ "login": "ada", "password": password });
    let session = send(http.post(format!("{base}/sessions")).json(&session)).await;
    let token = session["access_token"].as_str().unwrap();
    let export = send(http.post(format!("{base}/me/export")).bearer_auth(token)).await;
    let path = format!("{base}/me/exports/{}", export["export_id"].as_str().unwrap());
    let ready = async {
        loop {
            let export = send(http.get(&path).bearer_auth(token)).await;
            if let Some(link) = export["url"].as_str() {
                break link.to_owned();
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let link = tokio::time::timeout(std::time::Duration::from_secs(10), ready).await.expect("the export is ready");
    // Not 0.0.0.0, which is no address to ask.
    assert!(link.starts_with(&format!("http://127.0.0.1:{port}/")), "{link}");
    send(http.get(link)).await;
}

#[tokio::test]
async fn a_load_checks_every_answer_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &[]);
    let load = async |url: &str| {
        let mut command = Command::new(BINARY);
        command.args(["load", "--url", url, "--requests", "200", "--seconds", "120", "--concurrency", "4"]);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    };
    let ran = load(&process.base).await;
    let told = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{told}");
    let fields = |name: &str| -> Vec<String> {
        let line = told.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {told}"));
        line[name.len()..].split_whitespace().map(str::to_owned).collect()
    };
    // Right answers, and what was refused or wrong.
    let all = fields("all ");
    assert_eq!([&all[0], &all[5], &all[6]], ["200", "0", "0"], "{told}");
    let (written, again) = (["publish", "comment", "react"], fields("what was written"));
    let written: usize = written.map(|kind| fields(kind)[0].parse::<usize>().unwrap()).iter().sum();
    assert!(written >= 9, "{told}");
    assert_eq!(again[0], written.to_string(), "{told}");

    // The user is gone with all posts, as soon as what follows from that is done.
    let posts = async || send(reqwest::Client::new().get(format!("{}/posts?tag=load", process.base))).await;
    for _ in 0..100 {
        if posts().await["items"] == json!([]) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(posts().await["items"], json!([]));

    // Where the API is not.
    assert!(!load(&process.base.replace("/v1", "/v2")).await.status.success());
}

/// The commands of the README's tour are run one after the other in one shell; each must succeed and print what the README says it prints.
/// The pages that it says to open show what it says.
#[tokio::test]
async fn the_tour_of_the_readme_works() {
    let readme = include_str!("../../../README.md");
    let (_, tour) = readme.split_once("## A tour").expect("the README has a tour");
    let (tour, _) = tour.split_once("\n## ").expect("something follows it");
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(folder.path(), &["--memory"]);
    let script: String = tour
        .split("```sh\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
        .replace("http://localhost:3000/v1", &process.base);
    assert!(script.matches("curl").count() > 10, "the tour has its commands");
    let output = Command::new("bash").args(["-euc", &script]).current_dir(folder.path()).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    let promised: Vec<_> =
        tour.split("```text\n").skip(1).map(|block| block.split("```").next().unwrap_or_default()).collect();
    assert!(!promised.is_empty(), "the tour says what comes back");
    for line in promised.iter().flat_map(|block| block.lines()) {
        assert!(printed.contains(line.trim()), "the README promises {line:?}; the tour printed:\n{printed}");
    }
    let (_, shown) = tour.split_once("Open `http://localhost:3000").expect("the tour ends with a page");
    let (page, _) = shown.split_once("` in a browser: it shows the picture").expect("which shows the picture");
    for (page, shows) in [(page, "alt=\"All red\""), ("/", "/posts/from-ci"), ("/", "/posts/in-colour")] {
        let page = reqwest::get(process.base.replace("/v1", page)).await.unwrap();
        assert_eq!(page.status(), 200, "{}", page.url());
        let (url, text) = (page.url().clone(), page.text().await.unwrap());
        assert!(text.contains(shows), "{url} does not show {shows}: {text}");
    }
}
