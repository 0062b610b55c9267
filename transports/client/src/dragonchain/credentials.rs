//! Which chain, where, and signed by which key: the first source that says so wins, for each of the three by itself.

use strongroom_primitives::dc1::ChainId;
use strongroom_primitives::secret::SecretText;

use super::{CredentialsError, CredentialsFile, Endpoint, ServiceKey};

const CHAIN: &str = "DRAGONCHAIN_ID";
const ENDPOINT: &str = "DRAGONCHAIN_ENDPOINT";
const KEY: &str = "AUTH_KEY";
const KEY_ID: &str = "AUTH_KEY_ID";

/// What errors call variables.
const ENVIRONMENT: &str = "the environment";

/// What a caller says.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Which chain.
    pub chain: Option<ChainId>,
    /// Where it is served.
    pub endpoint: Option<Endpoint>,
    /// What signs.
    pub key: Option<ServiceKey>,
}

/// All that it takes to ask a chain.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Which chain.
    pub chain: ChainId,
    /// Where it is served.
    pub endpoint: Endpoint,
    /// What signs.
    pub key: ServiceKey,
}

impl Credentials {
    /// Looks in what was given, then in the variables `DRAGONCHAIN_ID`, `DRAGONCHAIN_ENDPOINT` and the pair `AUTH_KEY` and
    /// `AUTH_KEY_ID`, then in the file. A pair of which one part is missing says nothing, as in the published SDKs, and an
    /// empty variable neither. Variables are of no chain in particular: they serve any that is named. The file is not read
    /// where nothing is wanting. Source: `dialects/dragonchain.md`, section 7.
    ///
    /// # Errors
    /// [`CredentialsError`]: what is missing, or what is there and cannot be used; and what `file` fails with.
    pub fn find<E: From<CredentialsError>>(
        given: Given,
        variable: impl Fn(&str) -> Option<String>,
        file: impl FnOnce() -> Result<CredentialsFile, E>,
    ) -> Result<Self, E> {
        let variable = |name| variable(name).filter(|text| !text.is_empty());
        let chain = match given.chain {
            Some(chain) => Some(chain),
            None => variable(CHAIN).map(|text| chain_id(&text)).transpose()?,
        };
        let endpoint = match given.endpoint {
            Some(endpoint) => Some(endpoint),
            None => variable(ENDPOINT).map(|text| Endpoint::read(ENVIRONMENT, &text)).transpose()?.flatten(),
        };
        let key = match (given.key, variable(KEY_ID), variable(KEY).map(SecretText::new)) {
            (Some(key), ..) => Some(key),
            (None, Some(id), Some(secret)) => Some(ServiceKey::new(ENVIRONMENT, &id, &secret)?),
            _ => None,
        };
        if let (Some(chain), Some(endpoint), Some(key)) = (&chain, &endpoint, &key) {
            return Ok(Self { chain: chain.clone(), endpoint: endpoint.clone(), key: key.clone() });
        }
        let file = file()?;
        let chain = match chain {
            Some(chain) => chain,
            None => chain_id(file.default_chain().ok_or(CredentialsError::NoChain)?)?,
        };
        let stored = file.chain(chain.as_str())?;
        let (kept_key, kept_endpoint) =
            stored.map(|stored| (stored.key, stored.endpoint)).unwrap_or_default();
        let key = key.or(kept_key).ok_or_else(|| CredentialsError::NoKey { chain: chain.to_string() })?;
        let endpoint = endpoint
            .or(kept_endpoint)
            .ok_or_else(|| CredentialsError::NoEndpoint { chain: chain.to_string() })?;
        Ok(Self { chain, endpoint, key })
    }
}

fn chain_id(text: &str) -> Result<ChainId, CredentialsError> {
    ChainId::new(text).map_err(|_| CredentialsError::ChainId(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN_A: &str = "dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr";
    const CHAIN_B: &str = "sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4";

    fn file() -> Result<CredentialsFile, CredentialsError> {
        CredentialsFile::parse(
            format!(
                "[{CHAIN_A}]\nauth_key=file-a\nauth_key_id=FILEA\nendpoint=https://a.example\n\n\
                 [{CHAIN_B}]\nauth_key=file-b\nauth_key_id=FILEB\nendpoint=undefined\n\n\
                 [default]\ndragonchain_id={CHAIN_A}\n"
            )
            .as_bytes(),
        )
    }

    fn found(given: Given, variables: &[(&str, &str)]) -> Result<[String; 4], CredentialsError> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
        };
        let found = Credentials::find(given, variable, file)?;
        let Credentials { chain, endpoint, key } = found;
        Ok([chain.to_string(), endpoint.to_string(), key.id().to_owned(), key.secret().expose().to_owned()])
    }

    #[test]
    fn arguments_come_before_the_environment_and_that_before_the_file() {
        let given = || Given {
            chain: Some(ChainId::new(CHAIN_B).unwrap()),
            endpoint: Endpoint::read("x", "given.example").unwrap(),
            key: Some(ServiceKey::new("x", "GIVEN", &SecretText::new("given".to_owned())).unwrap()),
        };
        let set = [(CHAIN, CHAIN_B), (ENDPOINT, "env.example"), (KEY, "env"), (KEY_ID, "ENV")];
        assert_eq!(found(Given::default(), &[]).unwrap(), [CHAIN_A, "https://a.example", "FILEA", "file-a"]);
        assert_eq!(found(Given::default(), &set).unwrap(), [CHAIN_B, "https://env.example", "ENV", "env"]);
        let all = found(given(), &set).unwrap();
        assert_eq!(all, [CHAIN_B, "https://given.example", "GIVEN", "given"]);
        let endpoint = Given { endpoint: given().endpoint, ..Given::default() };
        let mixed = found(endpoint, &[(CHAIN, CHAIN_B)]).unwrap();
        assert_eq!(mixed, [CHAIN_B, "https://given.example", "FILEB", "file-b"]);
    }

    #[test]
    fn half_a_pair_and_an_empty_variable_say_nothing() {
        for set in
            [[(KEY, "env"), (CHAIN, "")], [(KEY_ID, "ENV"), (ENDPOINT, "")], [(KEY, "env"), (KEY_ID, "")]]
        {
            assert_eq!(found(Given::default(), &set).unwrap()[2], "FILEA", "{set:?}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let none = || Ok(CredentialsFile::default());
        let empty = Credentials::find(Given::default(), |_| None, none);
        assert!(matches!(empty, Err(CredentialsError::NoChain)));
        let chain = || Some(ChainId::new(CHAIN_B).unwrap());
        let keyless = Credentials::find(Given { chain: chain(), ..Given::default() }, |_| None, none);
        assert!(matches!(keyless, Err(CredentialsError::NoKey { chain }) if chain == CHAIN_B));
        let placeless = found(Given { chain: chain(), ..Given::default() }, &[]);
        assert!(matches!(placeless, Err(CredentialsError::NoEndpoint { chain }) if chain == CHAIN_B));
        assert!(matches!(found(Given::default(), &[(CHAIN, "O")]), Err(CredentialsError::ChainId(_))));
        let bad = found(Given::default(), &[(KEY, "can ary"), (KEY_ID, "ENV")]).unwrap_err();
        assert!(matches!(&bad, CredentialsError::Value { .. }) && !bad.to_string().contains("ary"));
    }

    #[test]
    fn a_broken_file_does_not_matter_where_nothing_is_wanting() {
        let set = |name: &str| match name {
            CHAIN => Some(CHAIN_A.to_owned()),
            ENDPOINT => Some("https://a.example".to_owned()),
            _ => Some("X".to_owned()),
        };
        let broken = || CredentialsFile::parse(b"stray");
        assert!(Credentials::find(Given::default(), set, broken).is_ok());
        assert!(Credentials::find(Given::default(), |_| None, broken).is_err());
    }
}
