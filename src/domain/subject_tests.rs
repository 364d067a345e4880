use super::*;

fn name(text: &str, rule: LinkRule) -> AccountName {
    AccountName { target: None, role: text.to_owned(), rule }
}

fn roles(names: &[AccountName]) -> Vec<&str> {
    names.iter().map(|name| name.role.as_str()).collect()
}

const JOHN: Called<'_> = Called { subject: "EMP-1", username: Some("John.Doe@example.com") };

#[test]
fn templates_and_declared_accounts_add_to_what_is_given() {
    let template = |text| Template::parse(text).unwrap();
    let mapping = Mapping {
        templates: vec![
            template("{username|local|lower|underscore}"),
            template("orders/ro_{employee_id|lower}"),
        ],
        accounts: [("EMP-1".to_owned(), vec![name("jd", LinkRule::Mapping)])].into(),
        complete: false,
        ..Mapping::default()
    };
    let names = mapping.names(&JOHN, &[name("given", LinkRule::Stated)]);
    assert_eq!(roles(&names), ["given", "jd", "john_doe", "ro_emp-1"]);
    assert_eq!(names[3].target.as_deref(), Some("orders"));
    // No employee id was given, so nothing is suggested that needs one.
    let plain = Called { subject: "bob", username: None };
    assert_eq!(roles(&mapping.names(&plain, &[])), ["bob"]);
}

#[test]
fn a_suggested_name_that_is_declared_for_somebody_else_is_theirs() {
    let mapping = Mapping {
        templates: Vec::new(),
        accounts: [("EMP-2".to_owned(), vec![name("john", LinkRule::Mapping)])].into(),
        complete: true,
        ..Mapping::default()
    };
    let called = Called { subject: "EMP-1", username: Some("john") };
    let guess = [name("john", LinkRule::Template)];
    assert!(mapping.names(&called, &guess).is_empty());
    let withheld = mapping.withheld(&called, &guess);
    assert_eq!(withheld.len(), 1);
    assert_eq!((withheld[0].subject.as_str(), withheld[0].rule), ("EMP-2", LinkRule::Mapping));
    assert_eq!(roles(&mapping.names(&called, &[name("john", LinkRule::Stated)])), ["john"]);
    assert!(mapping.knows_of_none(&called));
    let other = Called { subject: "EMP-2", username: Some("john") };
    assert_eq!(roles(&mapping.names(&other, &guess)), ["john"]);
    assert!(!mapping.knows_of_none(&other));
    let slip = Called { subject: "emp-2 ", username: Some("jane") };
    assert!(!mapping.knows_of_none(&slip));
    // Without an id, the role of that name may be theirs.
    let nameless = Called { subject: "john", username: None };
    assert_eq!(roles(&mapping.names(&nameless, &guess)), ["john"]);
}

#[test]
fn a_query_that_has_not_answered_or_answers_no_more_leaves_the_mapping_open() {
    let statement = crate::domain::probes::Statement::parse("SELECT 1").unwrap();
    let query = SeenQuery { database: "d".into(), statement, search_path: Vec::new() };
    let query = Some(MappingQuery { target: "main".into(), query });
    let mapping = Mapping { complete: true, query, ..Mapping::default() };
    let (john, jane) = (JOHN, Called { subject: "EMP-2", username: None });
    assert!(!mapping.knows_of_none(&jane));
    let listed = vec![("EMP-1".to_owned(), name("jd", LinkRule::MappingQuery))];
    let at = UtcTime::from_timestamp(jiff::Timestamp::UNIX_EPOCH);
    let told = mapping.with(&listed, at, true);
    assert_eq!((told.knows_of_none(&jane), told.knows_of_none(&john)), (true, false));
    assert_eq!(roles(&told.names(&john, &[])), ["jd"]);
    let failed = mapping.with(&listed, at, false);
    assert!(!failed.knows_of_none(&jane));
    assert_eq!(roles(&failed.names(&john, &[])), ["jd"]);
}

#[test]
fn what_is_somebody_else_s_on_one_target_says_nothing_of_another() {
    let on = |target: &str| AccountName {
        target: Some(target.to_owned()),
        ..name("john", LinkRule::Mapping)
    };
    let mapping = Mapping {
        accounts: [("EMP-9".to_owned(), vec![on("orders")])].into(),
        ..Mapping::default()
    };
    let called = Called { subject: "EMP-1", username: Some("john") };
    let guess = [name("john", LinkRule::Template)];
    assert_eq!(roles(&mapping.names(&called, &guess)), ["john"]);
}

#[test]
fn what_is_wrong_with_a_template_is_said() {
    for (text, why) in [
        ("everybody", "has no field"),
        ("{name}", "`{name}` is unknown"),
        ("{username|reverse}", "is unknown"),
        ("{username", "without its"),
    ] {
        assert!(Template::parse(text).unwrap_err().to_string().contains(why), "{text}");
    }
}

#[test]
fn a_suggested_name_is_cut_as_the_server_cuts_it() {
    let long = format!("{}é", "x".repeat(62));
    let mapping =
        Mapping { templates: vec![Template::parse("{username}").unwrap()], ..Mapping::default() };
    let called = Called { subject: "EMP-1", username: Some(&long) };
    assert_eq!(roles(&mapping.names(&called, &[])), ["x".repeat(62)]);
}
