//! API keys: what signing in with one takes beside the engine's command, and the keys of a person.

use std::time::Duration;

use bytes::Bytes;
use strongroom_engine::{
    ApiKeyFlags, Credential, EngineError,
    domains::sessions::{
        TokenForm,
        api_key::{
            ApiKeyInfo, AttachSecret, AttachedInfo, CreateApiKey, KeyLoggedIn, ListApiKeys, ListAttached,
            LoginByApiKey, LoginFacts, UpdateApiKey,
        },
        identity::ServerIdentity,
        sealed::Device,
    },
};
use strongroom_primitives::{
    id::{ApiKeyId, SecretId},
    key_login::Statement,
    secret::Secret,
};
use strongroom_wire::{
    ApiKey, ApiKeyChallenge, ApiKeyList, ApiKeySignIn, ApiKeySignedIn, Attached, Attachment, AttachmentList,
    Base64Array, Base64Bytes, Boxed, Grant, NewApiKey, OwnerKeys, Problem, Reply, TokenText,
};

use super::{
    Desk,
    convert::{boxed, unboxed},
    refused,
};
use crate::{problem::bad_request, rates::Counted};

/// Longest label of a session, in bytes.
const LABEL_BYTES_MAX: usize = 256;

pub(super) async fn challenge(desk: Desk<'_>) -> Result<Reply, Box<Problem>> {
    desk.spend(Counted::Challenge)?;
    let engine = desk.front.engine();
    let identity = engine.ask(Credential::Anonymous, ServerIdentity {}).await.map_err(refused)?;
    let nonce = engine.login_nonce();
    Ok(Reply::ApiKeyChallenge(ApiKeyChallenge {
        nonce: Base64Array(nonce.nonce),
        expires: nonce.expires,
        server_key: Base64Array(*engine.identities().verify_key(identity.current).as_bytes()),
        generation: identity.current,
    }))
}

/// What is cheap to refuse is refused first: the rate, the nonce, the server that is meant. The signature is the
/// engine's to verify, and with it that this client's key has not signed in before (THREATS A-API-04).
pub(super) async fn sign_in(desk: Desk<'_>, sign_in: ApiKeySignIn) -> Result<Reply, Box<Problem>> {
    desk.spend(Counted::SignIn)?;
    let ApiKeySignIn { api_key, nonce, client_public, server_key, life_s, label, signature } = sign_in;
    if label.len() > LABEL_BYTES_MAX {
        return Err(bad_request(format!("label has at most {LABEL_BYTES_MAX} bytes")));
    }
    if life_s == Some(0) {
        return Err(bad_request("life_s is at least 1 second"));
    }
    let engine = desk.front.engine();
    engine.check_login_nonce(&nonce.0).map_err(refused)?;
    let answering = engine.ask(Credential::Anonymous, ServerIdentity {}).await.map_err(refused)?;
    let generation = engine.identities().generation_of(&answering, &server_key.0).map_err(refused)?;

    let statement = Statement {
        api_key,
        nonce: &nonce.0,
        client_public: &client_public.0,
        server: &server_key.0,
        life_s,
        label: &label,
    };
    let verified = statement.accepted(&signature.0).map_err(|_| refused(EngineError::KeyInvalid))?;
    let device = Device { description: desk.label(label.clone()), ..Device::default() };
    let life = life_s.map(Duration::from_secs);
    let login = LoginByApiKey {
        realm: None,
        facts: LoginFacts { api_key, session_public_key: client_public.0, device, life },
        form: TokenForm::Bearer,
        info: Bytes::from(statement.to_bytes()),
        signature: signature.0,
    };
    let grant = grant(desk.ask(login).await?);
    let grant = Secret::new(serde_json::to_vec(&grant).expect("grants are of types that JSON can write"));
    // The key of low order has been refused above.
    let answer = engine.answer_login(&verified, generation, grant.expose());
    let answer = answer.map_err(|_| refused(EngineError::KeyInvalid))?;
    Ok(Reply::ApiKeySignedIn(ApiKeySignedIn {
        server_public: Base64Array(answer.server_public),
        grant: Base64Bytes(answer.grant.into()),
        signature: Base64Array(answer.signature),
    }))
}

fn grant(logged_in: KeyLoggedIn) -> Grant {
    let KeyLoggedIn { session, key, user_keys, .. } = logged_in;
    Grant {
        token: TokenText::new(session.token),
        session: session.session,
        account: session.account,
        expires: session.expires,
        key: document(key),
        owner: user_keys.map(|keys| OwnerKeys {
            private_key: boxed(keys.private_key),
            secret_key: boxed(keys.secret_key),
        }),
    }
}

pub(super) async fn create(desk: Desk<'_>, new: NewApiKey) -> Result<Reply, Box<Problem>> {
    let NewApiKey { read, write, restrict, insecure, .. } = new;
    let create = CreateApiKey {
        title: new.title,
        public_key: new.public_key.0,
        verify_key: new.verify_key.0,
        private_key: unboxed(new.private_key),
        secret_key: unboxed(new.secret_key),
        user_private_key: unboxed(new.user_private_key),
        user_secret_key: unboxed(new.user_secret_key),
        flags: ApiKeyFlags { read, write, restrict, insecure },
        expires: new.expires,
    };
    desk.ask(create).await.map(document).map(Reply::ApiKey)
}

pub(super) async fn list(desk: Desk<'_>) -> Result<Reply, Box<Problem>> {
    let keys = desk.ask(ListApiKeys {}).await?;
    Ok(Reply::ApiKeys(ApiKeyList { api_keys: keys.into_iter().map(document).collect() }))
}

pub(super) async fn update(desk: Desk<'_>, update: UpdateApiKey) -> Result<Reply, Box<Problem>> {
    desk.ask(update).await.map(document).map(Reply::ApiKey)
}

fn document(info: ApiKeyInfo) -> ApiKey {
    let ApiKeyFlags { read, write, restrict, insecure } = info.flags;
    ApiKey {
        id: info.id,
        title: info.title,
        read,
        write,
        restrict,
        insecure,
        active: info.active,
        created: info.created,
        expires: info.expires,
        public_key: Base64Array(info.public_key),
        private_key: boxed(info.private_key),
        secret_key: boxed(info.secret_key),
    }
}

pub(super) async fn attach(
    desk: Desk<'_>,
    api_key: ApiKeyId,
    secret: SecretId,
    secret_key: Boxed,
    title: Boxed,
) -> Result<Reply, Box<Problem>> {
    let (secret_key, title) = (unboxed(secret_key), unboxed(title));
    let attachment = desk.ask(AttachSecret { api_key, secret, secret_key, title }).await?;
    Ok(Reply::Attached(Attached { attachment }))
}

pub(super) async fn attached(desk: Desk<'_>, api_key: ApiKeyId) -> Result<Reply, Box<Problem>> {
    let attached = desk.ask(ListAttached { api_key }).await?.into_iter();
    let document = |info: AttachedInfo| {
        let AttachedInfo { id, secret, title } = info;
        Attachment { attachment: id, secret, title: boxed(title) }
    };
    Ok(Reply::Attachments(AttachmentList { attachments: attached.map(document).collect() }))
}
