//! Policies, default privileges, user mappings, jobs, and what no SQL removes.

use super::step::Step;
use super::{Part, Plan, Setting};
use crate::domain::residual::{Residual, ResidualKind as K};
use std::collections::BTreeMap;

pub(super) fn remove(residual: &[Residual], setting: &Setting, plan: &mut Plan) {
    let mut received: BTreeMap<(Option<String>, Step), Vec<String>> = BTreeMap::new();
    for found in residual {
        match found.kind {
            K::Policy => policy(found, setting, plan),
            K::DefaultPrivilege => default_privilege(found, &mut received, plan),
            K::UserMapping => user_mapping(found, setting, plan),
            K::Job => job(found, setting, plan),
            K::DanglingAcl => plan.leave(
                found,
                "no statement names a role that exists no more; give the object its access list anew",
            ),
            K::HbaRule => plan.leave(found, "edit pg_hba.conf, and SELECT pg_reload_conf()"),
            K::IdentMap => plan.leave(found, "edit pg_ident.conf, and SELECT pg_reload_conf()"),
            K::Credential => plan.leave(found, "change it, and end the sessions that used it"),
            K::Probe => plan.leave(found, "remove it there"),
            K::Login
            | K::Attribute
            | K::Membership
            | K::AdminOption
            | K::Ownership
            | K::Subscription
            | K::Privilege
            | K::Session
            | K::VanishedSession
            | K::PreparedTransaction
            | K::Replication
            | K::RoleSetting => {}
        }
    }
    for ((database, step), mut privileges) in received {
        privileges.sort();
        privileges.dedup();
        if let Step::RevokeDefault { owner, schema, objects, grantee, .. } = step {
            let step = Step::RevokeDefault { owner, schema, objects, privileges, grantee };
            plan.add(Part::Database, database.as_ref(), step);
        }
    }
}

/// The dependents are the other roles that the policy names. One that names nobody else is not dropped: it is
/// given to a superuser, whom no policy binds. As long as row security is enabled, nobody else sees more or less
/// rows than without it.
fn policy(found: &Residual, setting: &Setting, plan: &mut Plan) {
    let (Some(database), Some(table), Some(policy)) =
        (&found.database, &found.object, &found.sub_object)
    else {
        return plan.leave(found, "ALTER POLICY … TO the other roles that it names");
    };
    let mut to: Vec<Option<String>> =
        found.dependents.iter().map(|other| other.grantee.clone()).collect();
    to.retain(|name| name.as_ref().is_none_or(|name| !setting.leavers.contains(name)));
    let parked = to.is_empty();
    if parked {
        // The members of a superuser's role would be bound.
        let fit = setting.superusers.iter().find(|name| {
            !setting.leavers.contains(*name)
                && !setting.memberships.iter().any(|row| row.role == **name)
        });
        let Some(nobody) = fit else {
            return plan.leave(found, "it names nobody else: drop it, or give it to another role");
        };
        to.push(Some(nobody.clone()));
    }
    let step = Step::AlterPolicy { table: table.clone(), policy: policy.clone(), to, parked };
    plan.add(Part::Database, Some(database), step);
}

/// `owner` is whose future objects; `sub_object` the schema, if it is limited to one.
fn default_privilege(
    found: &Residual,
    received: &mut BTreeMap<(Option<String>, Step), Vec<String>>,
    plan: &mut Plan,
) {
    let (Some(database), Some(owner), Some(kind), Some(role)) =
        (&found.database, &found.owner, &found.object_type, &found.account.role)
    else {
        return plan.leave(found, "ALTER DEFAULT PRIVILEGES FOR ROLE … REVOKE …");
    };
    let (objects, schema) = (kind.to_uppercase(), found.sub_object.clone());
    if let Some(privilege) = &found.privilege {
        let step = Step::RevokeDefault {
            owner: owner.clone(),
            schema,
            objects,
            privileges: Vec::new(),
            grantee: role.clone(),
        };
        received.entry((Some(database.clone()), step)).or_default().push(privilege.clone());
        return;
    }
    let grantees = found.dependents.iter().map(|other| other.grantee.clone()).collect();
    let step = Step::ResetDefaults { role: role.clone(), schema, objects, grantees };
    plan.add(Part::Database, Some(database), step);
}

fn user_mapping(found: &Residual, setting: &Setting, plan: &mut Plan) {
    match (&found.database, &found.object, &found.account.role) {
        _ if setting.preserve_data => {
            plan.leave(
                found,
                "kept, since data are preserved: change the credential on the other server",
            );
        }
        (Some(database), Some(server), Some(role)) => {
            let step = Step::DropUserMapping { role: role.clone(), server: server.clone() };
            plan.add(Part::Database, Some(database), step);
        }
        _ => plan.leave(found, "DROP USER MAPPING"),
    }
}

fn job(found: &Residual, setting: &Setting, plan: &mut Plan) {
    let id = found.object.as_deref().and_then(job_id);
    match (&found.database, id) {
        (_, Some(job)) if setting.preserve_data => {
            let way = format!(
                "kept, since data are preserved: SELECT cron.alter_job({job}, active := false)"
            );
            plan.leave(found, &way);
        }
        (Some(database), Some(job)) => {
            let step = Step::Unschedule { job, what: found.sentence.clone() };
            plan.add(Part::Database, Some(database), step);
        }
        _ => plan.leave(found, "remove it from the scheduler"),
    }
}

/// `cron.job.jobid`, as in `job 7`.
fn job_id(object: &str) -> Option<i64> {
    object.strip_prefix("job ")?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
