//! HTTP targets as executors.
//!
//! Every attempt is one HTTP/1.1 request over a connection of its own: no pool, no retries, no redirects, so that what
//! failed before anything was sent (`not_applied`) is told exactly from what failed afterwards (`unknown`). An attempt
//! that is told to stop is dropped, and its connection with it.

mod connect;
mod exchange;
mod retry_after;
mod spec;
mod status;
mod target;
mod trace_context;

use std::{fmt, time::Duration};

use execution_orchestration_core::model::EffectClass;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request,
    body::Bytes,
    header::{
        CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderName, HeaderValue, TE, TRAILER,
        TRANSFER_ENCODING, UPGRADE, USER_AGENT,
    },
};
pub use retry_after::retry_after_ms;
pub use spec::{
    DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_MAX_OUTPUT_BYTES, HttpSpec, HttpSpecError, MAX_CONNECT_TIMEOUT_MS,
};

use self::{connect::Tls, target::Target};
use super::{Answer, Attempt, Executor, request};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const OWN_USER_AGENT: &str = concat!("failstop/", env!("CARGO_PKG_VERSION"));

/// Headers that say how a message is framed, where it goes, or which attempt it is: not to be configured.
const OWN_HEADERS: [HeaderName; 10] = [
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HOST,
    IDEMPOTENCY_KEY,
    TE,
    TRACEPARENT,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Carries a decision out by an HTTP request, whose body is the same JSON object that a program gets.
///
/// Effects: 2xx is `applied`; 425 and 429 are `not_applied`, and so is whatever fails before the request is sent; 408,
/// 409, 5xx, redirects and broken connections are `unknown`; other 4xx are `rejected`, all unless configured otherwise.
/// A 2xx may say it more precisely in its body, as a program does on standard output.
pub struct HttpExecutor {
    spec: HttpSpec,
    target: Target,
    method: Method,
    headers: HeaderMap,
    tls: Option<Tls>,
}

impl HttpExecutor {
    /// An executor for this target. Whether the target is there is found out at use.
    ///
    /// # Errors
    /// The first thing about `spec` that could never work.
    pub fn new(spec: HttpSpec) -> Result<Self, HttpSpecError> {
        let target = Target::parse(&spec.url)?;
        let method =
            Method::from_bytes(spec.method.as_bytes()).ok().filter(|method| *method != Method::CONNECT);
        let method = method.ok_or(HttpSpecError::Method)?;
        let headers = headers(&spec, &target)?;
        if let Some(status) = spec.status_effects.keys().find(|status| !(200..=599).contains(*status)) {
            return Err(HttpSpecError::Status { status: *status });
        }
        if !(1..=MAX_CONNECT_TIMEOUT_MS).contains(&spec.connect_timeout_ms) {
            return Err(HttpSpecError::ConnectTimeout { ms: spec.connect_timeout_ms });
        }
        let tls = Tls::new(&target, spec.extra_roots_pem.as_deref())?;
        Ok(Self { spec, target, method, headers, tls })
    }

    /// What was configured.
    pub const fn spec(&self) -> &HttpSpec {
        &self.spec
    }

    /// The request of one attempt; where it cannot be made, nothing is ever sent.
    fn request(&self, attempt: &Attempt<'_>) -> Result<Request<Full<Bytes>>, Answer> {
        let refuse = |code| Answer::rejected().with_code(code);
        let path = self.target.path_of(attempt).ok_or_else(|| refuse("url_value_unfit"))?;
        let has_body = !matches!(self.method, Method::GET | Method::HEAD);
        let body = if has_body { request::to_json(attempt) } else { String::new() };
        let mut request = Request::new(Full::from(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = path.into();
        *request.headers_mut() = self.headers.clone();
        let headers = request.headers_mut();
        if let Some(key) = attempt.idempotency_key {
            headers.insert(IDEMPOTENCY_KEY, key_header(key).ok_or_else(|| refuse("key_unfit_for_header"))?);
        }
        if let Ok(traceparent) = HeaderValue::try_from(trace_context::traceparent(attempt)) {
            headers.insert(TRACEPARENT, traceparent);
        }
        Ok(request)
    }
}

fn headers(spec: &HttpSpec, target: &Target) -> Result<HeaderMap, HttpSpecError> {
    let mut headers = HeaderMap::new();
    for (index, (name, value)) in spec.headers.iter().enumerate() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok().filter(|name| !OWN_HEADERS.contains(name));
        let name = name.ok_or(HttpSpecError::HeaderName { index })?;
        let value = HeaderValue::try_from(value.expose());
        let mut value = value.map_err(|_| HttpSpecError::HeaderValue { index })?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(OWN_USER_AGENT));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(HOST, HeaderValue::try_from(target.authority.as_str()).map_err(|_| HttpSpecError::Url)?);
    Ok(headers)
}

/// Blanks around a header's value are not part of it, so that two keys that differ only in them would become one.
fn key_header(key: &str) -> Option<HeaderValue> {
    let is_exact = !key.is_empty() && key.trim_matches([' ', '\t']) == key;
    HeaderValue::from_bytes(key.as_bytes()).ok().filter(|_| is_exact)
}

impl fmt::Debug for HttpExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpExecutor").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl Executor for HttpExecutor {
    async fn run<'a>(&'a self, attempt: Attempt<'a>) -> Answer {
        let request = match self.request(&attempt) {
            Ok(request) => request,
            Err(answer) => return answer,
        };
        let limit = Duration::from_millis(self.spec.connect_timeout_ms);
        let wire = match connect::connect(&self.target, self.tls.as_ref(), limit).await {
            Ok(wire) => wire,
            Err(code) => return Answer::not_applied().with_code(code),
        };
        match exchange::exchange(wire, request, self.spec.max_output_bytes).await {
            Ok(reception) => status::interpret(&reception, &self.spec.status_effects, started_ms(&attempt)),
            Err(answer) => answer,
        }
    }

    fn name(&self) -> &str {
        &self.spec.name
    }

    fn effect_class(&self) -> EffectClass {
        self.spec.effect_class
    }
}

/// When the attempt began, Unix milliseconds, as its deadline tells without another look at a clock.
fn started_ms(attempt: &Attempt<'_>) -> i64 {
    attempt.deadline_ms.saturating_sub_unsigned(attempt.timeout_ms)
}
