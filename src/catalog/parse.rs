//! Parses the catalog file (TOML).
