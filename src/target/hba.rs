//! Lines of `pg_hba.conf` that name a role. A line for `all` names nobody: there NOLOGIN is what keeps out.

use super::Wanted;
use super::cluster::Cluster;
use super::files::File;
use super::session::Session;
use super::statements as sql;
use crate::domain::residual::ResidualKind;

const HBA: File = File {
    kind: ResidualKind::HbaRule,
    surfaces: &[ResidualKind::HbaRule],
    name: "pg_hba.conf",
    setting: "hba_file",
    view: "pg_catalog.pg_hba_file_rules",
    function: "pg_catalog.pg_hba_file_rules()",
};

/// Reads the file of the server that `session` is connected to, in a transaction of its own.
pub(super) async fn read(
    session: &mut Session<'_>,
    cluster: &Cluster,
    wanted: &Wanted,
    required: bool,
) {
    let statement =
        if cluster.version_num >= 160_000 { sql::HBA_RULES_16 } else { sql::HBA_RULES_13 };
    HBA.read(session, cluster, wanted, required, &statement).await;
}
