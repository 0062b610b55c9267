//! A machine on which `coiin` runs.

use std::{
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    chain::{CHAIN, ROOT, ROOT_KEY},
    kit::{BINARY, folder, one_line},
};

/// A machine on which nobody has used the tool yet.
pub(super) struct Machine {
    home: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Machine {
    pub(super) fn new() -> Self {
        let home = folder();
        symlink(BINARY, home.path().join("coiin")).unwrap();
        Self { home, variables: Vec::new() }
    }

    /// One whose file has a key for the chain at a server.
    pub(super) fn of(endpoint: &str) -> Self {
        let machine = Self::new();
        machine.succeed(&["creds", "local", "add", CHAIN], &format!("{endpoint}\n{ROOT}\n{ROOT_KEY}\n"));
        machine
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    pub(super) fn file(&self) -> PathBuf {
        self.home.path().join(".coiin/credentials")
    }

    pub(super) fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    pub(super) fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    pub(super) fn run_as(&self, binary: &Path, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(binary);
        command.current_dir(self.home.path()).env_clear().env("HOME", self.home.path()).args(arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        // A command that asks nothing hangs up.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    pub(super) fn run(&self, arguments: &[&str], input: &str) -> Output {
        self.run_as(&self.home.path().join("coiin"), arguments, input)
    }

    /// Expects success in silence on standard error, and gives back what was printed.
    pub(super) fn succeed(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Expects success, and gives back the server's answer.
    pub(super) fn answered(&self, arguments: &[&str]) -> Value {
        let printed = self.succeed(arguments, "");
        let printed: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(printed["ok"], true, "{printed}");
        printed["response"].clone()
    }

    /// Expects that the server refuses, in silence on standard error, and gives back the status and the words.
    pub(super) fn refused(&self, arguments: &[&str]) -> (u64, String) {
        let output = self.run(arguments, "");
        assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0), "{output:?}");
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(printed["ok"], false, "{printed}");
        let details = printed["response"]["error"]["details"].as_str().unwrap();
        (printed["status"].as_u64().unwrap(), details.to_owned())
    }

    /// Expects one line and exit code 1, with nothing of the keys in it.
    pub(super) fn refuse(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert!(output.stdout.is_empty(), "{output:?}");
        let line = one_line(&output);
        assert!(!line.contains(ROOT_KEY) && !line.contains("canary"), "A-LEAK-01: {line}");
        line
    }
}
