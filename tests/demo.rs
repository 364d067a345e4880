//! The demo comes out as told.

mod common;

use common::{revoked, run};

#[test]
fn every_step_comes_out_as_told() {
    let (code, out, err) = run(revoked().arg("demo"));
    assert_eq!(code, 0, "{err}\n{out}");
    for says in ["RESIDUAL", "is overdue", "REASSIGN OWNED", "regressed", "VERIFIED", "TAMPERED"] {
        assert!(out.contains(says), "{says} is not in\n{out}");
    }
    let dir = out.split("REVOKED_CONFIG=").nth(1).unwrap().split("/revoked/").next().unwrap();
    assert!(!std::path::Path::new(dir).exists(), "{dir} is left behind");
}
