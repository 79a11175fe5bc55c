//! The workspace's crates and the edges between them, as `cargo metadata` tells them.

use serde_json::Value;

use crate::repository::{self, Repository};

/// A member of the workspace.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Crate {
    pub(super) name: String,
    /// From the root.
    pub(super) manifest: String,
    pub(super) edges: Vec<Edge>,
}

/// One member's use of another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) to: String,
    pub(super) kind: EdgeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EdgeKind {
    Normal,
    Build,
    /// Tests only.
    Dev,
}

impl EdgeKind {
    /// The table of a manifest that such an edge stands in.
    pub(super) fn section(self) -> &'static str {
        match self {
            Self::Normal => "dependencies",
            Self::Build => "build-dependencies",
            Self::Dev => "dev-dependencies",
        }
    }
}

pub(super) fn read(repository: &Repository) -> Result<Vec<Crate>, String> {
    let mut cargo = repository.cargo();
    cargo.args(["metadata", "--no-deps", "--format-version", "1"]);
    let json = repository::output(&mut cargo)?;
    let metadata: Value =
        serde_json::from_slice(&json).map_err(|error| format!("unable to read cargo metadata: {error}"))?;
    parse(&metadata).ok_or_else(|| "cargo metadata has not the shape we know".to_owned())
}

fn parse(metadata: &Value) -> Option<Vec<Crate>> {
    let root = metadata.get("workspace_root")?.as_str()?;
    let packages = metadata.get("packages")?.as_array()?;
    let names: Vec<&str> =
        packages.iter().map(|package| package.get("name")?.as_str()).collect::<Option<_>>()?;
    packages.iter().zip(&names).map(|(package, name)| parse_crate(package, name, root, &names)).collect()
}

fn parse_crate(package: &Value, name: &str, root: &str, members: &[&str]) -> Option<Crate> {
    let manifest = package.get("manifest_path")?.as_str()?;
    let mut edges = Vec::new();
    for dependency in package.get("dependencies")?.as_array()? {
        let to = dependency.get("name")?.as_str()?;
        let is_local = dependency.get("path").is_some_and(Value::is_string);
        let kind = match dependency.get("kind")?.as_str() {
            None => EdgeKind::Normal,
            Some("build") => EdgeKind::Build,
            Some("dev") => EdgeKind::Dev,
            Some(_) => return None,
        };
        if is_local && members.contains(&to) {
            edges.push(Edge { to: to.to_owned(), kind });
        }
    }
    let manifest = manifest.strip_prefix(root).unwrap_or(manifest).trim_start_matches('/');
    Some(Crate { name: name.to_owned(), manifest: manifest.to_owned(), edges })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_edges_between_members_count() {
        let metadata = json!({
            "workspace_root": "/srv/t",
            "packages": [
                { "name": "a", "manifest_path": "/srv/t/crates/a/Cargo.toml", "dependencies": [] },
                { "name": "b", "manifest_path": "/srv/t/crates/b/Cargo.toml", "dependencies": [
                    { "name": "a", "kind": null, "path": "/srv/t/crates/a" },
                    { "name": "a", "kind": "dev", "path": "/srv/t/crates/a" },
                    { "name": "a", "kind": "build", "path": "/srv/t/crates/a" },
                    { "name": "a", "kind": null },
                    { "name": "bytes", "kind": null },
                ] },
            ],
        });
        let edge = |kind| Edge { to: "a".to_owned(), kind };
        let crates = parse(&metadata).unwrap();
        assert_eq!(crates[0].manifest, "crates/a/Cargo.toml");
        assert!(crates[0].edges.is_empty(), "{crates:?}");
        assert_eq!(crates[1].edges, [edge(EdgeKind::Normal), edge(EdgeKind::Dev), edge(EdgeKind::Build)]);
    }

    #[test]
    fn another_shape_is_refused() {
        assert_eq!(parse(&json!({ "packages": [] })), None);
        assert_eq!(parse(&json!({ "workspace_root": "/", "packages": [{ "name": "a" }] })), None);
    }
}
