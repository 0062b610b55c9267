//! People with a passphrase, from signing up to their vault, over every link; devices that meet; what is interrupted.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures_util::future::{AbortHandle, Abortable, Aborted, join};
use strongroom_client::{
    Client, Credentials,
    users::{Entered, Field, Keystore, Progress, SignInOptions, SignedIn, UserError, Users},
};
use strongroom_primitives::{
    id::DekId,
    secret::{Secret, SecretText},
    secret_key::SecretKey,
    two_skd::WorkFactors,
};

use crate::{
    brittle::{brittle, cut_after},
    support::{EVERY_LINK, Via, deployed},
};

fn text(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

fn label(label: &str) -> SignInOptions {
    SignInOptions { life_s: None, label: label.to_owned() }
}

/// Somebody who has signed up, and a client to sign in by.
struct Person {
    users: Users,
    secret_key: SecretKey,
}

impl Person {
    async fn new(client: &Client) -> Self {
        let users = Users::new(client);
        let sign_up = users.sign_up().await.unwrap();
        sign_up.register(&text("first"), WorkFactors::FLOOR).await.unwrap();
        Self { users, secret_key: sign_up.secret_key().clone() }
    }

    async fn sign_in(&self, passphrase: &str) -> Result<SignedIn, UserError> {
        self.users.sign_in(&self.secret_key, &text(passphrase), label(passphrase)).await
    }

    async fn keystore(&self) -> Keystore {
        self.sign_in("first").await.unwrap().keystore
    }
}

fn password(value: &str) -> Field {
    let value = Some(Secret::from(value.as_bytes()));
    Field { name: Some("password".to_owned()), value, ..Field::default() }
}

/// The whole life of a user, the same over every link.
#[test]
fn a_user_signs_up_and_keeps_items_over_every_link() {
    for via in EVERY_LINK {
        deployed(async |deployment| {
            let person = Person::new(&deployment.nobody(via)).await;
            let refused = person.sign_in("another").await.unwrap_err();
            assert!(matches!(refused, UserError::LoginRefused), "{via:?} {refused}");
            let signed_in = person.sign_in("first").await.unwrap();
            assert_eq!(signed_in.failures, 1, "{via:?}");

            let Entered { vault, kek, dek_id, user, .. } =
                signed_in.keystore.enter_vault(label("laptop")).await.unwrap();
            assert_eq!(user.subject.as_str(), person.secret_key.username(), "{via:?}");
            assert_eq!(user.profile.private_dek, Some(dek_id.to_string()));
            let templates = vault.templates().await.unwrap();
            let template = templates.iter().find(|template| template.name == "password").unwrap();
            let made = vault.create(template.id, "Bank", vec![password("hunter2 \u{9375}")]).await.unwrap();
            let item = vault.item(made.id).await.unwrap();
            let slot = item.slots.iter().find(|slot| slot.name == "password").unwrap();
            assert!(vault.open(slot).unwrap().unwrap().matches("hunter2 \u{9375}".as_bytes()), "{via:?}");
            vault.update(made.id, Some("My bank".to_owned()), vec![password("")]).await.unwrap();
            let items = vault.items().await.unwrap();
            assert_eq!((items.len(), items[0].label.as_str()), (1, "My bank"));
            let slot = items[0].slots.iter().find(|slot| slot.name == "password").unwrap();
            assert!(vault.open(slot).unwrap().unwrap().is_empty());
            vault.remove_slot(slot.id).await.unwrap();
            assert!(
                vault.open(slot).is_ok() && vault.item(made.id).await.unwrap().slots.len() < item.slots.len()
            );

            // The same user on another day finds what there is and makes nothing anew.
            let again =
                person.sign_in("first").await.unwrap().keystore.enter_vault(label("again")).await.unwrap();
            assert_eq!((again.dek_id, again.kek.generation, again.kek.keys), (dek_id, kek.generation, 2));
            assert!(again.vault.items().await.unwrap().len() == 1);
            again.vault.delete(made.id).await.unwrap();
            assert!(vault.item(made.id).await.unwrap_err().is_problem("unknown-item"), "{via:?}");

            signed_in.keystore.sign_out(None).await.unwrap();
            let ended = signed_in.keystore.kek().await.unwrap_err();
            assert!(ended.is_problem("credential-invalid"), "{via:?} {ended}");
        });
    }
}

/// A-DEV-01: a new passphrase ends the sessions of other devices, the old one opens nothing, and every key stays, with
/// a rotation under way as without one.
#[test]
fn a_new_passphrase_opens_the_same_keys_and_the_old_one_none() {
    for rotating in [false, true] {
        deployed(async |deployment| {
            let person = Person::new(&deployment.nobody(Via::Memory)).await;
            let (phone, laptop) = (person.keystore().await, person.keystore().await);
            laptop.set_kek().await.unwrap();
            let (id, dek) = laptop.create_dek().await.unwrap();
            if rotating {
                interrupted(&laptop, 0).await.unwrap_err();
            }
            let (first, second, wrong) = (text("first"), text("second"), text("wrong"));
            let change =
                |present| laptop.change_passphrase(&person.secret_key, present, &second, WorkFactors::FLOOR);
            assert!(matches!(change(&wrong).await.unwrap_err(), UserError::LoginRefused));
            let (laptop, ended) = change(&first).await.unwrap();
            assert_eq!(ended, 1);
            assert!(phone.kek().await.unwrap_err().is_problem("credential-invalid"));
            assert!(matches!(person.sign_in("first").await.unwrap_err(), UserError::LoginRefused));
            assert_eq!(laptop.dek(id).await.unwrap().expose_bytes(), dek.expose_bytes());
            let phone = person.sign_in("second").await.unwrap().keystore;
            assert_eq!(phone.dek(id).await.unwrap().expose_bytes(), dek.expose_bytes());
            let kek = phone.rotate_kek(|_| ()).await.unwrap();
            assert_eq!(
                (kek.generation, kek.keys),
                (2, 1),
                "the rotation that was under way, not another one"
            );
            assert_eq!(laptop.dek(id).await.unwrap().expose_bytes(), dek.expose_bytes());
        });
    }
}

/// A rotation that is given up by its process as soon as so many keys are rewrapped.
async fn interrupted(keystore: &Keystore, after: u64) -> Result<Result<u32, UserError>, Aborted> {
    let (handle, registration) = AbortHandle::new_pair();
    let stop = |progress: Progress| {
        if progress.done >= after {
            handle.abort();
        }
    };
    let rotating = keystore.rotate_kek(stop);
    Abortable::new(rotating, registration).await.map(|kek| kek.map(|kek| kek.generation))
}

async fn keys_of(keystore: &Keystore, count: usize) -> Vec<(DekId, [u8; 32])> {
    let mut keys = Vec::new();
    for _ in 0..count {
        let (id, dek) = keystore.create_dek().await.unwrap();
        keys.push((id, *dek.expose_bytes()));
    }
    keys
}

async fn all_open(keystore: &Keystore, keys: &[(DekId, [u8; 32])]) {
    for (id, key) in keys {
        assert_eq!(keystore.dek(*id).await.unwrap().expose_bytes(), key);
    }
}

/// A-KEY-05, A-KEY-06: a rotation is cut off after every page and gone on with by another device, while keys are added
/// and removed; at its end every key opens, and the KEK is another.
#[test]
fn a_rotation_that_is_interrupted_is_gone_on_with_by_another_device() {
    deployed(async |deployment| {
        let person = Person::new(&deployment.nobody(Via::Http)).await;
        let (phone, laptop) = (person.keystore().await, person.keystore().await);
        let first = laptop.set_kek().await.unwrap();
        let mut keys = keys_of(&laptop, 120).await;
        let pair = laptop.create_key_pair(&["vault"]).await.unwrap();
        let (mut devices, mut cuts, mut seen) = ([&phone, &laptop].into_iter().cycle(), 0, 0);
        let generation = loop {
            let device = devices.next().unwrap();
            match interrupted(device, seen + 1).await {
                Ok(done) => break done.unwrap(),
                Err(Aborted) => cuts += 1,
            }
            let kek = device.kek().await.unwrap();
            assert_eq!((kek.generation, kek.key.expose_bytes()), (1, first.key.expose_bytes()));
            seen = kek.rewrapped.unwrap();
            // The same rotation all the time, under whose old KEK keys come and go.
            if cuts < 4 {
                keys.extend(keys_of(device, 1).await);
                let (gone, _) = keys.swap_remove(7);
                device.delete_dek(gone).await.unwrap();
            }
            assert!(cuts < 20);
        };
        assert!(cuts >= 3, "{cuts}");
        for device in [&phone, &laptop] {
            let kek = device.kek().await.unwrap();
            assert_eq!((kek.generation, kek.rewrapped), (generation, None));
            assert_ne!(kek.key.expose_bytes(), first.key.expose_bytes());
            all_open(device, &keys).await;
            let opened = device.key_pair("vault").await.unwrap().unwrap();
            assert_eq!(opened.private_key.expose_pem().expose(), pair.private_key.expose_pem().expose());
        }
        assert_eq!(generation, 2, "one rotation, however often it was gone on with");
    });
}

/// A-KEY-05: two devices that rotate at the same time make one rotation; a third that adds keys meanwhile loses none.
#[test]
fn devices_that_rotate_at_the_same_time_end_with_one_kek() {
    for via in [Via::Memory, Via::Http, Via::Ws] {
        deployed(async |deployment| {
            let person = Person::new(&deployment.nobody(via)).await;
            let (phone, laptop, tablet) =
                (person.keystore().await, person.keystore().await, person.keystore().await);
            laptop.set_kek().await.unwrap();
            let mut keys = keys_of(&laptop, 60).await;
            let rotating = join(phone.rotate_kek(|_| ()), laptop.rotate_kek(|_| ()));
            let ((ours, theirs), added) = join(rotating, keys_of(&tablet, 20)).await;
            keys.extend(added);
            let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
            // Whoever comes after the other's end begins another one.
            let present = tablet.kek().await.unwrap().generation;
            assert_eq!(present, ours.generation.max(theirs.generation), "{via:?}");
            assert!((2..=3).contains(&present), "{via:?} {present}");
            all_open(&phone, &keys).await;
        });
    }
}

#[test]
fn a_rotation_that_is_given_up_leaves_every_key_as_it_was() {
    deployed(async |deployment| {
        let person = Person::new(&deployment.nobody(Via::Memory)).await;
        let keystore = person.keystore().await;
        let first = keystore.set_kek().await.unwrap();
        let keys = keys_of(&keystore, 60).await;
        assert!(!keystore.cancel_rotation().await.unwrap());
        interrupted(&keystore, 1).await.unwrap_err();
        assert!(keystore.kek().await.unwrap().rewrapped.unwrap() > 0);
        assert!(keystore.cancel_rotation().await.unwrap());
        let kek = keystore.kek().await.unwrap();
        assert_eq!((kek.generation, kek.rewrapped), (1, None));
        assert_eq!(kek.key.expose_bytes(), first.key.expose_bytes());
        all_open(&keystore, &keys).await;
        // A number is never used again, so nobody takes the next rotation for that one.
        assert_eq!(keystore.rotate_kek(|_| ()).await.unwrap().generation, 3);
        all_open(&keystore, &keys).await;
    });
}

/// A lost answer is asked again: over links that break after a few frames, each step happens once.
#[test]
fn signing_up_and_rotating_survive_links_that_break() {
    deployed(async |deployment| {
        let cuts = Arc::new(AtomicU64::new(0));
        let client = brittle(deployment, Credentials::nobody(), 11, &cuts);
        let person = Person::new(&client).await;
        let keystore = person.keystore().await;
        keystore.set_kek().await.unwrap();
        let keys = keys_of(&keystore, 60).await;
        assert_eq!(keystore.deks().await.unwrap().len(), keys.len(), "every key was made once");
        assert_eq!(keystore.rotate_kek(|_| ()).await.unwrap().generation, 2);
        all_open(&keystore, &keys).await;
        assert!(cuts.load(Ordering::Relaxed) > 20);
    });
}

/// Two devices that enrol at the same time end in one vault, with one key.
#[test]
fn devices_that_enrol_at_the_same_time_end_in_one_vault() {
    for via in [Via::Memory, Via::Http] {
        deployed(async |deployment| {
            let person = Person::new(&deployment.nobody(via)).await;
            let (phone, laptop) = (person.keystore().await, person.keystore().await);
            let (ours, theirs) =
                join(phone.enter_vault(label("phone")), laptop.enter_vault(label("laptop"))).await;
            let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
            assert_eq!(ours.user.account, theirs.user.account, "{via:?}");
            assert_eq!((ours.dek_id, ours.kek.generation), (theirs.dek_id, theirs.kek.generation));
            assert_eq!(ours.dek.expose_bytes(), theirs.dek.expose_bytes());
            assert_eq!(phone.key_pairs().await.unwrap().len(), 1);
        });
    }
}

/// An enrolment that is cut off at whatever step is brought to its end by entering again, and leaves nothing twice.
#[test]
fn an_enrolment_that_is_cut_off_anywhere_is_finished_by_entering_again() {
    deployed(async |deployment| {
        let person = Person::new(&deployment.nobody(Via::Memory)).await;
        let token = person.sign_in("first").await.unwrap();
        let mut cuts = 0;
        let entered = loop {
            // One more frame gets through each time.
            let client = cut_after(deployment, cuts);
            let keystore = Users::new(&client).keystore(&token.token, token.keystore.pdk().clone()).unwrap();
            match keystore.enter_vault(label("cut")).await {
                Ok(entered) => break entered,
                Err(_) => cuts += 1,
            }
            assert!(cuts < 60);
        };
        assert!(cuts > 10, "{cuts}");
        let keystore = token.keystore;
        assert_eq!((keystore.key_pairs().await.unwrap().len(), keystore.deks().await.unwrap().len()), (1, 1));
        let again = keystore.enter_vault(label("again")).await.unwrap();
        assert_eq!(again.dek_id, entered.dek_id);
        assert_eq!(again.user.account, entered.user.account);
    });
}
