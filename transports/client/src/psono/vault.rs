//! Datastores and shares, opened.

use std::fmt;

use strongroom_primitives::id::{DatastoreId, ShareId};
use strongroom_primitives::nacl::BoxKey;
use strongroom_primitives::secret::SecretText;

use super::document::{Document, Members};
use super::{PsonoClient, PsonoClientError};

/// A datastore as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatastoreInfo {
    /// Which it is.
    pub id: DatastoreId,
    /// What it is for: `password` has secrets.
    pub kind: String,
    /// What its owner calls it.
    pub description: String,
    /// Whether it is the one of its kind that things go into.
    pub is_default: bool,
}

/// A datastore, opened.
pub struct PsonoDatastore {
    /// Which it is.
    pub id: DatastoreId,
    /// What it is for: `password` has secrets.
    pub kind: String,
    /// What its owner calls it.
    pub description: String,
    /// When it was last changed, in the server's words.
    pub write_date: String,
    /// Nothing was ever saved in it, or what was.
    pub(super) document: Option<Document>,
}

/// What may be done with a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// Read it and what is in it.
    pub read: bool,
    /// Change it and what is in it.
    pub write: bool,
    /// Share it with others.
    pub grant: bool,
}

/// A share, opened.
pub struct PsonoShare {
    /// Which it is.
    pub id: ShareId,
    /// What may be done with it.
    pub rights: Rights,
    /// When it was last changed, in the server's words.
    pub write_date: String,
    pub(super) document: Document,
}

impl PsonoDatastore {
    /// What it holds, as JSON; `None` if nothing was ever saved in it.
    #[must_use]
    pub fn content(&self) -> Option<SecretText> {
        self.document.as_ref().map(text_of)
    }
}

impl PsonoShare {
    /// What it holds, as JSON.
    #[must_use]
    pub fn content(&self) -> SecretText {
        text_of(&self.document)
    }
}

fn text_of(document: &Document) -> SecretText {
    SecretText::new(document.value().to_string())
}

impl fmt::Debug for PsonoDatastore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PsonoDatastore({})", self.id)
    }
}

impl fmt::Debug for PsonoShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PsonoShare({})", self.id)
    }
}

impl PsonoClient {
    /// The owner's datastores, in the order in which they were made.
    ///
    /// # Errors
    /// [`PsonoClientError`]; [`PsonoClientError::Restricted`] for an API key that opens none.
    pub async fn datastores(&self) -> Result<Vec<DatastoreInfo>, PsonoClientError> {
        const WHAT: &str = "list of datastores";
        self.owner().await?;
        let list = self.get("/datastore/", WHAT).await?;
        let info = |value| {
            let each = Members::of(value, WHAT)?;
            Ok(DatastoreInfo {
                id: DatastoreId::from_uuid(each.text("id")?).map_err(|_| list.malformed())?,
                kind: each.text("type")?.to_owned(),
                description: each.text("description")?.to_owned(),
                is_default: each.flag("is_default"),
            })
        };
        list.all().list("datastores")?.iter().map(info).collect()
    }

    /// A datastore and what it holds. One that holds a list, as that of settings does, is malformed here.
    ///
    /// # Errors
    /// [`PsonoClientError`].
    pub async fn datastore(&self, id: DatastoreId) -> Result<PsonoDatastore, PsonoClientError> {
        let owner = self.owner().await?;
        let answer = self.get(&format!("/datastore/{}/", id.to_uuid()), "datastore").await?;
        let all = answer.all();
        let document = match all.find("data") {
            None | Some("") => None,
            Some(_) => {
                let key = BoxKey::from_bytes(*all.key_under("secret_key", &owner, "key of the datastore")?);
                Some(open(all, &key, "content of the datastore")?)
            }
        };
        let text = |name| all.find(name).unwrap_or_default().to_owned();
        let (kind, description, write_date) = (text("type"), text("description"), text("write_date"));
        Ok(PsonoDatastore { id, kind, description, write_date, document })
    }

    /// A share and what it holds. Its key is in the document that it hangs in.
    ///
    /// # Errors
    /// [`PsonoClientError`].
    pub async fn share(&self, id: ShareId, key: &BoxKey) -> Result<PsonoShare, PsonoClientError> {
        let answer = self.get(&format!("/share/{}/", id.to_uuid()), "share").await?;
        let all = answer.all();
        let rights = all.object("rights")?;
        let (read, write, grant) = (rights.flag("read"), rights.flag("write"), rights.flag("grant"));
        let write_date = all.find("write_date").unwrap_or_default().to_owned();
        let document = open(all, key, "content of the share")?;
        Ok(PsonoShare { id, rights: Rights { read, write, grant }, write_date, document })
    }
}

fn open(all: Members<'_>, key: &BoxKey, what: &'static str) -> Result<Document, PsonoClientError> {
    let opened = all.sealed("data")?.open(key).map_err(|error| PsonoClientError::of(error, what))?;
    Document::read(&opened, what)
}
