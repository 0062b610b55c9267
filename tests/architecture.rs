//! The arrows between our crates, checked from `cargo metadata`: who may import whom is written here and nowhere else.
//!
//! What is absent matters most: `storage` and `primitives` know nothing of ours, `engine` knows no transport and no
//! concrete backend, `client` never reaches the engine.

use std::{collections::BTreeMap, process::Command};

/// Crate, and the crates of ours that it may depend on outside its tests.
const ARROWS: &[(&str, &[&str])] = &[
    ("strongroom-primitives", &[]),
    ("strongroom-storage", &[]),
    ("strongroom-wire", &["strongroom-primitives"]),
    ("strongroom-engine", &["strongroom-storage", "strongroom-primitives"]),
    ("strongroom-client", &["strongroom-wire", "strongroom-primitives"]),
    ("strongroom-transports", &["strongroom-engine", "strongroom-wire", "strongroom-primitives"]),
    (
        "strongroom-server",
        &[
            "strongroom-transports",
            "strongroom-engine",
            "strongroom-storage",
            "strongroom-client",
            "strongroom-wire",
            "strongroom-primitives",
        ],
    ),
];

/// Crates that belong to tests, examples and benches: they may see everything, and nothing of the product sees them.
const OUTSIDE: &[&str] = &["strongroom", "strongroom-testkit", "strongroom-load"];

/// Foreign crates that must not be reached from the named crate by its own manifest.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("strongroom-storage", &["actix", "serde_json", "http", "actix-web"]),
    (
        "strongroom-engine",
        &["serde_json", "http", "actix-web", "sled", "redb", "tokio-tungstenite", "reqwest"],
    ),
    ("strongroom-primitives", &["tokio", "actix", "futures-util"]),
    ("strongroom-wire", &["tokio", "actix", "http"]),
    ("strongroom-client", &["actix", "actix-web", "sled", "redb"]),
];

fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let packages = metadata["packages"].as_array().expect("metadata lists packages");
    packages
        .iter()
        .map(|package| {
            let name = package["name"].as_str().expect("a package has a name").to_owned();
            let dependencies = package["dependencies"].as_array().expect("a package lists its dependencies");
            let names = dependencies
                .iter()
                .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
                .map(|dependency| dependency["name"].as_str().expect("a dependency has a name").to_owned())
                .collect();
            (name, names)
        })
        .collect()
}

#[test]
fn imports_point_one_way() {
    let dependencies = dependencies();
    for (name, needs) in &dependencies {
        if OUTSIDE.contains(&name.as_str()) {
            continue;
        }
        let (_, allowed) = ARROWS
            .iter()
            .find(|(known, _)| known == name)
            .unwrap_or_else(|| panic!("{name} has no row in ARROWS"));
        for need in needs.iter().filter(|need| need.starts_with("strongroom")) {
            assert!(allowed.contains(&need.as_str()), "{name} must not depend on {need}");
        }
    }
    for (name, _) in ARROWS {
        assert!(dependencies.contains_key(*name), "{name} is in ARROWS but not in the workspace");
    }
}

#[test]
fn layers_stay_free_of_what_is_not_theirs() {
    let dependencies = dependencies();
    for (name, forbidden) in FORBIDDEN {
        for need in &dependencies[*name] {
            assert!(!forbidden.contains(&need.as_str()), "{name} must not depend on {need}");
        }
    }
}
