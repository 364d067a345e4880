//! Made-up revocations, with the records that the agent would queue for them.

use revoked::audit::record::{self, About};
use revoked::domain::effective::Zones;
use revoked::domain::lifecycle::Life;
use revoked::domain::profile::Profiles;
use revoked::domain::revocation::State;
use revoked::domain::time::UtcTime;
use revoked::domain::verdict::Verdict;
use revoked::intake::submission::{Submission, Terms};
use revoked::store::{Evidence, Move, NewRecord, NewRevocation, NoticeKey, Stored, SubjectRow};
use std::time::Duration;

/// An instant of the tests' own time: no test reads the clock.
pub(crate) fn at(second: i64) -> UtcTime {
    UtcTime::from_micros(1_772_701_200_000_000 + second * 1_000_000).unwrap()
}

pub(crate) fn notice(event_id: &str, digest: &str) -> NoticeKey {
    NoticeKey {
        source: "hr".to_owned(),
        event_id: event_id.to_owned(),
        digest: digest.to_owned(),
        body: "{}".to_owned(),
        ..NoticeKey::default()
    }
}

/// The revocation `id` of `subject`, told by a notice `id` at second 0, with three records.
pub(crate) fn revocation(id: &str, subject: &str) -> NewRevocation {
    let submission =
        serde_json::json!({"username": subject, "reason": "terminated", "ticket": "T-1"});
    let submission = Submission::parse(submission.to_string().as_bytes()).unwrap();
    let profiles = Profiles::default();
    let longest_deadline = std::time::Duration::from_secs(90 * 86_400);
    let terms = Terms { profiles: &profiles, zones: Zones::default(), longest_deadline };
    let mut asked = submission.revocation("hr", at(0), &terms).unwrap();
    id.clone_into(&mut asked.id);
    let subject = SubjectRow {
        id: format!("s_{id}"),
        name: subject.to_owned(),
        disclosure: "disclosure".to_owned(),
        commitment: "commitment".to_owned(),
    };
    let notice = notice(id, "digest");
    let about = About { revocation: &asked, subject: &subject.id, at: at(0) };
    let records = vec![
        NewRecord {
            kind: "subject",
            body: record::subject(&subject.id, &subject.commitment, at(0)),
        },
        NewRecord {
            kind: "revocation_triggered",
            body: record::triggered(&about, Some(&notice.digest)),
        },
        NewRecord { kind: "validation_completed", body: record::validated(&about, &[]) },
    ];
    NewRevocation {
        life: Life::begin(asked.effective_at, asked.received_at),
        revocation: asked,
        subject,
        new_subject: true,
        accounts: Vec::new(),
        notice,
        records,
        at: at(0),
        watch_until: at(86_400),
    }
}

/// A move of `from` at `second`: access seen gone, then verified.
pub(crate) fn verified(from: &Stored, second: i64) -> Move {
    let about = About { revocation: &from.revocation, subject: &from.subject_id, at: at(second) };
    let life = Life {
        state: State::Verified,
        first_clean_at: Some(at(second)),
        verified_at: Some(at(second)),
        last_look_at: Some(at(second)),
        ..from.life.as_ref().clone()
    };
    let gone = record::gone(&about, at(second), false);
    Move {
        from: from.clone(),
        revocation: from.revocation.clone(),
        accounts: from.accounts.clone(),
        life,
        evidence: Some(Evidence {
            verdict: Some(Verdict::Revoked),
            as_of: Some(at(second)),
            ..Evidence::default()
        }),
        before: Vec::new(),
        records: vec![
            NewRecord { kind: "account_disabled", body: gone.clone() },
            NewRecord { kind: "access_revoked", body: gone },
        ],
        notice: None,
        at: at(second),
        watch_until: from.watch_until.plus(Duration::from_secs(1)),
    }
}
