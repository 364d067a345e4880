//! A script, played.

use super::world::{World, at};

/// Plays `script`, one event a line: `DAY HH:MM event`, and gives each line with where it stands then and what it did.
/// What follows ` => ` in a line is what is expected, and is not read. A line that begins with `#` says what comes.
pub(crate) fn play(script: &str) -> String {
    let config = script.lines().filter_map(|line| line.strip_prefix("config: "));
    let mut world = World::new(&config.collect::<Vec<_>>().join("\n"));
    let mut out = String::new();
    for line in script.lines() {
        let line = line.split(" => ").next().unwrap().trim_end();
        if line.is_empty() || line.starts_with('#') || line.starts_with("config: ") {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let mut parts = line.splitn(3, ' ');
        let (day, time, event) =
            (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let did = world.event(event, at(day, time));
        let told = format!("{line} => {}; {did}", world.shown());
        out.push_str(told.trim_end_matches([';', ' ']));
        out.push('\n');
    }
    out
}
