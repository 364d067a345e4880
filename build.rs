//! Without this, `sqlx::migrate!` would not notice a new migration.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
