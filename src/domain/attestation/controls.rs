//! Which section is evidence for a part of which control.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A control of a framework, and what here is evidence for a part of it. Of none is it the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AttestedControl)]
pub struct Control {
    /// The framework.
    pub framework: String,
    /// The control, as the framework numbers it.
    pub control: String,
    /// Sections of the page.
    pub sections: Vec<String>,
    /// For which part of it.
    pub part: String,
}

/// Names of the sections, as pages have them.
pub const POPULATION: &str = "Population";
/// Deadlines.
pub const TIMELINESS: &str = "Timeliness";
/// How revocations stand at the end.
pub const OUTCOME: &str = "At the end of the period";
/// Access that came back.
pub const RELAPSES: &str = "Access that came back";
/// Permission to keep access.
pub const EXCEPTIONS: &str = "Exceptions";
/// What nobody could tell.
pub const BLINDNESS: &str = "What could not be seen";
/// How complete the log is.
pub const LOG: &str = "The log";

const ALL: &[(&str, &str, &[&str], &str)] = &[
    ("SOC 2", "CC6.1", &[BLINDNESS, LOG], "access is looked at, by a log that can be checked"),
    ("SOC 2", "CC6.2", &[POPULATION, TIMELINESS], "access that is no longer authorised is removed"),
    ("SOC 2", "CC6.3", &[POPULATION, OUTCOME, EXCEPTIONS], "access is changed and removed by role"),
    (
        "ISO/IEC 27001:2022",
        "A.5.18 (2013: A.9.2.6)",
        &[TIMELINESS, OUTCOME, RELAPSES],
        "access rights are removed, or adjusted, in time",
    ),
    (
        "ISO/IEC 27001:2022",
        "A.8.2",
        &[EXCEPTIONS, RELAPSES],
        "of privileged rights as of others: what was kept, by whose agreement, and that it ended",
    ),
    ("BSI C5:2020", "IDM-03", &[POPULATION, OUTCOME], "accounts that nobody uses are withdrawn"),
    (
        "BSI C5:2020",
        "IDM-04",
        &[TIMELINESS, OUTCOME],
        "rights are withdrawn when tasks end or change",
    ),
    ("PCI DSS 4.0", "8.2.5", &[TIMELINESS, OUTCOME, RELAPSES], "access of who left is revoked"),
    (
        "PCI DSS 4.0",
        "8.2.6",
        &[POPULATION],
        "inactive accounts: those revoked with the reason inactive",
    ),
    (
        "HIPAA",
        "164.308(a)(3)(ii)(C)",
        &[POPULATION, TIMELINESS, OUTCOME],
        "access ends when employment does: that it was done, and when",
    ),
    (
        "NIST SP 800-53",
        "AC-2",
        &[POPULATION, TIMELINESS, EXCEPTIONS],
        "accounts are disabled in time",
    ),
    ("NIST SP 800-53", "PS-4", &[TIMELINESS, OUTCOME], "on termination access is disabled in time"),
    ("GDPR", "Article 32(1)(d)", &[RELAPSES, BLINDNESS, LOG], "a measure is tested regularly"),
];

/// All of them.
pub(super) fn all() -> Vec<Control> {
    let one = |(framework, control, sections, part): &(&str, &str, &[&str], &str)| Control {
        framework: (*framework).to_owned(),
        control: (*control).to_owned(),
        sections: sections.iter().map(|section| (*section).to_owned()).collect(),
        part: (*part).to_owned(),
    };
    ALL.iter().map(one).collect()
}
