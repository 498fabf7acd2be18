//! Nothing but benchmarks: see `computed.rs`.
