//! An HTTP/1.1 client: what fetches images and drives agents and BMCs.
//!
//! One request, one connection: none of our peers is asked often enough for a pool to pay, and a connection that is never
//! reused can never answer the previous question. The future (or [`Response`]) that a caller holds drives the
//! connection itself, so nothing runs in the background and dropping it closes the socket.
//! **Every wait and every size has a bound** ([`Limits`]); a peer that trickles, lies about its length or redirects in
//! circles ends in an [`HttpError`] that says whether the request may have been acted on.
//!
//! Deliberately absent: proxies, cookies, content encodings (an image is the bytes that were published), HTTP/2.

mod body;
mod error;
mod reach;
mod tls;
mod url;

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, LOCATION, USER_AGENT};
use hyper::{Method, StatusCode};
use hyper_util::rt::TokioIo;

use crate::clock::Clock;
use crate::net::Net;
pub use body::Response;
pub use error::HttpError;
pub use reach::{Reach, is_near};
pub use tls::Trust;
pub use url::Url;

/// Bounds of one exchange.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Name resolution, each TCP connect, and the TLS handshake.
    pub connect: Duration,
    /// From the request's last byte to the answer's head.
    pub first_byte: Duration,
    /// Between two pieces of the body.
    pub idle: Duration,
    /// Bytes of the body.
    pub body_bytes: u64,
    /// How many redirects a GET or HEAD follows.
    pub redirects: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(60),
            idle: Duration::from_secs(60),
            body_bytes: 16 << 20,
            redirects: 5,
        }
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    /// Sent with its length; empty for GET and HEAD.
    pub body: Bytes,
    pub trust: Trust,
    pub limits: Limits,
    /// Which addresses may be connected to, whatever a name or a redirect leads to.
    pub reach: Reach,
}

impl Request {
    /// A request without a body, verified against the public roots if it is `https`.
    pub fn new(method: Method, url: Url) -> Self {
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Request {
            method,
            url,
            headers,
            body,
            trust: Trust::PublicRoots,
            limits: Limits::default(),
            reach: Reach::any(),
        }
    }

    /// A GET of `url`.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// A POST of JSON to `url`.
    pub fn post_json(url: Url, json: Vec<u8>) -> Self {
        let mut request = Self::new(Method::POST, url);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = json.into();
        request
    }
}

/// Makes requests. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    net: Net,
    clock: Clock,
    from: Option<IpAddr>,
}

impl Client {
    /// A client on `net`; `clock` says whether a certificate is valid today.
    pub fn new(net: Net, clock: Clock) -> Self {
        Client { net, clock, from: None }
    }

    /// The same client, asking from this address of ours.
    pub fn from_address(mut self, from: IpAddr) -> Self {
        self.from = Some(from);
        self
    }

    pub fn net(&self) -> &Net {
        &self.net
    }

    /// Sends `request`, follows redirects of GET and HEAD, and returns when the head of the answer is there: any status is
    /// an answer, not an error.
    pub async fn send(&self, mut request: Request) -> Result<Response, HttpError> {
        for _ in 0..=request.limits.redirects {
            let response = self.exchange(&request).await?;
            let Some(next) = redirect(&request, &response)? else { return Ok(response) };
            if !next.same_origin(&request.url) {
                // Credentials are for whom they were given, and what a header of the caller's holds only the caller knows.
                request.headers.clear();
            }
            request.url = next;
        }
        Err(HttpError::TooManyRedirects)
    }

    async fn exchange(&self, request: &Request) -> Result<Response, HttpError> {
        let stream = self.connect(request).await?;
        let (mut sender, mut connection) = hyper::client::conn::http1::Builder::new()
            .max_headers(100)
            .max_buf_size(64 << 10)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(HttpError::protocol)?;
        let mut answer = std::pin::pin!(sender.send_request(head(request)?));
        let mut ended = false;
        let first_byte = async {
            tokio::select! {
                // The answer first: a server that answers and closes at once leaves both ready.
                biased;
                answer = &mut answer => answer,
                end = &mut connection => {
                    ended = true;
                    // Whatever it delivered before its end is in `answer`.
                    match end {
                        Ok(()) => answer.await,
                        Err(error) => Err(error),
                    }
                }
            }
        };
        let answer = tokio::time::timeout(request.limits.first_byte, first_byte).await;
        let answer = answer.map_err(|_| HttpError::no_answer(request.limits.first_byte))?;
        let answer = answer.map_err(HttpError::protocol)?;
        Ok(Response::new(answer, (!ended).then_some(connection), request.limits))
    }
}

fn head(request: &Request) -> Result<hyper::Request<Full<Bytes>>, HttpError> {
    let mut out = hyper::Request::new(Full::new(request.body.clone()));
    *out.method_mut() = request.method.clone();
    *out.uri_mut() = request.url.path_and_query.parse().map_err(|_| HttpError::Url("the path is not valid".into()))?;
    *out.headers_mut() = request.headers.clone();
    let host =
        HeaderValue::from_str(&request.url.authority()).map_err(|_| HttpError::Url("the host is not valid".into()))?;
    out.headers_mut().insert(HOST, host);
    out.headers_mut()
        .entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(concat!("bessemer/", env!("CARGO_PKG_VERSION"))));
    if let Some(credentials) = request.url.basic_credentials() {
        out.headers_mut().entry(AUTHORIZATION).or_insert(credentials);
    }
    Ok(out)
}

/// Where the answer sends us, if the request may follow.
fn redirect(request: &Request, response: &Response) -> Result<Option<Url>, HttpError> {
    use StatusCode as S;
    let moved = matches!(
        response.status,
        S::MOVED_PERMANENTLY | S::FOUND | S::SEE_OTHER | S::TEMPORARY_REDIRECT | S::PERMANENT_REDIRECT
    );
    if !moved || !matches!(request.method, Method::GET | Method::HEAD) {
        return Ok(None);
    }
    let Some(location) = response.headers.get(LOCATION) else { return Ok(None) };
    let location = location.to_str().map_err(|_| HttpError::Url("a redirect to an unreadable address".into()))?;
    let next = request.url.join(location)?;
    if request.url.is_https() && !next.is_https() {
        return Err(HttpError::Url(format!("{} redirects from https to http", request.url)));
    }
    Ok(Some(next))
}
