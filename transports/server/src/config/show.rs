//! The configuration as text: the commented reference, and what is in force with where it came from.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use super::{
    Loaded,
    section::{Key, Kind, Section, Shape},
    sections::Config,
};
use crate::table;

/// How wide a line of the reference is.
const WIDTH: usize = 100;

/// What `config example` prints: every key with what it means and its default. Every key is commented out, so the
/// text as it stands is a configuration that changes nothing.
pub(crate) fn example() -> String {
    let mut text = String::new();
    comment(&mut text, Config::SHAPE.about.iter().copied());
    let layers = "Every key is shown with its default. Flags win over environment variables, those over this file. \
                  The key `listen` of [server] is the variable STRONGROOM__SERVER__LISTEN and the flag --set \
                  server.listen=...; a secret is given in a file by adding _FILE to the variable or _file to the \
                  key. Paths are relative to the folder in which the server is started.";
    comment(&mut text, [layers]);
    let defaults = toml::Table::try_from(Config::default()).expect("the defaults are a table");
    for section in (Config::SHAPE.keys)() {
        if let Kind::Section(shape) = section.kind {
            print_section(&mut text, section.name, shape, defaults.get(section.name));
        }
    }
    text
}

fn print_section(text: &mut String, path: &str, shape: Shape, defaults: Option<&toml::Value>) {
    text.push('\n');
    comment(text, shape.about.iter().copied());
    let _ = writeln!(text, "[{path}]");
    let mut inner = Vec::new();
    for key in (shape.keys)() {
        match key.kind {
            Kind::Section(shape) => inner.push((key.name, shape)),
            Kind::Tables(shape) => {
                text.push('\n');
                comment(text, shape.about.iter().copied());
                let _ = writeln!(text, "# [[{path}.{}]]", key.name);
                for key in (shape.keys)() {
                    print_key(text, key, None);
                }
            }
            _ => print_key(text, key, defaults.and_then(|table| table.get(key.name))),
        }
    }
    for (name, shape) in inner {
        let defaults = defaults.and_then(|table| table.get(name));
        print_section(text, &format!("{path}.{name}"), shape, defaults);
    }
}

fn print_key(text: &mut String, key: &Key, default: Option<&toml::Value>) {
    comment(text, key.about.iter().copied());
    let value = match (key.sample, default) {
        (Some(sample), _) => sample.to_owned(),
        (None, Some(default)) => default.to_string(),
        (None, None) => "[\"create\", \"get\", \"reset\"]".to_owned(),
    };
    let _ = writeln!(text, "# {} = {value}", key.name);
}

/// Writes lines as a comment, broken anew at words.
fn comment<'a>(text: &mut String, lines: impl IntoIterator<Item = &'a str>) {
    let mut line = String::from("#");
    for word in lines.into_iter().flat_map(str::split_whitespace) {
        if line.len() + 1 + word.len() > WIDTH {
            let _ = writeln!(text, "{line}");
            line.truncate(1);
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
}

/// Prints every key with its value and where that came from. Secrets are hidden.
///
/// # Errors
/// If standard output is gone.
pub(crate) fn print(loaded: &Loaded, json: bool) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let values = toml::Table::try_from(&loaded.config).expect("a configuration is a table");
    collect(loaded, "", (Config::SHAPE.keys)(), &values, &mut rows);
    if json {
        let keys: Vec<_> = rows
            .iter()
            .map(|[key, value, from]| serde_json::json!({ "key": key, "value": value, "from": from }))
            .collect();
        writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&keys)?)?;
    } else {
        table::print(["KEY", "VALUE", "FROM"], &rows)?;
    }
    Ok(())
}

fn collect(
    loaded: &Loaded,
    path: &str,
    keys: &'static [Key],
    values: &toml::Table,
    rows: &mut Vec<[String; 3]>,
) {
    for key in keys {
        let path = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        match (key.kind, values.get(key.name)) {
            (Kind::Section(shape), Some(toml::Value::Table(inner))) => {
                collect(loaded, &path, (shape.keys)(), inner, rows);
            }
            (_, value) => {
                let value = value.map_or_else(|| "(none)".to_owned(), ToString::to_string);
                let origin = loaded.layers.place_of(&path);
                rows.push([path, value, origin]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Sources, load};

    /// Every key of the reference, taken out of its comment.
    fn uncommented() -> String {
        let is_key = |line: &str| {
            let name = line.split(" = ").next().unwrap_or_default();
            line.contains(" = ") && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        example()
            .lines()
            .filter_map(|line| match line.strip_prefix("# ") {
                Some(rest) if is_key(rest) || rest.starts_with("[[") => Some(rest),
                Some(_) => None,
                None => Some(line),
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn load_text(text: &str) -> Loaded {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        fs::write(&file, text).unwrap();
        load(&Sources { file: Some(file), ..Sources::default() }).unwrap_or_else(|c| panic!("{c}"))
    }

    #[test]
    fn the_reference_as_it_stands_changes_nothing() {
        let loaded = load_text(&example());
        let defaults = toml::Table::try_from(Config::default()).unwrap();
        assert_eq!(toml::Table::try_from(&loaded.config).unwrap(), defaults);
    }

    #[test]
    fn every_key_taken_out_of_its_comment_reads_as_what_it_holds() {
        let text = uncommented();
        assert!(
            text.contains("\ntoken_life_max_s = 86400\n") && text.contains("\n[[keyknox.applications]]\n")
        );
        let loaded = load_text(&text);
        assert_eq!(loaded.config.limits.token_life_max_s, Some(86_400));
        assert_eq!(loaded.config.keyknox.applications.len(), 1);
    }

    #[test]
    fn every_key_is_in_the_reference_and_explained() {
        fn look(keys: &'static [Key], text: &str) {
            for key in keys {
                assert!(key.about.iter().any(|line| line.len() > 3), "{} is not explained", key.name);
                match key.kind {
                    Kind::Section(shape) | Kind::Tables(shape) => look((shape.keys)(), text),
                    _ => assert!(text.contains(&format!("\n# {} = ", key.name)), "{} is missing", key.name),
                }
            }
        }
        look((Config::SHAPE.keys)(), &example());
    }
}
