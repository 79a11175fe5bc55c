//! Names that differ by case alone: places that keep what belongs to them may take them for one.

use trunkline_config::Diagnostic;
use trunkline_config::read::Section;

use super::codes;

/// The sections whose names are kept somewhere, with what one of them is: read databases, and disks that ignore case.
const KEPT: [(&str, &str); 4] =
    [("projections", "projections"), ("consumers", "consumers"), ("relay", "relays"), ("sagas", "sagas")];

pub(super) fn check(root: &mut Section<'_>) {
    for (key, kind) in KEPT {
        let all = root.key(key).section().each();
        for (at, (name, field)) in all.iter().enumerate() {
            let is_other = |(other, _): &&(&str, _)| *other != *name && other.eq_ignore_ascii_case(name);
            let Some((other, _)) = all[..at].iter().find(is_other) else { continue };
            let message =
                format!("two {kind} are named \"{other}\" and \"{name}\", which differ by case alone");
            let wrong = Diagnostic::error(codes::NAMES_DIFFER_BY_CASE, field.key_span(), message);
            field.reader().report(wrong.fix("give one of them another name"));
        }
    }
}
