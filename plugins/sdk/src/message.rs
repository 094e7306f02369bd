//! From values to the bytes of a message, and from what `send` answers to words.

use jackfield_abi::ops::{Code, Failure};
use jackfield_abi::{Kind, Sent};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

/// Result of a request, either way.
pub type Answer = Result<Value, Failure>;

/// The host's answer, as it came.
pub type Heard = Result<Box<RawValue>, Failure>;

/// The answer to an operation as the treaty has it.
pub fn typed<T: DeserializeOwned>(op: &str, answer: Value) -> Result<T, Failure> {
    serde_path_to_error::deserialize(answer).map_err(|e| misfit(op, &e))
}

/// The same from its text, for operations that come by the thousand.
pub fn read<T: DeserializeOwned>(op: &str, answer: &RawValue) -> Result<T, Failure> {
    // Keeping the path costs more than reading, so only an answer that does not fit is read with it.
    serde_json::from_str(answer.get()).or_else(|_| {
        let mut again = serde_json::Deserializer::from_str(answer.get());
        serde_path_to_error::deserialize(&mut again).map_err(|e| misfit(op, &e))
    })
}

fn misfit(op: &str, e: &serde_path_to_error::Error<serde_json::Error>) -> Failure {
    Failure::new(
        Code::Internal,
        format!("the answer to `{op}` does not fit at `{}`: {}", e.path(), e.inner()),
    )
}

/// The plugin cannot answer that now.
pub fn unavailable(why: &str) -> Failure {
    Failure {
        retry_ms: Some(1000),
        ..Failure::new(Code::Unavailable, format!("the plugin cannot answer: {why}"))
    }
}

/// JSON of what the treaty describes.
pub fn encode(content: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(content).map_err(|e| unwritable(&e))
}

/// It is no JSON.
pub fn unwritable(e: &serde_json::Error) -> Failure {
    Failure::new(Code::Internal, format!("a message cannot be written as JSON: {e}"))
}

/// At most so many bytes of a text, ending with a whole character.
pub fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

/// Kind and content of the message that carries an answer; one that is too big becomes an error.
pub fn message(answer: Answer) -> (Kind, Vec<u8>) {
    let encoded = match answer {
        Ok(value) => encode(&value).and_then(sized).map(|bytes| (Kind::Reply, bytes)),
        Err(failure) => encode(&failure).and_then(sized).map(|bytes| (Kind::Error, bytes)),
    };
    encoded.unwrap_or_else(|failure| (Kind::Error, encode(&failure).unwrap_or_default()))
}

fn sized(bytes: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if bytes.len() <= jackfield_abi::MESSAGE_BYTES {
        return Ok(bytes);
    }
    judged(Sent::TooBig, bytes.len()).map(|()| bytes)
}

/// What `send` said about a message of so many bytes.
pub fn judged(sent: Sent, length: usize) -> Result<(), Failure> {
    let most = jackfield_abi::MESSAGE_BYTES;
    let (code, why) = match sent {
        Sent::Ok => return Ok(()),
        Sent::Closed => (Code::Unavailable, "the host is gone".to_owned()),
        Sent::Busy => (Code::Busy, "the host's queue is full".to_owned()),
        Sent::TooBig => (Code::Internal, format!("the message has {length} bytes; {most} are allowed")),
        Sent::Malformed => (Code::Internal, "the host calls the message malformed".to_owned()),
    };
    Err(Failure::new(code, why))
}
