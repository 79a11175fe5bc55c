//! JSON Schemas of application files: formats, words that ask nothing, and files that they lead to.

use crate::folder::Folder;

const COMMAND: &str =
    "[commands.Book]\nstream: \"'room-1'\"\nemit: [{ type: \"Booked\", data: \"command\" }]\n";

/// What `check` says, however its lines are wrapped.
fn checked(folder: &Folder, file: &str) -> String {
    let said = folder.run(&format!("check {file}")).outcome();
    said.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

#[test]
fn data_that_is_not_of_a_format_is_rejected() {
    let folder = Folder::new();
    let schema = r#"schema: { properties: { at: { format: "date-time" } } }"#;
    folder.write("app.tsk", format!("{COMMAND}{schema}\n"));
    assert_eq!(folder.run(r#"dispatch app.tsk Book --data '{"at":"2010-12-01T08:26:00Z"}' -q"#).exit, 0);
    let ran = folder.run(r#"dispatch app.tsk Book --data '{"at":"blah"}' -q"#);
    assert!(ran.exit != 0 && ran.outcome().contains(r#"at: "blah" is not a "date-time""#), "{ran:?}");
}

#[test]
fn a_word_that_asks_nothing_is_a_warning_of_check() {
    let folder = Folder::new();
    let schema = r#"schema: { requierd: ["at"], "x-note": 1, properties: { at: { format: "datetime" } } }"#;
    folder.write("app.tsk", format!("{COMMAND}{schema}\n"));
    let said = checked(&folder, "app.tsk");
    for wanted in ["TL2520", "did you mean `required`?", "did you mean `date-time`?"] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    assert!(!said.contains("x-note`"), "{said}");
}

#[test]
fn a_schema_leads_to_files_beside_it_within_the_folder_of_the_application() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path("app/schemas")).unwrap();
    folder.write("app/schemas/book.json", r#"{"properties": {"room": {"$ref": "room.json"}}}"#);
    folder.write("app/schemas/room.json", r#"{"type": "integer"}"#);
    folder.write("app/app.test.tsk", "");
    let read = r#"schema: @file.read("schemas/book.json")"#;
    let inline = r#"schema: { properties: { room: { "$ref": "schemas/room.json" } } }"#;
    for schema in [read, inline] {
        folder.write("app/app.tsk", format!("{COMMAND}{schema}\n"));
        for file in ["app/app.tsk", "./app/app.tsk", "app/../app/app.tsk"] {
            assert_eq!(folder.run(&format!("check {file}")).exit, 0, "{file}");
            assert_eq!(folder.run(&format!(r#"dispatch {file} Book --data '{{"room":1}}' -q"#)).exit, 0);
            let ran = folder.run(&format!(r#"dispatch {file} Book --data '{{"room":"x"}}' -q"#));
            assert!(
                ran.exit != 0 && ran.outcome().contains(r#""x" is not of type "integer""#),
                "{file}: {ran:?}"
            );
        }
    }
    folder.write("secret.json", "{}");
    folder.write("app/schemas/room.json", r#"{"$ref": "../../secret.json"}"#);
    let said = checked(&folder, "app/app.tsk");
    assert!(
        said.contains("TL2103") && said.contains("is outside the folder of the application file"),
        "{said}"
    );
}
