//! The name that was probably meant.

/// The name among `names` that takes the fewest changes to become `typed`, if those are few.
pub fn nearest<'n>(typed: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let best =
        names.into_iter().map(|name| (distance(typed, name), name)).min_by_key(|(distance, _)| *distance)?;
    (best.0 <= (best.1.len() / 3).max(1)).then_some(best.1)
}

/// How many insertions, deletions, replacements and swaps of neighbours make `a` into `b` (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = match (i, j) {
                (0, n) | (n, 0) => n,
                _ => cheapest(&rows, &a, &b, i, j),
            };
        }
    }
    rows[a.len()][b.len()]
}

fn cheapest(rows: &[Vec<usize>], a: &[char], b: &[char], i: usize, j: usize) -> usize {
    let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
    let cost = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
    let is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
    if is_swap { cost.min(rows[i - 2][j - 2] + 1) } else { cost }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood_and_a_stranger_is_not() {
        let names = ["max_retries", "jitter", "retry_unknown"];
        assert_eq!(nearest("max_retires", names), Some("max_retries"));
        assert_eq!(nearest("max_retry", names), Some("max_retries"));
        assert_eq!(nearest("colour", names), None);
    }
}
