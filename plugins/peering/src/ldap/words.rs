//! What a directory's result codes (RFC 4511 appendix A) and an Active Directory's own numbers mean, in words.

/// Success.
pub const SUCCESS: i64 = 0;
/// It knows a place that we should ask instead.
pub const REFERRAL: i64 = 10;
/// A control that we cannot do without is not there.
pub const NO_CONTROL: i64 = 12;
/// The name is not there.
pub const NO_OBJECT: i64 = 32;
/// Name or password are wrong.
pub const INVALID_CREDENTIALS: i64 = 49;

/// A result code in words, as the middle of a sentence.
pub fn of(code: i64) -> &'static str {
    match code {
        1 => "operations error: most often it wants us to sign in first",
        2 => "it calls our request a protocol error",
        3 => "its own time limit was exceeded",
        4 => "its size limit was exceeded: it gives fewer entries than there are",
        7 => "it does not take passwords",
        8 => "it takes passwords only over TLS or a signed connection",
        REFERRAL => "it refers us to another server, and referrals are not followed",
        11 => "an administrative limit of it was exceeded",
        NO_CONTROL => "it cannot give its entries in pages",
        13 => "it takes passwords only over TLS",
        16 => "there is no such attribute",
        17 => "it does not know an attribute",
        18 => "it cannot match by what the filter asks",
        21 => "it calls a value malformed",
        NO_OBJECT => "there is no such name",
        34 => "it calls the name malformed",
        48 => "it does not take this way of signing in",
        INVALID_CREDENTIALS => "name or password are wrong",
        50 => "the account may not do that",
        51 => "it is busy",
        52 => "it is not available now",
        53 => "it is unwilling to do that",
        80 => "an error of its own",
        _ => "a result that has no common meaning",
    }
}

/// Why an Active Directory lets nobody in, by the number in its text (`data 52e`).
pub fn of_active_directory(text: &str) -> Option<&'static str> {
    let (_, after) = text.split_once(", data ")?;
    let number: String = after.chars().take_while(char::is_ascii_hexdigit).collect();
    Some(match number.as_str() {
        "525" => "there is no such account",
        "52e" => "name or password are wrong",
        "530" => "the account may not sign in at this time",
        "531" => "the account may not sign in from here",
        "532" => "the account's password has expired",
        "533" => "the account is disabled",
        "701" => "the account has expired",
        "773" => "the account's password must be changed first",
        "775" => "the account is locked",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_an_active_directory_are_told_in_words() {
        let text = |n| {
            format!("80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {n}, v1db1")
        };
        assert_eq!(of_active_directory(&text("533")), Some("the account is disabled"));
        assert_eq!(of_active_directory(&text("1")), None);
        assert_eq!(of_active_directory("invalid credentials"), None);
    }
}
