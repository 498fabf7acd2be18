//! How long texts take to render: one as people write them, and the worst that fit into a post (docs/markdown.md).

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};

/// The maximum length of a post.
const MAX_BYTES: usize = 200 * 1024;

/// A text of this length that repeats a part.
fn repeated(part: &str, bytes: usize) -> String {
    part.repeat(bytes / part.len())
}

fn render(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("render");
    group.sample_size(10);
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
        // A refusal takes its time too.
        group.bench_function(name, |bencher| bencher.iter(|| markdown::render(black_box(&text)).is_ok()));
    }
    group.finish();
}

criterion_group!(benches, render);
criterion_main!(benches);
