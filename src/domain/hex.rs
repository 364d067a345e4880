//! Bytes as lower-case hex digits.

/// `bytes` in lower-case hex, two digits each.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect();
    String::from_utf8(digits).unwrap_or_default()
}

/// The digits of a hash: the same, without a text of its own for each.
#[must_use]
pub fn digits(hash: &[u8; 32]) -> [u8; 64] {
    let mut digits = [0; 64];
    for ([high, low], byte) in digits.as_chunks_mut().0.iter_mut().zip(hash) {
        (*high, *low) = (digit(byte >> 4), digit(byte & 0x0f));
    }
    digits
}

/// The digit of a value below 16.
fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' - 10 + value }
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_digits_each() {
        assert_eq!(super::hex(&[0x00, 0x0f, 0xa5, 0xff]), "000fa5ff");
        let bytes: [u8; 32] = std::array::from_fn(|n| u8::try_from(n).unwrap() * 8 + 3);
        let digits = super::digits(&bytes);
        assert_eq!(super::hex(&bytes).as_bytes(), digits);
        for (pair, byte) in digits.chunks(2).zip(bytes) {
            assert_eq!(pair, format!("{byte:02x}").as_bytes());
        }
    }
}
