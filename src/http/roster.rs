//! `/api/v1/roster`: the roles of the targets, as the newest looks saw them. From memory alone: no question of this kind
//! reaches a database.

use super::App;
use super::auth::Caller;
use super::openapi::Common;
use super::problem::Problem;
use super::question::Question;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::observation::Observation;
use crate::domain::time::UtcTime;
use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Most roles on one page.
pub const MOST: u16 = 1_000;
/// Roles on a page when nobody says how many.
const USUAL: u16 = 100;
/// Longest name to look for.
pub(super) const NAME: usize = 1_000;

/// Which roles to list. Everything given has to hold.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Configured name of a cluster.
    #[param(min_length = 1, max_length = 1000, nullable = false)]
    pub target: Option<String>,
    /// Exact name of the role.
    #[param(min_length = 1, max_length = 1000, nullable = false)]
    pub role: Option<String>,
    /// `true`: also roles that cannot log in.
    #[param(nullable = false)]
    pub all: Option<bool>,
    /// Most roles on the page.
    #[param(default = 100, minimum = 1, maximum = 1000, nullable = false)]
    pub limit: Option<u16>,
    /// Where to go on: `next` of the page before.
    #[param(pattern = "^[A-Za-z0-9_-]{2,400}$", nullable = false)]
    pub cursor: Option<String>,
}

/// A page of roles, by target and name.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Roster)]
pub struct RosterPage {
    /// Every configured target, on each page.
    pub targets: Vec<RosterTarget>,
    /// Roles on this page.
    pub roles: Vec<RosterEntry>,
    /// `cursor` of the next page; `null` on the last one.
    pub next: Option<String>,
}

/// Whether the roles of a target are known.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RosterTarget {
    /// Configured name.
    pub name: String,
    /// When the newest look began; `null` before the first one.
    pub looked_at: Option<UtcTime>,
    /// That look read every role.
    pub read: bool,
    /// Role the agent is connected as.
    pub agent_role: Option<String>,
}

/// A role of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RosterEntry {
    /// Configured name of the cluster.
    pub target: String,
    /// Made by `initdb`, shared by a primary and its standbys.
    pub system_identifier: Option<SystemIdentifier>,
    /// `pg_roles.oid`.
    pub oid: RoleOid,
    /// `pg_roles.rolname`.
    pub role: String,
    /// It may log in.
    pub login: bool,
}

/// What is known of the targets called `names`, by the newest look at each.
#[must_use]
pub fn targets<'a>(
    names: impl Iterator<Item = &'a str>,
    newest: impl Fn(&str) -> Option<Arc<Observation>>,
) -> (Vec<RosterTarget>, Vec<Arc<Observation>>) {
    let (mut targets, mut looks) = (Vec::new(), Vec::new());
    for name in names {
        let look = newest(name);
        targets.push(RosterTarget {
            name: name.to_owned(),
            looked_at: look.as_ref().map(|look| look.started_at),
            read: look.as_ref().is_some_and(|look| look.roles_read()),
            agent_role: look
                .as_ref()
                .and_then(|look| look.server.as_ref().map(|server| server.agent_role.clone())),
        });
        looks.extend(look);
    }
    (targets, looks)
}

/// Roles of a look, in no order.
pub fn entries<'a>(look: &'a Observation, all: bool) -> impl Iterator<Item = RosterEntry> + 'a {
    let cluster = look.server.as_ref().map(|server| server.system_identifier);
    let entry = move |role: &'a crate::domain::observation::RosterRole| RosterEntry {
        target: look.target.clone(),
        system_identifier: cluster,
        oid: role.oid,
        role: role.name.clone(),
        login: look.logins.contains(&role.oid),
    };
    look.roster.iter().filter(move |role| all || look.logins.contains(&role.oid)).map(entry)
}

/// A name in a cursor, with its target.
fn place(cursor: &str) -> Option<(String, String)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (target, role) = text.split_once('/')?;
    let place = (target.to_owned(), role.to_owned());
    (written(&place.0, &place.1) == cursor).then_some(place)
}

/// No target has a slash in its name.
fn written(target: &str, role: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{target}/{role}"))
}

fn page(
    filter: &Filter,
    targets: Vec<RosterTarget>,
    looks: &[Arc<Observation>],
) -> Result<RosterPage, String> {
    for (name, text) in [("target", &filter.target), ("role", &filter.role)] {
        let good = |text: &String| !text.is_empty() && text.chars().count() <= NAME;
        if !text.as_ref().is_none_or(good) {
            return Err(format!("{name}: 1 to {NAME} characters"));
        }
    }
    let limit = filter.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(format!("limit: 1 to {MOST}"));
    }
    let after = match &filter.cursor {
        None => None,
        Some(text) => {
            Some(place(text).ok_or_else(|| "cursor: `next` of an earlier page".to_owned())?)
        }
    };
    let wanted = |entry: &RosterEntry| {
        let key = (&entry.target, &entry.role);
        filter.target.as_ref().is_none_or(|target| entry.target == *target)
            && filter.role.as_ref().is_none_or(|role| entry.role == *role)
            && after.as_ref().is_none_or(|(target, role)| key > (target, role))
    };
    let all = filter.all == Some(true);
    let mut roles: Vec<RosterEntry> =
        looks.iter().flat_map(|look| entries(look, all)).filter(wanted).collect();
    roles.sort_by(|a, b| (&a.target, &a.role).cmp(&(&b.target, &b.role)));
    let more = roles.len() > usize::from(limit);
    roles.truncate(usize::from(limit));
    let last = roles.last().filter(|_| more);
    let next = last.map(|last| written(&last.target, &last.role));
    Ok(RosterPage { targets, roles, next })
}

/// Roles of the targets
///
/// Those that may log in, as the newest look at each target saw them. Go on with `cursor` set to `next` until that is
/// `null`; a look in between may change what follows.
#[utoipa::path(
    get,
    path = "/api/v1/roster",
    operation_id = "roster",
    tag = "coverage",
    params(Filter),
    responses((status = 200, description = "One page.", body = RosterPage), Common)
)]
pub(super) async fn roster(
    State(app): State<App>,
    Caller(_): Caller,
    Question(filter): Question<Filter>,
) -> Result<Json<RosterPage>, Problem> {
    let config = app.config.current();
    let names = config.targets.iter().map(|target| target.name.as_str());
    let (targets, looks) = targets(names, |name| app.board.newest(name));
    page(&filter, targets, &looks).map(Json).map_err(Problem::malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::observation::RosterRole;

    #[test]
    fn every_role_is_on_one_page_in_order() {
        let mut look = Observation::begun("a", UtcTime::from_micros(0).unwrap());
        for number in 0..25_u32 {
            let role = RosterRole { oid: RoleOid(number), name: format!("r{:02}", 24 - number) };
            look.roster.push(role);
            if number != 3 {
                look.logins.insert(RoleOid(number));
            }
        }
        let looks = [Arc::new(look)];
        let mut filter = Filter { limit: Some(10), ..Filter::default() };
        let mut names = Vec::new();
        loop {
            let page = page(&filter, Vec::new(), &looks).unwrap();
            names.extend(page.roles.into_iter().map(|role| role.role));
            filter.cursor = page.next;
            if filter.cursor.is_none() {
                break;
            }
        }
        let wanted: Vec<String> =
            (0..25).filter(|n| *n != 21).map(|number| format!("r{number:02}")).collect();
        assert_eq!(names, wanted);
        let one = Filter { role: Some("r21".into()), all: Some(true), ..Filter::default() };
        let found = page(&one, Vec::new(), &looks).unwrap().roles;
        assert_eq!((found.len(), found[0].login), (1, false));
        let wrong = Filter { cursor: Some("x!".into()), ..Filter::default() };
        assert!(page(&wrong, Vec::new(), &looks).is_err());
    }
}
