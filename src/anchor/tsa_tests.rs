use super::*;
use proptest::prelude::*;

/// A token is read to its end or refused; what is cut or changed in front is refused.
#[test]
fn what_is_no_time_stamp_is_refused_in_words() {
    let refused = |answer: &[u8]| format!("{:#}", token(answer, &[7; 32]).unwrap_err());
    assert!(refused(b"").starts_with("its answer is no time stamp"));
    assert!(refused(b"<html>").starts_with("its answer is no time stamp"));
    // PKIStatusInfo with status 2 and nothing else.
    let rejection = [0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02];
    assert_eq!(refused(&rejection), "it refused, with status 2");
    let granted = [0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x00];
    assert_eq!(refused(&granted), "it granted a time stamp and gave none");
    let empty = [0x30, 0x07, 0x30, 0x03, 0x02, 0x01, 0x00, 0x30, 0x00];
    assert!(refused(&empty).starts_with("its token cannot be read"));
}

#[test]
fn the_request_is_one_that_openssl_reads() {
    use std::io::Write as _;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&request(&[0xab; 32])).unwrap();
    let output = std::process::Command::new("openssl")
        .args(["ts", "-query", "-text", "-in"])
        .arg(file.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["Version: 1", "Hash Algorithm: sha256", "ab ab ab", "Certificate required: yes"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(token(&bytes, &[7; 32]).is_err());
    }
}
