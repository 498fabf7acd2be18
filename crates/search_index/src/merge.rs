//! When segments are merged.

/// How many of the last segments are merged with what is new, given the number of posts in each segment, oldest first, and in
/// what is new: those that are not twice as large as all that comes after them. So a segment is twice as large as the next,
/// there are as many as the number of posts has binary digits, and a post is written again as often.
pub fn segments_to_merge(sizes: &[usize], new: usize) -> usize {
    let mut sum = new;
    let mut merged = 0;
    for size in sizes.iter().rev() {
        if *size >= sum.saturating_mul(2) {
            break;
        }
        sum = sum.saturating_add(*size);
        merged += 1;
    }
    merged
}
