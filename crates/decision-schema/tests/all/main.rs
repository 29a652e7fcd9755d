//! Tests of the contract: JSON in and out, schema, envelopes, packets, trace keys, versions.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod differential;
mod envelope;
mod json_canonical;
mod malformed;
mod place;
mod policy_fault;
mod privacy;
mod registry;
mod schema;
mod vectors;
mod writer;
