//! The operation `csta.judge`: the CSTA ports of a MiVoice 5000 as a set (seed 003). What is expected is the default
//! port and the declared ones; what is missing, open beyond that, or mapped nowhere is said, with both places to
//! configure. Pure; the ports were tried by `tcp.probe`.

use std::collections::BTreeSet;

use jackfield_abi::ops::Failure;
use serde_json::{Value, json};

use super::args::{Args, whole};

/// The port a MiVoice 5000 offers CSTA on unless told otherwise (seed 003).
const DEFAULT_PORT: u16 = 3211;
/// Most ports of one node.
const MOST_PORTS: usize = 32;
/// Both places in which a port is configured (seed 003).
const BOTH_PLACES: &str = "A port is configured in two places: CSTA Settings in the PBX Node tab, and the mapping of the X25 gateway";

/// Verdicts that are about the host and not about a port.
const NOT_REACHED: &[&str] = &["no_address", "unreachable"];

/// One port that was tried.
struct Tried<'a> {
    port: u16,
    open: bool,
    verdict: &'a str,
    words: &'a str,
}

/// What is written down and what was seen.
struct Ports<'a> {
    default: u16,
    expected: BTreeSet<u16>,
    mapped: Vec<u16>,
    tried: Vec<Tried<'a>>,
}

/// The operation.
pub fn judge(args: &Value) -> Result<Value, Failure> {
    let args = Args::read("csta.judge", args, &["default", "declared", "mapped", "ports"])?;
    let default = args.port("default")?.unwrap_or(DEFAULT_PORT);
    let declared = args.ports("declared", MOST_PORTS)?;
    let mapped = args.ports("mapped", MOST_PORTS)?;
    let tried = args.list("ports", MOST_PORTS)?.iter().map(tried).collect::<Option<Vec<_>>>();
    let tried = tried.ok_or_else(|| args.wrong("ports", "a list of results of tcp.probe"))?;
    let expected = declared.into_iter().chain([default]).collect();
    Ok(Ports { default, expected, mapped, tried }.judged())
}

fn tried(result: &Value) -> Option<Tried<'_>> {
    Some(Tried {
        port: u16::try_from(whole(&result["port"])?).ok()?,
        open: result["open"].as_bool()?,
        verdict: result["verdict"].as_str()?,
        words: result["words"].as_str().unwrap_or_default(),
    })
}

impl Ports<'_> {
    fn find(&self, port: u16) -> Option<&Tried<'_>> {
        self.tried.iter().find(|tried| tried.port == port)
    }

    fn with(&self, is_meant: impl Fn(&u16, Option<&Tried<'_>>) -> bool) -> Vec<u16> {
        self.expected.iter().copied().filter(|port| is_meant(port, self.find(*port))).collect()
    }

    fn judged(&self) -> Value {
        let open = self.with(|_, tried| tried.is_some_and(|t| t.open));
        let missing = self.with(|_, tried| tried.is_some_and(|t| !t.open));
        let untried = self.with(|_, tried| tried.is_none());
        let extra: Vec<u16> = self
            .tried
            .iter()
            .filter(|t| t.open && !self.expected.contains(&t.port))
            .map(|t| t.port)
            .collect();
        // The default port needs no mapping of its own to be written down.
        let unmapped = self.with(|port, _| *port != self.default && !self.mapped.contains(port));
        let reasons = self.reasons(&open, &missing, &untried, &extra);
        let state = state(&reasons, !open.is_empty(), !unmapped.is_empty());
        json!({
            "state": state,
            "reasons": reasons,
            "detail": self.detail(&open, &missing, &untried, &extra),
            "advice": self.advice(&reasons, [&missing, &untried, &extra, &unmapped]),
            "expected": self.expected, "open": open, "missing": missing, "untried": untried,
            "extra": extra, "unmapped": unmapped,
        })
    }

    fn reasons(&self, open: &[u16], missing: &[u16], untried: &[u16], extra: &[u16]) -> Vec<&'static str> {
        let verdict = |port: &u16| self.find(*port).map_or("", |tried| tried.verdict);
        let any = |name: &str| missing.iter().any(|port| verdict(port) == name);
        let is_default_refused = verdict(&self.default) == "refused";
        let others_open = open.iter().chain(extra).any(|port| *port != self.default);
        let told = [
            (!missing.is_empty() && open.is_empty() && untried.is_empty(), "none_open"),
            (is_default_refused && others_open, "default_refused_others_open"),
            (any("refused"), "refused"),
            (any("filtered"), "filtered"),
            (any("dropped"), "dropped"),
            (any("unreachable"), "unreachable"),
            (any("no_address"), "no_address"),
            (any("tls_only"), "tls_only"),
            (any("wrong_service"), "wrong_service"),
            (any("not_tried") || !untried.is_empty(), "not_tried"),
            (!extra.is_empty(), "extra_open"),
        ];
        told.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect()
    }

    fn detail(&self, open: &[u16], missing: &[u16], untried: &[u16], extra: &[u16]) -> String {
        let mut said =
            vec![format!("{} of {} expected CSTA ports are open", open.len(), self.expected.len())];
        said.extend(missing.iter().filter_map(|port| self.find(*port)).map(|t| {
            let which = if t.port == self.default { " (the default port)" } else { "" };
            format!("{}{which} {}: {}", t.port, t.verdict.replace('_', " "), t.words)
        }));
        if !untried.is_empty() {
            said.push(format!("not tried: {}", listed(untried)));
        }
        if !extra.is_empty() {
            said.push(format!("open though not declared: {}", listed(extra)));
        }
        said.join("; ")
    }

    fn advice(&self, reasons: &[&str], [missing, untried, extra, unmapped]: [&[u16]; 4]) -> String {
        let has = |reason| reasons.contains(&reason);
        let mut said = Vec::new();
        if has("default_refused_others_open") {
            said.push(format!(
                "Added ports are open but {} is refused: services that were never told another port use {}, so \
                 switch it on again in the PBX.",
                self.default, self.default
            ));
        }
        if has("no_address") {
            said.push("Correct the address of the PBX node, or its entry in the name service.".to_owned());
        }
        if has("unreachable") {
            said.push("Look at routing and VLANs between here and the PBX first.".to_owned());
        }
        // Of a host that is not reached at all, nothing is known of its ports.
        let is_reached = |port: &u16| self.find(*port).is_some_and(|t| !NOT_REACHED.contains(&t.verdict));
        let closed: Vec<u16> = missing.iter().copied().filter(is_reached).collect();
        if !closed.is_empty() {
            said.push(format!("{BOTH_PLACES}; look for {} in both.", listed(&closed)));
        }
        if !untried.is_empty() {
            said.push(format!("Try {} as well.", listed(untried)));
        }
        if !extra.is_empty() {
            said.push(format!("Declare {} at the PBX node here, or close it in the PBX.", listed(extra)));
        }
        if !unmapped.is_empty() {
            said.push(format!(
                "{} is not written down as mapped by the X25 gateway; map it there, then write it down at the PBX \
                 node.",
                listed(unmapped)
            ));
        }
        said.join(" ")
    }
}

fn state(reasons: &[&str], some_open: bool, some_unmapped: bool) -> &'static str {
    let has = |names: &[&str]| reasons.iter().any(|reason| names.contains(reason));
    match () {
        () if has(&[
            "none_open",
            "refused",
            "filtered",
            "dropped",
            "unreachable",
            "no_address",
            "wrong_service",
        ]) =>
        {
            "error"
        }
        () if has(&["tls_only"]) => "warning",
        () if has(&["not_tried"]) || !some_open => "not_measurable",
        () if has(&["extra_open"]) || some_unmapped => "notice",
        () => "ok",
    }
}

fn listed(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(port: u16, verdict: &str) -> Value {
        json!({"port": port, "open": verdict == "open", "verdict": verdict, "words": "words"})
    }

    fn judged(declared: &[u16], mapped: &[u16], seen: &[Value]) -> Value {
        judge(&json!({"declared": declared, "mapped": mapped, "ports": seen})).unwrap()
    }

    /// Declared, mapped and seen ports; the state and its reasons.
    type Line = (&'static [u16], &'static [u16], Vec<Value>, &'static str, &'static [&'static str]);

    #[test]
    fn every_set_of_ports_is_judged() {
        let o = |port| seen(port, "open");
        let table: &[Line] = &[
            (&[], &[], vec![o(3211)], "ok", &[]),
            (&[3211, 3212], &[3212], vec![o(3211), o(3212)], "ok", &[]),
            (&[3212], &[3212], vec![o(3211), seen(3212, "refused")], "error", &["refused"]),
            (
                &[3212],
                &[3212],
                vec![seen(3211, "refused"), o(3212)],
                "error",
                &["default_refused_others_open", "refused"],
            ),
            (
                &[],
                &[],
                vec![seen(3211, "refused"), o(3213)],
                "error",
                &["none_open", "default_refused_others_open", "refused", "extra_open"],
            ),
            (&[3212], &[], vec![o(3211), o(3212)], "notice", &[]),
            (&[], &[], vec![o(3211), o(3213)], "notice", &["extra_open"]),
            (&[], &[], vec![o(3211), seen(3213, "refused")], "ok", &[]),
            (&[3212], &[3212], vec![o(3211)], "not_measurable", &["not_tried"]),
            (&[], &[], vec![], "not_measurable", &["not_tried"]),
            (&[3212], &[3212], vec![o(3211), seen(3212, "tls_only")], "warning", &["tls_only"]),
            (&[3212], &[3212], vec![o(3211), seen(3212, "wrong_service")], "error", &["wrong_service"]),
            (&[3212], &[3212], vec![o(3211), seen(3212, "dropped")], "error", &["dropped"]),
            (&[], &[], vec![seen(3211, "filtered")], "error", &["none_open", "filtered"]),
            (&[], &[], vec![seen(3211, "unreachable")], "error", &["none_open", "unreachable"]),
            (&[], &[], vec![seen(3211, "no_address")], "error", &["none_open", "no_address"]),
        ];
        for (declared, mapped, seen, state, reasons) in table {
            let found = judged(declared, mapped, seen);
            assert_eq!((&found["state"], &found["reasons"]), (&json!(state), &json!(reasons)), "{found}");
            assert_eq!(found["state"] == "ok", found["advice"] == "", "{found}");
        }
    }

    #[test]
    fn what_is_missing_reminds_of_both_places() {
        let found = judged(&[3212], &[], &[seen(3211, "open"), seen(3212, "refused")]);
        let advice = found["advice"].as_str().unwrap();
        for words in ["CSTA Settings in the PBX Node tab", "X25 gateway", "look for 3212 in both"] {
            assert!(advice.contains(words), "{advice}");
        }
        assert_eq!(found["unmapped"], json!([3212]));
        let lost = judged(&[], &[], &[seen(3211, "no_address")]);
        assert!(
            lost["advice"].as_str().unwrap().starts_with("Correct the address of the PBX node"),
            "{lost}"
        );
        assert!(!lost["advice"].as_str().unwrap().contains("X25"), "{lost}");
    }

    #[test]
    fn wrong_arguments_are_named() {
        let said = |args: Value| judge(&args).unwrap_err().msg;
        assert!(said(json!({"declared": [0]})).contains("declared must be a list of ports"));
        assert!(said(json!({"ports": [1]})).contains("ports must be a list of results of tcp.probe"));
        assert!(said(json!({"mapped": (1..=33).collect::<Vec<_>>()})).contains("may hold 32 items"));
    }
}
