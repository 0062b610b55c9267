//! A device of a user: asks any node, gives up after a while, asks again under the same idempotency key, and notes
//! what it was told.

use std::time::Duration;

use strongroom_engine::{
    Asking, Command, Credential, EngineError, ErrorKind, Routed,
    domains::records::{
        DeleteRecord, GetRecord, Previous, PutRecord, RecordForm, RecordName, ResetDone, ResetRecords,
        ResetSingle,
    },
};
use strongroom_primitives::{
    hash::RecordTag,
    id::{IdempotencyKey, Subject},
};

use crate::{
    dice::Dice,
    history::{self, Call, OperationId, Outcome, Shown, State, Wanted, content},
    world::World,
};

/// How long a device waits for one answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often a device asks for one thing before it leaves the matter open.
const TRIES: u64 = 4;

/// A device. What it does is drawn from dice of its own.
pub struct Client<'w> {
    world: &'w World,
    number: usize,
    credential: Credential,
    dice: Dice,
}

/// What one try came to.
enum Answer {
    Told(Outcome),
    /// Nothing happened, and asking again may help.
    Busy(Outcome),
    Unknown,
}

impl<'w> Client<'w> {
    pub(crate) fn new(world: &'w World, number: usize, credential: Credential) -> Self {
        Self { world, number, credential, dice: world.dice(&format!("client {number}")) }
    }

    /// The dice that decide what the device does.
    pub fn dice(&self) -> &Dice {
        &self.dice
    }

    /// What the device presents.
    pub fn credential(&self) -> Credential {
        self.credential.clone()
    }

    /// A node that the device happens to ask.
    pub fn any_node(&self) -> usize {
        self.dice.index(self.world.node_count())
    }

    /// Reads a record on any node.
    pub async fn read(&self, record: &RecordName) -> Outcome {
        self.read_at(self.any_node(), record).await
    }

    /// Reads a record on this node, once.
    pub async fn read_at(&self, node: usize, record: &RecordName) -> Outcome {
        let operation = self.world.next_operation();
        let invoked = self.world.now();
        let command = GetRecord { owner: None, name: record.clone() };
        let outcome = match self.ask(node, None, command).await {
            None => Outcome::Unknown,
            Some(Ok(record)) => Outcome::Shown(State::from(&record)),
            Some(Err(EngineError::UnknownRecord)) => Outcome::Absent,
            Some(Err(error)) => {
                assert!(error != EngineError::Fault, "a read met an internal fault");
                history::refusal(&error)
            }
        };
        self.note(operation, record, Wanted::Read, invoked, outcome)
    }

    /// Reads somebody else's record on any node, once. Noted only if it was shown: to be refused access looks like
    /// absence and says nothing about the record.
    pub async fn read_of(&self, owner: &Subject, record: &RecordName) -> Outcome {
        let operation = self.world.next_operation();
        let invoked = self.world.now();
        let command = GetRecord { owner: Some(owner.clone()), name: record.clone() };
        match self.ask(self.any_node(), None, command).await {
            None => Outcome::Unknown,
            Some(Ok(shown)) => {
                let outcome = Outcome::Shown(State::from(&shown));
                self.note(operation, record, Wanted::Read, invoked, outcome)
            }
            Some(Err(EngineError::UnknownRecord)) => Outcome::Absent,
            Some(Err(error)) => history::refusal(&error),
        }
    }

    /// Replaces a record, believing it to be `previous`.
    pub async fn put(&self, record: &RecordName, previous: Previous) -> Outcome {
        let operation = self.world.next_operation();
        let wanted = Wanted::Put(previous.clone());
        let (meta, value) = content(operation);
        let command = PutRecord::new(record.clone(), meta, value, previous, Vec::new());
        self.see_through(
            operation,
            record,
            wanted,
            |answer| match answer {
                Ok(head) => Outcome::Shown(State::from(&head)),
                Err(error) => history::refusal(&error),
            },
            command,
        )
        .await
    }

    /// Replaces a record on this node, once and without an idempotency key.
    pub async fn put_at(&self, node: usize, record: &RecordName, previous: Previous) -> Outcome {
        let operation = self.world.next_operation();
        let invoked = self.world.now();
        let (meta, value) = content(operation);
        let command = PutRecord::new(record.clone(), meta, value, previous.clone(), Vec::new());
        let outcome = match self.ask(node, None, command).await {
            None | Some(Err(EngineError::OutcomeUnknown)) => Outcome::Unknown,
            Some(Ok(head)) => Outcome::Shown(State::from(&head)),
            Some(Err(error)) => history::refusal(&error),
        };
        self.note(operation, record, Wanted::Put(previous), invoked, outcome)
    }

    /// Deletes a record, or empties it if it is the single one.
    pub async fn reset(&self, record: &RecordName, previous: Previous) -> Outcome {
        let operation = self.world.next_operation();
        let wanted = Wanted::Reset(previous.clone());
        match record.form() {
            RecordForm::Single => {
                let told = |answer| match answer {
                    Ok(Some(record)) => Outcome::Shown(State::from(&record)),
                    Ok(None) => Outcome::Absent,
                    Err(error) => history::refusal(&error),
                };
                self.see_through(operation, record, wanted, told, ResetSingle { previous }).await
            }
            // Two ways to the same end: by the whole name, and by the beginning of names.
            RecordForm::Named if self.dice.chance(50) => {
                let command = DeleteRecord { name: record.clone(), previous };
                let told = |answer| match answer {
                    Ok(()) => Outcome::Deleted(1),
                    Err(EngineError::UnknownRecord) => Outcome::Absent,
                    Err(error) => history::refusal(&error),
                };
                self.see_through(operation, record, wanted, told, command).await
            }
            RecordForm::Named => {
                let command = ResetRecords { prefix: record.parts().to_vec(), previous, from: None };
                let told = |answer: Result<ResetDone, _>| match answer {
                    Ok(done) => Outcome::Deleted(done.count),
                    Err(error) => history::refusal(&error),
                };
                self.see_through(operation, record, wanted, told, command).await
            }
        }
    }

    /// Reads a record and replaces what it found, as a device does that has something new to keep.
    pub async fn update(&self, record: &RecordName) -> Outcome {
        match self.read(record).await {
            Outcome::Shown(state) => self.put(record, over(&state)).await,
            Outcome::Absent => self.put(record, Previous::Absent).await,
            unread => unread,
        }
    }

    /// Updates until one of the updates is acknowledged, taking what a refusal shows as the new previous state.
    pub async fn update_until_done(&self, record: &RecordName) -> State {
        loop {
            let mut outcome = self.update(record).await;
            loop {
                outcome = match outcome {
                    Outcome::Shown(state) => return state,
                    Outcome::Refused { shown: Some(Shown::State(head)), .. } => {
                        self.put(record, over(&head)).await
                    }
                    Outcome::Refused { shown: Some(Shown::Absent), .. } => {
                        self.put(record, Previous::Absent).await
                    }
                    _ => break,
                };
            }
            self.world.wait(self.dice.ms(5..=50)).await;
        }
    }

    /// Asks until there is an answer, a refusal, or no patience left, always under one idempotency key.
    async fn see_through<C>(
        &self,
        operation: OperationId,
        record: &RecordName,
        wanted: Wanted,
        told: impl Fn(Result<C::Reply, EngineError>) -> Outcome,
        command: C,
    ) -> Outcome
    where
        C: Command + Clone,
        C::Domain: Routed,
    {
        let key = self.dice.bytes();
        let invoked = self.world.now();
        // One in four leaves after the first silence, so that there are open ends to check.
        let tries = if self.dice.chance(25) { 1 } else { TRIES };
        let mut open = false;
        let mut outcome = Outcome::Unknown;
        for _ in 0..tries {
            let key = IdempotencyKey::from_bytes(key);
            match self.try_once(Some(key), command.clone(), &told).await {
                // A stale refusal under the same key proves that the earlier tries did not happen and never will:
                // what they were decided on is no longer there.
                Answer::Told(Outcome::Refused { shown: None, .. }) if open => {
                    outcome = Outcome::Unknown;
                    break;
                }
                Answer::Told(answer) => {
                    outcome = answer;
                    break;
                }
                Answer::Busy(refusal) => outcome = if open { Outcome::Unknown } else { refusal },
                Answer::Unknown => (open, outcome) = (true, Outcome::Unknown),
            }
            self.world.wait(self.dice.ms(0..=100)).await;
        }
        self.note(operation, record, wanted, invoked, outcome)
    }

    async fn try_once<C>(
        &self,
        key: Option<IdempotencyKey>,
        command: C,
        told: impl Fn(Result<C::Reply, EngineError>) -> Outcome,
    ) -> Answer
    where
        C: Command,
        C::Domain: Routed,
    {
        match self.ask(self.any_node(), key, command).await {
            None => Answer::Unknown,
            Some(Err(error)) if history::is_unknown(&error) => Answer::Unknown,
            Some(Err(error)) => {
                assert!(error != EngineError::Fault, "{} met an internal fault", C::NAME);
                let again = matches!(error.kind(), ErrorKind::Busy | ErrorKind::Fault);
                let outcome = told(Err(error));
                if again { Answer::Busy(outcome) } else { Answer::Told(outcome) }
            }
            Some(answer) => Answer::Told(told(answer)),
        }
    }

    /// One question to one node; `None` if it is down or says nothing for too long.
    pub async fn ask<C>(
        &self,
        node: usize,
        idempotency: Option<IdempotencyKey>,
        command: C,
    ) -> Option<Result<C::Reply, EngineError>>
    where
        C: Command,
        C::Domain: Routed,
    {
        let handle = self.world.node(node)?;
        let asking = Asking { credential: self.credential.clone(), within: None, idempotency };
        tokio::time::timeout(PATIENCE, handle.ask(asking, command)).await.ok()
    }

    fn note(
        &self,
        operation: OperationId,
        record: &RecordName,
        wanted: Wanted,
        invoked: Duration,
        outcome: Outcome,
    ) -> Outcome {
        let record = record.clone();
        let (client, returned) = (self.number, self.world.now());
        self.world.history.note(Call {
            client,
            operation,
            record,
            wanted,
            invoked,
            returned,
            outcome: outcome.clone(),
        });
        outcome
    }
}

/// The belief that a record is in this state.
pub fn over(state: &State) -> Previous {
    Previous::Tag(RecordTag::from_bytes(state.tag))
}
