//! Just enough of HTTP/1.1 to read what failstop sends.

use std::io::{self, BufRead, BufReader, Read};

/// More than this is nobody's request here.
const MAX_BODY_BYTES: usize = 1 << 20;

/// One request, as far as the targets care.
pub struct Request {
    /// The `ops:target` of the body.
    pub target: String,
    /// The `Idempotency-Key` header.
    pub key: String,
}

impl Request {
    /// Reads one request. `None` if it is none.
    pub fn read(stream: impl Read) -> io::Result<Option<Self>> {
        let mut stream = BufReader::new(stream);
        let (mut key, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or_default();
            match name.to_ascii_lowercase().as_str() {
                "idempotency-key" => value.trim().clone_into(&mut key),
                "content-length" => length = value.trim().parse().unwrap_or(0).min(MAX_BODY_BYTES),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        let target = member(&String::from_utf8_lossy(&body), "ops:target").unwrap_or_default();
        Ok(Some(Self { target, key }))
    }
}

/// The text of the first member of this name. Bodies are written by failstop without blanks, and names of targets need
/// no escapes.
fn member(json: &str, name: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{name}\":\""))?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}
