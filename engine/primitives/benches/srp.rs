//! What one SRP sign-in costs the server, beside the bare exponentiations that it is made of.
//!
//! The yardstick is `BN_mod_exp_mont_consttime` of the system's OpenSSL, loaded when the program runs, for the same
//! three powers: g^b, v^u and X^b, with exponents of 256 bits and the modulus prepared beforehand. The floor: a sign-in
//! (challenge and answer, 2048 bits) takes at most 1.15 times their sum. Beside it stand the candidates that were
//! weighed: the same function of aws-lc, and `crypto-bigint` with and without a table for g. `a name without an account`
//! is what a decoy adds.
//!
//! After criterion's own figures all contenders of a profile take turns, and the program prints the fastest and the
//! middle time of each with their ratio to the yardstick. Those ratios are the ones to quote.
#![expect(unsafe_code, reason = "the yardsticks are C functions")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::ffi::{CString, c_char, c_int};
use std::hint::black_box;
use std::ptr;
use std::time::{Duration, Instant};

use aws_lc_sys as lc;
use criterion::Criterion;
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{CtAssign, CtEq, Limb, Odd, U256, Uint};
use strongroom_primitives::secret::Secret;
use strongroom_primitives::srp::{
    Client, ClientPublic, Ephemeral, Profile, Proof, Salt, Transcript, Verifier, answer, challenge, decoy,
    register,
};

const ROUNDS: usize = 400;
const LIMBS_2048: usize = 2048 / Limb::BITS as usize;
const LIMBS_3072: usize = 3072 / Limb::BITS as usize;
/// Exponents of the yardsticks: g^b, v^u, X^b.
const EXPONENTS: [[u8; 32]; 3] = [[0xb6; 32], [0xd5; 32], [0xb6; 32]];

/// What is measured.
type Work = Box<dyn Fn()>;

/// The functions that OpenSSL and aws-lc have in common, under the names that both give them.
struct Bn {
    new: unsafe extern "C" fn() -> *mut lc::BIGNUM,
    hex2bn: unsafe extern "C" fn(*mut *mut lc::BIGNUM, *const c_char) -> c_int,
    ctx_new: unsafe extern "C" fn() -> *mut lc::BN_CTX,
    mont_new: unsafe extern "C" fn() -> *mut lc::BN_MONT_CTX,
    mont_set: unsafe extern "C" fn(*mut lc::BN_MONT_CTX, *const lc::BIGNUM, *mut lc::BN_CTX) -> c_int,
    mod_exp: unsafe extern "C" fn(
        *mut lc::BIGNUM,
        *const lc::BIGNUM,
        *const lc::BIGNUM,
        *const lc::BIGNUM,
        *mut lc::BN_CTX,
        *const lc::BN_MONT_CTX,
    ) -> c_int,
}

impl Bn {
    fn aws_lc() -> Self {
        Self {
            new: lc::BN_new,
            hex2bn: lc::BN_hex2bn,
            ctx_new: lc::BN_CTX_new,
            mont_new: lc::BN_MONT_CTX_new,
            mont_set: lc::BN_MONT_CTX_set,
            mod_exp: lc::BN_mod_exp_mont_consttime,
        }
    }

    fn openssl() -> Result<Self, libloading::Error> {
        // SAFETY: OpenSSL's own initialisers are the only code that runs; the library stays for the whole process.
        let library = unsafe { libloading::Library::new("libcrypto.so.3")? };
        let library: &'static libloading::Library = Box::leak(Box::new(library));
        // SAFETY: the signatures are those of OpenSSL 3; its opaque types are only ever passed back to it.
        unsafe {
            Ok(Self {
                new: *library.get(b"BN_new\0")?,
                hex2bn: *library.get(b"BN_hex2bn\0")?,
                ctx_new: *library.get(b"BN_CTX_new\0")?,
                mont_new: *library.get(b"BN_MONT_CTX_new\0")?,
                mont_set: *library.get(b"BN_MONT_CTX_set\0")?,
                mod_exp: *library.get(b"BN_mod_exp_mont_consttime\0")?,
            })
        }
    }

    /// The three powers, modulo `prime`. What it sets up is never freed: the process ends with the benchmark.
    fn powers(self, prime: &[u8], bases: &[Vec<u8>; 3]) -> impl Fn() + use<> {
        let number = |bytes: &[u8]| {
            let text = CString::new(strongroom_primitives::encoding::to_hex(bytes))
                .expect("digits have no zero byte");
            let mut number = ptr::null_mut();
            // SAFETY: asks for a new number; the text ends with a zero byte.
            assert!(unsafe { (self.hex2bn)(&raw mut number, text.as_ptr()) } > 0);
            number
        };
        let modulus = number(prime);
        let bases = bases.each_ref().map(|base| number(base));
        let exponents = EXPONENTS.map(|exponent| number(&exponent));
        // SAFETY: constructors without arguments; what they give is checked.
        let (out, ctx, mont) = unsafe { ((self.new)(), (self.ctx_new)(), (self.mont_new)()) };
        assert!(!out.is_null() && !ctx.is_null() && !mont.is_null());
        // SAFETY: three live objects of the same library.
        assert_eq!(unsafe { (self.mont_set)(mont, modulus, ctx) }, 1);
        move || {
            for (base, exponent) in bases.iter().zip(&exponents) {
                // SAFETY: live objects of the same library, used by one thread.
                assert_eq!(unsafe { (self.mod_exp)(out, *base, *exponent, modulus, ctx, mont) }, 1);
            }
        }
    }
}

/// A table for one base as `srp::fixed_base` has it, over `crypto-bigint`.
struct Table<const LIMBS: usize>(Vec<FixedMontyForm<LIMBS>>);

impl<const LIMBS: usize> Table<LIMBS> {
    fn new(base: &FixedMontyForm<LIMBS>) -> Self {
        let entry = |block: usize, rows: usize| {
            let bits = (0..4).filter(|row| (rows >> row) & 1 == 1).map(|row| row * 64 + block * 16);
            let exponent = bits.fold(U256::ZERO, |sum, bit| sum | U256::ONE.shl_vartime(bit as u32));
            base.pow(&exponent)
        };
        Self((0..64).map(|index| entry(index / 16, index % 16)).collect())
    }

    fn pow(&self, exponent: &[u8; 32]) -> FixedMontyForm<LIMBS> {
        let bit = |at: usize| (exponent[31 - at / 8] >> (at % 8)) & 1;
        let mut power = FixedMontyForm::one(self.0[0].params());
        for column in (0..16).rev() {
            power = power.square();
            for block in 0..4 {
                let digit = (0..4).fold(0, |digit, row| digit | (bit(row * 64 + block * 16 + column) << row));
                let mut picked = Uint::ZERO;
                for (index, entry) in (0_u8..).zip(&self.0[block * 16..][..16]) {
                    picked.ct_assign(entry.as_montgomery(), digit.ct_eq(&index));
                }
                power = power.mul(&FixedMontyForm::from_montgomery(picked, power.params()));
            }
        }
        power
    }
}

/// The three powers over `crypto-bigint`, the first of them by a table or not.
fn bigint_powers<const LIMBS: usize>(
    prime: &[u8],
    bases: &[Vec<u8>; 3],
    with_table: bool,
) -> impl Fn() + use<LIMBS> {
    let modulus = Odd::new(Uint::<LIMBS>::from_be_slice(prime)).expect("the prime is odd");
    let params = FixedMontyParams::new(modulus);
    let [g, v, x] =
        bases.each_ref().map(|base| FixedMontyForm::new(&Uint::<LIMBS>::from_be_slice(base), &params));
    let exponents = EXPONENTS.map(|exponent| U256::from_be_slice(&exponent));
    let table = with_table.then(|| Table::new(&g));
    if let Some(table) = &table {
        assert_eq!(table.pow(&EXPONENTS[0]).retrieve(), g.pow(&exponents[0]).retrieve());
    }
    move || {
        let power = match &table {
            Some(table) => table.pow(&EXPONENTS[0]),
            None => g.pow(&exponents[0]),
        };
        black_box((power.retrieve(), v.pow(&exponents[1]).retrieve(), x.pow(&exponents[2]).retrieve()));
    }
}

/// Everything that one sign-in needs.
struct SignIn {
    profile: Profile,
    salt: Salt,
    verifier: Verifier,
    client_public: ClientPublic,
    ephemeral: Ephemeral,
    m1: Proof,
}

impl SignIn {
    fn new(profile: Profile) -> Self {
        let salt = Salt::new(&[7; 32]).expect("32 bytes are a salt");
        let verifier = register(profile, "alice", b"correct horse", &salt).expect("a verifier");
        let client = Client::start(profile, Ephemeral::new([0xa5; 32])).expect("a client value");
        let client_public = client.public().clone();
        let ephemeral = Ephemeral::new(EXPONENTS[0]);
        let server_public = challenge(profile, &verifier, &ephemeral).expect("a server value");
        let pending = client.prove("alice", b"correct horse", &salt, &server_public).expect("a proof");
        let m1 = pending.m1().clone();
        Self { profile, salt, verifier, client_public, ephemeral, m1 }
    }

    fn run(&self) {
        let server_public = challenge(self.profile, &self.verifier, &self.ephemeral).expect("a server value");
        let transcript = Transcript {
            profile: self.profile,
            name: "alice",
            salt: &self.salt,
            client_public: &self.client_public,
            server_public: &server_public,
        };
        black_box(answer(&transcript, &self.verifier, &self.ephemeral, &self.m1).expect("the proof fits"));
    }
}

/// N, found by what the profile accepts: the largest client value is N - 1, and N is odd.
fn prime(profile: Profile) -> Vec<u8> {
    let mut bytes = vec![0; profile.group_bytes()];
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] |= 0x80 >> (bit % 8);
        if ClientPublic::new(profile, &bytes).is_err() {
            bytes[bit / 8] &= !(0x80 >> (bit % 8));
        }
    }
    *bytes.last_mut().expect("a prime has bytes") |= 1;
    bytes
}

fn measure(criterion: &mut Criterion, title: &str, profile: Profile, generator: u8) {
    let sign_in = SignIn::new(profile);
    let prime = prime(profile);
    let mut base = vec![0; profile.group_bytes() - 1];
    base.push(generator);
    let bases = [base, sign_in.verifier.expose().to_vec(), sign_in.client_public.as_bytes().to_vec()];
    let mut contenders: Vec<(&str, Work)> = Vec::new();
    match Bn::openssl() {
        Ok(openssl) => contenders.push(("openssl, three powers", Box::new(openssl.powers(&prime, &bases)))),
        Err(error) => eprintln!("SKIPPED: no libcrypto.so.3 ({error}); there is no yardstick and no ratio"),
    }
    contenders.push(("sign-in, challenge and answer", Box::new(move || sign_in.run())));
    let secret = Secret::new(vec![3; 32]);
    let decoy = move || drop(black_box(decoy(profile, &secret, "nobody").expect("a decoy")));
    contenders.push(("a name without an account", Box::new(decoy)));
    contenders.push(("aws-lc, three powers", Box::new(Bn::aws_lc().powers(&prime, &bases))));
    for (name, with_table) in [("crypto-bigint, three powers", false), ("crypto-bigint, with a table", true)]
    {
        contenders.push(match profile.group_bytes() {
            256 => (name, Box::new(bigint_powers::<LIMBS_2048>(&prime, &bases, with_table))),
            _ => (name, Box::new(bigint_powers::<LIMBS_3072>(&prime, &bases, with_table))),
        });
    }

    let mut group = criterion.benchmark_group(title);
    group.sample_size(20).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(300));
    for (name, run) in &contenders {
        group.bench_function(*name, |bencher| bencher.iter(run));
    }
    group.finish();
    if std::env::args().any(|argument| argument == "--bench") {
        take_turns(title, &contenders);
    }
}

/// All contenders in turns, so that whatever else the machine does hits them alike.
fn take_turns(title: &str, contenders: &[(&str, Work)]) {
    let mut times = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for _ in 0..ROUNDS {
        for ((_, run), times) in contenders.iter().zip(&mut times) {
            let start = Instant::now();
            run();
            times.push(start.elapsed());
        }
    }
    times.iter_mut().for_each(|times| times.sort_unstable());
    let yardstick = contenders[0].0.starts_with("openssl").then(|| times[0].clone());
    for ((name, _), times) in contenders.iter().zip(&times) {
        let (best, middle) = (times[0], times[ROUNDS / 2]);
        print!("{title}  {name:30}  best {:>5} us  middle {:>5} us", best.as_micros(), middle.as_micros());
        match &yardstick {
            Some(of) => println!(
                "  ratio {:.2} (middle {:.2})",
                best.as_secs_f64() / of[0].as_secs_f64(),
                middle.as_secs_f64() / of[ROUNDS / 2].as_secs_f64()
            ),
            None => println!(),
        }
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    measure(&mut criterion, "meeco, 2048 bits", Profile::MEECO, 2);
    measure(&mut criterion, "native, 3072 bits", Profile::NATIVE, 5);
    criterion.final_summary();
}
