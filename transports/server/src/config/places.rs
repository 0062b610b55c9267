//! Where a value of the configuration came from, and what is said when it is wrong.
//!
//! The one thing to believe: every complaint names the place to change, a line of the file where there is one.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Where a value came from. Later ones win over earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It is the default.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A flag on the command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// What is wrong with a configuration: one line that says where, what, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// The file and line, the variable or the flag.
    pub(crate) place: String,
    /// The key, by its path; empty where the text as a whole is wrong.
    pub(crate) key: String,
    /// What is the matter and what to do.
    pub(crate) what: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => write!(f, "{}: {}", self.place, self.what),
            key => write!(f, "{}: {key}: {}", self.place, self.what),
        }
    }
}

impl std::error::Error for Complaint {}

/// The lines of a configuration file.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    path: PathBuf,
    text: String,
}

impl Lines {
    /// The lines of `text`, which stands in the file `path`.
    pub(crate) fn new(path: &Path, text: String) -> Self {
        Self { path: path.into(), text }
    }

    /// `file:line` of a key, or of the innermost table around it that is there.
    pub(crate) fn place_of<'a>(&self, key: impl IntoIterator<Item = &'a str>) -> String {
        let Ok(table) = DeTable::parse(&self.text) else { return self.path.display().to_string() };
        let mut at = None;
        let mut inside = Node::Table(table.get_ref());
        for name in key {
            let Some((span, next)) = inside.child(name) else { break };
            (at, inside) = (Some(span), next);
        }
        match at {
            Some(span) => self.place_at(&span),
            None => self.path.display().to_string(),
        }
    }

    /// `file:line` of a position in the text, in bytes.
    pub(crate) fn place_at(&self, span: &Range<usize>) -> String {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        format!("{}:{line}", self.path.display())
    }
}

/// Something that a name can lead further into.
enum Node<'a> {
    Table(&'a DeTable<'a>),
    Value(&'a DeValue<'a>),
}

impl<'a> Node<'a> {
    fn child(&self, name: &str) -> Option<(Range<usize>, Node<'a>)> {
        let of_value = |value: &'a Spanned<DeValue<'a>>| match value.get_ref() {
            DeValue::Table(table) => Node::Table(table),
            value => Node::Value(value),
        };
        match self {
            Self::Table(table) => {
                let (key, value) = table.iter().find(|(key, _)| key.get_ref() == name)?;
                Some((key.span(), of_value(value)))
            }
            Self::Value(DeValue::Array(list)) => {
                let value = list.get(name.parse::<usize>().ok()?)?;
                Some((value.span(), of_value(value)))
            }
            Self::Value(_) => None,
        }
    }
}

/// The name among `candidates` that `wrong` was probably meant to be.
pub(crate) fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(wrong, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, left out or changed to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let changed = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_nonsense_is_not() {
        let keys = ["listen", "workers", "behind_tls_proxy"];
        assert_eq!(nearest("lisen", keys), Some("listen"));
        assert_eq!(nearest("behind_tls_poxy", keys), Some("behind_tls_proxy"));
        assert_eq!(nearest("colour", keys), None);
    }

    #[test]
    fn a_key_is_found_on_its_line_and_a_missing_one_on_that_of_its_table() {
        let text = "# first\n[server]\n\nlisten = \"x\"\n[[keyknox.applications]]\nid = \"a\"\n";
        let lines = Lines::new(Path::new("a.toml"), text.to_owned());
        assert_eq!(lines.place_of(["server", "listen"]), "a.toml:4");
        assert_eq!(lines.place_of(["server", "workers"]), "a.toml:2");
        assert_eq!(lines.place_of(["keyknox", "applications", "0", "id"]), "a.toml:6");
        assert_eq!(lines.place_of(["log"]), "a.toml");
    }
}
