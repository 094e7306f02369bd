//! What speaks first on a connection, or answers when nobody asked: told by its first bytes. Pure.

/// Most bytes of a greeting that are kept.
const SHOWN: usize = 64;

/// A service as its first bytes give it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// Stable name.
    pub kind: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// Whether it can be a CSTA service.
    pub may_be_csta: bool,
}

const fn other(kind: &'static str, name: &'static str) -> Service {
    Service { kind, name, may_be_csta: false }
}

/// Recognises a service; anything else may be a CSTA service that speaks first.
pub fn recognise(bytes: &[u8]) -> Service {
    let begins = |text: &str| bytes.starts_with(text.as_bytes());
    match bytes {
        _ if begins("BUSY") => {
            other("office_400_busy", "the service port of a MiVoice Office 400, which is busy")
        }
        _ if begins("HTTP/") => other("http", "a web server"),
        _ if begins("SSH-") => other("ssh", "a secure shell (SSH)"),
        _ if begins("220") && has(bytes, "smtp") => other("smtp", "a mail server (SMTP)"),
        _ if begins("220") => other("ftp", "a file server (FTP)"),
        _ if begins("+OK") => other("pop3", "a mailbox (POP3)"),
        _ if begins("* OK") => other("imap", "a mailbox (IMAP)"),
        _ if begins("RFB ") => other("vnc", "a remote screen (VNC)"),
        [0xFF, 0xFB..=0xFE, ..] => other("telnet", "a terminal (telnet)"),
        [0x15 | 0x16, 3, ..] => other("tls", "a service that speaks TLS"),
        [0, 0, _, _, id @ ..] if id.len() >= 4 && id[..4].iter().all(u8::is_ascii_digit) => {
            Service { kind: "csta_xml", name: "CSTA in XML (ECMA-323)", may_be_csta: true }
        }
        _ => Service { kind: "unknown", name: "an unknown service", may_be_csta: true },
    }
}

fn has(bytes: &[u8], word: &str) -> bool {
    String::from_utf8_lossy(bytes).to_ascii_lowercase().contains(word)
}

/// The beginning of a greeting, safe to print.
pub fn shown(bytes: &[u8]) -> String {
    let plain = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
    bytes.iter().take(SHOWN).map(plain).collect::<String>().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_recognised_by_their_first_bytes() {
        let table: &[(&[u8], &str, bool)] = &[
            (b"BUSY", "office_400_busy", false),
            (b"HTTP/1.1 400 Bad Request\r\n", "http", false),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "ssh", false),
            (b"220 ProFTPD\r\n", "ftp", false),
            (b"220 mx.example.com ESMTP\r\n", "smtp", false),
            (b"+OK ready", "pop3", false),
            (b"* OK IMAP4", "imap", false),
            (b"RFB 003.008\n", "vnc", false),
            (&[0xFF, 0xFD, 0x18], "telnet", false),
            (&[0x15, 3, 3, 0, 2], "tls", false),
            (b"\0\0\x01\x009999<?xml", "csta_xml", true),
            (b"\0\0\x01", "unknown", true),
            (b"hello", "unknown", true),
            (b"", "unknown", true),
        ];
        for (bytes, kind, may_be_csta) in table {
            let service = recognise(bytes);
            assert_eq!((service.kind, service.may_be_csta), (*kind, *may_be_csta), "{bytes:?}");
        }
    }

    #[test]
    fn a_greeting_is_safe_to_print_and_short() {
        assert_eq!(shown(b"SSH-2.0-x\x1b[2J\r\n"), "SSH-2.0-x.[2J");
        assert_eq!(shown(&[b'a'; 500]).len(), SHOWN);
    }
}
