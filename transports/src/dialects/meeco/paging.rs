//! Pages of lists: what a query asks for, and what a list says about itself. Source: dialects/meeco.md, sections 6
//! and 7.

use serde_json::{Value, json};
use strongroom_primitives::encoding;

use super::{call::Flavour, problem::Problem};

/// Rows in a page unless said otherwise.
const PER_PAGE: usize = 200;
/// Rows in a page at most.
const PER_PAGE_MAX: usize = 1_000;

/// The page that a query asks for.
pub(super) struct Paging {
    /// Rows in it, 1 to 1,000.
    pub(super) per_page: usize,
    per_page_given: bool,
    /// Where it begins: the cursor that the page before ended with.
    pub(super) from: Option<Vec<u8>>,
}

impl Paging {
    /// The first page.
    pub(super) fn new() -> Self {
        Self { per_page: PER_PAGE, per_page_given: false, from: None }
    }

    /// Takes note of a member of the query, if it is about pages. Empty ones say nothing.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(super) fn read(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        match name {
            _ if value.is_empty() => {}
            "next_page_after" => {
                let cursor = encoding::from_base64url(value);
                self.from = Some(cursor.map_err(|_| Problem::field("next_page_after"))?);
            }
            "per_page" => {
                let wanted = value.parse().ok().filter(|wanted| (1..=PER_PAGE_MAX).contains(wanted));
                self.per_page = wanted.ok_or_else(|| Problem::field("per_page"))?;
                self.per_page_given = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds to the body of a page of `count` rows that there is more after `next`, or that there is not. Old clients
    /// walk `meta`, new ones read its fields; both compare it with the cursor.
    pub(super) fn close(&self, body: &mut Value, flavour: Flavour, count: usize, next: Option<&[u8]>) {
        body["meta"] = match flavour {
            Flavour::Old => json!([{ "next_page_exists": next.is_some() }]),
            Flavour::New => json!({
                "next_page_exists": next.is_some(),
                "order_by": "created_at",
                "order": "asc",
                "order_from_params": false,
                "per_page": self.per_page,
                "per_page_from_params": self.per_page_given,
                "current_cursor": self.from.as_deref().map(encoding::to_base64url),
                "records_count": count,
                "page": 1,
                "page_count": 1,
            }),
        };
        body["next_page_after"] = next.map_or(Value::Null, |next| encoding::to_base64url(next).into());
    }
}
