//! The stylesheet: `templates/style.css`, and the accent colour.

use domain::Colour;
use edge::Config;

/// What a designer wrote.
const STYLE: &str = include_str!("../../templates/style.css");

/// What is behind text, in the light and in the dark: `--paper` and `--raised` in the stylesheet. A test compares.
const PAPERS: [[Colour; 2]; 2] =
    [[Colour::new(255, 255, 255), Colour::new(243, 243, 240)], [Colour::new(23, 24, 28), Colour::new(33, 35, 41)]];

/// The stylesheet, with the accent as it can be read in the light and in the dark.
pub fn text(config: &Config) -> String {
    let [light, dark] = PAPERS.map(|papers| readable(config.site_accent, papers));
    format!(
        ":root {{ --accent: {light}; --on-accent: {}; }}\n@media (prefers-color-scheme: dark) {{ :root {{ --accent: {dark}; --on-accent: {}; }} }}\n{STYLE}",
        light.text(),
        dark.text(),
    )
}

/// The accent as it can be read on all of these.
fn readable(accent: Colour, papers: [Colour; 2]) -> Colour {
    papers.into_iter().fold(accent, Colour::readable_on)
}

/// The version of the stylesheet: another one for another text.
pub fn version(config: &Config) -> String {
    format!("{:x}{}", hash(STYLE.as_bytes()), config.site_accent).replace('#', "-")
}

/// The address of the stylesheet. It changes with what it says, so that browsers never ask for it again.
pub fn address(config: &Config) -> String {
    format!("/style.css?v={}", version(config))
}

/// FNV-1a (<https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>), of 32 bits: nobody but ourselves could make two texts alike.
const fn hash(text: &[u8]) -> u32 {
    let (mut hash, mut at) = (0x811c_9dc5_u32, 0);
    while at < text.len() {
        hash = (hash ^ text[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use domain::MIN_CONTRAST;

    use super::*;

    #[test]
    fn the_stylesheet_has_the_papers_that_the_accent_is_compared_with() {
        let mut found = STYLE.lines().filter_map(|line| {
            let value = |name: &str| line.split_once(&format!("{name}:"))?.1.split(';').next()?.trim().parse().ok();
            Some([value("--paper")?, value("--raised")?])
        });
        assert_eq!([found.next(), found.next()], PAPERS.map(Some));
    }

    #[test]
    fn any_accent_can_be_read_on_all_papers() {
        for accent in ["#ffffff", "#000000", "#ffff00", "#777777", "#0b5cad", "#ff0000"] {
            let accent: Colour = accent.parse().unwrap();
            for papers in PAPERS {
                let readable = readable(accent, papers);
                assert!(papers.iter().all(|paper| readable.contrast(*paper) >= MIN_CONTRAST), "{accent}: {readable}");
            }
        }
    }
}
