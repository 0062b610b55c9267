//! Answers to questions: typed at a terminal, or lines of standard input where that is none.

use std::io::{self, BufRead, IsTerminal, Read, StdinLock, Write};

use anyhow::{Context, ensure};
use strongroom_primitives::secret::SecretText;
use zeroize::Zeroizing;

/// Longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 4_096;

/// Whoever answers.
pub(super) enum Answers {
    /// A person, who is asked.
    Person,
    /// A script, which knows what would be asked and in what order.
    Script(StdinLock<'static>),
}

impl Answers {
    /// Whoever is at standard input.
    pub(super) fn new() -> Self {
        if io::stdin().is_terminal() { Self::Person } else { Self::Script(io::stdin().lock()) }
    }

    /// An answer without the spaces around it. At the end of a script it is empty.
    ///
    /// # Errors
    /// One line that says what is wrong with it.
    pub(super) fn ask(&mut self, question: &str) -> anyhow::Result<Zeroizing<String>> {
        let line = match self {
            Self::Person => {
                write!(io::stderr(), "{question}")?;
                line(&mut io::stdin().lock())
            }
            Self::Script(script) => line(script),
        };
        line.with_context(|| format!("the answer to {question:?}"))
    }

    /// The same, not shown while it is typed.
    ///
    /// # Errors
    /// As [`Answers::ask`].
    pub(super) fn ask_hidden(&mut self, question: &str) -> anyhow::Result<SecretText> {
        if let Self::Person = self {
            let typed = rpassword::prompt_password(question).map(Zeroizing::new);
            return Ok(SecretText::new(typed.context("no terminal to ask at")?.trim().to_owned()));
        }
        Ok(SecretText::new(self.ask(question)?.to_string()))
    }
}

fn line(source: &mut impl BufRead) -> anyhow::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(ANSWER_BYTES_MAX + 1));
    source.take(ANSWER_BYTES_MAX as u64 + 1).read_until(b'\n', &mut bytes)?;
    ensure!(bytes.len() <= ANSWER_BYTES_MAX, "is longer than {ANSWER_BYTES_MAX} bytes");
    let text = str::from_utf8(&bytes).context("is not text")?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_line_and_has_an_end() {
        let mut script = io::Cursor::new(format!(" a b \r\n\n{}", "x".repeat(ANSWER_BYTES_MAX + 1)));
        assert_eq!(*line(&mut script).unwrap(), "a b");
        assert_eq!(*line(&mut script).unwrap(), "");
        assert!(line(&mut script).unwrap_err().to_string().contains("4096"));
        assert_eq!(*line(&mut io::Cursor::new("")).unwrap(), "");
        assert!(line(&mut io::Cursor::new(b"\xff\n")).is_err());
    }
}
