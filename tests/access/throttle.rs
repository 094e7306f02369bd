//! Guessing is slowed down, and nobody else is.

use serde_json::json;

use super::{PASSWORD, admin_named};
use crate::harness::*;

/// Failures that are free of charge.
const FREE: usize = 5;

fn retry_after(answer: &Answer) -> u64 {
    let value = answer.header("retry-after").unwrap_or_else(|| panic!("{answer}: no Retry-After"));
    value.parse().expect("Retry-After is a number of seconds")
}

#[test]
fn guessing_tokens_is_slowed_down() {
    let appliance = Appliance::start();
    let guess = || appliance.anonymous().with_token("jf_guess").get("/session");
    for _ in 0..FREE {
        guess().problem(401, "access/sign_in");
    }
    let slowed = guess().problem(429, "access/throttled").says("then try again");
    assert!((1..=300).contains(&retry_after(&slowed)), "{slowed}");
}

#[test]
fn a_good_token_is_not_held_up_by_bad_ones_from_the_same_address() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    for _ in 0..=FREE {
        appliance.anonymous().with_token("jf_guess").get("/session");
    }
    admin.get("/session").expect(200);
}

#[test]
fn guessing_a_password_is_slowed_down_even_for_the_right_one() {
    let appliance = Appliance::start();
    admin_named(&appliance.admin(), "alice", "admin");
    let tried = |password: &str| {
        appliance.anonymous().post("/session", &json!({"name": "alice", "password": password}))
    };
    for _ in 0..FREE {
        tried("wrong horse battery").problem(401, "access/bad_credentials");
    }
    let slowed = tried(PASSWORD).problem(429, "access/throttled");
    assert!(retry_after(&slowed) >= 1, "{slowed}");
}

#[test]
fn guessing_the_claim_code_is_slowed_down() {
    let appliance = Appliance::start();
    let tried = |code: &str| {
        appliance.anonymous().post("/claim", &json!({"code": code, "name": "eve", "password": PASSWORD}))
    };
    for _ in 0..FREE {
        tried("0000-0000-0000").problem(403, "claim/wrong_code");
    }
    tried(&appliance.claim_code()).problem(429, "access/throttled");
    assert_eq!(appliance.anonymous().get("/claim").expect(200).json["open"], true);
}
