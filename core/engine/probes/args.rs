//! Arguments of an operation, read one by one. Whoever wrote the call gets a sentence that names the argument, what
//! it may be and what it was.

use std::ops::RangeInclusive;
use std::time::Duration;

use jackfield_abi::ops::{Code, Failure};
use serde_json::{Map, Value};

use crate::catalog::nearest;
use crate::catalog::rules;

/// The arguments of one call.
pub struct Args<'a> {
    op: &'static str,
    given: &'a Map<String, Value>,
}

impl<'a> Args<'a> {
    /// Arguments that are an object with no other names than these.
    pub fn read(op: &'static str, args: &'a Value, known: &[&'static str]) -> Result<Self, Failure> {
        let given = args
            .as_object()
            .ok_or_else(|| bad(format!("{op} takes a table of arguments, not {}", brief(args))))?;
        if let Some(stranger) = given.keys().find(|name| !known.contains(&name.as_str())) {
            let meant = nearest(stranger, known.iter().copied());
            let meant = meant.map(|name| format!(" Did you mean {name}?")).unwrap_or_default();
            return Err(bad(format!(
                "{op} has no argument {stranger:?}; it takes {}.{meant}",
                known.join(", ")
            )));
        }
        Ok(Self { op, given })
    }

    /// An argument, unless it is left out or null.
    pub fn find(&self, name: &str) -> Option<&'a Value> {
        self.given.get(name).filter(|value| !value.is_null())
    }

    /// What keeps an argument from being taken.
    pub fn wrong(&self, name: &str, wanted: &str) -> Failure {
        match self.find(name) {
            None => bad(format!("{}: {name} is missing; it must be {wanted}", self.op)),
            Some(value) => bad(format!("{}: {name} must be {wanted}; {} is not", self.op, brief(value))),
        }
    }

    /// Text that must be given.
    pub fn text(&self, name: &str, wanted: &str) -> Result<&'a str, Failure> {
        self.find(name).and_then(Value::as_str).ok_or_else(|| self.wrong(name, wanted))
    }

    /// A host name or IP address that must be given.
    pub fn host(&self, name: &str) -> Result<&'a str, Failure> {
        let wanted = "a host name or an IP address";
        let text = self.text(name, wanted)?;
        if rules::HOST.allows(text) { Ok(text) } else { Err(self.wrong(name, wanted)) }
    }

    /// A whole number in a range, or `None`.
    pub fn number(&self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, Failure> {
        let Some(value) = self.find(name) else { return Ok(None) };
        let number = whole(value).filter(|number| range.contains(number));
        let wanted = || format!("a whole number from {} to {}", range.start(), range.end());
        number.map(Some).ok_or_else(|| self.wrong(name, &wanted()))
    }

    /// A port, or `None`.
    pub fn port(&self, name: &str) -> Result<Option<u16>, Failure> {
        Ok(self.number(name, 1..=65535)?.and_then(|port| u16::try_from(port).ok()))
    }

    /// A time limit in milliseconds.
    pub fn limit(&self, default: Duration, longest: Duration) -> Result<Duration, Failure> {
        let most = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        Ok(self.number("timeout_ms", 50..=most)?.map_or(default, Duration::from_millis))
    }

    /// A truth value that is false when left out.
    pub fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.find(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(name, "true or false")),
        }
    }

    /// A list of at most so many items; empty when left out.
    pub fn list(&self, name: &str, most: usize) -> Result<&'a [Value], Failure> {
        match self.find(name) {
            None => Ok(&[]),
            // An empty table of Lua may arrive as an object.
            Some(Value::Object(empty)) if empty.is_empty() => Ok(&[]),
            Some(Value::Array(items)) if items.len() <= most => Ok(items),
            Some(Value::Array(items)) => {
                Err(bad(format!("{}: {name} may hold {most} items; it has {}", self.op, items.len())))
            }
            Some(_) => Err(self.wrong(name, "a list")),
        }
    }

    /// A list of ports; empty when left out.
    pub fn ports(&self, name: &str, most: usize) -> Result<Vec<u16>, Failure> {
        let wanted = "a list of ports from 1 to 65535";
        let port = |value| whole(value).and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
        let ports: Option<Vec<u16>> = self.list(name, most)?.iter().map(port).collect();
        ports.ok_or_else(|| self.wrong(name, wanted))
    }
}

/// A whole number, also when it comes as a double, as Lua has them.
pub fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..9e15).contains(n))?;
        Some(number as u64)
    })
}

/// Wrong arguments.
pub fn bad(words: impl Into<String>) -> Failure {
    Failure::new(Code::BadRequest, words)
}

fn brief(value: &Value) -> String {
    match value {
        Value::Object(_) => "a table".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        other => {
            let text = other.to_string();
            let cut: String = text.chars().take(80).collect();
            if cut.len() < text.len() { cut + "…" } else { cut }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn port_of(args: &Value) -> Result<Option<u16>, String> {
        let args = Args::read("ntp.query", args, &["address", "port"]).map_err(|f| f.msg)?;
        args.port("port").map_err(|f| f.msg)
    }

    #[test]
    fn numbers_may_come_as_lua_has_them() {
        assert_eq!(port_of(&json!({"port": 123.0})), Ok(Some(123)));
        assert_eq!(port_of(&json!({"port": null})), Ok(None));
    }

    #[test]
    fn a_wrong_argument_is_named_with_what_it_may_be() {
        let said = |args: Value| port_of(&args).unwrap_err();
        let range = "ntp.query: port must be a whole number from 1 to 65535; ";
        assert_eq!(said(json!({"port": 0})), format!("{range}0 is not"));
        assert_eq!(said(json!({"port": 1.5})), format!("{range}1.5 is not"));
        assert_eq!(said(json!({"port": "ntp"})), format!("{range}\"ntp\" is not"));
        assert_eq!(said(json!([])), "ntp.query takes a table of arguments, not a list");
        assert!(said(json!({"prot": 1})).ends_with("it takes address, port. Did you mean port?"));
    }

    #[test]
    fn a_host_must_look_like_one() {
        let args = json!({"address": "http://x", "list": [1, 2]});
        let args = Args::read("tcp.probe", &args, &["address", "list"]).unwrap();
        let said = args.host("address").unwrap_err().msg;
        assert!(said.contains("must be a host name or an IP address; \"http://x\" is not"), "{said}");
        assert!(args.host("name").unwrap_err().msg.contains("name is missing"));
        assert!(args.list("list", 1).unwrap_err().msg.contains("may hold 1 items; it has 2"));
    }
}
