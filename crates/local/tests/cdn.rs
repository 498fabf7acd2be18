//! What a CDN in front says of a request is believed if it shows that it is ours.

use local::backing::refs;
use serde_json::{Value, json};
use template::{self, Template};

use crate::harness::{Answer, Client, TestStack};
use crate::logging;
use crate::watching::{read, written_out};

/// Addresses of the CDN and of its viewers: for documentation (RFC 5737, RFC 3849).
const EDGE: &str = "198.51.100.1";
const ADA: &str = "203.0.113.7";
const BOB: &str = "203.0.113.8";

/// What the template makes the secret. On AWS it is filled in when the stack is deployed; here it is what stands there.
fn secret() -> String {
    let mut cdn = refs();
    cdn.insert("Cdn".to_owned(), "true".to_owned());
    let secret = Template::read(template::SOURCE, &cdn).unwrap().environment.remove("ORIGIN_SECRET").unwrap();
    assert!(secret.contains("resolve:secretsmanager"), "{secret}");
    secret
}

/// An anonymous request that is counted, with these headers; how many more there may be is in the answer.
async fn counted(client: &Client, headers: &[(&str, &str)]) -> Answer {
    let answer = client.call("POST", "/sessions/refresh", headers, Some(json!({ "refresh_token": "none" }))).await;
    assert!([401, 429].contains(&answer.status.as_u16()), "{answer:?}");
    answer
}

/// How many requests are left of ten.
async fn left(client: &Client, headers: &[(&str, &str)]) -> String {
    let answer = counted(client, headers).await;
    answer.header("ratelimit").split(';').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn each_viewer_behind_the_cdn_has_a_budget() {
    let stack = TestStack::start_with_parameters(&[("RequestsPerMinute", "10"), ("Cdn", "true")]).await;
    let (edge, secret) = (stack.visitor().from(EDGE), secret());
    let ada = [("x-origin-secret", &*secret), ("x-viewer-address", ADA)];
    for expected in (0..10).rev() {
        assert_eq!(left(&edge, &ada).await, format!("r={expected}"));
    }
    counted(&edge, &ada).await.expect_problem(429, "too-many-requests");
    // Through another of the CDN's machines as well.
    counted(&stack.visitor().from("198.51.100.2"), &ada).await.expect_problem(429, "too-many-requests");
    // Nobody else is refused: not who comes the same way, not the CDN's own address, nor ada's neighbour at the API itself.
    assert_eq!(left(&edge, &[("x-origin-secret", &secret), ("x-viewer-address", BOB)]).await, "r=9");
    assert_eq!(left(&edge, &[]).await, "r=9");
    // Whoever goes round the CDN is the same client.
    counted(&stack.visitor().from(ADA), &[]).await.expect_problem(429, "too-many-requests");
}

#[tokio::test]
async fn a_subscriber_with_ipv6_is_one_client_behind_the_cdn_too() {
    let stack = TestStack::start_with_parameters(&[("RequestsPerMinute", "10"), ("Cdn", "true")]).await;
    let (edge, secret) = (stack.visitor().from(EDGE), secret());
    let from = |address: &'static str| [("x-origin-secret", secret.as_str()), ("x-viewer-address", address)];
    assert_eq!(left(&edge, &from("2001:db8:0:1::1")).await, "r=9");
    assert_eq!(left(&edge, &from("2001:db8:0:1:ffff::2")).await, "r=8");
    assert_eq!(left(&edge, &from("2001:db8:0:2::1")).await, "r=9");
    // What is no address is nobody's, and not the CDN's: one source for all such requests.
    assert_eq!(left(&edge, &from("203.0.113.7:4711")).await, "r=9");
    assert_eq!(left(&edge, &from("")).await, "r=8");
    assert_eq!(left(&edge, &[("x-origin-secret", &secret)]).await, "r=7");
}

#[tokio::test]
async fn what_only_says_that_it_came_through_the_cdn_counts_for_its_socket() {
    let stack = TestStack::start_with_parameters(&[("RequestsPerMinute", "10"), ("Cdn", "true")]).await;
    let (attacker, secret) = (stack.visitor().from(ADA), secret());
    let guesses = ["", "guess", &secret[1..], &format!("{secret}x"), &secret.to_uppercase()].map(str::to_owned);
    for (guess, address) in guesses.iter().zip(["203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4", "::1"]) {
        counted(&attacker, &[("x-origin-secret", guess), ("x-viewer-address", address)]).await;
    }
    counted(&attacker, &[("x-viewer-address", BOB)]).await;
    counted(&attacker, &[("x-forwarded-for", BOB)]).await;
    counted(&attacker, &[("cloudfront-viewer-address", "203.0.113.8:4711")]).await;
    assert_eq!(left(&attacker, &[]).await, "r=1");
    assert_eq!(left(&stack.visitor().from(BOB), &[]).await, "r=9", "who was named in a forged header has lost nothing");
}

#[tokio::test]
async fn without_a_cdn_no_secret_is_the_right_one() {
    let stack = TestStack::start_with_parameters(&[("RequestsPerMinute", "10")]).await;
    let attacker = stack.visitor().from(ADA);
    for (secret, address) in ["", &secret()].into_iter().zip(["203.0.113.1", "203.0.113.2"]) {
        counted(&attacker, &[("x-origin-secret", secret), ("x-viewer-address", address)]).await;
    }
    assert_eq!(left(&attacker, &[]).await, "r=7");
}

#[tokio::test]
async fn a_password_is_guessed_no_oftener_through_the_cdn() {
    let stack = TestStack::start_with_parameters(&[("Cdn", "true")]).await;
    let (edge, secret) = (stack.visitor().from(EDGE), secret());
    let log_in = async |number: u32, address: &str| {
        let headers = [("x-origin-secret", &*secret), ("x-viewer-address", address)];
        let login = json!({ "login": format!("user-{number}"), "password": "a guess" });
        edge.call("POST", "/sessions", &headers, Some(login)).await
    };
    for number in 0..100 {
        log_in(number, ADA).await.expect_problem(401, "invalid-credentials");
    }
    log_in(100, ADA).await.expect_problem(429, "too-many-requests");
    log_in(100, BOB).await.expect_problem(401, "invalid-credentials");
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_leads_through_the_cdn() {
    let stack = TestStack::start_with_parameters(&[("Cdn", "true")]).await;
    let (ada, secret) = (stack.user("ada").await, secret());
    ada.post("/posts", json!({ "title": "Draft", "body": "Not yet." })).await.expect_status(201);
    let preview = async |headers: &[(&str, &str)]| {
        let link = ada.call("POST", "/posts/draft/preview", headers, Some(json!({}))).await;
        link.expect_status(201);
        link.body["url"].as_str().unwrap().to_owned()
    };
    let through = preview(&[("x-origin-secret", &secret), ("x-viewer-host", "blog.example.com")]).await;
    assert!(through.starts_with("http://blog.example.com/v1/posts/draft?"), "{through}");
    let forged = preview(&[("x-origin-secret", "guess"), ("x-viewer-host", "evil.example.com")]).await;
    assert!(!forged.contains("evil"), "{forged}");
}

#[tokio::test]
async fn what_a_shared_cache_keeps_says_nothing_of_who_asked() {
    let stack = TestStack::start_with_parameters(&[("RequestsPerMinute", "10"), ("Cdn", "true")]).await;
    let slug = stack.user("ada").await.publish("For all", &["a"]).await;
    let mut kept = 0;
    for path in ["/posts", &format!("/posts/{slug}"), "/tags", "/users/ada", "/docs", "/openapi.json"] {
        let secret = secret();
        let answer = stack.visitor().get_with(path, &[("x-origin-secret", &secret), ("x-viewer-address", ADA)]).await;
        answer.expect_status(200);
        assert!(answer.header("cache-control").contains("s-maxage="), "{answer:?}");
        for name in ["ratelimit", "ratelimit-policy", "set-cookie", "retry-after", "idempotency-replayed"] {
            assert_eq!(answer.header(name), "", "{path}");
        }
        let all = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.bytes));
        assert!(!all.contains(ADA) && !all.contains(&secret), "{path}");
        kept += 1;
    }
    assert_eq!(kept, 6);
}

#[tokio::test]
async fn neither_the_secret_nor_the_address_is_logged() {
    let stack = TestStack::start_with_parameters(&[("Cdn", "true")]).await;
    let secret = secret();
    let address = "203.0.113.77";
    let headers =
        [("x-origin-secret", &*secret), ("x-viewer-address", address), ("x-correlation-id", "through-the-cdn")];
    counted(&stack.visitor(), &headers).await;
    assert!(!logging::lines_with("through-the-cdn").is_empty());
    for unsaid in [address, &secret] {
        assert!(logging::lines_with(unsaid).is_empty(), "{unsaid} is in the log");
    }
    let config = format!("{:?}", stack.stack.blog.config);
    assert!(config.contains("OriginSecret") && !config.contains(&secret), "{config}");
}

/// The rule of the firewall with this name, whatever condition it is under.
fn rule<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) if fields.get("Name").is_some_and(|found| found == name) => Some(value),
        Value::Object(fields) => fields.values().find_map(|field| rule(field, name)),
        Value::Array(values) => values.iter().find_map(|value| rule(value, name)),
        _ => None,
    }
}

#[test]
fn what_comes_round_the_cdn_cannot_use_up_the_throttle_of_the_stage() {
    let template = |path: &str| written_out(&serde_yaml_ng::from_str(&read(path)).unwrap());
    let (root, firewall) = (template("template.yaml"), template("infrastructure/waf.yaml"));
    // In prod nobody can leave the limits out.
    assert_eq!(root["Resources"]["Firewall"]["Condition"], "HasWaf");
    assert!(root["Conditions"]["HasWaf"].to_string().contains("IsProd"), "{}", root["Conditions"]["HasWaf"]);
    let rules = &firewall["Resources"]["Acl"]["Properties"]["Rules"];
    for (name, key) in [("AddressLimit", "IP"), ("ViewerLimit", "FORWARDED_IP"), ("DirectLimit", "CONSTANT")] {
        let limit = rule(rules, name).unwrap_or_else(|| panic!("there is no {name}"));
        assert_eq!(limit["Statement"]["RateBasedStatement"]["AggregateKeyType"], key);
        assert_eq!(limit["Action"]["Block"]["CustomResponse"]["ResponseCode"], 429, "{name}");
    }
    let direct = &rule(rules, "DirectLimit").unwrap()["Statement"]["RateBasedStatement"];
    let proof = &direct["ScopeDownStatement"]["NotStatement"]["Statement"]["ByteMatchStatement"];
    assert_eq!(proof["FieldToMatch"]["SingleHeader"]["Name"], "x-origin-secret");
    assert_eq!(direct["Limit"], "${WafDirectRequests}");
    let handed = &root["Resources"]["Firewall"]["Properties"]["Parameters"]["WafDirectRequests"];
    assert_eq!(handed, "${WafDirectRequests}");
    let throttle = root["Resources"]["Api"]["Properties"]["MethodSettings"][0]["ThrottlingRateLimit"].as_u64().unwrap();
    let seconds = direct["EvaluationWindowSec"].as_u64().unwrap();
    let all = root["Parameters"]["WafDirectRequests"]["Default"].as_u64().unwrap();
    assert!(all * 10 <= throttle * seconds, "{all} in {seconds} s is not far below {throttle} a second");
}
