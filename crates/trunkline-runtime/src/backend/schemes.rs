//! Schemes that are known although no backend of this program has them.

use super::{DsnError, Role};

/// The variable that names a Redis server, which then is the queue.
pub(super) const REDIS_VARIABLE: &str = "REDIS_HOST";

/// Backends that a program may be built without: what they keep, their scheme, and the cargo feature that brings them.
const BY_FEATURE: [(Role, &str, &str); 3] = [
    (Role::Events, "log", "log"),
    (Role::Messages, "embedded", "embedded"),
    (Role::ReadModels, "sqlite", "sqlite"),
];

/// What keeps tables.
const DATABASES: [&str; 6] = ["sqlite", "postgres", "postgresql", "pgsql", "mysql", "mariadb"];

/// What passes messages on.
const BROKERS: [&str; 3] = ["redis", "rediss", "nats"];

/// Why a scheme that no backend has for this role is refused; `other` is what a backend of it keeps.
pub(super) fn refused(role: Role, scheme: &str, other: Option<Role>) -> DsnError {
    let scheme = scheme.to_owned();
    let feature = BY_FEATURE.iter().find(|(keeps, known, _)| *keeps == role && *known == scheme);
    if let Some((_, _, feature)) = feature {
        return DsnError::LeftOut { role, scheme, feature };
    }
    let (database, broker) = (DATABASES.contains(&&*scheme), BROKERS.contains(&&*scheme));
    let (log, embedded) = (scheme == "log", scheme == "embedded");
    match role {
        Role::Events if database => DsnError::NotInThisVersion { role, scheme },
        Role::Events if broker || embedded => DsnError::OtherRole { role, scheme, other: Role::Messages },
        Role::Messages if broker => DsnError::NotInThisVersion { role, scheme },
        Role::Messages if database || log => DsnError::OtherRole { role, scheme, other: Role::Events },
        Role::ReadModels if database || broker || log || embedded => {
            DsnError::NotInThisVersion { role, scheme }
        }
        _ => match other {
            Some(other) => DsnError::OtherRole { role, scheme, other },
            None if role == Role::ReadModels => DsnError::NotInThisVersion { role, scheme },
            None => DsnError::UnknownScheme { role, scheme },
        },
    }
}
