//! Who is who: canonical JSON, digests, idempotency keys and fingerprints.
//!
//! Two requests that mean the same get the same key, however their JSON is spaced, ordered or escaped. Start with
//! [`Identity`], which says what a key is made of.

pub mod canonical_json;
mod digest;
mod key;

pub use digest::{Digest, DigestSink, ParseDigestError, sha256};
pub use key::{Identity, KeyFault, MAX_KEY_LEN, fingerprint, generated_key, resolve_key};
