//! Questions as HTTP requests. One request, one answer; events by long poll.
//!
//! No redirect is followed, no answer is read beyond its limit, and nothing is sent in the clear to another machine.

mod answer;
mod spell;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use strongroom_wire::{Operation, Reply};

use self::answer::read_reply;
use self::spell::spell;
use super::address::NATIVE_PATH;
use super::door::Door;
use super::{Feed, Link, Place, Question, Shown, foreign};
use crate::client::ClientOptions;
use crate::credentials::Credentials;
use crate::signing::Unsigned;
use crate::{ClientError, checks};

/// How long a page of a feed waits at the server for something to be on it, in seconds.
const FEED_WAIT_S: u64 = 25;

/// A server over HTTP. Clones share connections.
#[derive(Clone)]
pub(crate) struct HttpLink(Arc<Inner>);

struct Inner {
    door: Door,
    credentials: Credentials,
    options: ClientOptions,
}

impl HttpLink {
    pub(crate) fn new(
        url: &str,
        credentials: Credentials,
        options: ClientOptions,
    ) -> Result<Self, ClientError> {
        let door = Door::new(url, NATIVE_PATH, &options)?;
        Ok(Self(Arc::new(Inner { door, credentials, options })))
    }
}

impl Link for HttpLink {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Reply, ClientError>> {
        Box::pin(self.0.ask(question))
    }

    fn of(&self, credentials: Credentials) -> Arc<dyn Link> {
        let Inner { door, options, .. } = &*self.0;
        let (door, options) = (door.clone(), options.clone());
        Arc::new(Self(Arc::new(Inner { door, credentials, options })))
    }

    fn follow<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Box<dyn Feed>, ClientError>> {
        let poll = Poll { link: self.0.clone(), place: place.clone(), began: false, shown: VecDeque::new() };
        Box::pin(std::future::ready(Ok(Box::new(poll) as Box<dyn Feed>)))
    }
}

impl Inner {
    async fn ask(&self, question: &Question) -> Result<Reply, ClientError> {
        let spelled = spell(&question.operation)?;
        let issued = self.credentials.token(&*self.options.ports.clock).await?;
        let mut headers = spelled.headers;
        if let Some(authorization) = &issued.authorization {
            let mut authorization = HeaderValue::from_str(authorization.expose()).map_err(|_| {
                ClientError::Invalid("the token has characters that no header can have".to_owned())
            })?;
            authorization.set_sensitive(true);
            headers.insert(AUTHORIZATION, authorization);
        }
        if let Some(key) = &question.idempotency {
            let mut key =
                HeaderValue::from_str(&key.expose_text()).expect("hexadecimal digits make a header");
            key.set_sensitive(true);
            headers.insert("idempotency-key", key);
        }
        if spelled.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(signer) = &issued.signer {
            let address = self.door.address();
            let target = format!("{}{}", address.path, spelled.target);
            let (path, query) = match target.split_once('?') {
                Some((path, query)) => (path, Some(query)),
                None => (target.as_str(), None),
            };
            let unsigned = Unsigned {
                method: &spelled.method,
                secure: address.secure,
                authority: &address.authority(),
                path,
                query,
                headers,
                body: spelled.body.as_deref(),
            };
            headers = signer.sign(unsigned, &self.options.ports)?;
        }
        let mut request = self.door.request(spelled.method, &spelled.target).headers(headers);
        if let Some(body) = spelled.body {
            request = request.body(body);
        }
        let answered = self.door.send(request, question.within).await?;
        let answer = if answered.is_success() {
            read_reply(&question.operation, &answered.body)
        } else {
            let problem = foreign::read_problem(answered.status, answered.retry_after_s, &answered.body);
            Err(ClientError::Problem(Box::new(problem)))
        };
        if answer.as_ref().is_err_and(ClientError::is_expired) {
            self.credentials.forget(&issued).await;
        }
        answer
    }
}

/// A feed by long poll.
struct Poll {
    link: Arc<Inner>,
    place: Place,
    began: bool,
    shown: VecDeque<Shown>,
}

impl Feed for Poll {
    fn next(&mut self) -> BoxFuture<'_, Result<Shown, ClientError>> {
        Box::pin(async move {
            while self.shown.is_empty() {
                self.poll().await?;
            }
            Ok(self.shown.pop_front().expect("the loop ends with something to show"))
        })
    }
}

impl Poll {
    async fn poll(&mut self) -> Result<(), ClientError> {
        // The first look does not wait: it tells that the feed may be followed, and from where.
        let wait_s = if self.began { FEED_WAIT_S } else { 0 };
        let Place { owner, record, after, page_events } = self.place.clone();
        let limit = Some(page_events);
        let operation =
            Operation::FeedPage { owner, record, after, wait_s: (wait_s > 0).then_some(wait_s), limit };
        let within = self.link.options.within + Duration::from_secs(wait_s);
        let question = Question { operation, idempotency: None, within };
        let reply = self.link.ask(&question).await?;
        checks::check(&question.operation, &reply)?;
        let Reply::Feed(page) = reply else { return Err(checks::wrong_kind()) };
        if !self.began {
            self.began = true;
            self.shown.push_back(Shown::Began { after: after.unwrap_or(page.next_after) });
        }
        if page.gap {
            self.shown.push_back(Shown::Gap { after: page.next_after });
        } else {
            self.shown.extend(page.events.into_iter().map(Shown::Event));
            self.shown.push_back(Shown::Passed { after: page.next_after });
        }
        self.place.after = Some(page.next_after);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
