//! Who is told what: what one audience is told, another may have no need to know.

use super::Topic;
use crate::domain::words::words;

words! {
    /// Whom a message is for.
    Audience {
        /// Whoever works on it: everything that changed.
        Security = "security",
        /// Who answers for the person or the vendor: that access has to end, is late, or has ended, and nothing of what
        /// it is.
        Manager = "manager",
        /// Who has to show that it was done: proofs, relapses, uses after the end, permissions.
        Compliance = "compliance",
    }
}

impl Audience {
    /// Whether it is told of this.
    #[must_use]
    pub fn is_told(self, topic: Topic) -> bool {
        use Topic as T;
        match self {
            // Pages have a receiver of their own, and that one was filed is for who has to show it.
            Self::Security => !matches!(topic, T::Closure | T::Attestation | T::Filed),
            Self::Manager => matches!(
                topic,
                T::Opened
                    | T::Overdue
                    | T::Verified
                    | T::Reopened
                    | T::Regressed
                    | T::Resumed
                    | T::Withdrawn
            ),
            Self::Compliance => matches!(
                topic,
                T::Verified
                    | T::Withdrawn
                    | T::Reopened
                    | T::Regressed
                    | T::Used
                    | T::Excepted
                    | T::Filed
            ),
        }
    }

    /// Everything that it is told of.
    #[must_use]
    pub fn topics(self) -> Vec<Topic> {
        Topic::ALL.iter().copied().filter(|topic| self.is_told(*topic)).collect()
    }

    /// What is told of to programs, which need no edits of messages, no digests and no reminders of people.
    #[must_use]
    pub fn events(self) -> Vec<Topic> {
        use Topic as T;
        let for_people = |topic: &Topic| {
            matches!(
                topic,
                T::Status
                    | T::Digest
                    | T::Nudge
                    | T::NudgeLead
                    | T::NudgeSecurity
                    | T::Sweep
                    | T::Reminder
                    | T::Acknowledged
            )
        };
        let filed = (self == Self::Security).then_some(T::Filed);
        self.topics().into_iter().chain(filed).filter(|topic| !for_people(topic)).collect()
    }

    /// It may know whose roles they are, what they may do, and why access ends.
    #[must_use]
    pub fn sees_details(self) -> bool {
        match self {
            Self::Security | Self::Compliance => true,
            Self::Manager => false,
        }
    }
}
