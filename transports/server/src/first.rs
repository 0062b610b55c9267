//! The first start: an application with a key pair and a bearer token, so that a new server can be used at once.
//!
//! They are made in a folder `first.new`, made known to the engine, and the folder is then renamed to `first`. So a
//! start that is cut off is finished by the next one, and a server that has its `first` never makes another, also
//! after its operator revoked what was in it.

use std::{fs, os::unix::fs::DirBuilderExt, path::Path};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use strongroom_engine::{
    Credential, EngineHandle, Identity, Rights,
    domains::{
        realms::{ListRealms, PutRealmKey, RealmKey},
        sessions::{IssueBearer, ListSessions, RevokeSession},
    },
};
use strongroom_primitives::{
    encoding,
    id::{RealmId, Subject},
    secret::SecretText,
    sign::SigningKey,
};

use crate::{
    config::PublicKey,
    data::{DataFolder, random, read_private, sync_folder, write_private},
};

/// The id of the first application.
const APPLICATION: &str = "first";

/// Whose the first bearer token is.
const SUBJECT: &str = "me";

/// What the first bearer token is called.
const LABEL: &str = "made at the first start";

/// The first application, as `first/application.json` has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Application {
    /// Its id.
    pub(crate) id: String,
    /// The id of its key.
    pub(crate) key_id: String,
    /// The public half of its key.
    pub(crate) public_key: PublicKey,
    /// The identity that the bearer token is for.
    pub(crate) identity: String,
}

/// What a first start made, to be shown once.
pub(crate) struct First {
    /// The application.
    pub(crate) application: Application,
    /// The private half of its key: PKCS#8 in base64.
    pub(crate) private_key: SecretText,
    /// The bearer token.
    pub(crate) token: SecretText,
}

/// Where the bearer token of a first start lies.
pub(crate) fn token_file(data: &DataFolder) -> std::path::PathBuf {
    data.first().join("bearer.token")
}

/// Makes the first credentials, if there are none and nobody else's either. Without a folder they are made anew each
/// time, for a store that forgets.
///
/// # Errors
/// If they can be neither written nor made known.
pub(crate) async fn begin(engine: &EngineHandle, data: Option<&DataFolder>) -> anyhow::Result<Option<First>> {
    let Some(data) = data else {
        return if is_new(engine).await? { make(engine, None).await.map(Some) } else { Ok(None) };
    };
    let (done, unfinished) = (data.first(), data.first().with_extension("new"));
    if done.exists() || !(unfinished.exists() || is_new(engine).await?) {
        return Ok(None);
    }
    if !unfinished.exists() {
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&unfinished)
            .with_context(|| format!("{} cannot be made", unfinished.display()))?;
    }
    let first = make(engine, Some(&unfinished)).await?;
    let named =
        fs::rename(&unfinished, &done).and_then(|()| sync_folder(done.parent().unwrap_or(Path::new(""))));
    named.with_context(|| format!("{} cannot be made", done.display()))?;
    Ok(Some(first))
}

async fn is_new(engine: &EngineHandle) -> anyhow::Result<bool> {
    // The realms of people, whom nobody's key vouches for, are there from the beginning.
    let realms = engine.ask(Credential::Operator, ListRealms).await?;
    Ok(realms.iter().all(|realm| realm.keys.is_empty()))
}

async fn make(engine: &EngineHandle, folder: Option<&Path>) -> anyhow::Result<First> {
    let (application, key) = application(folder)?;
    let identity = Identity { realm: RealmId::new(APPLICATION)?, subject: Subject::new(SUBJECT)? };
    let realm_key = RealmKey {
        key_id: application.key_id.clone(),
        public_key: *key.verifying_key().as_bytes(),
        rights: Rights::ALL,
    };
    let put = PutRealmKey { realm: identity.realm.clone(), key: realm_key };
    engine.ask(Credential::Operator, put).await?;
    revoke_leftovers(engine, &identity).await?;
    let issue = IssueBearer { identity, rights: Rights::ALL, life: None, label: LABEL.to_owned() };
    let token = SecretText::new(engine.ask(Credential::Operator, issue).await?.token);
    if let Some(folder) = folder {
        write_private(&folder.join("bearer.token"), format!("{}\n", token.expose()).as_bytes())?;
    }
    Ok(First { application, private_key: private_text(&key), token })
}

/// The application and its key: those of a start that was cut off, else new ones.
fn application(folder: Option<&Path>) -> anyhow::Result<(Application, SigningKey)> {
    if let Some(folder) = folder
        && let Some(found) = read_application(folder)
    {
        return Ok(found);
    }
    let key = SigningKey::from_seed(&random()?);
    let application = Application {
        id: APPLICATION.to_owned(),
        key_id: encoding::to_hex(&random::<16>()?),
        public_key: PublicKey(key.verifying_key()),
        identity: SUBJECT.to_owned(),
    };
    if let Some(folder) = folder {
        write_private(
            &folder.join("application.key"),
            format!("{}\n", private_text(&key).expose()).as_bytes(),
        )?;
        write_private(&folder.join("application.json"), &serde_json::to_vec_pretty(&application)?)?;
    }
    Ok((application, key))
}

fn read_application(folder: &Path) -> Option<(Application, SigningKey)> {
    let application: Application =
        serde_json::from_slice(&fs::read(folder.join("application.json")).ok()?).ok()?;
    let text = read_private(&folder.join("application.key")).ok()?;
    let key = SigningKey::from_pkcs8(&encoding::from_base64(text.expose()).ok()?).ok()?;
    (key.verifying_key() == application.public_key.0).then_some((application, key))
}

fn private_text(key: &SigningKey) -> SecretText {
    SecretText::new(encoding::to_base64(&*key.to_pkcs8()))
}

/// Revokes the tokens of starts that were cut off before they could write them down: nobody has them.
async fn revoke_leftovers(engine: &EngineHandle, identity: &Identity) -> anyhow::Result<()> {
    let list = ListSessions { identity: Some(identity.clone()) };
    let sessions = engine.ask(Credential::Operator, list).await?;
    for session in sessions.into_iter().filter(|session| session.label == LABEL) {
        let revoke = RevokeSession { identity: Some(identity.clone()), session: Some(session.session) };
        engine.ask(Credential::Operator, revoke).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use strongroom_engine::Engine;
    use strongroom_storage::Memory;

    use super::*;

    fn with_engine(test: impl AsyncFnOnce(&EngineHandle)) {
        actix_rt::System::new().block_on(async {
            let engine = Engine::builder(Arc::new(Memory::new(Arc::new(|| 1)))).start().await.unwrap();
            test(engine.handle()).await;
        });
    }

    #[test]
    fn a_first_start_that_was_cut_off_is_finished_with_the_same_key() {
        let root = tempfile::tempdir().unwrap();
        let data = DataFolder::open_or_make(&root.path().join("data")).unwrap();
        let unfinished = data.first().with_extension("new");
        with_engine(async |engine| {
            fs::create_dir(&unfinished).unwrap();
            let cut_off = make(engine, Some(&unfinished)).await.unwrap();
            let first = begin(engine, Some(&data)).await.unwrap().expect("it was not finished");
            assert_eq!(first.application.key_id, cut_off.application.key_id);
            let identity =
                Identity { realm: RealmId::new("first").unwrap(), subject: Subject::new("me").unwrap() };
            let list = ListSessions { identity: Some(identity) };
            let sessions = engine.ask(Credential::Operator, list).await.unwrap();
            assert_eq!(sessions.len(), 1, "the token of the start that was cut off is still good");
            let written = read_private(&token_file(&data)).unwrap();
            assert!(written.matches(first.token.expose()));
        });
    }

    #[test]
    fn a_server_that_was_begun_makes_nothing_even_when_all_was_revoked() {
        let root = tempfile::tempdir().unwrap();
        let data = DataFolder::open_or_make(&root.path().join("data")).unwrap();
        with_engine(async |engine| {
            assert!(begin(engine, Some(&data)).await.unwrap().is_some());
            assert!(begin(engine, Some(&data)).await.unwrap().is_none());
        });
        with_engine(async |engine| assert!(begin(engine, Some(&data)).await.unwrap().is_none()));
    }
}
