//! Where requests go: the configured URL, taken apart once.

use hyper::http::uri::{Authority, PathAndQuery};

use super::HttpSpecError;
use crate::executor::Attempt;

const NAMES: [(&str, Placeholder); 4] = [
    ("action", Placeholder::Action),
    ("run_id", Placeholder::RunId),
    ("step", Placeholder::Step),
    ("tenant", Placeholder::Tenant),
];

/// A URL without the attempt's own parts.
pub(super) struct Target {
    pub(super) is_https: bool,
    /// Host and port as the `host` header wants them.
    pub(super) authority: Authority,
    /// A name, or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    path: Vec<Piece>,
}

enum Piece {
    Literal(String),
    Placeholder(Placeholder),
}

#[derive(Clone, Copy)]
enum Placeholder {
    Action,
    RunId,
    Step,
    Tenant,
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, HttpSpecError> {
        let (scheme, rest) = url.split_once("://").ok_or(HttpSpecError::Url)?;
        let is_https = is_https(scheme).ok_or(HttpSpecError::Url)?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let authority = parse_authority(authority)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Ok(Self { is_https, authority, host, port, path: parse_path(path)? })
    }

    /// The path and query of one attempt. `None` if it lacks what a placeholder needs, or has a value that would change
    /// the meaning of the path (empty, `.` or `..`).
    pub(super) fn path_of(&self, attempt: &Attempt<'_>) -> Option<PathAndQuery> {
        let mut path = String::new();
        for piece in &self.path {
            match piece {
                Piece::Literal(text) => path.push_str(text),
                Piece::Placeholder(placeholder) => push_encoded(&placeholder.value(attempt)?, &mut path),
            }
        }
        path.try_into().ok()
    }
}

fn is_https(scheme: &str) -> Option<bool> {
    let is = |name| scheme.eq_ignore_ascii_case(name);
    if is("https") { Some(true) } else { is("http").then_some(false) }
}

fn parse_authority(text: &str) -> Result<Authority, HttpSpecError> {
    if text.contains('@') {
        return Err(HttpSpecError::UrlCredentials);
    }
    if text.contains('{') {
        return Err(HttpSpecError::UrlPlaceholder);
    }
    let authority: Authority = text.parse().map_err(|_| HttpSpecError::Url)?;
    let has_bad_port = authority.port_u16().is_none() && authority.host() != authority.as_str();
    if authority.host().is_empty() || has_bad_port { Err(HttpSpecError::Url) } else { Ok(authority) }
}

fn parse_path(text: &str) -> Result<Vec<Piece>, HttpSpecError> {
    if text.contains('#') {
        return Err(HttpSpecError::Url);
    }
    let slash = if text.starts_with('/') { "" } else { "/" };
    let mut pieces = vec![Piece::Literal(slash.to_owned())];
    let mut rest = text;
    while let Some((literal, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}').ok_or(HttpSpecError::UrlPlaceholder)?;
        let known = NAMES.iter().find(|(known, _)| *known == name).ok_or(HttpSpecError::UrlPlaceholder)?;
        pieces.extend([Piece::Literal(literal.to_owned()), Piece::Placeholder(known.1)]);
        rest = tail;
    }
    pieces.push(Piece::Literal(rest.to_owned()));
    if pieces.iter().all(Piece::is_sendable) { Ok(pieces) } else { Err(HttpSpecError::Url) }
}

impl Piece {
    fn is_sendable(&self) -> bool {
        match self {
            Self::Literal(text) => {
                PathAndQuery::try_from(format!("/{text}")).is_ok_and(|path| path.as_str()[1..] == **text)
            }
            Self::Placeholder(_) => true,
        }
    }
}

impl Placeholder {
    fn value(self, attempt: &Attempt<'_>) -> Option<String> {
        let value = match self {
            Self::Action => attempt.action.as_str().to_owned(),
            Self::RunId => attempt.run_id?.to_owned(),
            Self::Step => attempt.step?.to_string(),
            Self::Tenant => attempt.tenant?.to_owned(),
        };
        (!matches!(&*value, "" | "." | "..")).then_some(value)
    }
}

/// RFC 3986, section 2.3: all but unreserved characters are encoded.
fn push_encoded(text: &str, out: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}
