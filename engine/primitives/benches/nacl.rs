//! What NaCl costs: sealing and opening a SecretBox, and the curve operations of a Box.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use strongroom_primitives::nacl::{BoxKey, BoxSecret};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let (key, nonce) = (BoxKey::from_bytes([7; 32]), [9; 24]);
    for size in [64, 1024, 64 * 1024] {
        let text = vec![3; size];
        let sealed = key.seal(&nonce, &text);
        let mut group = criterion.benchmark_group(format!("secret box of {size} bytes"));
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function("seal", |b| b.iter(|| key.seal(&nonce, black_box(&text))));
        group.bench_function("open", |b| b.iter(|| key.open(&nonce, black_box(&sealed))));
    }
    let (ours, theirs) = (BoxSecret::from_seed([5; 32]), BoxSecret::from_seed([6; 32]).public());
    criterion.bench_function("box key from a prepared secret", |b| b.iter(|| ours.agree(black_box(&theirs))));
    criterion.bench_function("secret from its seed", |b| b.iter(|| BoxSecret::from_seed(black_box([5; 32]))));
    criterion.final_summary();
}
