//! Who the caller is: a token that is given, fetched, or made from an application's key; or a service key, which signs
//! every request instead.
//!
//! Tokens that end are renewed shortly before they do, by one caller while the others wait, and once more when the
//! server says that one has expired, because clocks differ. A token's text is exposed where it leaves the machine and
//! nowhere else.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use strongroom_primitives::id::Subject;
use strongroom_primitives::secret::SecretText;
use strongroom_primitives::time::Timestamp;
use strongroom_primitives::virgil_token::{self, TOKEN_BYTES_MAX};
use tokio::sync::Mutex;

use crate::error::{BoxError, ClientError};
use crate::keyknox::ports::Clock;
use crate::keyknox::token::ApplicationKey;
#[cfg(any(feature = "http", feature = "ws"))]
use crate::signing::RequestSigner;

/// How long before its end a token is renewed, if it lives long enough for that.
const RENEW_BEFORE: Duration = Duration::from_secs(30);

/// The text is not a token that any server would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token: give one that begins with `srt_`, or a Virgil token of three parts")]
pub struct BadToken;

/// A token and, where it can be known, its end.
#[derive(Debug, Clone)]
pub struct Token {
    authorization: SecretText,
    expires: Option<Timestamp>,
}

impl Token {
    /// Reads the text of a token: a bearer token of this server (`srt_...`), or a Virgil token of three parts, whose
    /// end is read from it. Blanks around it are passed over.
    ///
    /// # Errors
    /// [`BadToken`], which says nothing of the text.
    pub fn read(text: &SecretText) -> Result<Self, BadToken> {
        let text = text.expose().trim();
        if text.is_empty()
            || text.len() > TOKEN_BYTES_MAX
            || !text.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(BadToken);
        }
        if text.starts_with("srt_") {
            return Ok(Self { authorization: SecretText::new(format!("Bearer {text}")), expires: None });
        }
        let expires_at_s = virgil_token::parse(text).map_err(|_| BadToken)?.expires_at_s;
        // Valid to the end of its last second.
        let expires = Timestamp::from_s(expires_at_s).saturating_add(Duration::from_millis(999));
        Ok(Self { authorization: SecretText::new(format!("Virgil {text}")), expires: Some(expires) })
    }

    /// The operator's token, which lies in the server's data folder, for the operator's listener and nobody else.
    ///
    /// # Errors
    /// [`BadToken`], which says nothing of the text.
    pub fn operator(text: &SecretText) -> Result<Self, BadToken> {
        Self::bearer(text)
    }

    /// A bearer token in whatever form this server gave it out.
    pub(crate) fn bearer(text: &SecretText) -> Result<Self, BadToken> {
        let text = text.expose();
        let fits = !text.is_empty() && text.len() <= TOKEN_BYTES_MAX;
        if !fits || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadToken);
        }
        Ok(Self { authorization: SecretText::new(format!("Bearer {text}")), expires: None })
    }

    /// The same token, known to end then.
    #[must_use]
    pub fn expiring(self, at: Timestamp) -> Self {
        Self { expires: Some(at), ..self }
    }
}

type Renew = Box<dyn Fn() -> BoxFuture<'static, Result<Token, BoxError>> + Send + Sync>;

/// Where tokens come from. Clones share what they hold.
#[derive(Clone)]
pub struct Credentials(Arc<Source>);

enum Source {
    Nobody,
    Given(Token),
    #[cfg(any(feature = "http", feature = "ws"))]
    Signing(Arc<RequestSigner>),
    Renewed {
        renew: Renew,
        held: Mutex<Option<Held>>,
    },
}

struct Held {
    token: Token,
    renew_at: Timestamp,
    generation: u64,
}

/// What is shown with a question, and which of its kind it was.
#[derive(Debug, Clone, Default)]
pub(crate) struct Issued {
    /// A token as it is sent. `None` where nobody signs in, or every request is signed.
    pub(crate) authorization: Option<SecretText>,
    /// What signs the request.
    #[cfg(any(feature = "http", feature = "ws"))]
    pub(crate) signer: Option<Arc<RequestSigner>>,
    generation: u64,
}

impl Issued {
    fn token(authorization: &SecretText, generation: u64) -> Self {
        Self {
            authorization: Some(authorization.clone()),
            #[cfg(any(feature = "http", feature = "ws"))]
            signer: None,
            generation,
        }
    }

    /// Whether requests are signed instead of carrying a token.
    pub(crate) fn is_signed(&self) -> bool {
        #[cfg(any(feature = "http", feature = "ws"))]
        return self.signer.is_some();
        #[cfg(not(any(feature = "http", feature = "ws")))]
        return false;
    }
}

impl Credentials {
    /// None at all: for whoever has yet to sign up or in.
    pub fn nobody() -> Self {
        Self(Arc::new(Source::Nobody))
    }

    /// This token for as long as it is good.
    pub fn given(token: Token) -> Self {
        Self(Arc::new(Source::Given(token)))
    }

    /// No token: a service key signs every request by HTTP Message Signatures (RFC 9421). Over a WebSocket it signs the
    /// handshake, and the connection is the key's for as long as it is open.
    #[cfg(any(feature = "http", feature = "ws"))]
    pub fn signing(key: RequestSigner) -> Self {
        Self(Arc::new(Source::Signing(Arc::new(key))))
    }

    /// Asks `renew` for a token, and for another one when that is about to end. A token whose end is not known is kept
    /// until the server calls it expired.
    pub fn fetched<F, T>(renew: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = Result<Token, BoxError>> + Send + 'static,
    {
        let renew: Renew = Box::new(move || Box::pin(renew()));
        Self(Arc::new(Source::Renewed { renew, held: Mutex::new(None) }))
    }

    /// Makes tokens that speak for `identity` for `life_s` seconds each.
    pub fn minted(key: ApplicationKey, identity: Subject, life_s: u64, clock: Arc<dyn Clock>) -> Self {
        Self::fetched(move || {
            let made = key.token(&identity, clock.now(), life_s, None);
            std::future::ready(
                made.map_err(BoxError::from).and_then(|text| Token::read(&text).map_err(BoxError::from)),
            )
        })
    }

    /// A token that is good now, as far as `clock` can tell.
    pub(crate) async fn token(&self, clock: &dyn Clock) -> Result<Issued, ClientError> {
        let (renew, held) = match &*self.0 {
            Source::Nobody => return Ok(Issued::default()),
            Source::Given(token) => return Ok(Issued::token(&token.authorization, 0)),
            #[cfg(any(feature = "http", feature = "ws"))]
            Source::Signing(signer) => {
                return Ok(Issued { signer: Some(signer.clone()), ..Issued::default() });
            }
            Source::Renewed { renew, held } => (renew, held),
        };
        // Held while renewing, so that many callers cause one renewal.
        let mut held = held.lock().await;
        let now = clock.now();
        let generation = match &*held {
            Some(good) if now < good.renew_at => return Ok(good.issued()),
            Some(old) => old.generation + 1,
            None => 0,
        };
        let token = renew().await.map_err(ClientError::Credentials)?;
        let renew_at = token.expires.map_or(Timestamp::MAX, |expires| {
            expires.saturating_sub(RENEW_BEFORE.min(expires.since(now) / 2))
        });
        Ok(held.insert(Held { token, renew_at, generation }).issued())
    }

    /// The server called this token expired: the next caller gets another one, if there is a way to have one.
    pub(crate) async fn forget(&self, issued: &Issued) {
        if let Source::Renewed { held, .. } = &*self.0
            && let Some(held) = &mut *held.lock().await
            && held.generation == issued.generation
        {
            held.renew_at = Timestamp::from_ms(0);
        }
    }
}

impl Held {
    fn issued(&self) -> Issued {
        Issued::token(&self.token.authorization, self.generation)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Source::Nobody => "Credentials(nobody)",
            Source::Given(_) => "Credentials(given)",
            #[cfg(any(feature = "http", feature = "ws"))]
            Source::Signing(_) => "Credentials(signing)",
            Source::Renewed { .. } => "Credentials(renewed)",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as StdMutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    use strongroom_primitives::sign::SigningKey;

    use super::*;
    use crate::keyknox::ports::testing::Standing;

    fn at_s(s: u64) -> Arc<Standing> {
        Arc::new(Standing(StdMutex::new(s * 1_000)))
    }

    fn application() -> ApplicationKey {
        ApplicationKey::new("app".parse().unwrap(), "k", SigningKey::from_seed(&[4; 32])).unwrap()
    }

    #[tokio::test]
    async fn a_made_token_is_used_until_shortly_before_its_end() {
        let clock = at_s(1_000);
        let credentials = Credentials::minted(application(), "alice".parse().unwrap(), 100, clock.clone());
        let first = credentials.token(&*clock).await.unwrap();
        assert!(first.sent().starts_with("Virgil eyJ"));
        *clock.0.lock().unwrap() = 1_069_000;
        let same = credentials.token(&*clock).await.unwrap();
        assert_eq!(same.sent(), first.sent());
        *clock.0.lock().unwrap() = 1_071_000;
        let second = credentials.token(&*clock).await.unwrap();
        assert_ne!(second.sent(), first.sent());
    }

    #[tokio::test]
    async fn a_token_that_the_server_calls_expired_is_renewed_once() {
        let fetched = Arc::new(AtomicU32::new(0));
        let counter = fetched.clone();
        let credentials = Credentials::fetched(move || {
            let number = counter.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Token::read(&SecretText::new(format!("srt_{number}"))).map_err(BoxError::from))
        });
        let clock = at_s(1);
        let first = credentials.token(&*clock).await.unwrap();
        credentials.forget(&first).await;
        let second = credentials.token(&*clock).await.unwrap();
        assert_eq!(second.sent(), "Bearer srt_1");
        // A second caller who was refused with the first token does not throw the second one away.
        credentials.forget(&first).await;
        assert_eq!(credentials.token(&*clock).await.unwrap().sent(), "Bearer srt_1");
        assert_eq!(fetched.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_source_that_fails_says_so_and_is_asked_again() {
        let tries = Arc::new(AtomicU32::new(0));
        let counter = tries.clone();
        let credentials = Credentials::fetched(move || {
            let first = counter.fetch_add(1, Ordering::Relaxed) == 0;
            std::future::ready(if first {
                Err("the helper is not there".into())
            } else {
                Token::read(&SecretText::new("srt_x".to_owned())).map_err(BoxError::from)
            })
        });
        let error = credentials.token(&*at_s(1)).await.unwrap_err();
        assert!(error.to_string().contains("the helper is not there"));
        assert!(credentials.token(&*at_s(1)).await.is_ok());
    }

    #[test]
    fn text_that_no_server_would_take_is_not_a_token() {
        for bad in ["", " ", "srt_a b", "srt_\u{e9}", "abc", "a.b.c", "srt_a\r\nX: y"] {
            assert!(Token::read(&SecretText::new(bad.to_owned())).is_err(), "{bad:?}");
        }
        let long = format!("srt_{}", "x".repeat(TOKEN_BYTES_MAX));
        assert!(Token::read(&SecretText::new(long)).is_err());
        assert!(Token::read(&SecretText::new(" srt_abc\n".to_owned())).is_ok());
    }

    impl Issued {
        fn sent(&self) -> &str {
            self.authorization.as_ref().map_or("", SecretText::expose)
        }
    }

    /// A-LEAK-01: neither a token nor its holder shows it.
    #[test]
    fn tokens_and_their_holders_print_without_them() {
        let token = Token::read(&SecretText::new("srt_canary".to_owned())).unwrap();
        let printed = format!("{token:?} {:?} {BadToken}", Credentials::given(token.clone()));
        assert!(!printed.contains("canary"), "{printed}");
    }
}
