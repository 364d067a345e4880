//! The rows of a file, on their way to the door.

use super::content::Content;
use crate::intake::batch::{
    Job, Outcome, RowResult, Standing, Status, by_subject, prepared, renewed,
};
use crate::intake::csv::notes;
use crate::intake::{Accepted, Intake, IntakeError};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// Rows on their way at the same time. What comes by the API has to come through beside them.
const WIDTH: usize = 16;

/// What a row was answered.
enum Answer {
    /// Taken.
    Taken(Accepted),
    /// It cannot be used.
    Refused(String),
    /// Its event came before with other content.
    Differs(String),
}

/// The same row is an event anew so often: each time only after its revocation was looked at for as long as
/// `watch` says.
const TIMES: usize = 100;

type Answers = BTreeMap<usize, Answer>;

/// Sends every row of `content` on behalf of `sender`, and gives what became of each.
///
/// # Errors
/// When a row is not taken now. Then nothing is known of some rows, and all can be sent again.
pub(super) async fn all(
    intake: &Arc<Intake>,
    content: &Content,
    sender: &str,
) -> Result<Vec<RowResult>, IntakeError> {
    let rows = content.rows();
    let (mut wrong, mut jobs) = (BTreeMap::new(), Vec::new());
    for (place, row) in rows.iter().enumerate() {
        let prepared = prepared(row, "", |detail| content.wrong(detail));
        match prepared.map_err(|error| IntakeError::Unavailable(error.into()))? {
            Ok(sendable) => jobs.push(Job::of(place, row, sendable)),
            Err(why) => {
                wrong.insert(place, why);
            }
        }
    }
    let mut answers = sent(intake, jobs, sender).await?;
    let notes = notes(rows);
    let mut results = Vec::with_capacity(rows.len());
    for ((place, row), note) in rows.iter().enumerate().zip(notes) {
        let (outcome, note) = match (wrong.remove(&place), answers.remove(&place)) {
            (Some(wrong), _) => (Outcome::Wrong(Status::Refused, wrong), None),
            (None, Some(Answer::Taken(accepted))) => {
                let status = Status::of(accepted.known, accepted.amended);
                (Outcome::Good(status, Some(accepted.id)), note)
            }
            (None, Some(Answer::Refused(why))) => {
                (Outcome::Wrong(Status::Refused, content.wrong(&why)), None)
            }
            (None, Some(Answer::Differs(why))) => {
                (Outcome::Wrong(Status::Refused, content.wrong_event(&why)), None)
            }
            (None, None) => {
                return Err(IntakeError::Unavailable(anyhow::anyhow!("a row has no answer")));
            }
        };
        results.push(RowResult::of(row, outcome, note));
    }
    Ok(results)
}

async fn sent(intake: &Arc<Intake>, jobs: Vec<Job>, sender: &str) -> Result<Answers, IntakeError> {
    let queue = Arc::new(Mutex::new(by_subject(jobs)));
    let mut senders = JoinSet::new();
    for _ in 0..WIDTH {
        senders.spawn(work(intake.clone(), queue.clone(), sender.to_owned()));
    }
    let mut all = Answers::new();
    while let Some(ended) = senders.join_next().await {
        // The first row that is not taken ends the others: they wait for the same store and log.
        let answers = ended.map_err(|error| IntakeError::Unavailable(error.into()))??;
        all.extend(answers);
    }
    Ok(all)
}

async fn work(
    intake: Arc<Intake>,
    queue: Arc<Mutex<VecDeque<Vec<Job>>>>,
    sender: String,
) -> Result<Answers, IntakeError> {
    let mut answers = Answers::new();
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(chain) = next else { return Ok(answers) };
        for job in chain {
            let answer = answered(&intake, &job, &sender).await?;
            answers.insert(job.place, answer);
        }
    }
}

/// Nobody reads the results of a folder that is fed by a program, so a row that is known is not enough: what it asks
/// for has to be looked at. One whose revocation is over is an event of its own; one that people withdrew is refused,
/// since they and whoever writes these files disagree. A row that says which event it is is that event.
async fn answered(intake: &Intake, job: &Job, sender: &str) -> Result<Answer, IntakeError> {
    let mut sendable = job.sendable.clone();
    for _ in 0..TIMES {
        let accepted = match intake.submit(&sendable.body, sender, None).await {
            Ok(accepted) => accepted,
            Err(error @ IntakeError::Unavailable(_)) => return Err(error),
            Err(error @ IntakeError::Differs { .. }) => {
                return Ok(Answer::Differs(error.to_string()));
            }
            Err(
                error @ (IntakeError::Submission(_)
                | IntakeError::Refused(_)
                | IntakeError::NotHeld(_)
                | IntakeError::Full(_)
                | IntakeError::Sender(_)),
            ) => {
                return Ok(Answer::Refused(error.to_string()));
            }
        };
        match intake.standing(&accepted).await? {
            Standing::Over if !job.own_event => sendable = renewed(&sendable, &accepted.id)?,
            Standing::Withdrawn if !job.own_event => {
                return Ok(Answer::Refused(format!(
                    "people withdrew what it asks for ({}); if that is to be expected again, give it an event_id",
                    accepted.id
                )));
            }
            Standing::Watched | Standing::Over | Standing::Withdrawn => {
                return Ok(Answer::Taken(accepted));
            }
        }
    }
    Ok(Answer::Refused("it came too often before; give it an event_id".to_owned()))
}
