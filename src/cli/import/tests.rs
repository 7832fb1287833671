//! Imports over a server.
