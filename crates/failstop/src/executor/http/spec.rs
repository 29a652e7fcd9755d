//! What the configuration says about one HTTP target, and what can be wrong with it.

use std::{collections::BTreeMap, fmt};

use execution_orchestration_core::model::{Effect, EffectClass};

use crate::executor::Secret;

/// The default of [`HttpSpec::connect_timeout_ms`]: 3 seconds.
pub const DEFAULT_CONNECT_TIMEOUT_MS: u64 = 3_000;

/// The largest [`HttpSpec::connect_timeout_ms`]: 10 minutes.
pub const MAX_CONNECT_TIMEOUT_MS: u64 = 600_000;

/// The default of [`HttpSpec::max_output_bytes`]: 64 KiB.
pub const DEFAULT_MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// A target and how to speak to it. `Debug` shows neither the URL, which may carry a token, nor header values.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpSpec {
    /// The executor's name in plans.
    pub name: String,
    /// `http://` or `https://`. Path and query may contain `{action}`, `{run_id}`, `{step}` and `{tenant}`, which are
    /// percent-encoded where they are put in.
    pub url: String,
    /// The method; default `POST`. `GET` and `HEAD` send no body.
    pub method: String,
    /// Headers to send. They win over `content-type` and `user-agent`, and may not be one that the executor sets itself.
    pub headers: Vec<(String, Secret)>,
    /// What the target promises about repeating its effect; default [`EffectClass::NonIdempotent`].
    pub effect_class: EffectClass,
    /// What statuses mean, where it is not what their class says.
    pub status_effects: BTreeMap<u16, Effect>,
    /// How long the way to the first byte of the request may take (name, connection, TLS), milliseconds,
    /// 1 to [`MAX_CONNECT_TIMEOUT_MS`]; default [`DEFAULT_CONNECT_TIMEOUT_MS`].
    pub connect_timeout_ms: u64,
    /// How much of a response's body is read, bytes; default [`DEFAULT_MAX_OUTPUT_BYTES`]. Of a longer one nothing counts.
    pub max_output_bytes: usize,
    /// Certificates in PEM to be trusted beside the public ones.
    pub extra_roots_pem: Option<Vec<u8>>,
}

impl HttpSpec {
    /// `POST` to `url`, and the defaults for everything else.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            method: "POST".to_owned(),
            headers: Vec::new(),
            effect_class: EffectClass::NonIdempotent,
            status_effects: BTreeMap::new(),
            connect_timeout_ms: DEFAULT_CONNECT_TIMEOUT_MS,
            max_output_bytes: DEFAULT_MAX_OUTPUT_BYTES,
            extra_roots_pem: None,
        }
    }
}

impl fmt::Debug for HttpSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSpec")
            .field("name", &self.name)
            .field("method", &self.method)
            .field("headers", &self.headers)
            .field("effect_class", &self.effect_class)
            .field("status_effects", &self.status_effects)
            .field("connect_timeout_ms", &self.connect_timeout_ms)
            .field("max_output_bytes", &self.max_output_bytes)
            .finish_non_exhaustive()
    }
}

/// Why an [`HttpSpec`] is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpSpecError {
    /// It is no absolute URL, or has a fragment.
    #[error("url is not an absolute http or https url without a fragment")]
    Url,
    /// The user's name or password stands in the URL, where too many would see it.
    #[error("url must not contain a user name or password; send them in a header")]
    UrlCredentials,
    /// A placeholder is none of the known ones, is not closed, or stands before the path.
    #[error(
        "url has a placeholder that is not {{action}}, {{run_id}}, {{step}} or {{tenant}} in its path or query"
    )]
    UrlPlaceholder,
    /// The method is no HTTP method.
    #[error("method is not an http method")]
    Method,
    /// A header's name is none, or is one that the executor sets itself.
    #[error("headers[{index}] has a name that cannot be set")]
    HeaderName {
        /// Counted from 0.
        index: usize,
    },
    /// A header's value cannot be sent.
    #[error("headers[{index}] has a value that cannot be sent")]
    HeaderValue {
        /// Counted from 0.
        index: usize,
    },
    /// A status that no response has.
    #[error("status_effects has the status {status}, which is not within 200 to 599")]
    Status {
        /// As configured.
        status: u16,
    },
    /// The connect timeout is out of range.
    #[error("connect_timeout_ms is {ms}, which is not within 1 to {MAX_CONNECT_TIMEOUT_MS}")]
    ConnectTimeout {
        /// As configured.
        ms: u64,
    },
    /// The extra certificates cannot be read, or there are none.
    #[error("extra_roots_pem has no certificate, or one that cannot be read")]
    ExtraRoots,
}

impl HttpSpecError {
    /// A stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Url => "http_url_invalid",
            Self::UrlCredentials => "http_url_credentials",
            Self::UrlPlaceholder => "http_url_placeholder",
            Self::Method => "http_method_invalid",
            Self::HeaderName { .. } => "http_header_name_invalid",
            Self::HeaderValue { .. } => "http_header_value_invalid",
            Self::Status { .. } => "http_status_out_of_range",
            Self::ConnectTimeout { .. } => "http_connect_timeout_out_of_range",
            Self::ExtraRoots => "http_extra_roots_invalid",
        }
    }
}
