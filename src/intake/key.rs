//! What makes a notice the same notice, and what the log says of its bytes.

use super::IntakeError;
use super::submission::Submission;
use crate::clock;
use crate::domain::hex::hex;
use crate::domain::time::UtcTime;
use crate::store::{Facts, NoticeKey, SubjectRow};
use sha2::{Digest, Sha256};

/// What makes a notice the same notice: the sender's id for it; without one, its content.
pub(super) fn notice_of(
    bytes: &[u8],
    submission: &Submission,
    sender: &str,
    event_id: Option<&str>,
) -> Result<NoticeKey, IntakeError> {
    let digest = hex(&Sha256::digest(bytes));
    let event_id = match event_id.or(submission.event_id()) {
        Some(event_id) => event_id.to_owned(),
        None => {
            clock::new_id("evt", clock::now()).map_err(|e| IntakeError::Unavailable(e.into()))?
        }
    };
    // Who sent it is who is known to have: a notice may say which system it comes from, but not speak for
    // another sender.
    let source = match submission.source() {
        Some(system) => format!("{sender}/{system}"),
        None => sender.to_owned(),
    };
    let employee = submission.employee_id.as_ref();
    let facts = Facts {
        id: clock::new_id("ntc", clock::now()).map_err(|e| IntakeError::Unavailable(e.into()))?,
        door: "revocations".to_owned(),
        subject: employee.unwrap_or(&submission.username).clone(),
        username: employee.map(|_| submission.username.clone()).unwrap_or_default(),
        ..Facts::default()
    };
    let body = String::from_utf8_lossy(bytes).into_owned();
    Ok(NoticeKey { source, event_id, digest, body, facts })
}

/// What the log says of a notice: nobody who does not know the subject's disclosure can try what it may have said.
/// `None` once that was erased.
pub(super) fn committed(subject: &SubjectRow, notice: &NoticeKey) -> Option<String> {
    let hash = Sha256::new()
        .chain_update(&subject.disclosure)
        .chain_update([b'\n'])
        .chain_update(&notice.body)
        .finalize();
    (!subject.disclosure.is_empty()).then(|| hex(&hash))
}

/// The bytes that asked `by` for a change are kept like every other notice.
pub(super) fn notice_of_change(
    bytes: &[u8],
    by: &str,
    now: UtcTime,
) -> Result<NoticeKey, IntakeError> {
    let event_id = clock::new_id("chg", now).map_err(|e| IntakeError::Unavailable(e.into()))?;
    Ok(NoticeKey {
        source: by.to_owned(),
        event_id,
        digest: hex(&Sha256::digest(bytes)),
        body: String::from_utf8_lossy(bytes).into_owned(),
        facts: Facts::default(),
    })
}
