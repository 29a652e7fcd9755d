//! Tampering with a ledger that engines wrote, and what an audit of the file says of it (INV-FS-4).

mod chains;
mod edits;
mod fixture;
