//! What all of the HTTP API has in common, whatever the route: problems, headers, methods, queries. Bodies,
//! versions, dry runs, idempotency keys and the API's description have files of their own.

mod bodies;
mod description;
mod keys;
mod rehearsal;
mod versions;

use crate::harness::*;

#[test]
fn an_unknown_path_is_not_found_and_says_where_to_look() {
    let appliance = Appliance::start();
    for path in [
        "/api/v1/enterprise",
        "/api/v1",
        "/api/v2/enterprises",
        "/nothing",
        "/api/v1/enterprises/a/b",
        "/..%2f",
    ] {
        appliance
            .admin()
            .root("GET", path)
            .send()
            .problem(404, "request/not_found")
            .says("/api/v1/openapi.json");
    }
}

#[test]
fn a_wrong_method_is_told_which_ones_there_are() {
    let appliance = Appliance::start();
    for (method, path, allowed) in [
        ("DELETE", "/enterprises", ["GET", "POST"].as_slice()),
        ("POST", "/enterprises/acme", &["GET", "PUT", "PATCH", "DELETE"]),
        ("OPTIONS", "/dialing/preview", &["POST"]),
        ("PUT", "/tokens/x", &["GET", "DELETE"]),
        ("BREW", "/revisions", &["GET"]),
    ] {
        let refused = appliance.admin().call(method, path).send().problem(405, "request/method");
        let allow = refused.header("allow").unwrap_or_else(|| panic!("{refused}: no Allow"));
        let named: Vec<_> = allow.split(',').map(str::trim).collect();
        assert!(allowed.iter().all(|one| named.contains(one)), "{path}: {allow}");
        assert!(!named.contains(&method), "{path}: {allow}");
    }
}

#[test]
fn head_is_get_without_a_body() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    let got = admin.get("/enterprises/acme").expect(200);
    let head = admin.call("HEAD", "/enterprises/acme").send().expect(200);
    assert!(head.bytes.is_empty());
    for name in ["etag", "content-type", "content-length"] {
        assert_eq!(head.header(name), got.header(name), "{name}");
    }
    assert!(admin.call("HEAD", "/enterprises/none").send().expect(404).bytes.is_empty());
}

#[test]
fn an_unknown_query_parameter_is_refused_with_the_nearest_known_one() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let refused = admin.get("/accounts?limt=5").problem(400, "request/query");
    refused.blames("?limt", "is not a parameter of this address; did you mean limit?");
    admin
        .get("/settings/site.name?dry_run=1")
        .problem(400, "request/query")
        .blames("?dry_run", "is not a parameter");
    admin
        .post("/enterprises?dry_run=maybe", &enterprise_body("acme"))
        .problem(400, "request/query")
        .blames("?dry_run", "true or false");
    admin.get("/enterprises/acme").problem(404, "request/not_found");
}

#[test]
fn several_wrong_parameters_are_all_named() {
    let appliance = Appliance::start();
    let refused = appliance.admin().get("/accounts?limit=0&colour=red").problem(400, "request/query");
    refused.blames("?limit", "must be 1 to 500").blames("?colour", "is not a parameter");
}

#[test]
fn odd_bytes_in_paths_and_queries_do_no_harm() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    for path in [
        "/enterprises/%00",
        "/enterprises/%f0%9f%91%a9",
        "/enterprises/%ff",
        "/accounts/%27%20OR%201=1",
        "/enterprises/%2e%2e",
    ] {
        admin.get(path).problem(404, "request/not_found");
    }
    for query in ["enterprise=%00", "enterprise=%ff", "login_id=%27%3b--", "&&&"] {
        let answer = admin.get(&format!("/accounts?{query}")).expect(200);
        assert!(answer.items().is_empty(), "{answer}");
    }
    admin.get("/accounts?=x").problem(400, "request/query");
    admin.get("/accounts?enterprise=a&enterprise=b").problem(400, "request/query").says("given twice");
}

#[test]
fn every_answer_carries_the_headers_that_keep_browsers_safe() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let answers = [
        admin.get("/enterprises").expect(200),
        admin.get("/nothing").expect(404),
        appliance.anonymous().get("/enterprises").expect(401),
        admin.post("/enterprises", &enterprise_body("acme")).expect(201),
        appliance.anonymous().get("/claim").expect(200),
        admin.delete("/enterprises/acme", "*").expect(204),
        admin.root("GET", "/livez").send().expect(200),
    ];
    for answer in answers {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer}");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{answer}"
        );
        assert!(answer.header("request-id").is_some_and(|id| id.len() == 12), "{answer}");
        let server = answer.header("server").unwrap_or_default();
        assert!(
            !server.contains(|c: char| c.is_ascii_digit()),
            "{answer}: no version for strangers in {server:?}"
        );
    }
}

#[test]
fn no_other_sites_page_may_read_an_answer() {
    let appliance = Appliance::start();
    let answer =
        appliance.admin().with_header("Origin", "https://evil.example").get("/enterprises").expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[test]
fn each_request_has_an_id_of_its_own() {
    let appliance = Appliance::start();
    let id = || appliance.anonymous().get("/claim").expect(200).header("request-id").map(str::to_owned);
    assert_ne!(id(), id());
}

#[test]
fn machines_can_ask_whether_it_lives_and_is_ready() {
    let appliance = Appliance::start();
    let root = |path: &str| appliance.anonymous().root("GET", path).send().expect(200);
    assert_eq!(root("/livez").bytes, b"alive\n");
    assert_eq!(root("/readyz").json["ready"], true);
    let metrics = String::from_utf8(root("/metrics").bytes).unwrap();
    for name in
        ["jackfield_ready 1", "jackfield_http_requests_total{class=\"2xx\"}", "jackfield_db_commits_total"]
    {
        assert!(metrics.contains(name), "{name} is missing in\n{metrics}");
    }
}
