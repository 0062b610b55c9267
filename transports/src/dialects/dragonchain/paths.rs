//! Every route: what a path and a method ask for. Source: dialects/dragonchain.md, section 4.

use http::Method;
use strongroom_primitives::dc1::permissions::Endpoint;

use super::problem::{self, Problem};

/// What a path and a method lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'p> {
    /// Whether the server is there: nobody has to sign that.
    Health,
    Signed(Operation<'p>),
}

/// What a key signs for. A key is named as the path names it, without its escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation<'p> {
    Status,
    Create,
    List,
    Get(&'p str),
    Update(&'p str),
    Delete(&'p str),
}

impl Operation<'_> {
    /// What the key has to be allowed.
    pub(super) fn endpoint(self) -> Endpoint {
        match self {
            Self::Status => Endpoint::GET_STATUS,
            Self::Create => Endpoint::CREATE_API_KEY,
            Self::List => Endpoint::LIST_API_KEYS,
            Self::Get(_) => Endpoint::GET_API_KEY,
            Self::Update(_) => Endpoint::UPDATE_API_KEY,
            Self::Delete(_) => Endpoint::DELETE_API_KEY,
        }
    }
}

/// The route of a path, by its segments, and a method. The version may be left out; `HEAD` asks what `GET` asks.
///
/// # Errors
/// 404, and 405 with the methods that there are.
pub(super) fn route<'p>(segments: &[&'p str], method: &Method) -> Result<Route<'p>, Problem> {
    let segments = match segments {
        ["v1", rest @ ..] => rest,
        all => all,
    };
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let operation = match (segments, method) {
        (["health"], "GET") => return Ok(Route::Health),
        (["status"], "GET") => Operation::Status,
        (["api-key"], "POST") => Operation::Create,
        (["api-key"], "GET") => Operation::List,
        (["api-key", id], "GET") => Operation::Get(id),
        (["api-key", id], "PUT") => Operation::Update(id),
        (["api-key", id], "DELETE") => Operation::Delete(id),
        (["health" | "status"], _) => return Err(problem::METHOD_NOT_ALLOWED.allowing("GET, HEAD")),
        (["api-key"], _) => return Err(problem::METHOD_NOT_ALLOWED.allowing("GET, HEAD, POST")),
        (["api-key", _], _) => return Err(problem::METHOD_NOT_ALLOWED.allowing("DELETE, GET, HEAD, PUT")),
        _ => return Err(problem::NO_ROUTE),
    };
    Ok(Route::Signed(operation))
}
