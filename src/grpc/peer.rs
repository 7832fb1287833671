//! Who is at the other end of a connection, as far as its certificate tells.

/// The subject alternative names of a client certificate that was verified: `dns:NAME`,
/// `uri:URI` or `email:ADDRESS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerNames(pub Vec<String>);
