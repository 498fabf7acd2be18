//! Colours of pages, and whether text in them can be read.

use std::fmt;
use std::str::FromStr;

/// A colour, as `#rrggbb` (sRGB).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// The contrast that text must have with what is behind it: WCAG 2.2, success criterion 1.4.3, level AA.
pub const MIN_CONTRAST: f64 = 4.5;

impl Colour {
    /// White.
    pub const WHITE: Self = Self::new(255, 255, 255);
    /// Black.
    pub const BLACK: Self = Self::new(0, 0, 0);

    /// A colour of its three parts.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// The contrast of two colours, from 1 to 21: <https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio>.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// The colour itself if text in it can be read on `background`, or else the nearest one on the way to black or to white, whichever
    /// differs more from the background.
    pub fn readable_on(self, background: Self) -> Self {
        let end =
            if background.contrast(Self::BLACK) > background.contrast(Self::WHITE) { Self::BLACK } else { Self::WHITE };
        let steps = (0..=100).map(|step| self.towards(end, step));
        steps.into_iter().find(|colour| colour.contrast(background) >= MIN_CONTRAST).unwrap_or(end)
    }

    /// Black or white, whichever can be read better on this colour.
    pub fn text(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }

    /// So many hundredths of the way to another colour.
    fn towards(self, other: Self, hundredths: u16) -> Self {
        let part = |from: u8, to: u8| {
            let mixed = (u16::from(from) * (100 - hundredths) + u16::from(to) * hundredths) / 100;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Self::new(part(self.red, other.red), part(self.green, other.green), part(self.blue, other.blue))
    }

    /// <https://www.w3.org/TR/WCAG22/#dfn-relative-luminance>
    fn luminance(self) -> f64 {
        let part = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(self.red) + 0.7152 * part(self.green) + 0.0722 * part(self.blue)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl FromStr for Colour {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const HOW: &str = "must be a colour such as #0b5cad";
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(HOW)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(HOW);
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).map_err(|_| HOW)?.to_be_bytes();
        Ok(Self::new(red, green, blue))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_what_wcag_says() {
        assert!((Colour::BLACK.contrast(Colour::WHITE) - 21.0).abs() < 1e-9);
        // Known pairs, from https://webaim.org/resources/contrastchecker/.
        for (colour, contrast) in [("#777777", 4.48), ("#767676", 4.54), ("#ff0000", 4.0), ("#0000ff", 8.59)] {
            let colour: Colour = colour.parse().unwrap();
            assert!((colour.contrast(Colour::WHITE) - contrast).abs() < 0.01, "{colour}");
        }
    }

    #[test]
    fn any_colour_becomes_one_that_can_be_read() {
        let parts = [0, 1, 63, 64, 127, 128, 200, 254, 255];
        for background in [Colour::WHITE, Colour::BLACK, Colour::new(21, 22, 26), Colour::new(118, 118, 118)] {
            for (red, green) in parts.into_iter().flat_map(|red| parts.map(|green| (red, green))) {
                for blue in parts {
                    let colour = Colour::new(red, green, blue);
                    let readable = colour.readable_on(background);
                    assert!(readable.contrast(background) >= MIN_CONTRAST, "{colour} on {background}: {readable}");
                    assert!(colour.text().contrast(colour) >= MIN_CONTRAST, "text on {colour}");
                }
            }
        }
        let blue: Colour = "#0B5cad".parse().unwrap();
        assert_eq!(blue.readable_on(Colour::WHITE), blue, "what can be read stays");
        assert_eq!(blue.to_string(), "#0b5cad");
    }

    #[test]
    fn nothing_else_is_a_colour() {
        for text in ["", "red", "#fff", "0b5cad", "#0b5ca", "#0b5cadd", "#+b5cad", "#0b5ca;", "#é5cad"] {
            assert!(text.parse::<Colour>().is_err(), "{text}");
        }
    }
}
