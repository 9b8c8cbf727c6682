//! What of a URL it takes to ask for it ([RFC 3986](https://www.rfc-editor.org/rfc/rfc3986)).

use super::FetchErrorKind::{self, BadUrl, Https};
use std::net::Ipv6Addr;
use std::num::NonZeroU16;

pub(super) struct Url {
    /// Host and port as the URL spells them, which is what the `Host` field must hold (RFC 9112 section 3.2).
    pub(super) authority: String,
    /// Host and port as `ToSocketAddrs` reads them.
    pub(super) address: String,
    /// Path and query.
    pub(super) target: String,
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self, FetchErrorKind> {
        // Whatever is parsed ends up in a request, where a line break would begin another field.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadUrl("it holds a space, a control character or one outside ASCII"));
        }
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        match scheme.to_ascii_lowercase().as_str() {
            "http" => {}
            "https" => return Err(Https),
            _ => return Err(BadUrl("it does not begin with http://")),
        }
        // The fragment is the client's own business and never sent (RFC 3986 section 3.5).
        let (rest, _fragment) = split_before(rest, &['#']);
        let (authority, target) = split_before(rest, &['/', '?']);
        let (path, query) = split_before(target, &['?']);
        let (host, port) = host_and_port(authority)?;
        Ok(Self {
            authority: authority.to_owned(),
            address: format!("{host}:{port}"),
            target: without_dots(path) + query,
        })
    }

    /// The URL that a reference found here means (RFC 3986 section 5.2), not yet parsed.
    pub(super) fn join(&self, reference: &str) -> String {
        let (first, _) = split_before(reference, &['/', '?', '#']);
        if first.contains(':') {
            return reference.to_owned();
        }
        if reference.starts_with("//") {
            return format!("http:{reference}");
        }
        let (path, _) = split_before(&self.target, &['?']);
        let kept = match reference.chars().next() {
            None | Some('#') => &self.target,
            Some('?') => path,
            Some('/') => "",
            Some(_) => path.trim_end_matches(|c| c != '/'),
        };
        format!("http://{}{kept}{reference}", self.authority)
    }
}

fn split_before<'a>(text: &'a str, stops: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(stops).unwrap_or(text.len()))
}

/// RFC 3986 section 3.2, without user information: that, RFC 9110 section 4.2.4 deprecates.
fn host_and_port(authority: &str) -> Result<(&str, u16), FetchErrorKind> {
    if authority.contains('@') {
        return Err(BadUrl("it names a user"));
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(literal) => literal.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    };
    if !is_host {
        return Err(BadUrl("its host is neither a name nor an address"));
    }
    match if port.is_empty() { "80" } else { port }.parse::<NonZeroU16>() {
        // Rust's numbers may have a sign, ports may not.
        Ok(number) if !port.starts_with('+') => Ok((host, number.get())),
        _ => Err(BadUrl("its port is not a number from 1 to 65535")),
    }
}

/// A path with its `.` and `..` carried out (RFC 3986 section 5.2.4), and `/` for none.
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parsed, and spelled out again.
    fn read(text: &str) -> String {
        let url = Url::parse(text).unwrap();
        format!("{} {}", url.address, url.target)
    }

    #[test]
    fn a_port_that_is_left_out_is_80() {
        assert_eq!(read("http://x"), "x:80 /");
        assert_eq!(read("http://x:/"), "x:80 /");
        assert_eq!(read("http://[::1]/"), "[::1]:80 /");
        assert_eq!(read("http://[::1]:/"), "[::1]:80 /");
        assert_eq!(read("http://[::1]:65535/"), "[::1]:65535 /");
    }

    /// The examples of RFC 3986 section 5.4, but for those with another scheme.
    #[test]
    fn references_are_resolved_as_the_rfc_shows() {
        let base = Url::parse("http://a/b/c/d;p?q").unwrap();
        let examples = [
            ("g", "/b/c/g"),
            ("./g", "/b/c/g"),
            ("g/", "/b/c/g/"),
            ("/g", "/g"),
            ("?y", "/b/c/d;p?y"),
            ("g?y", "/b/c/g?y"),
            ("#s", "/b/c/d;p?q"),
            ("g#s", "/b/c/g"),
            ("g?y#s", "/b/c/g?y"),
            (";x", "/b/c/;x"),
            ("g;x", "/b/c/g;x"),
            ("g;x?y#s", "/b/c/g;x?y"),
            ("", "/b/c/d;p?q"),
            (".", "/b/c/"),
            ("./", "/b/c/"),
            ("..", "/b/"),
            ("../", "/b/"),
            ("../g", "/b/g"),
            ("../..", "/"),
            ("../../", "/"),
            ("../../g", "/g"),
            ("../../../g", "/g"),
            ("../../../../g", "/g"),
            ("/./g", "/g"),
            ("/../g", "/g"),
            ("g.", "/b/c/g."),
            (".g", "/b/c/.g"),
            ("g..", "/b/c/g.."),
            ("..g", "/b/c/..g"),
            ("./../g", "/b/g"),
            ("./g/.", "/b/c/g/"),
            ("g/./h", "/b/c/g/h"),
            ("g/../h", "/b/c/h"),
            ("g;x=1/./y", "/b/c/g;x=1/y"),
            ("g;x=1/../y", "/b/c/y"),
            ("g?y/./x", "/b/c/g?y/./x"),
            ("g?y/../x", "/b/c/g?y/../x"),
            ("g#s/./x", "/b/c/g"),
            ("g#s/../x", "/b/c/g"),
        ];
        for (reference, target) in examples {
            assert_eq!(read(&base.join(reference)), format!("a:80 {target}"), "{reference}");
        }
        assert_eq!(read(&base.join("//g")), "g:80 /");
    }
}
