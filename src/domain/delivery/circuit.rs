//! One circuit per credential: what does not work is left alone, and tried with a question that tells nobody anything.

use crate::domain::time::UtcTime;
use std::time::Duration;

/// Failures in a row after which it opens.
const STRIKES: u32 = 5;

/// Whether anything may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Yes.
    Open,
    /// Not before this time.
    Shut(UtcTime),
    /// Ask first whether it works again.
    Probe,
}

/// Whether what a credential is for works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circuit {
    strikes: u32,
    until: Option<UtcTime>,
    /// Somebody answers there again; whether messages are taken, the next one shows.
    trying: bool,
}

impl Circuit {
    /// What may be done now.
    #[must_use]
    pub fn gate(&self, now: UtcTime) -> Gate {
        match self.until {
            None => Gate::Open,
            Some(_) if self.trying => Gate::Open,
            Some(until) if until > now => Gate::Shut(until),
            Some(_) => Gate::Probe,
        }
    }

    /// It answered well.
    #[must_use]
    pub fn good(self) -> Self {
        Self::default()
    }

    /// It did not answer, or not well. After some of these, nothing is sent for `pause`.
    #[must_use]
    pub fn strike(self, now: UtcTime, pause: Duration) -> Self {
        let strikes = self.strikes.saturating_add(1);
        let until = (strikes >= STRIKES).then(|| now.plus(pause)).or(self.until);
        Self { strikes, until, trying: false }
    }

    /// Somebody answers, which proves nothing of messages: one may be tried, and it is closed by none but a good answer to
    /// that. One that is refused or lost is enough to open it anew.
    #[must_use]
    pub fn tried(self) -> Self {
        Self { trying: self.until.is_some(), ..self }
    }

    /// The credential is refused: nothing is sent for `pause`, and then it is asked.
    #[must_use]
    pub fn trip(self, now: UtcTime, pause: Duration) -> Self {
        Self { strikes: STRIKES, until: Some(now.plus(pause)), trying: false }
    }

    /// Nothing is sent now, or nothing was taken since.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.until.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(60);

    #[test]
    fn some_failures_in_a_row_open_it_and_a_good_answer_closes_it() {
        let now = UtcTime::EPOCH;
        let mut circuit = Circuit::default();
        for _ in 0..4 {
            circuit = circuit.strike(now, PAUSE);
            assert_eq!(circuit.gate(now), Gate::Open);
        }
        assert_eq!(circuit.good().strike(now, PAUSE).gate(now), Gate::Open, "not in a row");
        circuit = circuit.strike(now, PAUSE);
        let end = now.plus(PAUSE);
        assert_eq!(circuit.gate(now), Gate::Shut(end));
        assert_eq!(circuit.gate(end), Gate::Probe, "asked before anything is sent");
        let again = circuit.strike(end, PAUSE);
        assert_eq!(again.gate(end), Gate::Shut(end.plus(PAUSE)), "one failed probe is enough");
        assert_eq!(circuit.good().gate(now), Gate::Open);
    }

    #[test]
    fn that_somebody_answers_lets_one_message_through_and_closes_nothing() {
        let now = UtcTime::EPOCH;
        assert!(!Circuit::default().tried().is_open());
        let end = now.plus(PAUSE);
        let tried = Circuit::default().trip(now, PAUSE).tried();
        assert!(tried.gate(end) == Gate::Open && tried.is_open());
        let shut = Gate::Shut(end.plus(PAUSE));
        assert_eq!(tried.strike(end, PAUSE).gate(end), shut, "strikes are kept");
        assert_eq!(tried.trip(end, PAUSE).gate(end), shut);
        assert!(!tried.good().is_open());
    }

    #[test]
    fn a_refused_credential_opens_it_at_once() {
        let circuit = Circuit::default().trip(UtcTime::EPOCH, PAUSE);
        assert_eq!(circuit.gate(UtcTime::EPOCH), Gate::Shut(UtcTime::EPOCH.plus(PAUSE)));
        assert!(circuit.is_open() && !circuit.good().is_open());
    }
}
