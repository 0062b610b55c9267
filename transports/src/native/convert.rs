//! The engine's answers as the documents of the wire. Field by field, with no decision in it.

use strongroom_engine::{
    self as engine, Right, Rights,
    domains::{accounts, records, recovery::RequestState, sessions},
    feed,
};
use strongroom_primitives::encoding;
use strongroom_wire::{
    Base64Array, Base64Bytes, Boxed, Change, Event, FeedPage, GrantInfo, GrantPage, HistoryPage, NamePage,
    RecordDocument, RecordHead, RecordInfo, RecoveryState, SessionInfo, SessionOpened, VersionInfo, What,
    Whoami,
};

fn parts(name: records::RecordName) -> Vec<String> {
    name.parts().to_vec()
}

fn rights(rights: Rights) -> Vec<String> {
    rights
        .iter()
        .map(|right| match right {
            Right::Create => "create".to_owned(),
            Right::Get => "get".to_owned(),
            Right::Reset => "reset".to_owned(),
        })
        .collect()
}

/// A change of something that may be there or not.
pub(crate) fn change<T>(change: Change<T>) -> engine::Change<T> {
    match change {
        Change::Keep => engine::Change::Keep,
        Change::Clear => engine::Change::Clear,
        Change::Set(thing) => engine::Change::Set(thing),
    }
}

/// What the server never opens.
pub(crate) fn boxed(boxed: engine::Boxed) -> Boxed {
    Boxed { text: Base64Bytes(boxed.text), nonce: Base64Array(boxed.nonce) }
}

/// The same on the way in.
pub(crate) fn unboxed(boxed: Boxed) -> engine::Boxed {
    engine::Boxed { text: boxed.text.0, nonce: boxed.nonce.0 }
}

/// A place in a listing. Its bytes mean something to the engine only.
pub(crate) fn cursor(next: Option<Vec<u8>>) -> Option<String> {
    next.map(|bytes| encoding::to_base64url(&bytes))
}

pub(crate) fn whoami(me: accounts::Whoami) -> Whoami {
    Whoami {
        account: me.account,
        realm: me.identity.realm.as_str().to_owned(),
        subject: me.identity.subject,
        rights: rights(me.rights),
        session: me.session,
        expires: me.expires,
    }
}

pub(crate) fn session(info: sessions::SessionInfo) -> SessionInfo {
    let sessions::SessionInfo { session, label, rights: held, opened, expires, .. } = info;
    let sessions::SessionInfo { last_used, parent, api_key, .. } = info;
    SessionInfo { session, label, rights: rights(held), opened, expires, last_used, parent, api_key }
}

pub(crate) fn opened(issued: sessions::BearerIssued) -> SessionOpened {
    let sessions::BearerIssued { token, session, expires, .. } = issued;
    SessionOpened { session, token, expires }
}

pub(crate) fn head(head: &records::RecordHead) -> RecordHead {
    RecordHead {
        name: head.name.parts().to_vec(),
        owner: head.owner.clone(),
        sequence: head.sequence,
        version: head.version.to_string(),
        tag: head.tag,
        chain: Base64Bytes(head.chain.to_vec().into()),
        written: head.written,
        recipients: head.recipients.clone(),
    }
}

pub(crate) fn record(record: records::Record) -> RecordDocument {
    RecordDocument {
        head: head(&record.head),
        meta: Base64Bytes(record.meta),
        value: Base64Bytes(record.value),
    }
}

pub(crate) fn names(page: records::NamePage) -> NamePage {
    let records = page
        .records
        .into_iter()
        .map(|(name, sequence, version, written)| RecordInfo {
            name: parts(name),
            sequence,
            version: version.to_string(),
            written,
        })
        .collect();
    NamePage { records, next: cursor(page.next) }
}

pub(crate) fn history(page: records::HistoryPage) -> HistoryPage {
    let versions = page
        .versions
        .into_iter()
        .map(|info| VersionInfo {
            sequence: info.sequence,
            version: info.version.to_string(),
            tag: info.tag,
            written: info.written,
            deleted: info.deleted,
            meta_bytes: info.meta_bytes,
            value_bytes: info.value_bytes,
        })
        .collect();
    HistoryPage { versions, next_after: page.next }
}

pub(crate) fn grants(page: records::GrantPage) -> GrantPage {
    let grants = page
        .grants
        .into_iter()
        .map(|grant| GrantInfo { owner: grant.owner, name: parts(grant.name), since: grant.since })
        .collect();
    GrantPage { grants, next: cursor(page.next) }
}

pub(crate) fn feed(page: feed::FeedPage) -> FeedPage {
    let events = page
        .events
        .into_iter()
        .map(|(sequence, at, event)| Event { sequence, at, what: what(event) })
        .collect();
    FeedPage { events, next_after: page.next, head: page.head, gap: page.gap }
}

fn what(event: feed::Event) -> What {
    match event {
        feed::Event::RecordPut { name, sequence, version, tag } => What::RecordPut {
            name: parts(name),
            record_sequence: sequence,
            version: version.to_string(),
            tag,
        },
        feed::Event::RecordDeleted { name, sequence } => {
            What::RecordDeleted { name: parts(name), record_sequence: sequence }
        }
        feed::Event::RecordsReset { prefix, count } => What::RecordsReset { prefix, count },
        feed::Event::RecordsShared { prefix, added, removed } => {
            What::RecordsShared { prefix, added, removed }
        }
        feed::Event::RecordGranted { owner, name } => What::RecordGranted { owner, name: parts(name) },
        feed::Event::RecordWithdrawn { owner, name } => What::RecordWithdrawn { owner, name: parts(name) },
        feed::Event::SessionOpened { session } => What::SessionOpened { session },
        feed::Event::SessionRevoked { session } => What::SessionRevoked { session },
        feed::Event::PassphraseChanged {} => What::PassphraseChanged {},
        feed::Event::KeysChanged { generation } => What::KeysChanged { generation },
        feed::Event::TokenIssued { audience } => What::TokenIssued { audience },
        feed::Event::TokenSpent { audience } => What::TokenSpent { audience },
        feed::Event::ItemPut { item } => What::ItemPut { item },
        feed::Event::ItemDeleted { item } => What::ItemDeleted { item },
        feed::Event::VaultUserChanged => What::VaultUserChanged {},
        feed::Event::ShareOffered { share, right } => What::ShareOffered { share, right },
        feed::Event::ShareAnswered { share, right, accepted } => {
            What::ShareAnswered { share, right, accepted }
        }
        feed::Event::ShareRightChanged { share, right } => What::ShareRightChanged { share, right },
        feed::Event::ShareRevoked { share, right } => What::ShareRevoked { share, right },
        feed::Event::ApiKeyPut { api_key } => What::ApiKeyPut { api_key },
        feed::Event::ApiKeyDeleted { api_key } => What::ApiKeyDeleted { api_key },
        feed::Event::EscrowShareFiled {} => What::EscrowShareFiled {},
        feed::Event::EscrowShareRead {} => What::EscrowShareRead {},
        feed::Event::EscrowSharesDropped { count } => What::EscrowSharesDropped { count },
        feed::Event::EscrowSharesMissed { count } => What::EscrowSharesMissed { count },
        feed::Event::SecretStorageChanged {} => What::SecretStorageChanged {},
        feed::Event::EscrowPut { escrow, epoch } => What::EscrowPut { escrow, epoch },
        feed::Event::EscrowDeleted { escrow } => What::EscrowDeleted { escrow },
        feed::Event::PinRecovery { realm, tenant, step } => {
            What::PinRecoveryChanged { realm, tenant, step: super::pin_recovery::step(step) }
        }
        feed::Event::RecoveryChanged { escrow, request, requester, state, approvals } => {
            What::RecoveryChanged { escrow, request, requester, state: recovery_state(state), approvals }
        }
    }
}

pub(crate) fn recovery_state(state: RequestState) -> RecoveryState {
    match state {
        RequestState::Open => RecoveryState::Open {},
        RequestState::Approved => RecoveryState::Approved {},
        RequestState::Waiting { due } => RecoveryState::Waiting { due },
        RequestState::Released { until } => RecoveryState::Released { until },
        RequestState::Expired => RecoveryState::Expired {},
        RequestState::Vetoed => RecoveryState::Vetoed {},
        RequestState::Lapsed => RecoveryState::Lapsed {},
    }
}
