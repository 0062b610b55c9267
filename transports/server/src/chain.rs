//! The chain that stands in the configuration: made at the start, or given the root key that stands there.

use strongroom_engine::{
    Credential, EngineError, EngineHandle,
    domains::service_keys::{CreateChain, RotateRoot, ServiceSecret},
};

use crate::config::Dragonchain;

/// Puts the configured chain, if the interface is served and there is one. A chain that is there already keeps its keys
/// and gets the configured root key; what the root key before it had signed for, it signs no more.
///
/// # Errors
/// What the engine says. The root key is in none of it.
pub(crate) async fn put_configured(engine: &EngineHandle, config: &Dragonchain) -> Result<(), EngineError> {
    let Dragonchain { chain: Some(chain), root_key_id: Some(root), root_key: Some(secret), .. } = config
    else {
        return Ok(());
    };
    if !config.enabled {
        return Ok(());
    }
    let secret = ServiceSecret::new(secret.0.clone())?;
    let create =
        CreateChain { id: Some(chain.clone()), root: Some(root.clone()), secret: Some(secret.clone()) };
    match engine.ask(Credential::Operator, create).await {
        Ok(_) => {
            tracing::info!(%chain, root_key_id = %root, "the configured chain was made");
            return Ok(());
        }
        Err(EngineError::ChainExists) => {}
        Err(error) => return Err(error),
    }
    let rotate = RotateRoot { chain: chain.clone(), root: Some(root.clone()), secret: Some(secret) };
    if engine.ask(Credential::Operator, rotate).await?.made {
        tracing::warn!(
            %chain, root_key_id = %root,
            "the chain had another root key; it has the configured one now, and the other signs nothing any more"
        );
    }
    Ok(())
}
