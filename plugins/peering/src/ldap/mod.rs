//! LDAP: its texts (names, filters, addresses), each read as its RFC has it with the cause when it is not one; and a
//! client that signs in and reads entries.

pub mod ber;
pub mod client;
pub mod connect;
pub mod entry;
pub mod filter;
pub mod filter_ber;
pub mod line;
pub mod name;
pub mod path;
pub mod tls;
pub mod trouble;
pub mod wire;
pub mod words;

/// Whether this names an attribute (RFC 4512 sections 2.5 and 1.4): a short name or an object identifier, with options.
pub fn is_attribute(text: &str) -> bool {
    let mut parts = text.split(';');
    let is_option = |part: &str| !part.is_empty() && part.bytes().all(is_key_byte);
    parts.next().is_some_and(is_type) && parts.all(is_option)
}

/// Whether this is an attribute's type: `cn`, or `2.5.4.3`.
pub fn is_type(text: &str) -> bool {
    let is_short = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(is_key_byte);
    let is_number = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    is_short || (text.contains('.') && text.split('.').all(is_number))
}

fn is_key_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_names_or_numbers_with_options() {
        for good in ["cn", "givenName", "x-y1", "2.5.4.3", "jpegPhoto;binary", "cn;lang-fr;x-1"] {
            assert!(is_attribute(good), "{good}");
        }
        for bad in ["", "1cn", "-cn", "c n", "c_n", "2.5.", "2", "02.5", "cn;", "cn;é", "né"] {
            assert!(!is_attribute(bad), "{bad}");
        }
    }
}
