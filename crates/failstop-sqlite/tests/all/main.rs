//! The embedded ledger, against real files and real processes.
