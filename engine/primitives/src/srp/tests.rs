//! What the published clients compute, and what a hostile other side is told.

mod oracle;

use num_bigint::BigUint;
use serde_json::Value;

use super::modpow::{Residue, count};
use super::transcript::{nonzero, private_exponent};
use super::*;
use crate::secret::Secret;

const PROFILES: [Profile; 2] = [Profile::MEECO, Profile::NATIVE];

fn vectors() -> Value {
    let all: Value = serde_json::from_str(include_str!("../../../../tests/vectors/meeco.json")).unwrap();
    all["srp"].clone()
}

fn bytes(value: &Value) -> Vec<u8> {
    crate::encoding::from_hex(value.as_str().unwrap()).unwrap()
}

fn ephemeral(value: &Value) -> Ephemeral {
    Ephemeral::new(bytes(value).try_into().unwrap())
}

/// N - 1 is what the group takes for -1.
fn prime(profile: Profile) -> BigUint {
    let group = profile.group();
    let minus_one = group.modulus.sub(&Residue::zero().unwrap(), &group.one).unwrap();
    BigUint::from_bytes_be(&group.modulus.to_padded(&minus_one).unwrap()) + 1_u32
}

/// A user, a password, and what both sides draw.
struct Party {
    profile: Profile,
    salt: Salt,
    a: [u8; 32],
    b: [u8; 32],
}

impl Party {
    fn new(profile: Profile) -> Self {
        Self { profile, salt: Salt::new(&[7; 32]).unwrap(), a: [0xa5; 32], b: [0xb6; 32] }
    }

    fn verifier(&self) -> Verifier {
        register(self.profile, "alice", b"correct horse", &self.salt).unwrap()
    }

    fn client(&self) -> Client {
        Client::start(self.profile, Ephemeral::new(self.a)).unwrap()
    }

    fn challenge(&self) -> ServerPublic {
        challenge(self.profile, &self.verifier(), &Ephemeral::new(self.b)).unwrap()
    }

    fn prove(&self, password: &[u8]) -> Pending {
        self.client().prove("alice", password, &self.salt, &self.challenge()).unwrap()
    }

    fn answer(&self, m1: &Proof) -> Result<Accepted, SrpError> {
        let (client, server_public) = (self.client(), self.challenge());
        let transcript = Transcript {
            profile: self.profile,
            name: "alice",
            salt: &self.salt,
            client_public: client.public(),
            server_public: &server_public,
        };
        answer(&transcript, &self.verifier(), &Ephemeral::new(self.b), m1)
    }
}

#[test]
fn the_constants_are_the_published_ones() {
    let vectors = vectors();
    let group = Profile::MEECO.group();
    assert_eq!(prime(Profile::MEECO).to_bytes_be(), bytes(&vectors["N"]));
    assert_eq!(group.modulus.to_padded(&group.multiplier).unwrap()[224..], bytes(&vectors["k"]));
}

#[test]
fn every_value_of_every_published_handshake_is_reproduced_on_both_sides() {
    let profile = Profile::MEECO;
    let modulus = &profile.group().modulus;
    let vectors = vectors();
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 7);
    for case in cases {
        let at = &case["name"];
        let name = case["username_utf8"].as_str().unwrap();
        let password = bytes(&case["password_bytes"]);
        let salt = Salt::new(&bytes(&case["salt"])).unwrap();

        let x = private_exponent(name, &password, &salt);
        assert_eq!(x.as_slice(), bytes(&case["x"]), "{at}");
        let verifier = register(profile, name, &password, &salt).unwrap();
        assert_eq!(verifier.expose(), bytes(&case["verifier_v"]), "{at}");

        let client = Client::start(profile, ephemeral(&case["client_secret_a"])).unwrap();
        assert_eq!(client.public().as_bytes(), bytes(&case["srp_A"]), "{at}");
        let b = ephemeral(&case["server_secret_b"]);
        let server_public = challenge(profile, &verifier, &b).unwrap();
        assert_eq!(server_public.as_bytes(), bytes(&case["srp_B"]), "{at}");

        let client_public = client.public().clone();
        let transcript = Transcript {
            profile,
            name,
            salt: &salt,
            client_public: &client_public,
            server_public: &server_public,
        };
        assert_eq!(transcript.u().as_slice(), bytes(&case["u"]), "{at}");
        let shared = modulus.residue(&bytes(&case["S"])).unwrap().unwrap();
        assert_eq!(transcript.session_key(&shared).unwrap().expose().as_slice(), bytes(&case["K"]), "{at}");

        let pending = client.prove(name, &password, &salt, &server_public).unwrap();
        assert_eq!(pending.m1().expose().as_slice(), bytes(&case["M1"]), "{at}");
        let m1 = Proof::new(&bytes(&case["M1"])).unwrap();
        let accepted = answer(&transcript, &verifier, &b, &m1).unwrap();
        assert_eq!(accepted.m2.expose().as_slice(), bytes(&case["M2"]), "{at}");
        assert_eq!(accepted.key.expose().as_slice(), bytes(&case["K"]), "{at}");
        let key = pending.verify_server(&bytes(&case["M2"])).unwrap();
        assert_eq!(key.expose().as_slice(), bytes(&case["K"]), "{at}");
    }
}

/// A-SRP-01, A-SRP-02: no client value is zero modulo N, whatever its spelling.
#[test]
fn a_client_value_that_is_zero_modulo_n_is_refused() {
    for bad in vectors()["must_reject_A"].as_array().unwrap() {
        let refused = ClientPublic::new(Profile::MEECO, &bytes(&bad["srp_a"]));
        assert_eq!(refused.unwrap_err(), SrpError::ClientPublic, "{}", bad["name"]);
    }
    for profile in PROFILES {
        let n = prime(profile);
        for factor in [0_u32, 1, 2, 3, 65_537, u32::MAX] {
            let multiple = (&n * factor).to_bytes_be();
            assert_eq!(ClientPublic::new(profile, &multiple).unwrap_err(), SrpError::ClientPublic);
            assert_eq!(ServerPublic::new(profile, &multiple).unwrap_err(), SrpError::ServerPublic);
        }
    }
}

/// A-SRP-03: lengths and leading zeros. Signs and digits are a matter of the text that the bytes came in.
#[test]
fn leading_zeros_never_change_what_a_value_means() {
    for profile in PROFILES {
        let length = profile.group_bytes();
        let plain = ClientPublic::new(profile, &[5]).unwrap();
        assert_eq!(plain.as_bytes().len(), length);
        assert!(plain == ClientPublic::new(profile, &[0, 0, 5]).unwrap());
        let mut padded = vec![0; length];
        padded[length - 1] = 5;
        assert!(plain == ClientPublic::new(profile, &padded).unwrap());
        padded.insert(0, 0);
        assert_eq!(ClientPublic::new(profile, &padded).unwrap_err(), SrpError::ClientPublic);
        assert_eq!(ClientPublic::new(profile, &[]).unwrap_err(), SrpError::ClientPublic);
        let n = prime(profile);
        assert!(ClientPublic::new(profile, &(&n - 1_u32).to_bytes_be()).is_ok());
        let above = (&n + 1_u32).to_bytes_be();
        assert_eq!(ClientPublic::new(profile, &above).unwrap_err(), SrpError::ClientPublic);
        assert_eq!(ClientPublic::new(profile, &vec![0xff; 1 << 20]).unwrap_err(), SrpError::ClientPublic);
    }
}

/// A-SRP-11: verifiers and salts that no honest client sends.
#[test]
fn a_verifier_lies_strictly_between_one_and_n_minus_one() {
    for profile in PROFILES {
        let n = prime(profile);
        let numbers = [&n - 1_u32, n.clone(), &n + 1_u32, &n * 2_u32].map(|number| number.to_bytes_be());
        let bad = [vec![], vec![0], vec![1], vec![0, 1], vec![0; profile.group_bytes() + 1]];
        for bad in bad.iter().chain(&numbers) {
            assert_eq!(Verifier::new(profile, bad).unwrap_err(), SrpError::Verifier);
        }
        let last = (&n - 2_u32).to_bytes_be();
        assert_eq!(Verifier::new(profile, &last).unwrap().expose(), last);
        assert_eq!(Verifier::new(profile, &[2]).unwrap().expose().len(), profile.group_bytes());
    }
    for length in [0, 15, 65, 1 << 20] {
        assert_eq!(Salt::new(&vec![1; length]).unwrap_err(), SrpError::Salt);
    }
    for length in [16, 64] {
        assert_eq!(Salt::new(&vec![1; length]).unwrap().as_bytes().len(), length);
    }
}

/// A-SRP-06: a proof is right in every bit and in its length.
#[test]
fn a_proof_that_is_wrong_by_one_bit_is_refused() {
    for profile in PROFILES {
        let party = Party::new(profile);
        let m1 = *party.prove(b"correct horse").m1().expose();
        assert!(party.answer(&Proof::new(&m1).unwrap()).is_ok());
        for (at, bit) in [(0, 7), (16, 3), (31, 0)] {
            let mut bad = m1;
            bad[at] ^= 1 << bit;
            assert_eq!(party.answer(&Proof::new(&bad).unwrap()).unwrap_err(), SrpError::Proof);
        }
        assert_eq!(party.answer(party.prove(b"correct hors").m1()).unwrap_err(), SrpError::Proof);
        for length in [0, 31, 33] {
            assert_eq!(Proof::new(&vec![0; length]).unwrap_err(), SrpError::Proof);
        }
    }
}

/// The proof of the native profile covers name and salt; that of the other one does not (`dialects/meeco.md`, 2).
#[test]
fn only_the_native_proof_covers_name_and_salt() {
    for (profile, covered) in [(Profile::MEECO, false), (Profile::NATIVE, true)] {
        let party = Party::new(profile);
        let (client, server_public) = (party.client(), party.challenge());
        let m1 = party.prove(b"correct horse").m1().clone();
        let told = |name, salt| {
            let client_public = client.public();
            let transcript = Transcript { profile, name, salt, client_public, server_public: &server_public };
            answer(&transcript, &party.verifier(), &Ephemeral::new(party.b), &m1).is_ok()
        };
        assert!(told("alice", &party.salt));
        assert_eq!(told("Alice", &party.salt), !covered);
        assert_eq!(told("alice", &Salt::new(&[8; 32]).unwrap()), !covered);
    }
}

/// A-SRP-15: u is zero. (B = 0 modulo N is refused where B is read, beside the same of A.)
#[test]
fn a_scrambler_of_zero_ends_the_handshake() {
    assert_eq!(nonzero(&[0; 32]).err(), Some(SrpError::ServerPublic));
    let mut one = [0; 32];
    one[31] = 1;
    assert!(nonzero(&one).is_ok());
}

/// A-SRP-16: without the server's proof there is no key.
#[test]
fn a_server_that_cannot_prove_itself_gets_no_session() {
    for profile in PROFILES {
        let party = Party::new(profile);
        let accepted = party.answer(party.prove(b"correct horse").m1()).unwrap();
        let m2 = *accepted.m2.expose();
        let key = party.prove(b"correct horse").verify_server(&m2).unwrap();
        assert_eq!(key.expose(), accepted.key.expose());
        let mut corrupt = m2;
        corrupt[31] ^= 1;
        for bad in [&[][..], &corrupt, &m2[..31], &[0; 32]] {
            let pending = party.prove(b"correct horse");
            assert_eq!(pending.verify_server(bad).unwrap_err(), SrpError::Proof);
        }
    }
}

/// A-SRP-04: stable per secret, profile and name; and of the usual shape.
#[test]
fn a_decoy_is_stable_and_looks_like_an_account() {
    let secret = Secret::new(vec![3; 32]);
    for profile in PROFILES {
        let bob = decoy(profile, &secret, "bob").unwrap();
        let again = decoy(profile, &secret, "bob").unwrap();
        assert_eq!(bob.salt, again.salt);
        assert_eq!(bob.verifier.expose(), again.verifier.expose());
        assert_eq!(bob.salt.as_bytes().len(), 32);
        assert!(Verifier::new(profile, bob.verifier.expose()).is_ok());
        for other in [
            decoy(profile, &secret, "bobb").unwrap(),
            decoy(profile, &secret, "").unwrap(),
            decoy(profile, &Secret::new(vec![4; 32]), "bob").unwrap(),
        ] {
            assert_ne!(bob.salt, other.salt);
            assert_ne!(bob.verifier.expose(), other.verifier.expose());
        }
    }
    let [meeco, native] = PROFILES.map(|profile| decoy(profile, &secret, "bob").unwrap());
    assert_ne!(meeco.salt, native.salt);
}

/// A-SRP-04: a decoy is a power of the generator as every verifier is, because the generator is no square.
#[test]
fn the_generators_generate_their_whole_groups() {
    for (profile, generator) in [(Profile::MEECO, 2_u32), (Profile::NATIVE, 5)] {
        let n = prime(profile);
        let minus_one = &n - 1_u32;
        assert_eq!(BigUint::from(generator).modpow(&(&minus_one >> 1), &n), minus_one);
    }
}

/// A-SRP-05, and the cost of a sign-in: three exponentiations for an account, three for a name without one.
#[test]
fn a_sign_in_costs_three_exponentiations_for_whatever_name() {
    for profile in PROFILES {
        let party = Party::new(profile);
        let b = Ephemeral::new(party.b);
        let secret = Secret::new(vec![3; 32]);
        let (decoy, making) = count::during(|| decoy(profile, &secret, "alice").unwrap());
        assert_eq!(making, 0);
        let (server_public, first) = count::during(|| challenge(profile, &decoy.verifier, &b).unwrap());
        let client = party.client();
        let client_public = client.public().clone();
        let pending = client.prove("alice", b"guess", &decoy.salt, &server_public).unwrap();
        let (name, salt) = ("alice", &decoy.salt);
        let transcript =
            Transcript { profile, name, salt, client_public: &client_public, server_public: &server_public };
        let (refused, second) =
            count::during(|| answer(&transcript, &decoy.verifier, &b, pending.m1()).unwrap_err());
        assert_eq!((first, second, refused), (1, 2, SrpError::Proof));

        let (verifier, m1) = (party.verifier(), party.prove(b"correct horse").m1().clone());
        let (server_public, first) = count::during(|| challenge(profile, &verifier, &b).unwrap());
        let transcript = Transcript {
            profile,
            name,
            salt: &party.salt,
            client_public: &client_public,
            server_public: &server_public,
        };
        let (accepted, second) = count::during(|| answer(&transcript, &verifier, &b, &m1));
        assert_eq!((first, second, accepted.is_ok()), (1, 2, true));
    }
}

#[test]
fn values_of_another_profile_are_an_error() {
    let (small, large) = (Party::new(Profile::MEECO), Party::new(Profile::NATIVE));
    let b = Ephemeral::new(small.b);
    for (profile, verifier) in [(Profile::NATIVE, small.verifier()), (Profile::MEECO, large.verifier())] {
        assert_eq!(challenge(profile, &verifier, &b).unwrap_err(), SrpError::Arithmetic);
    }
    let mixed = small.client().prove("alice", b"", &small.salt, &large.challenge());
    assert_eq!(mixed.unwrap_err(), SrpError::Arithmetic);
}

/// A-LEAK-01: nothing of a value shows in debug output.
#[test]
fn debug_output_is_the_length_only() {
    let party = Party::new(Profile::MEECO);
    assert_eq!(format!("{:?}", party.verifier()), "Verifier(256 bytes)");
    assert_eq!(format!("{:?}", Ephemeral::new(party.a)), "Ephemeral(32 bytes)");
    let accepted = party.answer(party.prove(b"correct horse").m1()).unwrap();
    assert_eq!(format!("{accepted:?}"), "Accepted { m2: Proof(32 bytes), key: SessionKey(32 bytes) }");
}
