//! The parts of a message that a signature can cover, borrowed from whoever received or makes it.

use super::base::Component;
use super::{Refusal, fields};

/// A request. Fields are (name, value) pairs in the order of the message; names in any case.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The method, as it stands in the request.
    pub method: &'a str,
    /// `https` or `http`: how clients reach the server, not how the last proxy does.
    pub scheme: &'a str,
    /// The `Host` field or the authority of the target, with a port where one was given.
    pub authority: &'a str,
    /// The path of the target as it stands there, escapes and all.
    pub path: &'a str,
    /// The query without its question mark; `None` when there is no question mark.
    pub query: Option<&'a str>,
    /// The header fields.
    pub fields: &'a [(&'a str, &'a str)],
}

/// A response and the request that it answers.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub fields: &'a [(&'a str, &'a str)],
    /// The request, with the signature fields that it was sent with.
    pub request: &'a Request<'a>,
}

/// What a signature is over.
#[derive(Clone, Copy)]
pub(super) enum Message<'a> {
    Request(&'a Request<'a>),
    Response(&'a Response<'a>),
}

impl<'a> Message<'a> {
    pub(super) fn fields(self) -> &'a [(&'a str, &'a str)] {
        match self {
            Self::Request(request) => request.fields,
            Self::Response(response) => response.fields,
        }
    }

    /// The value of a component: printable ASCII, without a line feed that could begin another line of the base.
    pub(super) fn value(self, component: &Component) -> Result<String, Refusal> {
        let value = match (component.of_request, self) {
            (false, message) => message.own_value(component)?,
            (true, Self::Response(response)) => Self::Request(response.request).own_value(component)?,
            (true, Self::Request(_)) => return Err(Refusal::Component),
        };
        let printable = |byte: u8| matches!(byte, b' '..=b'~' | b'\t');
        if value.bytes().all(printable) { Ok(value) } else { Err(Refusal::Text) }
    }

    fn own_value(self, component: &Component) -> Result<String, Refusal> {
        if let Some(member) = &component.member {
            let dictionary =
                fields::dictionary(self.fields(), &component.name)?.ok_or(Refusal::FieldAbsent)?;
            return dictionary.get(member.as_str()).map(fields::write_member).ok_or(Refusal::FieldAbsent);
        }
        match self {
            _ if !component.is_derived() => {
                fields::value(self.fields(), &component.name)?.ok_or(Refusal::FieldAbsent)
            }
            Self::Request(request) => request.derived(&component.name),
            Self::Response(response) if component.name == "@status" => Ok(response.status.to_string()),
            Self::Response(_) => Err(Refusal::Component),
        }
    }
}

impl Request<'_> {
    fn derived(&self, name: &str) -> Result<String, Refusal> {
        match name {
            "@method" => Ok(self.method.to_owned()),
            "@authority" => Ok(self.normal_authority(self.authority)),
            "@path" => Ok(self.normal_path().to_owned()),
            "@query" => Ok(format!("?{}", self.query.unwrap_or_default())),
            "@target-uri" => {
                let authority = self.normal_authority(self.authority);
                let query = self.query.map(|query| format!("?{query}")).unwrap_or_default();
                Ok(format!("{}://{authority}{}{query}", self.scheme, self.normal_path()))
            }
            _ => Err(Refusal::Component),
        }
    }

    /// In lower case and without the scheme's own port (RFC 9421, section 2.2.3).
    pub(super) fn normal_authority(&self, authority: &str) -> String {
        let own_port = match self.scheme {
            "https" => ":443",
            "http" => ":80",
            _ => "",
        };
        authority.strip_suffix(own_port).unwrap_or(authority).to_ascii_lowercase()
    }

    fn normal_path(&self) -> &str {
        if self.path.is_empty() { "/" } else { self.path }
    }
}
