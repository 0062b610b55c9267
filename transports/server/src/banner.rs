//! What a server prints when it is ready: where it can be reached, what a first start made, and a line to try it.
//!
//! This is standard output, for people, and not the log. Secrets appear here once, at the first start, and in `dev`,
//! which has no file to keep them in.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
};

use strongroom_primitives::secret::SecretText;

use crate::{
    admin::TOKEN_VARIABLE,
    compose::NATIVE_MOUNT,
    config::Config,
    data::{DataFolder, Running},
    first::{First, token_file},
};

/// Everything that is said.
pub(crate) struct Banner<'a> {
    /// What is served.
    pub(crate) config: &'a Config,
    /// Where.
    pub(crate) running: &'a Running,
    /// Where things are kept; `None` if nowhere.
    pub(crate) folder: Option<&'a DataFolder>,
    /// What this start made.
    pub(crate) first: Option<&'a First>,
    /// The operator's token, if it lies in no file.
    pub(crate) operator: Option<&'a SecretText>,
}

impl Banner<'_> {
    /// Prints it. A server whose output nobody takes serves all the same.
    pub(crate) fn print(&self) {
        let mut out = io::stdout().lock();
        let _ = out.write_all(self.text().as_bytes()).and_then(|()| out.flush());
    }

    fn text(&self) -> String {
        let mut text = format!("Strongroom {}", env!("CARGO_PKG_VERSION"));
        let _ = match self.folder {
            Some(folder) => writeln!(text, ", data in {}", folder.full_path().display()),
            None => writeln!(text, ", in memory: everything is forgotten when it stops"),
        };
        text.push('\n');
        for base in &self.running.public {
            self.addresses(&mut text, &reachable(base));
        }
        if let Some(base) = &self.running.dragonchain {
            let _ = writeln!(text, "  dragonchain {}", reachable(base));
        }
        let _ = writeln!(text, "  operator   {}", self.running.admin);
        if let Some(first) = self.first {
            self.made(&mut text, first);
        }
        if let Some(token) = self.operator {
            let _ =
                writeln!(text, "\nFor `strongroom admin`:\n\n  export {TOKEN_VARIABLE}={}", token.expose());
        }
        let _ = writeln!(text, "\nTry it:\n\n  {}\n\nReady.", self.curl());
        text
    }

    fn addresses(&self, text: &mut String, base: &str) {
        if self.config.native.enabled {
            let _ = writeln!(text, "  native     {base}{NATIVE_MOUNT}");
            let socket = base.replacen("http", "ws", 1);
            let _ = writeln!(text, "  websocket  {socket}{NATIVE_MOUNT}/ws");
        }
        if self.config.keyknox.enabled {
            // Published clients add /keyknox to their base URL by themselves.
            let mount = &self.config.keyknox.mount;
            let mount = mount.strip_suffix("/keyknox").unwrap_or(mount);
            let _ = writeln!(text, "  keyknox    {base}{mount}");
        }
        let dragonchain = &self.config.dragonchain;
        if dragonchain.enabled && dragonchain.listen.is_none() {
            let _ = writeln!(text, "  dragonchain {base}{}", dragonchain.mount);
        }
        let pin_recovery = &self.config.pin_recovery;
        if pin_recovery.enabled {
            for realm in &pin_recovery.realms {
                let _ = writeln!(text, "  juicebox   {base}{}/{}/", pin_recovery.mount, realm.id);
            }
        }
    }

    fn made(&self, text: &mut String, first: &First) {
        let application = &first.application;
        let _ = match self.folder {
            Some(folder) => writeln!(
                text,
                "\nMade at this first start, kept in {}, and shown this once:\n",
                folder.full_path().join("first").display()
            ),
            None => writeln!(text, "\nMade for this run:\n"),
        };
        let _ = writeln!(text, "  application   {}", application.id);
        let _ = writeln!(text, "  key id        {}", application.key_id);
        let _ = writeln!(text, "  public key    {}", application.public_key);
        let _ = writeln!(text, "  private key   {}", first.private_key.expose());
        let _ = writeln!(text, "  identity      {}", application.identity);
        let _ = writeln!(text, "  bearer token  {}", first.token.expose());
    }

    /// A line for a shell that shows that the server answers, and to whom.
    fn curl(&self) -> String {
        let base = self.running.public.first().map(|base| reachable(base)).unwrap_or_default();
        let token = match (self.folder, self.first) {
            (Some(folder), _) if token_file(folder).exists() => {
                format!("$(cat {})", quoted(&token_file(folder)))
            }
            (None, Some(first)) => first.token.expose().to_owned(),
            _ => String::new(),
        };
        if token.is_empty() || !self.config.native.enabled {
            return format!("curl {base}/readyz");
        }
        format!("curl -H \"Authorization: Bearer {token}\" {base}{NATIVE_MOUNT}/session")
    }
}

/// A base URL that can be asked from this machine: a server that listens everywhere is here as well.
fn reachable(base: &str) -> String {
    let Some((scheme, address)) = base.split_once("://") else { return base.to_owned() };
    let Ok(mut address) = address.parse::<SocketAddr>() else { return base.to_owned() };
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("{scheme}://{address}")
}

/// A path as a shell takes it, whatever is in it, inside double quotes too.
fn quoted(path: &Path) -> String {
    let path =
        if path.is_absolute() { path.to_owned() } else { std::path::absolute(path).unwrap_or(path.into()) };
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_tried_on_this_machine() {
        assert_eq!(reachable("http://0.0.0.0:8470"), "http://127.0.0.1:8470");
        assert_eq!(reachable("https://[::]:8470"), "https://[::1]:8470");
        assert_eq!(reachable("http://192.0.2.1:80"), "http://192.0.2.1:80");
    }

    #[test]
    fn a_path_is_quoted_for_the_shell() {
        assert_eq!(quoted(Path::new("/a b/c'd")), r"'/a b/c'\''d'");
    }
}
