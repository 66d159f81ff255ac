//! `http` and `https` addresses: the part of RFC 3986 that they need.
//!
//! A [`Url`] may carry credentials (`https://user:word@host/`), which go into the Authorization header and are never
//! printed: `Display` and `Debug` leave them out.

use std::fmt;

use base64::Engine as _;
use hyper::Uri;
use hyper::header::HeaderValue;
use percent_encoding::percent_decode_str;

use super::HttpError;

/// An absolute address.
#[derive(Clone, Eq, PartialEq)]
pub struct Url {
    https: bool,
    /// Without brackets if it is an IPv6 address.
    pub host: String,
    pub port: u16,
    /// Starts with `/`.
    pub path_and_query: String,
    credentials: Option<String>,
}

impl Url {
    /// Parses an absolute `http://` or `https://` address. Errors name what is wrong, without the credentials.
    pub fn parse(text: &str) -> Result<Self, HttpError> {
        let text = text.split('#').next().unwrap_or(text);
        let wrong = |what: &str| HttpError::Url(format!("{} {what}", redacted(text)));
        let uri: Uri = text.parse().map_err(|_| wrong("is not a valid address"))?;
        let https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong("is not an http:// or https:// address")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(wrong("names no host"));
        }
        let port = match authority.port_u16() {
            Some(port) => port,
            // A port that is there but is no number must not silently become the default one.
            None if names_port(authority.as_str()) => return Err(wrong("has an invalid port")),
            None if https => 443,
            None => 80,
        };
        let credentials = authority.as_str().rsplit_once('@').map(|(user, _)| decoded(user));
        let path_and_query = match uri.path_and_query().map(|p| p.as_str()) {
            Some(path) if path.starts_with('/') => path.to_owned(),
            Some(query) => format!("/{query}"),
            None => "/".into(),
        };
        Ok(Url { https, host, port, path_and_query, credentials })
    }

    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Resolves a reference (RFC 3986 section 5.2, without removing dot segments: the server may do that).
    pub fn join(&self, reference: &str) -> Result<Self, HttpError> {
        let scheme = if self.https { "https" } else { "http" };
        if reference.contains("://") {
            return Url::parse(reference);
        }
        if let Some(rest) = reference.strip_prefix("//") {
            return Url::parse(&format!("{scheme}://{rest}"));
        }
        let path = self.path_and_query.split('?').next().unwrap_or("/");
        let joined = match reference.chars().next() {
            Some('/') => reference.to_owned(),
            Some('?') => format!("{path}{reference}"),
            Some(_) => format!("{}/{reference}", path.rsplit_once('/').map_or("", |(parent, _)| parent)),
            None => self.path_and_query.clone(),
        };
        let mut next = Url::parse(&format!("{scheme}://{}{joined}", self.authority()))?;
        next.credentials.clone_from(&self.credentials);
        Ok(next)
    }

    /// Same scheme, host and port.
    pub fn same_origin(&self, other: &Url) -> bool {
        (self.https, &self.host, self.port) == (other.https, &other.host, other.port)
    }

    /// The path without the query, percent-decoded, its last part only: a name for the file behind it.
    pub fn file_name(&self) -> String {
        let path = self.path_and_query.split('?').next().unwrap_or_default();
        decoded(path.rsplit('/').next().unwrap_or_default())
    }

    /// `host` or `host:port`, as the Host header has it.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let default = if self.https { 443 } else { 80 };
        if self.port == default { host } else { format!("{host}:{}", self.port) }
    }

    /// The Authorization header for the credentials in the address.
    pub(super) fn basic_credentials(&self) -> Option<HeaderValue> {
        let encoded = base64::engine::general_purpose::STANDARD.encode(self.credentials.as_ref()?);
        let mut value = HeaderValue::from_str(&format!("Basic {encoded}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The text without what stands between `//` and `@`, and cut, for errors.
fn redacted(text: &str) -> String {
    let shown = match (text.split_once("//"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}//******@{rest}"),
        _ => text.to_owned(),
    };
    shown.chars().take(200).collect()
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        // The query may hold a token, and no error is clearer for it.
        let path = self.path_and_query.split('?').next().unwrap_or_default();
        write!(f, "{scheme}://{}{path}", self.authority())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether `user@host:port` has something after the host's colon. The parser drops a port that is out of range.
fn names_port(authority: &str) -> bool {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let after = host.rsplit_once(']').map_or(host, |(_, after)| after);
    after.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve_as_in_a_browser() -> Result<(), HttpError> {
        let base = Url::parse("http://host:8080/a/b?q=1")?;
        for (reference, expected) in [
            ("https://other/x", "https://other/x"),
            ("//other/x", "http://other/x"),
            ("/x", "http://host:8080/x"),
            ("x", "http://host:8080/a/x"),
            ("", "http://host:8080/a/b"),
        ] {
            assert_eq!(base.join(reference)?.to_string(), expected, "{reference}");
        }
        Ok(())
    }

    #[test]
    fn credentials_and_queries_are_never_printed() -> Result<(), HttpError> {
        let url = Url::parse("http://user:s3cret@host/i?agent_token=t0ken")?;
        assert_eq!(format!("{url} {url:?}"), "http://host/i http://host/i");
        let error = Url::parse("ftp://user:s3cret@host/").map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| !text.contains("s3cret")));
        Ok(())
    }

    #[test]
    fn what_is_no_http_address_is_refused() {
        for text in ["", "host", "file:///etc/passwd", "http://", "http:///x", "http://h:99999/", "http://a b/"] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }
}
