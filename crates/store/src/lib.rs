//! State rows, journal, leases and ledger in SQLite.
