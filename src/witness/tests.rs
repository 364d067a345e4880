use super::*;
use crate::audit::cosign::{Cosigner, cosigner};
use crate::audit::tree::leaf_hash;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

const ORIGIN: &str = "test/log";

fn key(name: &str, seed: u8) -> LogKey {
    LogKey::from_seed(name, &Zeroizing::new([seed; 32]))
}

fn root(size: u64, fork: u8) -> Hash {
    let mut tree = Frontier::default();
    for n in 0..size {
        tree.push(leaf_hash(&[u8::try_from(n).unwrap(), if n > 3 { fork } else { 0 }]));
    }
    tree.root()
}

fn note(by: &LogKey, size: u64, fork: u8) -> String {
    crate::audit::signed::note_of(by, size, &root(size, fork))
}

fn ask(old: u64, path: &[Hash], note: &str) -> Vec<u8> {
    let path: String = path.iter().map(|hash| STANDARD.encode(hash) + "\n").collect();
    format!("old {old}\n{path}\n{note}").into_bytes()
}

struct Scene {
    dir: tempfile::TempDir,
    log: LogKey,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { dir: tempfile::tempdir().unwrap(), log: key(ORIGIN, 1) };
        create(&scene.state(), &key("w", 9)).unwrap();
        scene
    }

    fn state(&self) -> std::path::PathBuf {
        self.dir.path().join("state")
    }

    fn open(&self, logs: &[&LogKey]) -> Result<Witness, WitnessError> {
        let logs = logs.iter().map(|key| Vkey::parse(&key.vkey()).unwrap()).collect();
        Witness::open(&self.state(), key("w", 9), logs)
    }
}

fn cosigned(answer: &Answer) -> bool {
    matches!(answer, Answer::Cosigned(_))
}

/// Of 1, 2, 4 and 8 lines each is a complete subtree: the path is empty or one hash.
fn path(old: u64, new: u64, fork: u8) -> Vec<Hash> {
    assert_eq!(old * 2, new);
    let mut tree = Frontier::default();
    for n in old..new {
        tree.push(leaf_hash(&[u8::try_from(n).unwrap(), if n > 3 { fork } else { 0 }]));
    }
    vec![tree.root()]
}

#[test]
fn it_signs_what_continues_and_answers_as_the_specification_says() {
    let scene = Scene::new();
    let witness = scene.open(&[&scene.log]).unwrap();
    let add = |old, path: &[Hash], note: &str| witness.add(&ask(old, path, note), 1_000);
    assert_eq!(
        add(0, &[], &note(&scene.log, 0, 0)),
        Answer::Malformed("the checkpoint is about no line")
    );
    let four = note(&scene.log, 4, 0);
    let Answer::Cosigned(line) = add(0, &[], &four) else { panic!("the first one") };
    let body = format!("{}\n", four.split_once("\n\n").unwrap().0);
    let known = Cosigner::parse(&cosigner(&key("w", 9))).unwrap();
    assert_eq!(known.saw(&body, &line), Some(1_000));
    let (eight, way) = (note(&scene.log, 8, 0), path(4, 8, 0));
    assert_eq!(add(0, &[], &eight), Answer::Conflict(4), "not where it stands");
    assert_eq!(add(4, &[], &eight), Answer::Inconsistent, "no proof");
    assert_eq!(add(4, &[[7; 32]], &eight), Answer::Inconsistent, "another proof");
    assert_eq!(add(4, &path(4, 8, 1), &eight), Answer::Inconsistent, "the proof of a fork");
    assert_eq!(
        add(5, &way, &four),
        Answer::Malformed("the old size is larger than that of the checkpoint")
    );
    assert!(cosigned(&add(4, &way, &eight)));
    assert!(cosigned(&add(8, &[], &eight)), "once more");
    assert_eq!(
        add(8, &[], &note(&scene.log, 8, 1)),
        Answer::Conflict(8),
        "same size, another root"
    );
    assert_eq!(add(4, &[], &four), Answer::Conflict(8), "back");
    assert_eq!(add(8, &way, &eight), Answer::Inconsistent, "a path where none belongs");
    assert_eq!(add(8, &[], &note(&key(ORIGIN, 2), 8, 0)), Answer::NotSigned);
    assert_eq!(add(8, &[], &note(&key("other", 1), 8, 0)), Answer::Unknown);
    for (text, why) in [
        ("", "no empty line before the checkpoint"),
        ("old 4\n\nx", "the checkpoint is not a signed note"),
        ("old 04\n\nx\n", "the first line is `old` and a size"),
        ("old 4\nAAAA\n\nx\n", "a line of the proof is no hash in base64"),
    ] {
        assert_eq!(witness.add(text.as_bytes(), 0), Answer::Malformed(why), "{text}");
    }
    let long = ask(8, &[[0; 32]; 64], &eight);
    assert_eq!(witness.add(&long, 0), Answer::Malformed("more than 63 hashes"));
}

#[test]
fn it_remembers_and_refuses_to_have_forgotten() {
    let scene = Scene::new();
    let other = key(ORIGIN, 2);
    {
        let witness = scene.open(&[&scene.log]).unwrap();
        assert!(cosigned(&witness.add(&ask(0, &[], &note(&scene.log, 4, 0)), 0)));
        let error = scene.open(&[&scene.log]).unwrap_err().to_string();
        assert!(error.contains("another witness is running"), "{error}");
    }
    // The log changes its key: both are listed, and either may sign.
    let witness = scene.open(&[&scene.log, &other]).unwrap();
    assert_eq!(witness.add(&ask(0, &[], &note(&other, 8, 0)), 0), Answer::Conflict(4));
    assert!(cosigned(&witness.add(&ask(4, &path(4, 8, 0), &note(&other, 8, 0)), 0)));
    drop(witness);
    let error = scene.open(&[&scene.log]).unwrap_err().to_string();
    assert!(error.contains("give the log's earlier key, too"), "{error}");
    let mut kept = std::fs::read_dir(scene.state()).unwrap().map(|entry| entry.unwrap().path());
    let kept = kept.find(|path| path.extension().is_some_and(|e| e == "checkpoint")).unwrap();
    std::fs::write(&kept, "").unwrap();
    assert!(scene.open(&[&other]).unwrap_err().to_string().contains("not what was kept"));
    std::fs::remove_file(scene.state().join("witness.vkey")).unwrap();
    let error = scene.open(&[&other]).unwrap_err().to_string();
    assert!(error.contains("is the right file system mounted?"), "{error}");
}

#[test]
fn what_cannot_be_kept_is_not_signed_and_may_be_asked_again() {
    let scene = Scene::new();
    let witness = scene.open(&[&scene.log]).unwrap();
    assert!(cosigned(&witness.add(&ask(0, &[], &note(&scene.log, 4, 0)), 0)));
    let name = crate::domain::hex::hex(&<sha2::Sha256 as sha2::Digest>::digest(ORIGIN));
    // A directory where the new file would be made.
    let in_the_way = scene.state().join(format!("{name}.new"));
    std::fs::create_dir(&in_the_way).unwrap();
    let eight = ask(4, &path(4, 8, 0), &note(&scene.log, 8, 0));
    assert_eq!(witness.add(&eight, 0), Answer::NotKept);
    std::fs::remove_dir(&in_the_way).unwrap();
    assert!(cosigned(&witness.add(&eight, 0)));
}

/// The race of the specification: two requests from one size. One of them wins, whichever it is, and the state
/// never goes back.
#[test]
fn of_two_at_once_one_wins() {
    let scene = Scene::new();
    let witness = scene.open(&[&scene.log]).unwrap();
    assert!(cosigned(&witness.add(&ask(0, &[], &note(&scene.log, 1, 0)), 0)));
    let mut size = 1;
    while size < 128 {
        let bodies: Vec<_> = (0..8)
            .map(|n| {
                // Half of them stay where they are, the others go on.
                if n % 2 == 0 {
                    ask(size, &[], &note(&scene.log, size, 0))
                } else {
                    ask(size, &path(size, size * 2, 0), &note(&scene.log, size * 2, 0))
                }
            })
            .collect();
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let asking: Vec<_> =
                bodies.iter().map(|body| scope.spawn(|| witness.add(body, 0))).collect();
            asking.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let went_on = answers.iter().skip(1).step_by(2).filter(|answer| cosigned(answer)).count();
        assert_eq!(went_on, 1, "{answers:?}");
        for answer in answers {
            assert!(cosigned(&answer) || answer == Answer::Conflict(size * 2), "{answer:?}");
        }
        size *= 2;
        assert_eq!(witness.add(&ask(0, &[], &note(&scene.log, 1, 0)), 0), Answer::Conflict(size));
    }
}
