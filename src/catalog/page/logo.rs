//! The logo of a brand: a picture within the catalog file, as a data URI that a page shows as it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::svg::{self, SvgFault};

/// The most octets of a logo's data URI: it is sent with every page.
pub const MAX_LOGO: usize = 12 << 10;

/// What every PNG begins with (PNG section 5.2).
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The format of a logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogoKind {
    /// Scalable Vector Graphics.
    Svg,
    /// Portable Network Graphics.
    Png,
}

/// A logo that is of its kind. It refers to nothing and runs nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    kind: LogoKind,
    uri: Box<str>,
}

/// Why a text is no logo.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogoFault {
    /// Not a data URI of a kind that we take.
    #[error(
        "a logo is a data URI; it begins with `data:image/svg+xml;base64,` or \
         `data:image/png;base64,`"
    )]
    Form,
    /// Too long.
    #[error("the logo has {found} octets, at most {MAX_LOGO} are taken; simplify the picture")]
    Length {
        /// The octets of the whole URI.
        found: usize,
    },
    /// What follows the comma cannot be decoded.
    #[error("what follows `base64,` is not base64; `base64 -w0 FILE` writes it")]
    Base64,
    /// The octets are something else.
    #[error("the octets are no picture of the kind `{}`", .0.media_type())]
    Kind(LogoKind),
    /// An SVG that may do more than show.
    #[error(transparent)]
    Svg(#[from] SvgFault),
}

impl LogoKind {
    const ALL: [Self; 2] = [Self::Svg, Self::Png];

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
        }
    }
}

impl Logo {
    /// Reads a data URI.
    ///
    /// # Errors
    /// `LogoFault`.
    pub fn parse(text: &str) -> Result<Self, LogoFault> {
        let data = |kind: LogoKind| {
            let rest = text.strip_prefix("data:")?.strip_prefix(kind.media_type())?;
            Some((kind, rest.strip_prefix(";base64,")?))
        };
        let (kind, data) = LogoKind::ALL.into_iter().find_map(data).ok_or(LogoFault::Form)?;
        if text.len() > MAX_LOGO {
            return Err(LogoFault::Length { found: text.len() });
        }
        let octets = STANDARD.decode(data).map_err(|_| LogoFault::Base64)?;
        match kind {
            LogoKind::Svg => {
                let source = std::str::from_utf8(&octets).ok().filter(|text| svg::is_svg(text));
                svg::check(source.ok_or(LogoFault::Kind(kind))?)?;
            }
            LogoKind::Png if octets.starts_with(PNG) => {}
            LogoKind::Png => return Err(LogoFault::Kind(kind)),
        }
        Ok(Self { kind, uri: text.into() })
    }

    /// Its format.
    #[must_use]
    pub const fn kind(&self) -> LogoKind {
        self.kind
    }

    /// The whole data URI, for the attribute `src`: letters, digits and `:/;,+=` alone.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }
}
