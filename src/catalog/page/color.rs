//! A color that white text can be read on. The contrast is that of WCAG 2.2, success criterion 1.4.3
//! (AA, text of ordinary size): who cannot read the button cannot unsubscribe.

use std::fmt;

/// The least contrast with white.
pub const MIN_CONTRAST: f64 = 4.5;

/// A color of sRGB; its contrast with white is at least `MIN_CONTRAST`. Prints as `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color([u8; 3]);

/// Why a text is no color of a page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColorFault {
    /// It is not of this form.
    #[error("`{}` is no color; colors are written `#rrggbb`, such as `#8a1538`", .0.escape_debug())]
    Form(String),
    /// White cannot be read on it.
    #[error(
        "the contrast of `{}` with white is {}:1 and must be at least {MIN_CONTRAST}:1 \
         (WCAG 2.2, 1.4.3); take a darker color, such as `{}`",
        hex(.0), hundredths(contrast(.0)), hex(&darker(*.0))
    )]
    Faint([u8; 3]),
}

impl Color {
    /// Reads `#rrggbb`, in any case.
    ///
    /// # Errors
    /// `ColorFault`.
    pub fn parse(text: &str) -> Result<Self, ColorFault> {
        let channels = channels(text).ok_or_else(|| ColorFault::Form(text.to_owned()))?;
        let is_plain = contrast(&channels) >= MIN_CONTRAST;
        if is_plain { Ok(Self(channels)) } else { Err(ColorFault::Faint(channels)) }
    }

    /// The contrast with white, from 4.5 to 21, as people write it: rounded down, so that none looks
    /// better than it is.
    #[must_use]
    pub fn contrast_with_white(self) -> String {
        format!("{}:1", hundredths(contrast(&self.0)))
    }
}

impl Default for Color {
    /// The blue of the data sheet.
    fn default() -> Self {
        Self([0x1f, 0x4e, 0x79])
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

fn channels(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([red, green, blue])
}

fn hex([red, green, blue]: &[u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn hundredths(ratio: f64) -> String {
    format!("{:.2}", (ratio * 100.0).floor() / 100.0)
}

/// The contrast ratio with white, from 1 to 21.
fn contrast(channels: &[u8; 3]) -> f64 {
    let [red, green, blue] = channels.map(linear);
    let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    1.05 / (luminance + 0.05)
}

fn linear(channel: u8) -> f64 {
    let part = f64::from(channel) / 255.0;
    if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
}

/// The lightest color of the same hue that can be read.
fn darker(channels: [u8; 3]) -> [u8; 3] {
    let dimmed = |part: u16| {
        channels.map(|channel| u8::try_from(u16::from(channel) * part / 255).unwrap_or(channel))
    };
    let readable = (0..=255).rev().map(dimmed).find(|color| contrast(color) >= MIN_CONTRAST);
    readable.unwrap_or_default()
}
