//! Cookies, and the token that a page shows beside them. Source: dialects/misakey.md, sections 3 and 9.

use serde_json::json;
use strongroom_primitives::{
    encoding::{from_base64url, to_base64url},
    secret::SecretText,
};

use super::problem::{self, Problem};
use crate::{
    Front,
    exchange::{HeaderMap, HeaderName, Request, Response, StatusCode, header},
};

const PAGE_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");
const PAGE_COOKIE: &str = "_csrf";

/// The value of a cookie that was sent once. `None` if it is missing, or there are two of the name: which of them is
/// meant, another page of the site may have chosen.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
    let value = values.next().filter(|_| values.next().is_none())?;
    (!value.is_empty()).then_some(value)
}

/// A page token that was sent as a cookie and is one of ours.
fn page_cookie<'a>(front: &Front, request: &'a Request) -> Option<&'a str> {
    let text = cookie(&request.headers, PAGE_COOKIE)?;
    let token: [u8; 32] = from_base64url(text).ok()?.try_into().ok()?;
    front.engine().is_page_token(&token).then_some(text)
}

/// Refuses a request that changes something and does not show the page token that its cookie has. One with an
/// `Authorization` header is not a page's: a browser adds none by itself.
///
/// # Errors
/// 403, `csrf_token: invalid`.
pub(super) fn check_page(front: &Front, request: &Request) -> Result<(), Problem> {
    let changes = ["POST", "PUT", "PATCH", "DELETE"].contains(&request.method.as_str());
    if !changes || request.headers.contains_key(header::AUTHORIZATION) {
        return Ok(());
    }
    let shown = request.header(PAGE_HEADER).unwrap_or_default();
    let kept = page_cookie(front, request).map(|kept| SecretText::new(kept.to_owned()));
    if kept.is_some_and(|kept| kept.matches(shown)) { Ok(()) } else { Err(problem::page_token()) }
}

/// `GET /csrf`: the token that this browser has, or a new one. Two pages of one browser show the same.
pub(super) fn page_token(front: &Front, request: &Request) -> Response {
    let token =
        page_cookie(front, request).map_or_else(|| to_base64url(&front.engine().page_token()), str::to_owned);
    let cookie = format!("{PAGE_COOKIE}={token}; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=Strict");
    let body = json!({ "csrf_token": token });
    problem::json(StatusCode::OK, &body).with(header::SET_COOKIE, &cookie)
}
