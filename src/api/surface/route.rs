//! What one row of the router's table says: who may come, what is sent, and what is answered.

use std::future::Future;
use std::pin::Pin;

use hyper::StatusCode;

use super::field::Noun;
use super::history::{Version, v};
use super::params::Param;
use super::schema::Schema;
use crate::api::{Answer, Call, Fault};
use crate::model::record::words;

words! {
    /// The methods that rows have. (hyper's type cannot stand in a table that is made at compile time.)
    pub enum Method {
        Get = "GET",
        Post = "POST",
        Put = "PUT",
        Patch = "PATCH",
        Delete = "DELETE",
    }
}

/// What a handler's call gives.
pub type Pending = Pin<Box<dyn Future<Output = Result<Answer, Fault>> + Send>>;
pub type Handler = fn(Call) -> Pending;

/// One method of one path.
pub struct Route {
    pub method: Method,
    /// Segments in braces are parameters.
    pub path: &'static str,
    pub since: Version,
    /// What a client of an older version gets.
    pub too_old: TooOld,
    pub reach: Reach,
    pub body: BodyLimit,
    /// The query parameters that it knows.
    pub query: &'static [&'static [Param]],
    pub takes: Takes,
    pub gives: Gives,
    pub handler: Handler,
}

/// Who may come here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The admin listener only, after authentication.
    Admin,
    /// The admin listener only, without authentication.
    Open,
    /// Both listeners, without authentication: what a machine in deployment needs.
    Public,
}

/// Bytes that a body may have at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLimit {
    Usual,
    /// A config drive may be in it.
    ConfigDrive,
    /// Inspection data with logs.
    Inspection,
}

impl BodyLimit {
    pub const fn bytes(self) -> usize {
        match self {
            BodyLimit::Usual => 1 << 20,
            BodyLimit::ConfigDrive => 64 << 20,
            BodyLimit::Inspection => 16 << 20,
        }
    }
}

/// How a row hides from versions before its `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooOld {
    /// 404 as if the router knew nothing of it; the text is the description, mostly empty.
    NoRoute(&'static str),
    /// 404 in the application's words.
    Missing(&'static str),
    /// 406
    NotAcceptable,
    /// 405 in the application's words.
    NotAllowed,
    /// 405 as if the router knew no such method; the text is the description.
    NoMethod(&'static str),
    /// 400
    Invalid(&'static str),
    /// The handler judges: not every request of this row needs the version.
    HandlerSays,
}

impl TooOld {
    pub fn fault(self) -> Option<Fault> {
        Some(match self {
            TooOld::NoRoute(text) => Fault::routing(StatusCode::NOT_FOUND, text),
            TooOld::Missing(text) => Fault::not_found(text),
            TooOld::NotAcceptable => Fault::not_acceptable(),
            TooOld::NotAllowed => Fault::application(
                StatusCode::METHOD_NOT_ALLOWED,
                "The method is not allowed for this resource at the requested version.",
            ),
            TooOld::NoMethod(text) => Fault::routing(StatusCode::METHOD_NOT_ALLOWED, text),
            TooOld::Invalid(text) => Fault::invalid(text),
            TooOld::HandlerSays => return None,
        })
    }

    /// The status that an older version gets; none if that depends.
    pub fn status(self) -> Option<u16> {
        self.fault().map(|fault| fault.status().as_u16())
    }
}

/// What a request's body is.
#[derive(Clone, Copy)]
pub enum Takes {
    Nothing,
    /// An object of the noun with the fields that can be given at creation, and these arguments, which are no fields.
    New(&'static Noun, &'static [Param]),
    /// A JSON patch of the noun.
    Patch(&'static Noun),
    /// An object with these keys and no others.
    Arguments(&'static [Param]),
    /// JSON that the handler judges.
    Free(Schema),
}

/// What a successful answer is.
#[derive(Clone, Copy)]
pub enum Gives {
    /// 204
    Nothing,
    /// 202: it was decided, and is being done.
    Accepted,
    /// 200 with an object of the noun, or those of its fields that were asked for.
    One(&'static Noun),
    /// 201 with a whole object, and where it is.
    New(&'static Noun),
    /// 200 with a page of objects.
    Page(&'static Noun),
    /// 200 with another document.
    Document(Schema),
    /// 202 with another document.
    AcceptedDocument(Schema),
    /// What somebody else's method gives: 200 with anything, or 202.
    Foreign,
    /// There is no such thing: the row is there for its refusal.
    Refusal,
}

/// An `async fn` as a [`Handler`].
macro_rules! handler {
    ($name:path) => {
        |call| Box::pin($name(call))
    };
}
pub(super) use handler;

const fn row(method: Method, path: &'static str, gives: Gives, handler: Handler) -> Route {
    Route {
        method,
        path,
        since: Version::MIN,
        too_old: TooOld::HandlerSays,
        reach: Reach::Admin,
        body: BodyLimit::Usual,
        query: &[],
        takes: Takes::Nothing,
        gives,
        handler,
    }
}

pub const fn get(path: &'static str, handler: Handler) -> Route {
    row(Method::Get, path, Gives::Document(Schema::Any), handler)
}

pub const fn post(path: &'static str, handler: Handler) -> Route {
    row(Method::Post, path, Gives::Nothing, handler)
}

pub const fn put(path: &'static str, handler: Handler) -> Route {
    row(Method::Put, path, Gives::Nothing, handler)
}

pub const fn patch(path: &'static str, handler: Handler) -> Route {
    row(Method::Patch, path, Gives::Nothing, handler)
}

pub const fn delete(path: &'static str, handler: Handler) -> Route {
    row(Method::Delete, path, Gives::Nothing, handler)
}

/// Sub-resources that older versions have never heard of.
pub const HIDDEN: TooOld = TooOld::NoRoute("");
pub const NO_RESOURCE: TooOld = TooOld::Missing("Resource could not be found.");
/// Whole resources, in the words of some of them.
pub const UNSUPPORTED: TooOld = TooOld::Missing("The API is not supported for this version");

impl Route {
    pub(super) const fn since(self, minor: u16, too_old: TooOld) -> Self {
        Route { since: v(minor), too_old, ..self }
    }

    pub(super) const fn body(self, body: BodyLimit) -> Self {
        Route { body, ..self }
    }

    pub(super) const fn query(self, query: &'static [&'static [Param]]) -> Self {
        Route { query, ..self }
    }

    pub(super) const fn takes(self, takes: Takes) -> Self {
        Route { takes, ..self }
    }

    pub(super) const fn gives(self, gives: Gives) -> Self {
        Route { gives, ..self }
    }

    pub(super) const fn public(self) -> Self {
        Route { reach: Reach::Public, ..self }
    }

    pub(super) const fn open(self) -> Self {
        Route { reach: Reach::Open, ..self }
    }

    /// What stands against using the row at this version.
    pub fn refusal(&self, version: Version) -> Option<Fault> {
        if self.since <= version { None } else { self.too_old.fault() }
    }
}
