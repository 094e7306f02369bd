//! Whom a clock follows, as the four bytes of a reply tell it. A hint against loops, not an identity: some servers
//! mask it, and reference clocks name their kind only.

use std::net::{IpAddr, Ipv4Addr};

use md5::{Digest, Md5};

/// What the four bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing is told.
    None,
    /// A kind of reference clock, in ASCII: GPS, PPS, DCFa.
    Clock,
    /// The machine's own clock: `127.127.x.x` or `LOCL`.
    LocalClock,
    /// The source's IPv4 address, or the head of the MD5 of its IPv6 address.
    Address,
    /// A kiss: stratum 0 with a code in ASCII.
    Kiss,
}

impl Kind {
    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Clock => "clock",
            Self::LocalClock => "local_clock",
            Self::Address => "address",
            Self::Kiss => "kiss",
        }
    }
}

/// What the four bytes are, which depends on the stratum.
pub fn kind(refid: [u8; 4], stratum: u8) -> Kind {
    match (refid, stratum) {
        ([0, 0, 0, 0], _) => Kind::None,
        ([127, 127, _, _], 1..) => Kind::LocalClock,
        (_, 1) if ascii(refid).as_deref() == Some("LOCL") => Kind::LocalClock,
        (_, 0) => Kind::Kiss,
        (_, 1) => Kind::Clock,
        _ => Kind::Address,
    }
}

/// The four bytes as a person reads them.
pub fn shown(refid: [u8; 4], stratum: u8) -> String {
    match kind(refid, stratum) {
        Kind::None => String::new(),
        Kind::Clock | Kind::Kiss => ascii(refid).unwrap_or_else(|| hex(refid)),
        Kind::LocalClock => ascii(refid).unwrap_or_else(|| Ipv4Addr::from(refid).to_string()),
        Kind::Address => Ipv4Addr::from(refid).to_string(),
    }
}

/// The four bytes in hexadecimal.
pub fn hex(refid: [u8; 4]) -> String {
    data_encoding::HEXLOWER.encode(&refid)
}

/// The code of a kiss or the kind of a clock: printable ASCII, filled up with zeros or blanks.
pub fn ascii(refid: [u8; 4]) -> Option<String> {
    let text = std::str::from_utf8(&refid).ok()?.trim_end_matches(['\0', ' ']);
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then(|| text.to_owned())
}

/// The four bytes by which followers of a clock with this address name it (RFC 5905 section 7.3).
pub fn of_address(address: IpAddr) -> [u8; 4] {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(address) => {
            let digest = Md5::digest(address.octets());
            std::array::from_fn(|i| digest[i])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn followers_name_an_ipv6_source_by_the_head_of_its_md5() {
        assert_eq!(hex(of_address("2001:db8::123".parse().unwrap())), "c975cecc");
        assert_eq!(of_address("127.0.0.11".parse().unwrap()), [127, 0, 0, 11]);
        assert_eq!(of_address("::ffff:10.0.0.1".parse().unwrap()), [10, 0, 0, 1]);
    }

    #[test]
    fn the_meaning_depends_on_the_stratum() {
        let table: &[([u8; 4], u8, Kind, &str)] = &[
            (*b"GPS\0", 1, Kind::Clock, "GPS"),
            (*b"PPS ", 1, Kind::Clock, "PPS"),
            ([1, 2, 3, 4], 1, Kind::Clock, "01020304"),
            (*b"LOCL", 1, Kind::LocalClock, "LOCL"),
            ([127, 127, 1, 1], 1, Kind::LocalClock, "127.127.1.1"),
            ([127, 127, 1, 1], 10, Kind::LocalClock, "127.127.1.1"),
            ([127, 0, 0, 11], 2, Kind::Address, "127.0.0.11"),
            (*b"RATE", 0, Kind::Kiss, "RATE"),
            (*b"INIT", 0, Kind::Kiss, "INIT"),
            ([0; 4], 0, Kind::None, ""),
            ([0; 4], 3, Kind::None, ""),
        ];
        for (refid, stratum, wanted, text) in table {
            assert_eq!((kind(*refid, *stratum), shown(*refid, *stratum).as_str()), (*wanted, *text));
        }
    }
}
