//! Blocks of a file that are generated, between a line with `>>> generated: NAME` and one with `<<< generated`; the rest is written
//! by hand.

const BEGIN: &str = ">>> generated: ";
const END: &str = "<<< generated";

/// The text with the contents of its blocks replaced. `write` gets the words after `generated:`, the first of them the block's name.
pub fn replaced(now: &str, mut write: impl FnMut(&[&str]) -> Result<String, String>) -> Result<String, String> {
    let (mut text, mut inside) = (String::new(), false);
    for line in now.lines() {
        inside &= !line.contains(END);
        if !inside {
            text.push_str(line);
            text.push('\n');
        }
        if let Some((_, block)) = line.split_once(BEGIN) {
            if inside {
                return Err(format!("the block before {line:?} has no end"));
            }
            text.push_str(&write(&block.split_whitespace().collect::<Vec<_>>())?);
            inside = true;
        }
    }
    if inside { Err("a block has no end".to_owned()) } else { Ok(text) }
}

/// The text without the contents of its blocks.
pub fn by_hand(now: &str) -> Result<String, String> {
    replaced(now, |_| Ok(String::new()))
}
