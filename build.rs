//! Without this, `sqlx::migrate!` would not notice a new migration. And which compiler made the program.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-env-changed=RUSTC");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let said = std::process::Command::new(rustc).arg("--version").output().ok();
    let said = said.and_then(|said| String::from_utf8(said.stdout).ok());
    let version = said.as_deref().and_then(|said| said.split(' ').nth(1)).unwrap_or("unknown");
    println!("cargo:rustc-env=REVOKED_RUSTC={version}");
}
