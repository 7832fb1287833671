//! What a new version of the catalog may change.
