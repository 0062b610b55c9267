//! Where a server is: a URL with one meaning, and whether it is safe to send a credential there.

use std::net::IpAddr;

use http::Uri;

use crate::ClientError;

/// Where the native interface lies when the URL has no path of its own.
pub(crate) const NATIVE_PATH: &str = "/v1";

/// A server's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Whether the way there is encrypted.
    pub(crate) secure: bool,
    /// A name or an address; IPv6 without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Where the interface lies: a slash and segments, without a slash at the end; empty for the root.
    pub(crate) path: String,
}

impl Address {
    /// Reads `http://` or `https://` (`ws://`, `wss://` mean the same), host, port and the interface's path,
    /// `default_path` unless given. `allow_plaintext` admits unencrypted ways to other machines.
    pub(crate) fn read(url: &str, default_path: &str, allow_plaintext: bool) -> Result<Self, ClientError> {
        let invalid = |what: &str| ClientError::Invalid(format!("the server's URL {what}"));
        let uri: Uri =
            url.trim().parse().map_err(|_| invalid("is not a URL; write it as https://host:port"))?;
        let scheme = uri.scheme_str().unwrap_or_default();
        let secure = match scheme {
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return Err(invalid("begins with https://, or with http:// on the same machine")),
        };
        if uri.query().is_some() || uri.authority().is_some_and(|authority| authority.as_str().contains('@'))
        {
            return Err(invalid(
                "carries neither a query nor a user's name; credentials are given apart from it",
            ));
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| invalid("names no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let path = uri.path().trim_end_matches('/');
        // The URL of the WebSocket itself names the interface beside it.
        let path = if scheme.starts_with("ws") { path.strip_suffix("/ws").unwrap_or(path) } else { path };
        let path = if path.is_empty() { default_path } else { path }.to_owned();
        let address = Self { secure, host, port, path };
        if !secure && !address.is_here() && !allow_plaintext {
            let text = "the server's URL is http:// to another machine, which would show the token to everybody on \
                        the way; use https://, or allow plaintext explicitly";
            return Err(ClientError::Invalid(text.to_owned()));
        }
        Ok(address)
    }

    /// Whether it is this machine.
    pub(crate) fn is_here(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }

    /// Host and port as a URL has them.
    pub(crate) fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_host_and_where_the_interface_lies() {
        let read = |url: &str| Address::read(url, NATIVE_PATH, false).unwrap();
        let address = read("https://keys.example");
        assert_eq!((address.secure, address.port, address.path.as_str()), (true, 443, "/v1"));
        let address = read("http://127.0.0.1:8470/v1/");
        assert_eq!((address.authority().as_str(), address.path.as_str()), ("127.0.0.1:8470", "/v1"));
        let address = read("wss://[2001:db8::1]/custody/v1");
        assert_eq!(
            (address.authority().as_str(), address.path.as_str()),
            ("[2001:db8::1]:443", "/custody/v1")
        );
        assert_eq!(read("http://localhost:1").path, "/v1");
        assert_eq!(read("ws://127.0.0.1:8470/v1/ws").path, "/v1");
        assert_eq!(read("wss://keys.example/ws").path, "/v1");
        assert!(read("http://[::1]:8470").is_here());
    }

    #[test]
    fn a_url_that_is_none_or_carries_more_is_refused() {
        for bad in ["", "keys.example", "/v1", "ftp://x", "https://u:p@x", "https://x/?token=1", "https://"] {
            assert!(matches!(Address::read(bad, NATIVE_PATH, true), Err(ClientError::Invalid(_))), "{bad:?}");
        }
    }

    #[test]
    fn a_token_does_not_leave_the_machine_in_the_clear_unless_asked() {
        for url in ["http://keys.example:8470", "ws://192.0.2.1", "http://localhost.example"] {
            let error = Address::read(url, NATIVE_PATH, false).unwrap_err();
            assert!(error.to_string().contains("https://"), "{error}");
            assert!(Address::read(url, NATIVE_PATH, true).is_ok());
        }
    }
}
