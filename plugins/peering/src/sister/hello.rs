//! The handshake: whether somebody who says hello is whom a peer stands for, and what both understand. The certificate
//! was shown in TLS, which proves its key; here is judged whose it is.

use super::certificate::Seen;
use super::frame::{Hello, LEVEL_UPN, PROTOCOLS, Reason, Refuse};
use super::status::{Trouble, Word};

/// Clocks that differ by more seconds are warned of: logs do not fit together, and schedules run at other times.
const CLOCKS: i64 = 60;

/// What is trusted of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// SHA-256 of its key.
    pub key: String,
    /// SHA-256 of the certificate that it had when trust was made; shown where another key comes.
    pub fingerprint: String,
    /// Its name, as the peer's row has it.
    pub hostname: String,
}

/// What both sides understand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// The lower level of both.
    pub level: u32,
    /// The other side's version, for people.
    pub version: String,
    /// The other enterprise's domain, in small letters; empty: none.
    pub domain: String,
    /// Seconds by which the other clock is ahead of ours, where that is worth a word.
    pub clock_ahead: Option<i64>,
    /// The name that it has now, where it has moved.
    pub moved_to: Option<String>,
}

impl Agreed {
    /// Whether presence of logins in UPN form is told (seed 002); otherwise why not.
    pub fn upn(&self) -> Result<(), String> {
        if self.level >= LEVEL_UPN {
            return Ok(());
        }
        Err(format!(
            "presence of people whose login is a UPN is hidden: both appliances must have level {LEVEL_UPN}, and one \
             has {}",
            self.level
        ))
    }
}

/// Compares the key that TLS has proved with the trusted one.
pub fn same_key(trusted: &Trusted, seen: &Seen) -> Result<(), Trouble> {
    if seen.key == trusted.key {
        return Ok(());
    }
    let found = format!("{} for {}", seen.fingerprint, seen.all_names());
    let expected = format!("{} for {}", trusted.fingerprint, trusted.hostname);
    Err(Trouble::compared(Word::CertificateMismatch, "its certificate is another one", expected, found))
}

/// The name must be one of the certificate's (seed 001). One whose key is the trusted one may say that it has moved.
pub fn same_name(trusted: &Trusted, seen: &Seen, hello: &Hello) -> Result<Option<String>, Trouble> {
    if seen.is_for(&trusted.hostname) {
        return Ok(None);
    }
    let has_moved = hello.formerly.iter().any(|old| old.eq_ignore_ascii_case(&trusted.hostname));
    if has_moved && seen.is_for(&hello.hostname) {
        return Ok(Some(hello.hostname.to_ascii_lowercase()));
    }
    let words = "its certificate has another name";
    Err(Trouble::compared(Word::CertificateMismatch, words, &trusted.hostname, seen.all_names()))
}

/// Judges a hello of somebody whose key is the trusted one; `now` in seconds since 1970.
pub fn judge(trusted: &Trusted, seen: &Seen, hello: &Hello, level: u32, now: i64) -> Result<Agreed, Trouble> {
    let [first, newest] = hello.protocols;
    if first > PROTOCOLS[1] || newest < PROTOCOLS[0] {
        let (ours, theirs) = (range(PROTOCOLS), range(hello.protocols));
        let words = format!("there is no protocol in common (its version is {})", plain(&hello.version));
        return Err(Trouble::compared(Word::VersionTooOld, &words, ours, theirs));
    }
    let moved_to = same_name(trusted, seen, hello)?;
    let ahead = hello.clock.saturating_sub(now);
    Ok(Agreed {
        level: level.min(hello.level),
        version: plain(&hello.version),
        domain: hello.domain.to_lowercase(),
        clock_ahead: (hello.clock != 0 && ahead.saturating_abs() > CLOCKS).then_some(ahead),
        moved_to,
    })
}

/// What the other side is told of a trouble that was found here.
pub fn refusal(trouble: &Trouble) -> Refuse {
    let code = match trouble.word {
        Word::CertificateMismatch => Reason::CertificateMismatch,
        Word::VersionTooOld => Reason::VersionTooOld,
        Word::EnterpriseNotFound => Reason::EnterpriseNotFound,
        Word::NotTrusted => Reason::NotTrusted,
        Word::Disabled | Word::NotSupported => Reason::Disabled,
        _ => Reason::Internal,
    };
    let Trouble { detail, expected, found, .. } = trouble.clone();
    Refuse { code, detail, expected, found }
}

fn range([first, newest]: [u32; 2]) -> String {
    if first == newest { format!("protocol {first}") } else { format!("protocols {first} to {newest}") }
}

/// Text of the other side on one line.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(key: &str, names: &[&str]) -> Seen {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Seen { fingerprint: format!("fp-{key}"), key: key.into(), names }
    }

    fn trusted() -> Trusted {
        Trusted { key: "k".into(), fingerprint: "fp-k".into(), hostname: "a.example".into() }
    }

    fn hello() -> Hello {
        Hello {
            protocols: [1, 1],
            level: 2,
            version: "9.9".into(),
            hostname: "a.example".into(),
            formerly: vec![],
            address: "a.example:8444".into(),
            from: "north".into(),
            to: "south".into(),
            domain: "North.example".into(),
            clock: 1000,
        }
    }

    #[test]
    fn who_is_trusted_and_speaks_the_same_agrees() {
        let agreed = judge(&trusted(), &seen("k", &["a.example"]), &hello(), 2, 1030).unwrap();
        assert_eq!((agreed.level, agreed.domain.as_str(), agreed.clock_ahead), (2, "north.example", None));
        assert_eq!(agreed.upn(), Ok(()));
    }

    #[test]
    fn another_key_is_told_with_both_fingerprints() {
        let trouble = same_key(&trusted(), &seen("other", &["a.example"])).unwrap_err();
        assert_eq!(trouble.word, Word::CertificateMismatch);
        assert_eq!(
            (trouble.expected.as_str(), trouble.found.as_str()),
            ("fp-k for a.example", "fp-other for a.example")
        );
    }

    #[test]
    fn another_name_is_refused_unless_the_key_s_owner_says_that_it_has_moved() {
        let renamed = seen("k", &["b.example", "c.example"]);
        let trouble = judge(&trusted(), &renamed, &hello(), 2, 1000).unwrap_err();
        assert_eq!(
            (trouble.word, trouble.expected.as_str(), trouble.found.as_str()),
            (Word::CertificateMismatch, "a.example", "b.example, c.example")
        );
        let moved = Hello {
            hostname: "B.example".into(),
            formerly: vec!["z.example".into(), "A.example".into()],
            ..hello()
        };
        let agreed = judge(&trusted(), &renamed, &moved, 2, 1000).unwrap();
        assert_eq!(agreed.moved_to.as_deref(), Some("b.example"));
        let lie = Hello { hostname: "z.example".into(), ..moved.clone() };
        assert!(judge(&trusted(), &renamed, &lie, 2, 1000).is_err(), "its certificate lacks the new name");
        let other = Hello { formerly: vec!["x.example".into()], ..moved };
        assert!(judge(&trusted(), &renamed, &other, 2, 1000).is_err(), "it was another one that moved");
        assert!(same_name(&trusted(), &seen("k", &[]), &hello()).unwrap_err().found.contains("no DNS name"));
    }

    #[test]
    fn without_a_protocol_in_common_the_older_side_is_too_old() {
        for protocols in [[0, 0], [2, 7], [u32::MAX, 0]] {
            let trouble =
                judge(&trusted(), &seen("k", &["a.example"]), &Hello { protocols, ..hello() }, 2, 0);
            assert_eq!(trouble.unwrap_err().word, Word::VersionTooOld, "{protocols:?}");
        }
        let wide = Hello { protocols: [0, 9], ..hello() };
        assert!(judge(&trusted(), &seen("k", &["a.example"]), &wide, 2, 1000).is_ok());
    }

    #[test]
    fn upn_logins_need_both_sides() {
        for (ours, theirs, shown) in [(2, 2, true), (1, 2, false), (2, 1, false), (9, 9, true)] {
            let said = Hello { level: theirs, ..hello() };
            let agreed = judge(&trusted(), &seen("k", &["a.example"]), &said, ours, 1000).unwrap();
            assert_eq!(agreed.upn().is_ok(), shown, "{ours} {theirs}");
        }
    }

    #[test]
    fn clocks_that_differ_are_told_and_forgiven() {
        for (clock, ahead) in
            [(1000, None), (1061, Some(61)), (900, Some(-100)), (0, None), (i64::MIN, Some(i64::MIN))]
        {
            let agreed = judge(&trusted(), &seen("k", &["a.example"]), &Hello { clock, ..hello() }, 2, 1000);
            assert_eq!(agreed.unwrap().clock_ahead, ahead, "{clock}");
        }
    }

    #[test]
    fn what_is_found_here_is_told_over_there() {
        let trouble = same_key(&trusted(), &seen("other", &[])).unwrap_err();
        let told = Trouble::of(&refusal(&trouble));
        assert_eq!((told.word, told.expected), (trouble.word, trouble.expected));
    }
}
