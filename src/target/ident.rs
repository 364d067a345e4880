//! Lines of `pg_ident.conf` that let a user of the system, of Kerberos or of a certificate in as a role.

use super::Wanted;
use super::cluster::Cluster;
use super::files::File;
use super::session::Session;
use super::statements as sql;
use crate::domain::observation::{Cause, NotCovered};
use crate::domain::residual::ResidualKind;

const IDENT: File = File {
    kind: ResidualKind::IdentMap,
    surfaces: &[ResidualKind::IdentMap],
    name: "pg_ident.conf",
    setting: "ident_file",
    view: "pg_catalog.pg_ident_file_mappings",
    function: "pg_catalog.pg_ident_file_mappings()",
};

/// Reads the file of the server that `session` is connected to, in a transaction of its own.
pub(super) async fn read(
    session: &mut Session<'_>,
    cluster: &Cluster,
    wanted: &Wanted,
    required: bool,
) {
    if cluster.version_num >= 160_000 {
        IDENT.read(session, cluster, wanted, required, &sql::IDENT_MAPS_16).await;
    } else if cluster.version_num >= 150_000 {
        IDENT.read(session, cluster, wanted, required, &sql::IDENT_MAPS_15).await;
    } else if cluster.version_num == 0 && required {
        IDENT.doubt(session, Cause::Internal, "the server did not say its version", "");
    } else if required {
        let fix =
            "take ident_map out of `required` for this target, or upgrade it to PostgreSQL 15";
        IDENT.doubt(session, Cause::Internal, OLD, fix);
    } else {
        let target = session.observation.target.clone();
        session.observation.not_covered.push(NotCovered {
            surface: format!("pg_ident.conf of {target}"),
            reason: OLD.to_owned(),
        });
    }
}

const OLD: &str = "the server is older than PostgreSQL 15, which shows it to nobody";
