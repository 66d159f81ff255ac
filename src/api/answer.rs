//! A successful answer, before it becomes HTTP.

use hyper::StatusCode;

/// Status, JSON and the few headers that a handler decides about.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// A JSON document; none for 202 and 204, whose bodies clients insist on being empty.
    pub body: Option<Vec<u8>>,
    /// Path below the base URL, beginning with a slash.
    pub location: Option<String>,
}

impl Answer {
    /// 200 with a JSON document.
    pub fn ok(body: Vec<u8>) -> Self {
        Answer { status: StatusCode::OK, body: Some(body), location: None }
    }

    /// 200 with a document that is small enough to be built as a value.
    pub fn json(value: &serde_json::Value) -> Self {
        Answer::ok(value.to_string().into_bytes())
    }

    /// 201 with the new object and where it is.
    pub fn created(body: Vec<u8>, location: String) -> Self {
        Answer { status: StatusCode::CREATED, body: Some(body), location: Some(location) }
    }

    /// 202: it was decided, and is being done.
    pub fn accepted() -> Self {
        Answer { status: StatusCode::ACCEPTED, body: None, location: None }
    }

    /// 204
    pub fn nothing() -> Self {
        Answer { status: StatusCode::NO_CONTENT, body: None, location: None }
    }

    /// Says where the result is to be seen.
    pub fn at(mut self, location: String) -> Self {
        self.location = Some(location);
        self
    }
}
