//! Admission, vault users, and their items.

use strongroom_engine::domains::{
    admission::{IssueToken, Issuer, SpendToken},
    sessions::{BearerIssued, TokenForm},
    vault::{
        self as engine, CreateItem, CreateVaultUser, ListItems, OpenVaultSession, SlotValue, UpdateItem,
        UpdateVaultUser, templates::templates,
    },
};
use strongroom_primitives::id::{ItemId, TemplateId};
use strongroom_wire::{
    AdmissionToken, Admitted, Change, CryppoString, Item, ItemPage, NewItem, Problem, Profile, ProfileChange,
    Reply, Slot, SlotChange, SlotType, Template, TemplateList, TemplateSlot, TokenRequest, TokenShown,
    TokenText, VaultEnrolled, VaultEnrolment, VaultSession, VaultSignIn, VaultUser,
};

use super::{
    Desk,
    convert::{self, cursor},
    cursor_of, refused,
    users::life_of,
};
use crate::{rates::Counted, sealed};

pub(super) async fn issue_token(desk: Desk<'_>, wanted: TokenRequest) -> Result<Reply, Box<Problem>> {
    let issued = desk.ask(IssueToken { audience: wanted.audience }).await?;
    Ok(Reply::AdmissionToken(AdmissionToken {
        token: TokenText(issued.token),
        issued: issued.issued,
        expires: issued.expires,
    }))
}

pub(super) async fn spend_token(desk: Desk<'_>, shown: TokenShown) -> Result<Reply, Box<Problem>> {
    let admitted = desk.ask(SpendToken { token: shown.token.0, audience: shown.audience }).await?;
    Ok(Reply::Admitted(Admitted {
        issuer: match admitted.issuer {
            Issuer::Here => None,
            Issuer::Other(name) => Some(name),
        },
        realm: admitted.identity.realm,
        subject: admitted.identity.subject,
    }))
}

/// A session whose token leaves sealed only.
fn session_of(session: &BearerIssued, public_key: &str) -> Result<VaultSession, Box<Problem>> {
    Ok(VaultSession {
        session: session.session,
        sealed_token: CryppoString(sealed::token(public_key, &session.token).map_err(refused)?),
        expires: session.expires,
    })
}

pub(super) async fn enrol(desk: Desk<'_>, enrolment: VaultEnrolment) -> Result<Reply, Box<Problem>> {
    desk.spend(Counted::SignUp)?;
    let VaultEnrolment { admission_token, public_key, label } = enrolment;
    let create = CreateVaultUser {
        realm: desk.people().vault_realm.clone(),
        keystore: desk.people().users_realm.clone(),
        token: admission_token.0,
        public_key,
        label: desk.label(label),
        form: TokenForm::Bearer,
    };
    let enrolled = desk.ask(create).await?;
    Ok(Reply::VaultEnrolled(VaultEnrolled {
        session: session_of(&enrolled.session, &enrolled.public_key)?,
        user: user_of(enrolled.user),
    }))
}

pub(super) async fn sign_in(desk: Desk<'_>, sign_in: VaultSignIn) -> Result<Reply, Box<Problem>> {
    desk.spend(Counted::VaultSignIn)?;
    let VaultSignIn { public_key, life_s, label } = sign_in;
    let open = OpenVaultSession {
        realm: desk.people().vault_realm.clone(),
        public_key,
        life: life_of(life_s)?,
        label: desk.label(label),
        form: TokenForm::Bearer,
    };
    let opened = desk.ask(open).await?;
    Ok(Reply::VaultSession(session_of(&opened.session, &opened.public_key)?))
}

fn user_of(user: engine::VaultUser) -> VaultUser {
    let engine::Profile { private_dek, country, email, full_name, image } = user.profile;
    VaultUser {
        account: user.account,
        subject: user.identity.subject,
        joined: user.joined,
        profile: Profile { private_dek, country, email, full_name, image },
        items: user.items,
        bytes: user.bytes,
    }
}

pub(super) fn user(user: engine::VaultUser) -> Result<Reply, Box<Problem>> {
    Ok(Reply::VaultUser(user_of(user)))
}

pub(super) async fn update_user(desk: Desk<'_>, change: ProfileChange) -> Result<Reply, Box<Problem>> {
    let ProfileChange { private_dek, country, email, full_name, image } = change;
    let update = UpdateVaultUser {
        private_dek: convert::change(private_dek),
        country: convert::change(country),
        email: convert::change(email),
        full_name: convert::change(full_name),
        image: convert::change(image),
    };
    user(desk.ask(update).await?)
}

/// The types of slots, of which the wire and the engine each have their own list.
macro_rules! slot_types {
    ($($kind:ident)*) => {
        fn kind_of(kind: engine::SlotType) -> SlotType {
            match kind { $(engine::SlotType::$kind => SlotType::$kind,)* }
        }

        fn kind_to(kind: SlotType) -> engine::SlotType {
            match kind { $(SlotType::$kind => engine::SlotType::$kind,)* }
        }
    };
}

slot_types! {
    KeyValue Bool Date Datetime Image Url PhoneNumber Email Password Attachment AttachmentsFolder
    ClassificationNode
}

/// All templates, in the order in which they are shown.
pub(super) fn template_list() -> Reply {
    let slot = |slot: &engine::templates::TemplateSlot| TemplateSlot {
        id: slot.id,
        name: slot.name.to_owned(),
        label: slot.label.to_owned(),
        kind: kind_of(slot.kind),
        required: slot.required,
    };
    let template = |template: &engine::templates::Template| Template {
        id: template.id,
        name: template.name.to_owned(),
        label: template.label.to_owned(),
        slots: template.slots.iter().map(slot).collect(),
    };
    Reply::Templates(TemplateList { templates: templates().iter().map(template).collect() })
}

fn slot_change(change: SlotChange) -> Result<engine::SlotChange, Box<Problem>> {
    let SlotChange { id, name, label, kind, value, ordinal, visible, required, destroy } = change;
    let value = match value {
        Change::Keep => engine::Change::Keep,
        Change::Clear => engine::Change::Clear,
        Change::Set(text) => engine::Change::Set(SlotValue::parse(&text.0).map_err(refused)?),
    };
    let kind = kind.map(kind_to);
    Ok(engine::SlotChange { id, name, label, kind, value, ordinal, visible, required, destroy })
}

fn slot_changes(changes: Vec<SlotChange>) -> Result<Vec<engine::SlotChange>, Box<Problem>> {
    changes.into_iter().map(slot_change).collect()
}

fn slot_of(slot: engine::Slot) -> Result<Slot, Box<Problem>> {
    let engine::Slot { id, name, label, kind, value, ordinal, visible, required, created, updated } = slot;
    let value = value.map(super::keys::cryppo_of).transpose()?;
    Ok(Slot { id, name, label, kind: kind_of(kind), value, ordinal, visible, required, created, updated })
}

fn item_of(item: engine::Item) -> Result<Item, Box<Problem>> {
    let engine::Item { id, template, name, label, slots, created, updated } = item;
    let slots = slots.into_iter().map(slot_of).collect::<Result<_, _>>()?;
    Ok(Item { id, template, name, label, slots, created, updated })
}

pub(super) fn item(item: engine::Item) -> Result<Reply, Box<Problem>> {
    item_of(item).map(Reply::Item)
}

pub(super) async fn create_item(desk: Desk<'_>, new: NewItem) -> Result<Reply, Box<Problem>> {
    let NewItem { template, label, name, slots } = new;
    item(desk.ask(CreateItem { template, label, name, slots: slot_changes(slots)? }).await?)
}

pub(super) async fn update_item(
    desk: Desk<'_>,
    id: ItemId,
    label: Option<String>,
    slots: Vec<SlotChange>,
) -> Result<Reply, Box<Problem>> {
    item(desk.ask(UpdateItem { id, label, slots: slot_changes(slots)? }).await?)
}

pub(super) async fn items(
    desk: Desk<'_>,
    templates: Vec<TemplateId>,
    from: Option<String>,
    limit: Option<usize>,
) -> Result<Reply, Box<Problem>> {
    let list = ListItems { templates, from: cursor_of(from)?, limit: desk.page_rows(limit) };
    let page = desk.ask(list).await?;
    let items = page.items.into_iter().map(item_of).collect::<Result<_, _>>()?;
    Ok(Reply::Items(ItemPage { items, next: cursor(page.next) }))
}
