//! The nearest right name to a wrong one.

/// The candidate that a misspelt name most probably meant: one that differs in at most a third of its letters.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    let near = candidates.into_iter().map(|candidate| (edits(name, candidate), candidate));
    near.filter(|&(edits, _)| edits <= limit).min_by_key(|&(edits, _)| edits).map(|(_, candidate)| candidate)
}

/// How many letters must be inserted, deleted or replaced, ignoring case.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().flat_map(char::to_lowercase).collect();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, l) in left.chars().flat_map(char::to_lowercase).enumerate() {
        let mut this = vec![row + 1];
        for (column, &r) in right.iter().enumerate() {
            let replaced = last[column] + usize::from(l != r);
            this.push(replaced.min(last[column + 1] + 1).min(this[column] + 1));
        }
        last = this;
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_far_ones_are_not() {
        let names = ["data", "stream_id", "version"];
        assert_eq!(nearest("dta", names), Some("data"));
        assert_eq!(nearest("Stream_ID", names), Some("stream_id"));
        assert_eq!(nearest("country", names), None);
    }
}
