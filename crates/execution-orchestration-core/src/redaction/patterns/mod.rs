//! Texts that look like credentials, whatever name they stand under.
//!
//! Every pattern has an anchor, a short literal; only where one stands does a rule look closer. Anchors are found by
//! their first three bytes in a table that the compiler makes, so that clean text costs a look-up a byte. Rules look
//! at most [`REACH`] bytes around an anchor before they have decided, so that no text takes quadratic time.

mod assignment;
mod carriers;
mod tokens;

use core::ops::Range;

use super::{glance::Glance, spans::Spans};

/// How far a rule looks for what makes a match. What is matched may be longer.
const REACH: usize = 1024;

/// What must stand around an anchor.
#[derive(Clone, Copy)]
enum Rule {
    /// At least so many characters of a token after it.
    Token { min: usize },
    /// The same, and nothing of a word before it, and a digit in it: the anchor alone is not telling.
    BoundToken { min: usize },
    /// At least so many characters of a token, dots or slashes after it.
    Dotted { min: usize },
    /// A JSON web token that begins here.
    Jwt,
    /// A PEM block of a private key that begins here.
    Pem,
    /// An Azure client secret with this in its middle.
    AzureClient,
    /// A shared access signature after it.
    Signature,
    /// A user name and password after it, and a scheme before.
    Url,
    /// A bearer token after it.
    Bearer,
    /// A user name and password in base64 after it.
    Basic,
    /// It is part of a name that a value is assigned to.
    Name,
}

/// The anchors and their rules. The formats are those that the issuers document.
const ANCHORS: &[(&str, Rule)] = &[
    // AWS access key ids.
    ("AKIA", Rule::Token { min: 16 }),
    ("ASIA", Rule::Token { min: 16 }),
    ("ABIA", Rule::Token { min: 16 }),
    ("ACCA", Rule::Token { min: 16 }),
    // Google: API keys, OAuth client secrets and access tokens.
    ("AIza", Rule::Token { min: 35 }),
    ("GOCSPX-", Rule::Token { min: 20 }),
    ("ya29.", Rule::Dotted { min: 20 }),
    // Azure.
    ("8Q~", Rule::AzureClient),
    ("7Q~", Rule::AzureClient),
    ("sig=", Rule::Signature),
    // GitHub.
    ("ghp_", Rule::Token { min: 20 }),
    ("gho_", Rule::Token { min: 20 }),
    ("ghu_", Rule::Token { min: 20 }),
    ("ghs_", Rule::Token { min: 20 }),
    ("ghr_", Rule::Token { min: 20 }),
    ("github_pat_", Rule::Token { min: 22 }),
    // GitLab.
    ("glpat-", Rule::Token { min: 16 }),
    ("gldt-", Rule::Token { min: 16 }),
    ("glrt-", Rule::Token { min: 16 }),
    ("glcbt-", Rule::Token { min: 16 }),
    ("glptt-", Rule::Token { min: 16 }),
    ("glft-", Rule::Token { min: 16 }),
    ("glimt-", Rule::Token { min: 16 }),
    ("glagent-", Rule::Token { min: 16 }),
    ("glsoat-", Rule::Token { min: 16 }),
    ("gloas-", Rule::Token { min: 16 }),
    // Slack: tokens and webhooks.
    ("xoxb-", Rule::Token { min: 10 }),
    ("xoxp-", Rule::Token { min: 10 }),
    ("xoxa-", Rule::Token { min: 10 }),
    ("xoxr-", Rule::Token { min: 10 }),
    ("xoxs-", Rule::Token { min: 10 }),
    ("xoxe-", Rule::Token { min: 10 }),
    ("xoxc-", Rule::Token { min: 10 }),
    ("xoxd-", Rule::Token { min: 10 }),
    ("xapp-", Rule::Token { min: 10 }),
    ("hooks.slack.com/services/", Rule::Dotted { min: 20 }),
    // Stripe.
    ("sk_live_", Rule::Token { min: 10 }),
    ("sk_test_", Rule::Token { min: 10 }),
    ("rk_live_", Rule::Token { min: 10 }),
    ("rk_test_", Rule::Token { min: 10 }),
    ("whsec_", Rule::Token { min: 16 }),
    // OpenAI, Anthropic and others of their kind.
    ("sk-", Rule::BoundToken { min: 16 }),
    ("gsk_", Rule::BoundToken { min: 20 }),
    ("xai-", Rule::BoundToken { min: 20 }),
    ("hf_", Rule::BoundToken { min: 20 }),
    // Package registries and platforms.
    ("npm_", Rule::BoundToken { min: 36 }),
    ("pypi-AgE", Rule::Token { min: 16 }),
    ("dckr_pat_", Rule::Token { min: 20 }),
    ("dop_v1_", Rule::Token { min: 32 }),
    ("shpat_", Rule::Token { min: 32 }),
    ("shpss_", Rule::Token { min: 32 }),
    ("SG.", Rule::Dotted { min: 60 }),
    ("hvs.", Rule::Dotted { min: 24 }),
    ("ATATT3", Rule::Token { min: 40 }),
    // Formats that carry secrets.
    ("eyJ", Rule::Jwt),
    ("-----BEGIN ", Rule::Pem),
    ("://", Rule::Url),
    ("bearer ", Rule::Bearer),
    ("basic ", Rule::Basic),
    // Names that values are assigned to.
    ("password", Rule::Name),
    ("passwd", Rule::Name),
    ("passphrase", Rule::Name),
    ("pwd", Rule::Name),
    ("secret", Rule::Name),
    ("token", Rule::Name),
    ("credential", Rule::Name),
    ("auth", Rule::Name),
    ("key", Rule::Name),
];

/// For the low five bits of two bytes, in which letters of both cases are alike, those of each third byte that make
/// the beginning of an anchor. It errs on the side of yes.
static BEGINNINGS: [u32; 1024] = beginnings();

const fn beginnings() -> [u32; 1024] {
    let mut table = [0; 1024];
    let mut at = 0;
    while at < ANCHORS.len() {
        let anchor = ANCHORS[at].0.as_bytes();
        table[row(anchor[0], anchor[1])] |= 1 << (anchor[2] & 31);
        at += 1;
    }
    table
}

const fn row(first: u8, second: u8) -> usize {
    (first as usize & 31) << 5 | second as usize & 31
}

/// The fewest bytes of a credential that is known by its own shape; every other needs a joint, see
/// [`Glance::has_joint`].
const SHORTEST: usize = shortest();

const fn shortest() -> usize {
    let mut shortest = usize::MAX;
    let mut at = 0;
    while at < ANCHORS.len() {
        let (anchor, rule) = ANCHORS[at];
        let len = match rule {
            Rule::Token { min } | Rule::BoundToken { min } | Rule::Dotted { min } => anchor.len() + min,
            Rule::AzureClient => tokens::SHORTEST_AZURE_CLIENT,
            Rule::Jwt => tokens::SHORTEST_JWT,
            Rule::Pem | Rule::Signature | Rule::Url | Rule::Bearer | Rule::Basic | Rule::Name => usize::MAX,
        };
        shortest = if len < shortest { len } else { shortest };
        at += 1;
    }
    shortest
}

/// Whether a text of `len` bytes, at which `glance` was, may hold a credential.
#[inline]
pub(super) const fn may_stand_in(glance: Glance, len: usize) -> bool {
    len >= SHORTEST || glance.has_joint()
}

/// Adds every part of `text` that looks like a credential.
pub(super) fn find(text: &str, spans: &mut Spans) {
    let text = text.as_bytes();
    if text.len() < SHORTEST && !may_stand_in(Glance::at(text), text.len()) {
        return;
    }
    let mut covered = 0;
    for (at, bytes) in text.windows(3).enumerate() {
        if BEGINNINGS[row(bytes[0], bytes[1])] >> (bytes[2] & 31) & 1 == 0 || at < covered {
            continue;
        }
        if let Some(span) = credential_at(text, at) {
            covered = span.end;
            spans.add(span);
        }
    }
}

/// What to redact for the anchors that stand at `at`, in any case.
#[cold]
fn credential_at(text: &[u8], at: usize) -> Option<Range<usize>> {
    let stands = |anchor: &str| {
        text[at..].get(..anchor.len()).is_some_and(|found| found.eq_ignore_ascii_case(anchor.as_bytes()))
    };
    let mut anchors = ANCHORS.iter().filter(|(anchor, _)| stands(anchor));
    anchors.find_map(|(anchor, rule)| rule.apply(text, anchor, at..at + anchor.len()))
}

impl Rule {
    /// The part of `text` to redact for `anchor`, which was found at `at` in any case.
    fn apply(self, text: &[u8], anchor: &str, at: Range<usize>) -> Option<Range<usize>> {
        let is_exact = &text[at.clone()] == anchor.as_bytes();
        match self {
            Self::Token { min } if is_exact => tokens::token(text, at, min),
            Self::BoundToken { min } if is_exact => tokens::bound_token(text, at, min),
            Self::Dotted { min } if is_exact => tokens::dotted(text, at, min),
            Self::Jwt if is_exact => tokens::jwt(text, at.start),
            Self::Pem if is_exact => tokens::pem(text, at),
            Self::AzureClient if is_exact => tokens::azure_client(text, at),
            Self::Token { .. }
            | Self::BoundToken { .. }
            | Self::Dotted { .. }
            | Self::Jwt
            | Self::Pem
            | Self::AzureClient => None,
            Self::Signature => tokens::signature(text, at),
            Self::Url => carriers::url(text, at),
            Self::Bearer => carriers::bearer(text, at),
            Self::Basic => carriers::basic(text, at),
            Self::Name => assignment::value(text, at),
        }
    }
}

/// How many bytes from `start` on satisfy `belongs`.
fn run(text: &[u8], start: usize, belongs: impl Fn(u8) -> bool) -> usize {
    text[start..].iter().take_while(|byte| belongs(**byte)).count()
}

/// As [`run`], but looking no further than [`REACH`].
fn short_run(text: &[u8], start: usize, belongs: impl Fn(u8) -> bool) -> usize {
    text[start..].iter().take(REACH).take_while(|byte| belongs(**byte)).count()
}

/// How many bytes before `end` satisfy `belongs`, of at most `limit`.
fn run_before(text: &[u8], end: usize, limit: usize, belongs: impl Fn(u8) -> bool) -> usize {
    text[..end].iter().rev().take(limit).take_while(|byte| belongs(**byte)).count()
}

/// The bytes of base64url, which most tokens are made of.
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Whether a word can begin at `at`: nothing of one stands before, unless it is the end of an escape.
fn is_boundary(text: &[u8], at: usize) -> bool {
    match &text[..at] {
        [.., b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => true,
        [] | [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., before] => !before.is_ascii_alphanumeric(),
    }
}
