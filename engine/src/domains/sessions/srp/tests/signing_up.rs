//! Names and verifiers: what is registered, and what is not.

use super::*;

/// A-SRP-11, A-SRP-12: what cannot be a verifier or a salt is refused; so is a name that nobody was given, one that
/// belongs to somebody, and one in a realm that is closed.
#[actix_rt::test]
async fn only_a_reserved_name_with_a_verifier_of_the_group_is_registered() {
    for profile in [SrpProfile::Meeco, SrpProfile::Native] {
        let door = Door::open(profile).await;
        let username = door.reserve().await;
        let good = door.registration(&username);
        let ask = async |registration: RegisterUser| {
            door.handle().ask(Credential::Anonymous, registration).await.map(|registered| registered.account)
        };
        let n = modulus(profile.profile());
        let mut below = n.clone();
        *below.last_mut().unwrap() -= 1;
        for verifier in [vec![], vec![0], vec![1], below, n, vec![0xff; 513]] {
            let refused = ask(RegisterUser { verifier, ..good.clone() }).await.unwrap_err();
            assert_eq!(refused, EngineError::SrpInvalid(SrpError::Verifier));
        }
        for salt in [vec![], vec![1; 15], vec![1; 65], vec![1; 1 << 20]] {
            let refused = ask(RegisterUser { salt, ..good.clone() }).await.unwrap_err();
            assert_eq!(refused, EngineError::SrpInvalid(SrpError::Salt));
        }
        let never = ask(door.registration("M9znjHbD5Xi")).await.unwrap_err();
        assert_eq!(never, EngineError::UsernameNotReserved);
        let account = ask(good.clone()).await.unwrap();
        assert_eq!(ask(good.clone()).await.unwrap_err(), EngineError::UsernameTaken);
        assert!(door.sign_in(&username, 1).await.account_is(&door, account).await, "nothing changed");

        let late = door.reserve().await;
        door.clock.wait(Duration::from_millis(3_600_001));
        let refused = ask(door.registration(&late)).await.unwrap_err();
        assert_eq!(refused, EngineError::UsernameNotReserved);

        // Somebody who is here in another way cannot be taken over.
        let identity = Identity { realm: realm(), subject: Subject::new("clerk").unwrap() };
        let issue = IssueBearer { identity, rights: Rights::ALL, life: None, label: String::new() };
        door.handle().ask(Credential::Operator, issue).await.unwrap();
        let open = |sign_up| SetSignUp { realm: realm(), sign_up };
        door.handle().ask(Credential::Operator, open(SignUp::Chosen)).await.unwrap();
        assert_eq!(ask(door.registration("clerk")).await.unwrap_err(), EngineError::UsernameTaken);
        assert!(ask(door.registration("chosen-name")).await.is_ok());
        door.handle().ask(Credential::Operator, open(SignUp::Closed)).await.unwrap();
        assert_eq!(ask(door.registration("too-late")).await.unwrap_err(), EngineError::SignUpClosed);
        let reserve = ReserveUsername { realm: realm() };
        assert_eq!(
            door.handle().ask(Credential::Anonymous, reserve).await.unwrap_err(),
            EngineError::SignUpClosed
        );
        assert!(door.sign_in(&username, 2).await.account_is(&door, account).await, "who is in stays in");
    }
}

impl Credential {
    async fn account_is(self, door: &Door, account: AccountId) -> bool {
        door.handle().ask(self, WhoAmI).await.unwrap().account == account
    }
}
