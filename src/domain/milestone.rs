//! What has to be reached by a deadline, and values per milestone.

use super::time::UtcTime;
use super::words::words;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

words! {
    /// What has to be reached by a deadline.
    Milestone {
        /// Login off and no session.
        Login = "login",
        /// Everything gone.
        Access = "access",
        /// Shared secrets rotated.
        Credentials = "credentials",
    }
}

/// One value per milestone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerMilestone<T> {
    /// Login off and no session.
    pub login: T,
    /// Everything gone.
    pub access: T,
    /// Shared secrets rotated.
    pub credentials: T,
}

impl<T: Copy> PerMilestone<T> {
    /// The value of `milestone`.
    #[must_use]
    pub fn get(&self, milestone: Milestone) -> T {
        match milestone {
            Milestone::Login => self.login,
            Milestone::Access => self.access,
            Milestone::Credentials => self.credentials,
        }
    }

    /// Replaces the value of `milestone`.
    pub fn set(&mut self, milestone: Milestone, value: T) {
        match milestone {
            Milestone::Login => self.login = value,
            Milestone::Access => self.access = value,
            Milestone::Credentials => self.credentials = value,
        }
    }
}

/// Instants by which each milestone has to be reached; `None` where the revocation has no such milestone.
pub type Deadlines = PerMilestone<Option<UtcTime>>;

impl PartialSchema for Deadlines {
    fn schema() -> RefOr<Schema> {
        let mut schema = ObjectBuilder::new().description(Some(
            "Instants by which each milestone has to be reached; `null` where there is no such milestone.",
        ));
        for milestone in Milestone::ALL {
            let name = milestone.as_str();
            schema = schema.property(name, Option::<UtcTime>::schema()).required(name);
        }
        schema.into()
    }
}

impl ToSchema for Deadlines {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Deadlines")
    }
}

/// Time allowed for each milestone, from the later of effect and receipt.
pub type Allowance = PerMilestone<Option<Duration>>;
