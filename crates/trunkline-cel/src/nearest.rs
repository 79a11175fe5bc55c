//! The nearest right name to a wrong one.

/// The candidate that a misspelt `name` most probably meant: one that differs in letter case, or in at most a third
/// of its letters.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = name.to_lowercase().chars().collect();
    // Names of more letters are not compared: it costs the product of both lengths.
    if wanted.len() > 80 {
        return None;
    }
    // Of one or two letters, every other pair would be near.
    let limit = if wanted.len() < 3 { 0 } else { wanted.len() / 3 };
    let near = candidates.into_iter().filter(|candidate| *candidate != name).filter_map(|candidate| {
        let chars: Vec<char> = candidate.to_lowercase().chars().collect();
        if chars.len().abs_diff(wanted.len()) > limit {
            return None;
        }
        Some((edits(&wanted, &chars), candidate)).filter(|&(edits, _)| edits <= limit)
    });
    near.min_by_key(|&(edits, _)| edits).map(|(_, candidate)| candidate)
}

/// Letters to insert, delete, replace or swap with their neighbour to get from one name to the other.
fn edits(left: &[char], right: &[char]) -> usize {
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, letter) in left.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, other) in right.iter().enumerate() {
            let mut least = (row[j] + usize::from(letter != other)).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *letter == right[j - 1] && left[i - 1] == *other {
                least = least.min(above[j - 1] + 1);
            }
            next.push(least);
        }
        above = std::mem::replace(&mut row, next);
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_far_ones_are_not() {
        let names = ["command", "state", "version", "meta"];
        assert_eq!(nearest("comand", names), Some("command"));
        assert_eq!(nearest("satte", names), Some("state"));
        assert_eq!(nearest("META", names), Some("meta"));
        assert_eq!(nearest("event", names), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest("", names), None);
    }
}
