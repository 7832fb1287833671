//! All who are asked, loaded with the same recipients.

use std::path::Path;

use super::postgres::Postgres;
use super::process::Role;
use super::redis::Redis;
use super::say;
use super::sidecar::Sidecar;

/// Who is compared with maysend, besides the echoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Peer {
    Ordinary,
    Redis,
    Postgres,
}

/// Servers that know the same.
pub(crate) struct Sides {
    pub(crate) maysend: Sidecar,
    pub(crate) mirror: Role,
    pub(crate) ordinary: Option<Role>,
    pub(crate) redis: Option<Redis>,
    pub(crate) postgres: Option<Postgres>,
}

impl Sides {
    pub(crate) fn start(
        maysend: Sidecar,
        place: &Path,
        known: u64,
        peers: &[Peer],
    ) -> anyhow::Result<Self> {
        let load = |peer: Peer| {
            let is_asked = peers.contains(&peer);
            if is_asked {
                say(format_args!("loading {peer:?}"));
            }
            is_asked
        };
        let ordinary = load(Peer::Ordinary).then(|| Role::start(&["ordinary", &known.to_string()]));
        let redis = load(Peer::Redis).then(|| Redis::start(place, known));
        let postgres = load(Peer::Postgres).then(|| Postgres::start(place, known));
        Ok(Self {
            maysend,
            mirror: Role::start(&["mirror"])?,
            ordinary: ordinary.transpose()?,
            redis: redis.transpose()?,
            postgres: postgres.transpose()?,
        })
    }

    /// What they are, and of which version.
    pub(crate) fn versions(&self) -> Vec<String> {
        let redis = self.redis.iter().map(|redis| redis.version.clone());
        redis.chain(self.postgres.iter().map(|postgres| postgres.version.clone())).collect()
    }
}
