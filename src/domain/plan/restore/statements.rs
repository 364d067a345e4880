//! The statements that give. Each may be run again.

use super::super::quote::{comment, ident, literal};
use super::super::script::{lend, schema, take_back};
use super::super::sql::{default_for, owner_words};
use super::super::step::{Acting, Object, Right, Step};
use super::give::{Give, Member, What};

/// Makes a role that may not log in yet.
pub(super) fn create(role: &str) -> String {
    format!("CREATE ROLE {};", ident(role))
}

/// The statements of one transaction.
pub(super) fn body(gives: &[&Give]) -> Vec<String> {
    let mut lines = Vec::new();
    for run in gives.chunk_by(|a, b| a.acting == b.acting) {
        let acting = run.first().and_then(|give| give.acting.clone());
        let Some(role) = acting else {
            lines.extend(run.iter().flat_map(|give| statements(give)));
            continue;
        };
        let mut schemas: Vec<String> = run.iter().filter_map(|give| schema_of(give)).collect();
        schemas.sort();
        schemas.dedup();
        let acting = Acting { role, demoted: false };
        lines.push(format!("-- Granted by {}, and not by the owner:", comment(&acting.role)));
        lines.extend(lend(&acting.role, &schemas));
        lines.extend(acting.before());
        lines.extend(run.iter().flat_map(|give| statements(give)));
        lines.extend(acting.after());
        lines.extend(take_back(&acting.role, &schemas));
    }
    lines
}

fn schema_of(give: &Give) -> Option<String> {
    match &give.what {
        What::Rights { on, .. } => schema(on),
        What::Option(_)
        | What::Member(_)
        | What::Owner(_)
        | What::Default { .. }
        | What::Policy { .. } => None,
    }
}

fn statements(give: &Give) -> Vec<String> {
    let role = &give.role;
    match &give.what {
        What::Option(word) => {
            Step::AlterRole { role: role.clone(), options: vec![word.clone()] }.statements()
        }
        What::Member(member) => vec![grant_role(role, member)],
        What::Owner(on) => vec![owner(role, on)],
        What::Rights { on, grantable, rights } => Step::GrantPrivilege {
            on: on.clone(),
            rights: rights.clone(),
            grantee: Some(role.clone()),
            grantable: *grantable,
        }
        .statements(),
        What::Default { owner, schema, objects, grantable, rights } => {
            let alter = default_for(owner, schema.as_ref());
            let option = if *grantable { " WITH GRANT OPTION" } else { "" };
            let words: Vec<&str> =
                rights.iter().map(|right: &Right| right.privilege.as_str()).collect();
            let words = words.join(", ");
            vec![format!("{alter} GRANT {words} ON {objects} TO {}{option};", ident(role))]
        }
        What::Policy { table, policy, beside } => vec![join_policy(role, table, policy, beside)],
    }
}

/// Before 16 a superuser may name any grantor, and ADMIN is the only option.
fn grant_role(role: &str, member: &Member) -> String {
    let word = |on: bool| if on { "TRUE" } else { "FALSE" };
    let options = match member.options {
        Some((inherit, set)) => format!(
            " WITH ADMIN {}, INHERIT {}, SET {}",
            word(member.admin),
            word(inherit),
            word(set)
        ),
        None if member.admin => " WITH ADMIN OPTION".to_owned(),
        None => String::new(),
    };
    let by = member.grantor.as_ref().map_or_else(
        || "; -- who granted it existed no more".to_owned(),
        |by| format!(" GRANTED BY {};", ident(by)),
    );
    format!("GRANT {} TO {}{options}{by}", ident(&member.group), ident(role))
}

/// A sequence of a column went with its table, and the server refuses to alter it by itself.
fn owner(role: &str, on: &Object) -> String {
    let words = owner_words(on).unwrap_or("TABLE");
    let alter = format!("ALTER {words} {} OWNER TO {}", on.name, ident(role));
    if words != "SEQUENCE" {
        return format!("{alter};");
    }
    format!(
        "SELECT {} FROM pg_catalog.pg_class WHERE oid = {}::pg_catalog.regclass AND relowner <> \
         {}::pg_catalog.regrole \\gexec",
        literal(&alter),
        literal(&on.name),
        literal(&ident(role)),
    )
}

/// Beside whom the policy names now. A superuser whom it did not name then stands there only because it was kept for
/// its definition. One that is for everybody by now needs nobody.
fn join_policy(role: &str, table: &str, policy: &str, beside: &[String]) -> String {
    let mut named = vec![format!("r.rolname = {}", literal(role))];
    named.push("r.oid = ANY (p.polroles) AND NOT r.rolsuper".to_owned());
    if !beside.is_empty() {
        let beside: Vec<String> = beside.iter().map(|name| literal(name)).collect();
        named.push(format!("r.oid = ANY (p.polroles) AND r.rolname IN ({})", beside.join(", ")));
    }
    let alter = format!("ALTER POLICY {} ON {table} TO ", ident(policy));
    format!(
        "SELECT {} || pg_catalog.string_agg(pg_catalog.quote_ident(r.rolname), ', ' ORDER BY r.rolname) FROM \
         pg_catalog.pg_policy AS p JOIN pg_catalog.pg_roles AS r ON {} WHERE p.polrelid = \
         {}::pg_catalog.regclass AND p.polname = {} AND NOT 0 = ANY (p.polroles) GROUP BY p.oid \\gexec",
        literal(&alter),
        named.join(" OR "),
        literal(table),
        literal(policy),
    )
}
