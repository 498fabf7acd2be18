//! How long texts take to render: some as people write them, and the worst that fit into a post (docs/markdown.md).
//! `cargo bench -p markdown`.

use std::hint::black_box;

/// The maximum length of a post.
const MAX_BYTES: usize = 200 * 1024;
/// How often each text is rendered. The least time counts.
const RUNS: usize = 7;

/// A text of this length that repeats a part.
fn repeated(part: &str, bytes: usize) -> String {
    part.repeat(bytes / part.len())
}

/// The processor time of this thread so far, in nanoseconds, whatever else the machine does.
/// <https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat>
fn nanoseconds() -> u64 {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    statistics.split_whitespace().next().and_then(|time| time.parse().ok()).unwrap_or_default()
}

fn main() {
    let part = "## A heading\n\nSome *text* with [a link](https://example.com/a?b=c&d=e) and `code`: R&D, «quoted».\n\n- one\n- two\n\n```rust\nfn main() {}\n```\n\n";
    let link = format!("[a](https://example.com/?{})", repeated("&", MAX_BYTES - 40));
    for (name, text) in [
        ("10 KB as people write", repeated(part, 10_000)),
        ("100 KB as people write", repeated(part, 100_000)),
        ("200 KiB of &", repeated("&", MAX_BYTES)),
        ("200 KiB of »", repeated("»", MAX_BYTES)),
        ("200 KiB of & in code", format!("```\n{}\n```", repeated("&", MAX_BYTES - 8))),
        ("200 KiB of & in an address", link),
        ("200 KiB of list items", repeated("*\n", MAX_BYTES)),
        ("200 KiB of paragraphs", repeated("a\n\n", MAX_BYTES)),
        ("200 KiB of <", repeated("<", MAX_BYTES)),
    ] {
        let mut least = u64::MAX;
        let mut outcome = "";
        for _ in 0..RUNS {
            let begin = nanoseconds();
            // A refusal takes its time too.
            outcome = if markdown::render(black_box(&text)).is_ok() { "rendered" } else { "refused" };
            least = least.min(nanoseconds() - begin);
        }
        println!("{name:28} {:8.2} ms  {outcome}", least as f64 / 1e6);
    }
}
