//! The nearest right name to a wrong one, for messages that say what was probably meant.

/// Longer names are not compared: the distance costs the product of both lengths.
const COMPARED_CHARS_MAX: usize = 80;

/// The candidate that a misspelt `name` most probably meant, if one is near enough to be worth saying.
///
/// Near are names that differ in letter case only, or in at most a third of their characters.
///
/// ```
/// use trunkline_nearest::nearest;
/// assert_eq!(nearest("OrderCraeted", ["OrderCreated", "OrderPaid"]), Some("OrderCreated"));
/// assert_eq!(nearest("Invoiced", ["OrderCreated", "OrderPaid"]), None);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Of one or two letters, every other pair would be near.
    let chars = name.chars().count();
    let limit = if chars < 3 { 0 } else { chars / 3 };
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name)
        .filter_map(|candidate| Some((distance(name, candidate, limit)?, candidate)))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, delete, replace, swap neighbours) between two names, ignoring case, when at most `limit`.
fn distance(left: &str, right: &str, limit: usize) -> Option<usize> {
    let left: Vec<char> = left.chars().flat_map(char::to_lowercase).collect();
    let right: Vec<char> = right.chars().flat_map(char::to_lowercase).collect();
    if left.len().max(right.len()) > COMPARED_CHARS_MAX || left.len().abs_diff(right.len()) > limit {
        return None;
    }
    let mut before_last: Vec<usize> = vec![0; right.len() + 1];
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for i in 1..=left.len() {
        let mut row = vec![i; right.len() + 1];
        for j in 1..=right.len() {
            let replaced = last[j - 1] + usize::from(left[i - 1] != right[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|&edits| edits <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_far_ones_are_not() {
        let names = ["always", "never"];
        assert_eq!(nearest("alwasy", names), Some("always"));
        assert_eq!(nearest("NEVER", names), Some("never"));
        assert_eq!(nearest("sometimes", names), None);
        assert_eq!(nearest("x", ["yy"]), None);
    }

    #[test]
    fn swapped_neighbours_are_one_edit() {
        assert_eq!(distance("dns", "dsn", 1), Some(1));
        assert_eq!(distance("", "", 0), Some(0));
        assert_eq!(distance("abc", "xyz", 2), None);
    }
}
