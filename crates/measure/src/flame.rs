//! A flame graph of an init, of the stacks that callgrind counts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use crate::binary::owner;
use crate::function::Function;

/// How many callers of a function are told apart.
const MAX_CALLERS: usize = 200;
/// Crates whose functions only call what others gave them. What they take by themselves counts for who calls them.
const PLUMBING: [&str; 9] =
    ["alloc", "core", "futures_util", "lambda_http", "lambda_runtime", "std", "tokio", "tower", "tracing"];
/// In pixels.
const WIDTH: f64 = 1200.0;
const ROW: f64 = 17.0;
/// The narrowest box that is drawn, and the narrowest with a name.
const MIN_WIDTH: f64 = 2.0;
const MIN_NAMED_WIDTH: f64 = 30.0;
/// The width of a letter.
const LETTER: f64 = 6.4;

/// A function as it was called by those below it.
#[derive(Default)]
struct Frame {
    /// Instructions, with those of what it calls.
    instructions: u64,
    calls: BTreeMap<String, Frame>,
}

/// The flame graph of a function's init without the warming call, as SVG.
pub async fn of_init(function: &Function, name: &str) -> io::Result<String> {
    let callers = format!("--separate-callers={MAX_CALLERS}");
    let arguments = [callers.as_str(), "--compress-strings=no", "--compress-pos=no", "--dump-line=no"];
    let counted = function.without_table().counted(&[], &arguments).await?;
    Ok(drawn(&frames(&counted), name))
}

/// The stacks in what callgrind wrote.
fn frames(counted: &str) -> Frame {
    let mut all = Frame::default();
    let (mut stack, mut is_of_callee) = (Vec::new(), false);
    for line in counted.lines() {
        if let Some(names) = line.strip_prefix("fn=") {
            stack = names.split('\'').map(short).collect();
        } else if line.starts_with("calls=") {
            is_of_callee = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || first == '+' || first == '*') {
            let instructions = line.split_whitespace().nth(1).and_then(|count| count.parse().ok());
            if let Some(instructions) = instructions.filter(|_| !std::mem::take(&mut is_of_callee)) {
                all.add(&stack, instructions);
            }
        }
    }
    all
}

/// The name of a function, without the types of its parameters and without a hash; none if it is of no interest.
fn short(name: &str) -> Option<String> {
    // A number says how often it is in the stack already.
    if name.bytes().all(|byte| byte.is_ascii_digit()) || PLUMBING.contains(&owner(name).as_str()) {
        return None;
    }
    let mut depth = 0_usize;
    let mut short = String::new();
    for c in name.chars() {
        depth += usize::from(c == '<' && !short.is_empty());
        if depth == 0 {
            short.push(c);
        }
        depth = depth.saturating_sub(usize::from(c == '>'));
    }
    Some(short)
}

impl Frame {
    /// Counts instructions of the first function of the stack, which the others called.
    fn add(&mut self, stack: &[Option<String>], instructions: u64) {
        self.instructions += instructions;
        let mut frame = self;
        for name in stack.iter().rev().flatten() {
            frame = frame.calls.entry(name.clone()).or_default();
            frame.instructions += instructions;
        }
    }

    fn depth(&self, pixel: f64) -> usize {
        let drawn = self.calls.values().filter(|frame| frame.instructions as f64 * pixel >= MIN_WIDTH);
        1 + drawn.map(|frame| frame.depth(pixel)).max().unwrap_or(0)
    }
}

fn drawn(all: &Frame, name: &str) -> String {
    let pixel = WIDTH / all.instructions.max(1) as f64;
    let height = ROW * all.depth(pixel) as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"monospace\" font-size=\"11\">\n"
    );
    draw(&mut svg, &format!("init of {name}"), all, pixel, 0.0, height - ROW, all.instructions);
    svg.push_str("</svg>\n");
    svg
}

fn draw(svg: &mut String, name: &str, frame: &Frame, pixel: f64, left: f64, top: f64, all: u64) {
    let width = frame.instructions as f64 * pixel;
    if width < MIN_WIDTH {
        return;
    }
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (thousands, share) = (frame.instructions / 1000, 100.0 * frame.instructions as f64 / all.max(1) as f64);
    // Colours of fire, of each name its own.
    let hue = name.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte))) % 50;
    let _ = write!(
        svg,
        "<g><title>{}: {thousands} thousand instructions, {share:.1} %</title>\
         <rect x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"16\" fill=\"hsl({hue},85%,65%)\"/>",
        escaped(name),
    );
    if width >= MIN_NAMED_WIDTH {
        let letters: String = name.chars().take((width / LETTER) as usize).collect();
        let _ = write!(svg, "<text x=\"{:.1}\" y=\"{}\">{}</text>", left + 2.0, top + 12.0, escaped(&letters));
    }
    svg.push_str("</g>\n");
    let mut left = left;
    for (name, frame) in &frame.calls {
        draw(svg, name, frame, pixel, left, top - ROW, all);
        left += frame.instructions as f64 * pixel;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTED: &str = "\
fl=lib.rs
fn=<posts::Post<T> as Read>::read'tokio::run'main
0 300
cfn=memcpy'<posts::Post<T> as Read>::read'tokio::run'main
calls=3 0
0 500
fn=memcpy'<posts::Post<T> as Read>::read'tokio::run'main
0 500
fn=tokio::run'main
0 200
fn=main
0 1000
";

    #[test]
    fn what_a_function_takes_counts_for_those_that_called_it() {
        let all = frames(COUNTED);
        let main = &all.calls["main"];
        let read = &main.calls["<posts::Post as Read>::read"];
        let counted = [all.instructions, main.instructions, read.instructions, read.calls["memcpy"].instructions];
        assert_eq!(counted, [2000, 2000, 800, 500]);
        assert_eq!(main.calls.len(), 1, "plumbing is left out");
    }

    #[test]
    fn boxes_are_as_wide_as_what_they_take() {
        let svg = drawn(&frames(COUNTED), "posts");
        assert!(
            svg.contains(
                "<title>memcpy: 0 thousand instructions, 25.0 %</title><rect x=\"0.0\" y=\"0\" width=\"300.0\""
            ),
            "{svg}"
        );
        assert!(svg.contains("&lt;posts::Post as Read&gt;::read: 0 thousand instructions, 40.0 %"), "{svg}");
    }
}
