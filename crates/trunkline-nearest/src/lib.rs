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
    let lower = |name: &str| name.chars().flat_map(char::to_lowercase).collect::<String>();
    let (left, right) = (lower(left), lower(right));
    let (left_chars, right_chars) = (left.chars().count(), right.chars().count());
    if left_chars.max(right_chars) > COMPARED_CHARS_MAX || left_chars.abs_diff(right_chars) > limit {
        return None;
    }
    Some(strsim::osa_distance(&left, &right)).filter(|&edits| edits <= limit)
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
        // What was swapped is not edited again.
        assert_eq!(distance("ca", "abc", 3), Some(3));
    }

    #[test]
    fn letters_are_counted_not_bytes_and_case_is_ignored() {
        assert_eq!(distance("ÄÖÜ", "äöü", 0), Some(0));
        assert_eq!(distance("größe", "grösse", 2), Some(2));
        // Its small letter is two characters.
        assert_eq!(distance("İ", "i", 1), Some(1));
    }

    #[test]
    fn longer_names_than_the_limit_are_not_compared() {
        let longest = "a".repeat(COMPARED_CHARS_MAX);
        assert_eq!(nearest(&longest.to_uppercase(), [longest.as_str()]), Some(longest.as_str()));
        let longer = format!("{longest}a");
        assert_eq!(nearest(&longer.to_uppercase(), [longer.as_str()]), None);
    }
}
