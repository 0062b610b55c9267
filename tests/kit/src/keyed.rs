//! API keys in a world: made and signed in with, however bad the day is.

use strongroom_engine::{
    Credential, EngineError,
    domains::sessions::api_key::KeyLoggedIn,
    testing::people::{Holder, WIDE},
};
use strongroom_primitives::{hash::sha256, id::ApiKeyId};

use crate::World;

impl World {
    /// An API key of somebody's, as wide as can be.
    pub async fn api_key(&self, subject: &str, holder: Holder) -> ApiKeyId {
        self.insist(0, self.gateway(subject), holder.creation(WIDE)).await.id
    }

    /// Signs in with an API key. Where an answer was lost, with the next session key from `first` on.
    ///
    /// # Panics
    /// If the sign-in is refused.
    pub async fn sign_in(&self, holder: Holder, api_key: ApiKeyId, first: u64) -> (KeyLoggedIn, Credential) {
        for number in first.. {
            let login = holder.login(&self.realm, api_key, number);
            match self.persist(0, Credential::Anonymous, login).await {
                Ok(done) => {
                    let credential = Credential::bearer(sha256(done.session.token.as_bytes()));
                    return (done, credential);
                }
                Err(EngineError::LoginReplayed) => {}
                Err(refusal) => panic!("a good sign-in was refused: {refusal}"),
            }
        }
        unreachable!("there are more session keys than a test can use up")
    }
}
