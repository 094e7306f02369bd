//! An answer of the appliance, and the checks that tests make of answers. A failed check shows the request
//! and the whole answer.

use std::fmt::{Display, Formatter};

use serde_json::Value;

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Method and path of the request.
    pub what: String,
    /// HTTP status.
    pub status: u16,
    /// Headers in their order.
    pub headers: Vec<(String, String)>,
    /// Body, with chunks put together.
    pub bytes: Vec<u8>,
    /// Body as JSON; null when it is none.
    pub json: Value,
}

impl Answer {
    /// Takes apart what came over the wire.
    #[track_caller]
    pub fn parse(what: &str, received: &[u8]) -> Self {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut headers);
        let Ok(httparse::Status::Complete(length)) = head.parse(received) else {
            panic!("{what}: not an HTTP answer: {:?}", String::from_utf8_lossy(received));
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers: Vec<_> = head.headers.iter().map(|h| (h.name.to_owned(), text(h.value))).collect();
        let status = head.code.unwrap_or_default();
        let answer = Self {
            what: what.to_owned(),
            status,
            headers,
            bytes: received[length..].to_vec(),
            json: Value::Null,
        };
        answer.with_whole_body()
    }

    fn with_whole_body(mut self) -> Self {
        if self.header("transfer-encoding").is_some() {
            self.bytes = unchunked(&self.bytes).unwrap_or_else(|| panic!("{self}: broken chunks"));
        }
        if let Some(declared) = self.header("content-length").filter(|_| !self.what.starts_with("HEAD")) {
            assert_eq!(declared, self.bytes.len().to_string(), "{self}: the body is cut short");
        }
        self.json = serde_json::from_slice(&self.bytes).unwrap_or_default();
        self
    }

    /// The first header of that name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The ETag.
    #[track_caller]
    pub fn etag(&self) -> String {
        self.header("etag").unwrap_or_else(|| panic!("{self}: no ETag")).to_owned()
    }

    /// A text field of the body.
    #[track_caller]
    pub fn text(&self, field: &str) -> String {
        self.json[field].as_str().unwrap_or_else(|| panic!("{self}: no text {field}")).to_owned()
    }

    /// The id in the body.
    #[track_caller]
    pub fn id(&self) -> String {
        self.text("id")
    }

    /// The items of a list.
    #[track_caller]
    pub fn items(&self) -> &[Value] {
        self.json["items"].as_array().unwrap_or_else(|| panic!("{self}: not a list"))
    }

    /// One text field of every item of a list.
    #[track_caller]
    pub fn column(&self, field: &str) -> Vec<String> {
        self.items().iter().map(|item| item[field].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Checks the status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// Checks that this is a whole problem (RFC 9457) of that status and code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        assert_eq!(
            (self.status, &self.json["type"]),
            (status, &Value::from(format!("/problems/{code}"))),
            "{self}"
        );
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self}");
        assert_eq!(self.json["status"], status, "{self}");
        for words in ["title", "detail"] {
            assert!(self.json[words].as_str().is_some_and(|text| !text.is_empty()), "{self}: no {words}");
        }
        assert!(self.json["errors"].is_array(), "{self}: no errors");
        self
    }

    /// Checks that the problem's detail says this.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        let detail = self.json["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(words), "{self}: the detail does not say {words:?}");
        self
    }

    /// Checks that one of the problem's errors is at this pointer and says this.
    #[track_caller]
    pub fn blames(self, pointer: &str, words: &str) -> Self {
        let errors = self.json["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut details =
            errors.iter().filter(|e| e["pointer"] == pointer).filter_map(|e| e["detail"].as_str());
        assert!(
            details.any(|detail| detail.contains(words)),
            "{self}: no error at {pointer:?} says {words:?}"
        );
        self
    }
}

impl Display for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.bytes);
        write!(
            f,
            "{} was answered {} {}",
            self.what,
            self.status,
            body.chars().take(2000).collect::<String>()
        )
    }
}

/// The content of a chunked body (RFC 9112 section 7.1).
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(rest) else {
            return None;
        };
        let size = usize::try_from(size).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.extend(rest.get(start..start + size)?);
        rest = rest.get(start + size..)?.strip_prefix(b"\r\n")?;
    }
}
