//! Where others than security are told, by what a revocation is of.

use super::check::Reader;
use super::slack::is_channel;
use super::{ConfigError, TargetConfig};
use crate::domain::delivery::Audience;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Where others than security are told, each what it is for them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoutesFile {
    /// That access has to end, is late, or has ended, and nothing of what it is.
    manager: Option<RouteFile>,
    /// Proofs, relapses, uses after the end, permissions, and what was filed.
    compliance: Option<RouteFile>,
}

/// Ids of channels, or of users who are told by themselves. The first that fits: vendor, source, target.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RouteFile {
    /// Where what nothing else fits goes, and what is told late.
    channel: String,
    /// By the vendor whose offboarding it is.
    #[serde(default)]
    vendors: BTreeMap<String, String>,
    /// By who told us: TOKEN, TOKEN/SYSTEM, uid:N, ssf:NAME, inbox:NAME.
    #[serde(default)]
    sources: BTreeMap<String, String>,
    /// By a target on which the subject has a role.
    #[serde(default)]
    targets: BTreeMap<String, String>,
}

/// Where an audience is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where what nothing else fits goes.
    pub channel: String,
    /// By the vendor.
    pub vendors: BTreeMap<String, String>,
    /// By who told us.
    pub sources: BTreeMap<String, String>,
    /// By a target.
    pub targets: BTreeMap<String, String>,
}

impl Route {
    /// All of it goes to one place.
    #[must_use]
    pub fn is_one(&self) -> bool {
        self.vendors.is_empty() && self.sources.is_empty() && self.targets.is_empty()
    }

    /// Where what is told of a vendor's offboarding, of what `source` told us, or of roles on `targets` goes.
    #[must_use]
    pub fn place<'a>(
        &self,
        vendor: Option<&str>,
        source: &str,
        mut targets: impl Iterator<Item = &'a str>,
    ) -> &str {
        let sender = source.split('/').next().unwrap_or_default();
        vendor
            .and_then(|vendor| self.vendors.get(vendor))
            .or_else(|| self.sources.get(source))
            .or_else(|| self.sources.get(sender))
            .or_else(|| targets.find_map(|target| self.targets.get(target)))
            .unwrap_or(&self.channel)
    }
}

impl Reader<'_> {
    /// Checks `slack.routes`.
    pub(super) fn routes(
        &self,
        file: RoutesFile,
        targets: &[TargetConfig],
    ) -> Result<BTreeMap<Audience, Route>, ConfigError> {
        let given = [(Audience::Manager, file.manager), (Audience::Compliance, file.compliance)];
        let mut routes = BTreeMap::new();
        for (audience, route) in given {
            let Some(route) = route else { continue };
            let key = format!("slack.routes.{audience}");
            let mut ids = vec![(format!("{key}.channel"), &route.channel)];
            for (by, all) in [
                ("vendors", &route.vendors),
                ("sources", &route.sources),
                ("targets", &route.targets),
            ] {
                ids.extend(all.iter().map(|(name, id)| (format!("{key}.{by}.{name}"), id)));
            }
            if let Some((key, _)) = ids.iter().find(|(_, id)| !is_channel(id)) {
                let why =
                    "the id of a channel or a user, as C0123456789; its name may become another's";
                return Err(self.wrong(key, why));
            }
            for name in route.targets.keys() {
                if !targets.iter().any(|target| target.name == *name) {
                    return Err(self.wrong(&format!("{key}.targets.{name}"), "no such target"));
                }
            }
            let RouteFile { channel, vendors, sources, targets } = route;
            routes.insert(audience, Route { channel, vendors, sources, targets });
        }
        Ok(routes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn parse(routes: &str) -> Result<BTreeMap<Audience, Route>, String> {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("token"), "xoxb-1").unwrap();
        let text = format!(
            "state_dir: /s\nslack: {{token_file: token, channel: C01, routes: {routes}}}\n\
             targets: {{orders: {{url: 'postgres://a@db/x'}}}}\n"
        );
        let config = Config::parse(&home.path().join("revoked.yaml"), &text);
        config.map(|config| config.slack.unwrap().audiences).map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_that_fits_says_where() {
        let routes = parse(
            "{manager: {channel: C02, vendors: {acme: U03}, sources: {hr: C04, hr/workday: C05}, \
             targets: {orders: C06}}}",
        )
        .unwrap();
        let route = &routes[&Audience::Manager];
        let place = |vendor, source, targets: &[&str]| {
            route.place(vendor, source, targets.iter().copied()).to_owned()
        };
        assert_eq!(place(Some("acme"), "hr", &["orders"]), "U03");
        assert_eq!(place(Some("globex"), "hr", &["orders"]), "C04");
        assert_eq!(place(None, "hr/workday", &[]), "C05");
        assert_eq!(place(None, "hr/other", &[]), "C04");
        assert_eq!(place(None, "uid:0", &["billing", "orders"]), "C06");
        assert_eq!(place(None, "uid:0", &[]), "C02");
        assert!(!route.is_one() && !routes.contains_key(&Audience::Compliance));
        assert!(parse("{compliance: {channel: C07}}").unwrap()[&Audience::Compliance].is_one());
        assert!(parse("{}").unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_key() {
        for (routes, says) in [
            ("{boss: {channel: C02}}", "there is no key `boss` here"),
            ("{security: {channel: C02}}", "there is no key `security` here"),
            ("{manager: {channel: C02, teams: {}}}", "there is no key `teams` here"),
            ("{manager: {vendors: {a: C02}}}", "the key `channel` is missing"),
            ("{manager: {channel: '#boss'}}", "slack.routes.manager.channel: the id of a channel"),
            (
                "{manager: {channel: C02, vendors: {acme: bob}}}",
                "slack.routes.manager.vendors.acme: the id of a channel or a user",
            ),
            (
                "{compliance: {channel: C02, targets: {billing: C03}}}",
                "slack.routes.compliance.targets.billing: no such target",
            ),
        ] {
            let error = parse(routes).unwrap_err();
            assert!(error.contains(says), "{routes}: {error}");
        }
    }
}
