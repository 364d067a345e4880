//! Questions whom a notice means, from their coming up to their answer, with a real store and log.

use super::door::Door;
use super::webhook::{Delivery, Received};
use super::*;
use crate::audit::file::{LogFile, create, lock};
use crate::audit::key::LogKey;
use crate::domain::identity::Unsure;
use crate::domain::notice::Outcome;
use crate::domain::revocation::State;
use crate::journal::Settings;
use crate::metrics::{Metrics, Vocabulary};
use crate::store::{Evidenced, Store};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::Ordering;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

const BEGAN: &str = "2026-01-01T00:00:00.000000Z";

/// An intake with a store and a log of its own. What is queued lands as in the agent.
struct Room {
    intake: Arc<Intake>,
    url: String,
    _tasks: JoinSet<()>,
    _home: tempfile::TempDir,
}

async fn room() -> Room {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("log");
    std::fs::create_dir(&dir).unwrap();
    let key = || LogKey::from_seed("test/answers/0011223344556677", &Zeroizing::new([7; 32]));
    create(&dir, &key(), "next", BEGAN).unwrap();
    let log = LogFile::open_known(lock(&dir).unwrap(), key(), Some(0), BEGAN).unwrap();
    let url = format!("sqlite://{}", home.path().join("revoked.db").display());
    let store = Store::open(&url).await.unwrap();
    let vocabulary = Vocabulary {
        reasons: Vec::new(),
        milestones: Vec::new(),
        causes: Vec::new(),
        relapses: Vec::new(),
        uses: Vec::new(),
        asks: Vec::new(),
        exceptions: Vec::new(),
        tones: Vec::new(),
        surfaces: Vec::new(),
        targets: Vec::new(),
    };
    let metrics = Arc::new(Metrics::new(vocabulary, ["0", "test", "1"]).unwrap());
    let journal = Journal::open(store, log, metrics, Settings::default()).await.unwrap();
    let text = "state_dir: s\ntargets: {main: {url: 'postgres://x@h/d'}}";
    let config = Config::parse(Path::new("/nowhere/revoked.yaml"), text).unwrap();
    let (journal, board) = (Arc::new(journal), Arc::new(Board::default()));
    let intake = Arc::new(Intake::new(journal.clone(), Live::new(config).0, board));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            journal.drain().await.unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    Room { intake, url, _tasks: tasks, _home: home }
}

impl Room {
    /// Everything of the person `id` ended long ago, says an event.
    async fn ended(&self, event: &str, id: &str, username: &str) -> Received {
        let user =
            json!({"username": username, "employee_id": id, "termination_date": "2026-02-03"});
        let event = json!({"event_type": "user_terminated", "event_id": event, "user": user});
        let bytes = event.to_string();
        let (door, bytes) = (Door::HrEvents, bytes.as_bytes());
        self.intake.receive(&Delivery { door, sender: "hr", bytes, id: None }).await.unwrap()
    }

    async fn changes(&self, id: &str, username: &str) -> String {
        let notice = json!({"username": username, "employee_id": id, "reason": "role_change",
            "revocation_type": "partial", "roles": "grp"});
        self.intake.submit(notice.to_string().as_bytes(), "hr", None).await.unwrap().id
    }

    async fn stored(&self, id: &str) -> Evidenced {
        self.intake.journal.store.revocation(id).await.unwrap().unwrap()
    }

    /// As two looks prove it that find nothing.
    async fn proved(&self, id: &str) {
        let proof = |stored: &Evidenced, _: &Config, now: UtcTime| {
            let mut step = amend::unchanged(stored, now);
            step.life.state = State::Verified;
            (step.life.first_clean_at, step.life.verified_at) = (Some(now), Some(now));
            (step.life.met.login, step.life.met.access) = (Some(now), Some(now));
            let about =
                About { revocation: &step.revocation, subject: &stored.subject_id, at: now };
            let body = record::amended(&about, None);
            step.records.push(NewRecord { kind: "revocation_amended", body });
            Ok(step)
        };
        self.intake.moving(id, proof).await.unwrap();
    }

    fn asks(stored: &Evidenced) -> Vec<String> {
        stored.life.lineage.unsure.iter().map(|unsure| unsure.notice.clone()).collect()
    }
}

#[tokio::test]
async fn milestones_stay_met_while_it_is_asked_and_are_met_anew_after_the_answer() {
    let room = room().await;
    let id = room.ended("e1", "EMP-1", "jo").await.revocations.remove(0);
    room.proved(&id).await;
    let held = room.ended("e2", "EMP-1", "joan").await;
    assert_eq!((held.outcome, &held.revocations[0]), (Outcome::Quarantined, &id));
    let asked = room.stored(&id).await;
    assert_eq!((asked.life.state, asked.life.confirm_from), (State::Open, None));
    assert!(asked.life.met.login.is_some() && asked.life.met.access.is_some());
    assert!(!asked.revocation.usernames().any(|name| name == "joan"), "nobody said that it is");
    assert!(!asked.revocation.accounts.iter().any(|name| name.role == "joan"));
    let released = room.intake.retry(&held.notice, "boss", true).await.unwrap().unwrap();
    assert_eq!(released.outcome, Outcome::Released);
    let answered = room.stored(&id).await;
    assert_eq!((answered.life.state, answered.life.first_clean_at), (State::Open, None));
    assert!(answered.life.met.login.is_none() && answered.life.met.access.is_none());
    assert_eq!(answered.revocation.also_called, ["joan"]);
    assert!(Room::asks(&answered).is_empty());
}

#[tokio::test]
async fn a_question_is_answered_wherever_it_was_carried_to() {
    let room = room().await;
    let part = room.changes("EMP-1", "jo").await;
    let end = room.ended("e1", "EMP-1", "jo").await.revocations.remove(0);
    let held = room.ended("e2", "EMP-1", "joan").await;
    room.intake.carry_names().await.unwrap();
    let later = room.changes("EMP-2", "kim").await;
    for id in [&part, &end] {
        assert_eq!(Room::asks(&room.stored(id).await), [held.notice.as_str()], "{id}");
    }
    assert!(Room::asks(&room.stored(&later).await).is_empty(), "of nobody else");
    room.intake.dismiss(&held.notice, "another one", "boss").await.unwrap();
    for id in [&part, &end] {
        let stored = room.stored(id).await;
        assert!(stored.life.lineage.is_empty(), "{id}: {:?}", stored.life.lineage);
        assert!(!stored.revocation.usernames().any(|name| name == "joan"));
    }
    room.intake.carry_names().await.unwrap();
    assert!(Room::asks(&room.stored(&part).await).is_empty(), "and not asked anew");
}

/// Whoever answers waits for the turn of the subject, and the revocation is another by then.
#[tokio::test]
async fn a_question_is_answered_of_what_it_is_when_its_turn_comes() {
    let room = room().await;
    let id = room.ended("e1", "EMP-1", "jo").await.revocations.remove(0);
    let held = room.ended("e2", "EMP-1", "joan").await;
    let turn = room.intake.subjects.of("EMP-1").await;
    let (intake, notice) = (room.intake.clone(), held.notice.clone());
    let mut answer = JoinSet::new();
    answer.spawn(async move { intake.dismiss(&notice, "another one", "boss").await.unwrap() });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(answer.try_join_next().is_none());
    let other = Unsure {
        notice: "ntc_other".into(),
        digest: "d".into(),
        username: Some("una".into()),
        plain: true,
    };
    let ask = |stored: &Evidenced, _: &Config, now: UtcTime| {
        let mut step = amend::unchanged(stored, now);
        step.life.lineage.ask(&other);
        let about = About { revocation: &step.revocation, subject: &stored.subject_id, at: now };
        let body = record::amended(&about, None);
        step.records.push(NewRecord { kind: "revocation_amended", body });
        Ok(step)
    };
    room.intake.moving(&id, ask).await.unwrap();
    assert!(answer.try_join_next().is_none());
    drop(turn);
    answer.join_next().await.unwrap().unwrap();
    assert_eq!(Room::asks(&room.stored(&id).await), ["ntc_other"]);
}

#[tokio::test]
async fn a_subject_that_cannot_be_carried_keeps_nothing_from_the_others() {
    let room = room().await;
    let (mut parts, mut ends) = (Vec::new(), Vec::new());
    for number in 1..=4 {
        let id = format!("EMP-{number}");
        parts.push(room.changes(&id, "jo").await);
        ends.push(room.ended(&id, &id, "jo").await.revocations.remove(0));
        room.intake
            .submit(
                json!({"username": "joan", "employee_id": id, "reason": "terminated"})
                    .to_string()
                    .as_bytes(),
                "hr",
                None,
            )
            .await
            .unwrap();
    }
    // As it was read last, it can be watched; it cannot be read again.
    room.intake.journal.watched().await.unwrap();
    let broken = "UPDATE revocation SET life = '{' WHERE id = $1";
    let store = sqlx::SqlitePool::connect(&room.url).await.unwrap();
    sqlx::query(broken).bind(&ends[0]).execute(&store).await.unwrap();
    room.intake.carry_names().await.unwrap_err();
    assert!(room.intake.learnt.load(Ordering::SeqCst), "it is tried again");
    for part in &parts[1..] {
        assert_eq!(room.stored(part).await.revocation.also_called, ["joan"], "{part}");
    }
    assert!(room.stored(&parts[0]).await.revocation.also_called.is_empty());
}

/// Whoever gives up waiting for a store that is late does not know what was written.
#[tokio::test]
async fn what_was_given_up_may_have_been_learnt() {
    let room = room().await;
    room.ended("e1", "EMP-1", "jo").await;
    room.intake.carry_names().await.unwrap();
    assert!(!room.intake.learnt.load(Ordering::SeqCst));
    // Nobody else writes while this is open.
    let store = sqlx::SqlitePool::connect(&room.url).await.unwrap();
    let mut writing = store.acquire().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *writing).await.unwrap();
    let notice: Value = json!({"username": "joan", "employee_id": "EMP-1", "reason": "terminated"});
    let bytes = notice.to_string();
    let told = room.intake.submit(bytes.as_bytes(), "hr", None);
    let given_up = tokio::time::timeout(Duration::from_millis(200), told).await;
    assert!(given_up.is_err(), "{given_up:?}");
    sqlx::raw_sql("ROLLBACK").execute(&mut *writing).await.unwrap();
    assert!(room.intake.learnt.load(Ordering::SeqCst));
}
