//! Asking a time-stamping authority (RFC 3161).
//!
//! What comes back is checked for being about our note. Whether the authority is to be trusted is for those who have
//! its certificate: `openssl ts -verify`, as docs/audit-log.md says.

use super::ask;
use crate::config::TsaConfig;
use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode as _, Reader as _, Tag, Tagged as _};
use reqwest::Client;
use sha2::{Digest as _, Sha256};

/// Longest answer. A token with a chain of certificates has less than half of it.
const ANSWER: usize = 64 * 1024;

/// `TimeStampReq`: version 1, the SHA-256 that follows, …
const REQUEST: &[u8] = &[
    0x30, 0x39, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
    0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
];
/// … and please with your certificate.
const WITH_CERTIFICATE: &[u8] = &[0x01, 0x01, 0xff];

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// The token for `note`, in base64.
pub(super) async fn ask(client: &Client, tsa: &TsaConfig, note: &str) -> Result<String> {
    let hash: [u8; 32] = Sha256::digest(note).into();
    let response = client
        .post(&tsa.url)
        .header("content-type", "application/timestamp-query")
        .header("accept", "application/timestamp-reply")
        .body(request(&hash))
        .send()
        .await
        .context("asking it")?;
    if !response.status().is_success() {
        bail!(ask::why(response).await);
    }
    let answer = ask::body(response, ANSWER).await?;
    Ok(STANDARD.encode(token(&answer, &hash)?))
}

fn request(hash: &[u8; 32]) -> Vec<u8> {
    [REQUEST, hash, WITH_CERTIFICATE].concat()
}

/// The token in a `TimeStampResp`, if it was granted and is about `hash`.
fn token<'a>(answer: &'a [u8], hash: &[u8; 32]) -> Result<&'a [u8]> {
    let (status, token) = AnyRef::from_der(answer)
        .and_then(|whole| {
            whole.sequence(|parts| {
                let status = AnyRef::decode(parts)?;
                let token = if parts.is_finished() { None } else { Some(parts.tlv_bytes()?) };
                Ok::<_, der::Error>((status, token))
            })
        })
        .context("its answer is no time stamp")?;
    let status = first(status).and_then(AnyRef::decode_as::<u8>);
    let status = status.context("its answer has no status")?;
    // 0 granted, 1 granted with modifications.
    ensure!(status <= 1, "it refused, with status {status}");
    let token = token.context("it granted a time stamp and gave none")?;
    let info = info(token).context("its token cannot be read")?;
    let imprint = imprint(&info).context("its token cannot be read")?;
    ensure!(imprint == (SHA256, hash.as_slice()), "its token is about something else");
    Ok(token)
}

/// The first element of a sequence.
fn first(sequence: AnyRef<'_>) -> der::Result<AnyRef<'_>> {
    nth(sequence, 0)
}

/// One element of a sequence, whatever the others are.
fn nth(sequence: AnyRef<'_>, n: usize) -> der::Result<AnyRef<'_>> {
    if sequence.tag() != Tag::Sequence {
        return Err(Tag::Sequence.value_error().into());
    }
    let mut parts = der::SliceReader::new(sequence.value())?;
    for _ in 0..n {
        AnyRef::decode(&mut parts)?;
    }
    AnyRef::decode(&mut parts)
}

/// What a `[0] EXPLICIT` element holds.
fn inside(element: AnyRef<'_>) -> der::Result<AnyRef<'_>> {
    AnyRef::from_der(element.value())
}

/// The `TSTInfo` in a `ContentInfo` with `SignedData` (RFC 5652 sections 3 and 5).
fn info(token: &[u8]) -> der::Result<AnyRef<'_>> {
    let content = AnyRef::from_der(token)?;
    let kind: ObjectIdentifier = first(content)?.decode_as()?;
    let signed = inside(nth(content, 1)?)?;
    // Version, digest algorithms, and then what is signed.
    let encapsulated = nth(signed, 2)?;
    let inner: ObjectIdentifier = first(encapsulated)?.decode_as()?;
    if kind != SIGNED_DATA || inner != TST_INFO {
        return Err(Tag::ObjectIdentifier.value_error().into());
    }
    let octets = inside(nth(encapsulated, 1)?)?;
    if octets.tag() != Tag::OctetString {
        return Err(Tag::OctetString.value_error().into());
    }
    AnyRef::from_der(octets.value())
}

/// Algorithm and hash that a `TSTInfo` is about.
fn imprint<'a>(info: &AnyRef<'a>) -> der::Result<(ObjectIdentifier, &'a [u8])> {
    // Version, policy, and then the imprint.
    let imprint = nth(*info, 2)?;
    let algorithm = first(first(imprint)?)?.decode_as()?;
    Ok((algorithm, nth(imprint, 1)?.value()))
}

#[cfg(test)]
#[path = "tsa_tests.rs"]
mod tests;
