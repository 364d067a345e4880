//! What was asked for: the revocation and its closed vocabularies.

use super::account::AccountName;
use super::checklist::Item;
use super::effective::Effective;
use super::inactivity::Inactive;
use super::milestone::Deadlines;
use super::subject::Called;
use super::time::UtcTime;
use super::words::words;
use serde::{Deserialize, Serialize};

words! {
    /// What must be gone.
    Kind {
        /// Nothing remains.
        Full = "full",
        /// Nothing that acts now or can log in; the rest is listed as kept.
        Suspend = "suspend",
        /// The named roles and privileges are gone.
        Partial = "partial",
        /// A shared credential changed and everybody moved to the new one.
        Rotation = "rotation",
        /// A service account has a new owner and a new secret.
        Transfer = "transfer",
    }
}

words! {
    /// Why access ends. Free text of a notice is mapped to one of these; the text itself stays in the
    /// intake record.
    Reason {
        /// Employment ended.
        Terminated = "terminated",
        /// Another job in the same company.
        RoleChange = "role_change",
        /// A contract reached its end date.
        ContractExpired = "contract_expired",
        /// Nobody used the account.
        Inactive = "inactive",
        /// A security policy was broken.
        PolicyViolation = "policy_violation",
        /// A supplier's engagement ended.
        VendorOffboarded = "vendor_offboarded",
        /// A shared secret changed.
        CredentialRotation = "credential_rotation",
        /// Anything else.
        Other = "other",
    }
}

impl Kind {
    /// What this version takes and proves.
    pub const ACCEPTED: &'static [Self] =
        &[Self::Full, Self::Suspend, Self::Partial, Self::Rotation, Self::Transfer];

    /// It is about a shared secret: what changes is watched, and attempts with the old one are taken.
    #[must_use]
    pub fn is_about_a_secret(self) -> bool {
        match self {
            Self::Rotation | Self::Transfer => true,
            Self::Full | Self::Suspend | Self::Partial => false,
        }
    }
}

impl Reason {
    /// The class of a free text such as `Contract Expired` or `User terminated`.
    #[must_use]
    pub fn classify(text: &str) -> Self {
        let key: String = text.trim().to_lowercase().replace([' ', '-'], "_").replace("user_", "");
        if let Some(reason) = Self::from_word(&key) {
            return reason;
        }
        let has = |words: &[&str]| words.iter().any(|word| key.contains(word));
        if has(&["violation", "security_incident"]) {
            Self::PolicyViolation
        } else if has(&["vendor", "supplier"]) {
            Self::VendorOffboarded
        } else if has(&["contract"]) {
            Self::ContractExpired
        } else if has(&["role_change", "department", "transferred"]) {
            Self::RoleChange
        } else if has(&["inactiv"]) {
            Self::Inactive
        } else if has(&["rotat"]) {
            Self::CredentialRotation
        } else if has(&["terminat", "resign", "left", "dismiss", "retire", "laid_off"]) {
            Self::Terminated
        } else {
            Self::Other
        }
    }
}

words! {
    /// Where a revocation stands.
    State {
        /// Effective in the future.
        Scheduled = "scheduled",
        /// Due, and not yet verified gone.
        Open = "open",
        /// Two clean looks, far enough apart.
        Verified = "verified",
        /// Was verified, and access is back.
        Regressed = "regressed",
        /// Somebody signed for keeping the access, until a date.
        Excepted = "excepted",
        /// Taken back.
        Withdrawn = "withdrawn",
    }
}

/// One tracked expected revocation, as accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// `rev_…`, ours.
    pub id: String,
    /// Stable id of who lost access: an employee id, a vendor id, or the name given.
    pub subject: String,
    /// User name, where the subject's id is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Further user names that came for the same subject.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_called: Vec<String>,
    /// What must be gone.
    pub kind: Kind,
    /// Why, as a class.
    pub reason: Reason,
    /// When access has to end.
    pub effective_at: UtcTime,
    /// How that came about; `None` where nobody said a time, so that it is the time of receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<Effective>,
    /// When we were told.
    pub received_at: UtcTime,
    /// By when each milestone has to be reached.
    pub deadlines: Deadlines,
    /// Role names that the notices gave.
    pub accounts: Vec<AccountName>,
    /// For [`Kind::Partial`]: roles that must be gone. Empty means nobody said which.
    pub roles: Vec<String>,
    /// For [`Kind::Partial`]: permissions that must be gone, in the sender's words. The configuration says
    /// which roles give them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// E-mail addresses of the subject that notices gave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// For [`Kind::Partial`]: roles that must be held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_roles: Vec<String>,
    /// For [`Kind::Partial`]: permissions that must be held, in the sender's words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_permissions: Vec<String>,
    /// For [`Kind::Transfer`]: stable id of who owns the account from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_owner: Option<String>,
    /// The revocation of a leaver who knew the secret that this one is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Of an account that nobody uses: what was seen of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inactive: Option<Box<Inactive>>,
    /// What people have to attest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checklist: Vec<Item>,
    /// A second person confirmed that there is no account.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_account: bool,
    /// The sender asked to keep the subject's data. Never weakens a verdict.
    pub preserve_data: bool,
    /// Ticket the sender gave, or an amendment since.
    pub ticket: Option<String>,
    /// Tickets that it had before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_tickets: Vec<String>,
    /// Which system told us.
    pub source: String,
}

impl Reason {
    /// How little it leaves to be discussed: no notice replaces a reason by one that ranks lower.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::PolicyViolation => 4,
            Self::Terminated => 3,
            Self::VendorOffboarded => 2,
            Self::ContractExpired => 1,
            Self::RoleChange | Self::Inactive | Self::CredentialRotation | Self::Other => 0,
        }
    }
}

impl Revocation {
    /// How the notices call its subject.
    #[must_use]
    pub fn called(&self) -> Called<'_> {
        Called { subject: &self.subject, username: self.username.as_deref() }
    }

    /// Every user name of the subject, the first one first.
    pub fn usernames(&self) -> impl Iterator<Item = &str> {
        self.username.iter().chain(&self.also_called).map(String::as_str)
    }

    /// Every ticket that was named, the newest first.
    pub fn tickets(&self) -> impl Iterator<Item = &str> {
        self.ticket.iter().chain(&self.earlier_tickets).map(String::as_str)
    }

    /// Names another ticket. The one that it had before goes on being asked about.
    pub fn retitle(&mut self, ticket: &str) {
        self.earlier_tickets.retain(|known| known != ticket);
        if self.ticket.as_deref() != Some(ticket) {
            self.earlier_tickets.extend(self.ticket.replace(ticket.to_owned()));
        }
    }

    /// The same for each further user name.
    pub fn otherwise_called(&self) -> impl Iterator<Item = Called<'_>> {
        let subject = self.subject.as_str();
        self.also_called.iter().map(move |name| Called { subject, username: Some(name) })
    }
}

/// A revocation of nobody in particular.
#[cfg(test)]
pub(crate) fn sample(at: UtcTime) -> Revocation {
    Revocation {
        id: "rev_1".into(),
        subject: String::new(),
        username: None,
        also_called: Vec::new(),
        kind: Kind::Full,
        reason: Reason::Terminated,
        effective_at: at,
        effective: None,
        received_at: at,
        deadlines: Deadlines::default(),
        accounts: Vec::new(),
        roles: Vec::new(),
        permissions: Vec::new(),
        emails: Vec::new(),
        required_roles: Vec::new(),
        required_permissions: Vec::new(),
        new_owner: None,
        because: None,
        inactive: None,
        checklist: Vec::new(),
        no_account: false,
        preserve_data: false,
        ticket: None,
        earlier_tickets: Vec::new(),
        source: "hr".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_text_maps_to_a_class() {
        for (text, class) in [
            ("User terminated", Reason::Terminated),
            ("Terminated", Reason::Terminated),
            ("Role Change", Reason::RoleChange),
            ("Contract Expired", Reason::ContractExpired),
            ("policy_violation", Reason::PolicyViolation),
            ("Resignation", Reason::Terminated),
            ("vendor offboarded", Reason::VendorOffboarded),
            ("because", Reason::Other),
        ] {
            assert_eq!(Reason::classify(text), class, "{text}");
        }
    }

    #[test]
    fn every_word_reads_back() {
        for state in State::ALL {
            assert_eq!(State::from_word(state.as_str()), Some(*state));
        }
    }
}
