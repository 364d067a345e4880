//! `/api/v1/roster/called`: the roles that ever bore a name, as far as the agent has seen them. A name says nothing of
//! who bore it before.

use super::App;
use super::auth::Caller;
use super::openapi::Common;
use super::problem::Problem;
use super::question::Question;
use super::revocations::store_away;
use super::roster::NAME;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::time::UtcTime;
use crate::store::{Store, StoreError};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which name.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Exact name of a role.
    #[param(min_length = 1, max_length = 1000)]
    role: String,
}

/// Every role that bears or bore a name, by cluster and OID.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = RolesCalled)]
pub struct Called {
    /// One for each role, whatever it is called now.
    pub roles: Vec<Bearer>,
}

/// A role that bears or bore a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Bearer {
    /// Cluster it belongs to.
    pub system_identifier: SystemIdentifier,
    /// `pg_roles.oid`.
    pub oid: RoleOid,
    /// When the agent first saw it under this name.
    pub first_seen_at: UtcTime,
}

/// Who bears or bore `name`.
///
/// # Errors
/// When the store is away.
pub async fn bearers(store: &Store, name: &str) -> Result<Called, StoreError> {
    let roles = store.roles_called(name).await?;
    let mut roles: Vec<Bearer> = roles
        .into_iter()
        .map(|(system_identifier, oid, first_seen_at)| Bearer {
            system_identifier,
            oid,
            first_seen_at,
        })
        .collect();
    roles.sort();
    Ok(Called { roles })
}

/// Roles that ever bore a name
///
/// As far as any look has seen them, also those that were renamed or dropped since: a role is known by its OID.
#[utoipa::path(
    get,
    path = "/api/v1/roster/called",
    operation_id = "roles_called",
    tag = "coverage",
    params(Asked),
    responses((status = 200, description = "All of them.", body = Called), Common)
)]
pub(super) async fn called(
    State(app): State<App>,
    Caller(_): Caller,
    Question(asked): Question<Asked>,
) -> Result<Json<Called>, Problem> {
    if asked.role.is_empty() || asked.role.chars().count() > NAME || asked.role.contains('\0') {
        return Err(Problem::malformed(format!("role: 1 to {NAME} characters")));
    }
    bearers(&app.journal.store, &asked.role).await.map(Json).map_err(store_away)
}
