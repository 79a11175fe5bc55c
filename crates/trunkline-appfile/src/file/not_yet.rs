//! Sections that the design has and this version does not read yet: a warning says that they have no effect.

use trunkline_config::Diagnostic;
use trunkline_config::read::Section;

use super::codes;

/// The sections, each with what it will do.
const SECTIONS: &[(&str, &str)] = &[("server", "HTTP servers"), ("security", "HTTP servers")];

pub(super) fn read(root: &mut Section<'_>) {
    for (section, what) in SECTIONS {
        let field = root.key(section);
        if field.is_present() {
            let message = format!("this version does nothing with \"{section}\" yet: {what} are to come");
            field.reader().report(Diagnostic::warning(codes::NOT_YET, field.span(), message));
        }
    }
}
