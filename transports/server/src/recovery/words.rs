//! A share on paper: 33 words of SLIP-0039, and above them what people need to put papers together.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use strongroom_client::recovery::{from_words, to_words};
use strongroom_primitives::{id::EscrowId, secret::Secret, sharing::Share};
use zeroize::Zeroizing;

use crate::{
    data::random,
    input,
    secrets::{STDIN, Stdin, check_private},
};

/// Largest paper that is read, in bytes; one has about 600.
const PAPER_BYTES_MAX: usize = 16 * 1024;

/// How many words stand in a line.
const WORDS_PER_LINE: usize = 11;

/// A share as its paper has it.
pub(super) struct Paper {
    pub(super) share: Share,
    escrow: Option<EscrowId>,
    epoch: Option<u32>,
    /// Where it came from, for people.
    pub(super) from: String,
}

/// The text of a paper.
///
/// # Errors
/// If there is no chance to be had.
pub(super) fn paper(share: &Share, escrow: EscrowId, epoch: u32) -> anyhow::Result<Zeroizing<String>> {
    let words = to_words(share, random()?).map_err(|error| anyhow!("{error}"))?;
    let mut text = Zeroizing::new(String::with_capacity(1_024));
    text.push_str(&format!(
        "# A share of a secret. Keep it where nobody else looks.\nescrow: {escrow}\nepoch: {epoch}\nindex: {}\n",
        share.index()
    ));
    for (at, word) in words.split(' ').enumerate() {
        if at > 0 {
            text.push(if at % WORDS_PER_LINE == 0 { '\n' } else { ' ' });
        }
        text.push_str(word);
    }
    text.push('\n');
    Ok(text)
}

/// Reads papers: files that nobody else can read, and at most one from standard input.
///
/// # Errors
/// One line that names the paper and the fix, and repeats no word.
pub(super) fn read_all(files: &[PathBuf]) -> anyhow::Result<Vec<Paper>> {
    let mut stdin = Stdin::default();
    let papers = files.iter().map(|file| read(file, &mut stdin));
    let papers = papers.collect::<anyhow::Result<Vec<Paper>>>()?;
    for (at, paper) in papers.iter().enumerate() {
        let twice = papers[..at].iter().find(|before| before.share.index() == paper.share.index());
        if let Some(before) = twice {
            anyhow::bail!("{} and {} are both share {}", before.from, paper.from, paper.share.index());
        }
    }
    Ok(papers)
}

fn read(file: &Path, stdin: &mut Stdin) -> anyhow::Result<Paper> {
    let (bytes, from) = if file.as_os_str() == STDIN {
        (stdin.read("words", PAPER_BYTES_MAX)?, "standard input".to_owned())
    } else {
        check_private(file, "share")?;
        (input::all_of_file(file, PAPER_BYTES_MAX)?, file.display().to_string())
    };
    parse(&bytes, &from).with_context(|| from.clone())
}

fn parse(bytes: &Secret, from: &str) -> anyhow::Result<Paper> {
    let text = str::from_utf8(bytes.expose()).map_err(|_| anyhow!("this is no text, so no share"))?;
    let (mut escrow, mut epoch, mut index) = (None, None, None);
    let mut words = Zeroizing::new(String::with_capacity(text.len()));
    for (at, line) in text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let wrong = |what: &str| format!("line {}: {what}", at + 1);
        match line.split_once(':').map(|(name, value)| (name, value.trim())) {
            Some(("escrow", value)) => escrow = Some(value.parse().ok().with_context(|| wrong("no escrow"))?),
            Some(("epoch", value)) => epoch = Some(value.parse().ok().with_context(|| wrong("no epoch"))?),
            Some(("index", value)) => {
                index = Some(value.parse().ok().with_context(|| wrong("an index is 1 to 255"))?)
            }
            Some(_) => anyhow::bail!(wrong("expected `escrow:`, `epoch:`, `index:` or words")),
            None => line.split_whitespace().for_each(|word| {
                if !words.is_empty() {
                    words.push(' ');
                }
                words.push_str(&Zeroizing::new(word.to_lowercase()));
            }),
        }
    }
    let index = index.context("there is no line `index: N`; the paper says which")?;
    let share = from_words(index, &words).map_err(|error| anyhow!("{error}; compare it with the paper"))?;
    Ok(Paper { share, escrow, epoch, from: from.to_owned() })
}

impl Paper {
    /// Refuses a paper that says of itself that it is of another escrow or another epoch.
    ///
    /// # Errors
    /// One line that names it.
    pub(super) fn check(&self, escrow: EscrowId, epoch: u32) -> anyhow::Result<()> {
        let Self { from, .. } = self;
        if let Some(theirs) = self.escrow {
            ensure!(theirs == escrow, "{from} is a share of another escrow, {theirs}");
        }
        if let Some(theirs) = self.epoch {
            ensure!(
                theirs == epoch,
                "{from} is of epoch {theirs}, and the escrow was dealt anew: its epoch is {epoch}. The papers of that \
                 epoch are needed"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use strongroom_primitives::sharing::{SharedScalar, split};

    use super::*;

    fn share() -> Share {
        let mut draw = |bytes: &mut [u8]| bytes.fill(7);
        let scalar = SharedScalar::draw(&mut draw);
        split(&scalar, 2, 3, &mut draw).unwrap().shares.swap_remove(2)
    }

    fn read_text(text: &str) -> Result<Paper, String> {
        parse(&Secret::from(text.as_bytes()), "paper").map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_paper_reads_as_it_was_written_and_as_people_type_it() {
        let id = EscrowId::from_bytes([5; 16]);
        let text = paper(&share(), id, 4).unwrap();
        assert_eq!(text.lines().count(), 7, "{}", *text);
        let read = read_text(&text).unwrap();
        assert_eq!((read.share.index(), read.escrow, read.epoch), (3, Some(id), Some(4)));
        assert!(*read.share.expose() == *share().expose());
        let words: Vec<&str> = text.lines().skip(4).collect();
        let typed = read_text(&format!("index:3\r\n{}", words.join("\r\n").to_uppercase())).unwrap();
        assert!(*typed.share.expose() == *share().expose());
        assert!(read.check(id, 4).is_ok() && typed.check(id, 9).is_ok());
        assert!(read.check(id, 5).unwrap_err().to_string().contains("epoch 4"));
        assert!(read.check(EscrowId::from_bytes([6; 16]), 4).is_err());
    }

    /// A-SHR-09, A-LEAK-01: what is wrong is named by its place, and no word is repeated.
    #[test]
    fn a_paper_that_is_wrong_is_refused_without_repeating_it() {
        let text = paper(&share(), EscrowId::from_bytes([5; 16]), 4).unwrap();
        let word = text.lines().nth(5).unwrap().split(' ').next().unwrap();
        for (bad, expected) in [
            (String::new(), "index: N"),
            (text.replace("index: 3", ""), "index: N"),
            (text.replace("index: 3", "index: 0"), "index 0"),
            (text.replace("index: 3", "index: 300"), "line 4"),
            (text.replace("epoch: 4", "epoch: canary"), "line 3"),
            (text.replace("epoch: 4", "canary: 4"), "line 3"),
            (text.replacen(word, "canary", 1), "is not in the list"),
            (text.lines().take(5).collect::<Vec<_>>().join("\n"), "this many words"),
        ] {
            let error = read_text(&bad).err().expect(expected);
            assert!(error.contains(expected), "{expected}: {error}");
            assert!(!error.contains("canary") && !error.contains(word), "{error}");
        }
    }
}
