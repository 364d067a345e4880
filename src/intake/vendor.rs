//! The end of a vendor's engagement: what it says, and the notices that it comes to. Pure.

use super::event::{Event, Who, ahead, event_id, names};
use super::fields::Fields;
use super::submission::{OneOrMany, Submission};
use crate::config::VendorConfig;
use crate::domain::hex::hex;
use crate::domain::notice::{Fault, Hold, Unusable};
use crate::domain::time::UtcTime;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What is searched for where nobody said what a vendor has. No role is called like this, so that it is never found to
/// be gone.
pub const UNNAMED: &str = "every account of the vendor";

/// What a notice about a vendor says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offboarding {
    /// The vendor.
    pub vendor: String,
    /// Accounts that the notice names, each as `role` or `target/role`.
    pub accounts: Vec<String>,
    effective_at: Option<String>,
    deadline: Option<String>,
    time_zone: Option<String>,
    ticket: Option<String>,
}

/// One revocation of a checklist.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it is about, for its id: an account or a subject.
    pub name: String,
    /// What it asks for.
    pub submission: Submission,
}

impl Offboarding {
    /// Reads an event about a vendor, received `now`.
    #[must_use]
    pub fn event(value: &Value, now: UtcTime) -> Event {
        if !value.is_object() {
            return Event::unreadable(Fault::new("", "a notice is a JSON object"));
        }
        let mut fields = Fields::of(value);
        let id = event_id(&mut fields);
        let at = fields.instant("/timestamp");
        let read = Self::read(value, &mut fields, at.map(|at| at.min(now)));
        let faults = fields.faults();
        let asks = if at.is_some_and(|at| at > now.plus(Duration::from_secs(24 * 3_600))) {
            Err(ahead())
        } else if faults.is_empty() {
            Ok(super::event::Action::Offboard(Box::new(read)))
        } else {
            Err(Unusable { cause: Hold::Unreadable, faults })
        };
        Event { id, kind: "vendor_offboarded".to_owned(), at, who: Who::default(), asks }
    }

    /// Reads what it says; `at` is when it was made.
    pub(super) fn read(value: &Value, fields: &mut Fields<'_>, at: Option<UtcTime>) -> Self {
        // The date may be called either; the earlier one governs where both are given.
        let dates = ["/effective_at", "/effective_date"];
        let given: Vec<String> = dates.iter().filter_map(|at| fields.text(at)).collect();
        if given.len() > 1 {
            fields.wrong("/effective_date", "give effective_at or effective_date, not both");
        }
        let accounts = if value.get("accounts").is_some() { "/accounts" } else { "/user/accounts" };
        Self {
            vendor: fields.needed("/vendor_id").unwrap_or_default(),
            accounts: names(fields.list(accounts).as_ref()),
            effective_at: given.into_iter().next().or_else(|| at.map(|at| at.to_string())),
            deadline: fields.text("/deadline"),
            time_zone: fields.text("/time_zone"),
            ticket: fields.text("/ticket"),
        }
    }

    /// The revocations: one for each account that the notice or the configuration names, and for each subject that the
    /// vendor owns. Where there is none, one that stays open until somebody says what the vendor has.
    #[must_use]
    pub fn items(&self, owned: Option<&VendorConfig>) -> Vec<Item> {
        let none = VendorConfig::default();
        let owned = owned.unwrap_or(&none);
        let accounts: BTreeSet<&String> = self.accounts.iter().chain(&owned.accounts).collect();
        let mut items: Vec<Item> =
            accounts.into_iter().map(|name| self.account(name, name)).collect();
        items.extend(owned.subjects.iter().map(|subject| Item {
            name: format!("subject {subject}"),
            submission: Submission { username: subject.clone(), ..self.about() },
        }));
        if items.is_empty() {
            items.push(self.account("", UNNAMED));
        }
        items
    }

    fn account(&self, name: &str, role: &str) -> Item {
        let username =
            if name.is_empty() { self.vendor.clone() } else { format!("{}/{name}", self.vendor) };
        Item {
            name: format!("account {name}"),
            submission: Submission {
                username,
                account: Some(OneOrMany::One(role.to_owned())),
                ..self.about()
            },
        }
    }

    fn about(&self) -> Submission {
        Submission {
            reason: "vendor_offboarded".to_owned(),
            effective_at: self.effective_at.clone(),
            deadline: self.deadline.clone(),
            time_zone: self.time_zone.clone(),
            ticket: self.ticket.clone(),
            ..Submission::default()
        }
    }
}

/// Why a vendor that nobody configured may be meant to be one that is: it differs in case or blanks only.
///
/// # Errors
/// When it does.
pub(super) fn spelled(
    vendor: &str,
    configured: &BTreeMap<String, VendorConfig>,
) -> Result<(), Unusable> {
    let folded = |name: &str| name.trim().to_lowercase();
    let same = |known: &&String| folded(known) == folded(vendor);
    match configured.keys().find(same) {
        Some(known) if !configured.contains_key(vendor) => {
            let why = format!(
                "`{vendor}` is not configured, and `{known}` is: is that the vendor? If so, send it with that id; if not, retry it"
            );
            Err(Unusable::one(Hold::NotPossible, Fault::new("/vendor_id", why)))
        }
        Some(_) | None => Ok(()),
    }
}

/// The checklist of an event: the same each time that the event comes.
#[must_use]
pub fn checklist(source: &str, event_id: &str) -> String {
    let digest =
        Sha256::new().chain_update(source).chain_update([0]).chain_update(event_id).finalize();
    let mut id = format!("chk_{}", hex(&digest));
    id.truncate("chk_".len() + 22);
    id
}

#[cfg(test)]
mod tests {
    use super::super::event::Action;
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> Event {
        Offboarding::event(value, "2026-02-03T15:00:00Z".parse().unwrap())
    }

    fn offboarding(value: &Value) -> Offboarding {
        match read(value).asks {
            Ok(Action::Offboard(offboarding)) => *offboarding,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_account_and_subject_is_an_item_once() {
        let asked = offboarding(&json!({
            "event_id": "v-1", "vendor_id": "ACME", "accounts": ["svc_acme", "main/acme_ro"],
            "effective_at": "2026-02-28", "ticket": "V-1",
        }));
        let owned = VendorConfig {
            accounts: ["svc_acme".to_owned(), "acme_batch".to_owned()].into(),
            subjects: ["CON-17".to_owned()].into(),
        };
        let items = asked.items(Some(&owned));
        let names: Vec<_> = items.iter().map(|item| item.name.as_str()).collect();
        assert_eq!(
            names,
            ["account acme_batch", "account main/acme_ro", "account svc_acme", "subject CON-17"]
        );
        assert_eq!(items[2].submission.username, "ACME/svc_acme");
        assert_eq!(items[3].submission.username, "CON-17");
        assert!(
            items.iter().all(|item| item.submission.effective_at.as_deref() == Some("2026-02-28"))
        );
    }

    #[test]
    fn a_vendor_of_whom_nothing_is_known_is_one_question() {
        let items = offboarding(&json!({"event_id": "v-1", "vendor_id": "ACME"})).items(None);
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].submission.username, "ACME");
        assert!(
            matches!(&items[0].submission.account, Some(OneOrMany::One(role)) if role == UNNAMED)
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (value, pointer) in [
            (json!({"event_id": "v-1"}), "/vendor_id"),
            (json!({"vendor_id": 3}), "/vendor_id"),
            (json!({"vendor_id": "A", "accounts": [""]}), "/accounts/0"),
            (json!({"vendor_id": "A", "timestamp": "2026-02-05T15:00:00Z"}), "/timestamp"),
            (
                json!({"vendor_id": "A", "effective_at": "2026-02-05", "effective_date": "2026-02-06"}),
                "/effective_date",
            ),
            (json!([]), ""),
        ] {
            let unusable = read(&value).asks.unwrap_err();
            assert_eq!(unusable.faults[0].pointer, pointer, "{value}");
        }
    }

    #[test]
    fn a_vendor_in_another_case_is_a_question() {
        let configured: BTreeMap<String, VendorConfig> =
            [("ACME".to_owned(), VendorConfig::default())].into();
        for (vendor, good) in [("ACME", true), ("acme", false), ("Acme ", false), ("ACME2", true)] {
            assert_eq!(spelled(vendor, &configured).is_ok(), good, "{vendor}");
        }
        let question = spelled("acme", &configured).unwrap_err();
        assert!(question.faults[0].detail.contains("`ACME` is"), "{question:?}");
    }

    #[test]
    fn a_checklist_has_one_name() {
        assert_eq!(checklist("hr", "v-1"), checklist("hr", "v-1"));
        assert_ne!(checklist("hr", "v-1"), checklist("hrv", "-1"));
        assert_eq!(checklist("hr", "v-1").len(), 26);
    }
}
