//! Who the server is. Source: dialects/psono.md, section 3.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde_json::{Value, json};
use strongroom_engine::domains::sessions::identity::ServerIdentity;

use super::{
    Psono,
    members::hex_of,
    problem::Problem,
    wire::{Answer, Open, ok},
};
use crate::exchange::{Response, StatusCode};

/// Three words, because the web client looks for the third; and at least 4.0.14, because it refuses older servers. It
/// is the release of the vendor's server that this dialect speaks like.
const VERSION: &str = "7.2.3 (Build strongroom)";

/// The document, once for each generation of the server's identity: what is signed is what is delivered.
#[derive(Default)]
pub(super) struct Signed(Mutex<Option<(u32, Bytes)>>);

impl Signed {
    fn get(&self, generation: u32, make: impl FnOnce() -> String) -> Bytes {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((of, document)) if *of == generation => document.clone(),
            _ => {
                let document = Bytes::from(make());
                *kept = Some((generation, document.clone()));
                document
            }
        }
    }
}

/// `GET /info/`
pub(super) async fn info(open: &Open<'_>) -> Result<Response, Problem> {
    let generation = open.tell(ServerIdentity {}).await?.current;
    let document = open.psono.signed.get(generation, || {
        let identities = open.front.engine().identities();
        let info = about(open.psono, &hex_of(identities.public_key(generation).as_bytes())).to_string();
        json!({
            "signature": hex_of(identities.sign(generation, info.as_bytes())),
            "verify_key": hex_of(identities.verify_key(generation).as_bytes()),
            "info": info,
        })
        .to_string()
    });
    Ok(Response::json(StatusCode::OK, document))
}

fn about(psono: &Psono, public_key: &str) -> Value {
    json!({
        "version": VERSION,
        "api": 1,
        "log_audit": false,
        "public_key": public_key,
        "authentication_methods": ["AUTHKEY"],
        "domain_synonyms": [],
        "excluded_domains": [],
        "web_client": psono.web_client,
        "management": false,
        "files": false,
        "allowed_file_repository_types": [],
        "favicon_service_url": "",
        "auto_prolongation_token_time_valid": 0,
        "allowed_second_factors": [],
        "disable_central_security_reports": true,
        "disable_callbacks": true,
        "allow_user_search_by_email": false,
        "allow_user_search_by_username_partial": false,
        "system_wide_duo_exists": false,
        "multifactor_enabled": false,
        "type": "CE",
        "credit_buy_address": "",
        "credit_costs_upload": "0",
        "credit_costs_download": "0",
        "credit_costs_storage": "0",
        "avatar_dimension_x": 256,
        "avatar_dimension_y": 256,
        "avatar_max_size_kb": 100,
    })
}

/// `GET /healthcheck/`: healthy if the engine can read its store.
pub(super) async fn health(open: &Open<'_>) -> Result<Answer, Problem> {
    let healthy = open.ask(ServerIdentity {}).await.is_ok();
    let part = json!({ "healthy": healthy });
    let body = json!({ "db_read": part, "db_sync": part, "time_sync": { "healthy": true } });
    if healthy { ok(body) } else { Ok(Answer::json(StatusCode::BAD_REQUEST, body)) }
}
