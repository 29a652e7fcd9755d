//! What the faults do, and what ledgers make of them.
