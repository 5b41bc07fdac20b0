//! A kill at any moment leaves a model and an optimizer of the same step.

use std::collections::HashMap;

use safetensors::tensor::TensorView;

use super::*;

/// A safetensors file that says it is of `step`.
fn file_of(step: usize) -> Vec<u8> {
    let metadata = HashMap::from([("step".to_owned(), step.to_string())]);
    safetensors::serialize(Vec::<(String, TensorView<'_>)>::new(), Some(metadata))
        .expect("an empty file is writable")
}

fn saved(step: usize) -> Saved {
    Saved { checkpoint: file_of(step), optimizer: file_of(step), step }
}

fn new_run() -> (tempfile::TempDir, RunDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = RunDir::create(&folder.path().join("run"), &[]).expect("a new run");
    (folder, dir)
}

fn step_in(dir: &RunDir) -> usize {
    let (_, last) = RunDir::open(dir.path()).expect("a run to resume");
    let step = checkpoint::saved_step(&last.checkpoint).expect("a step");
    assert_eq!(
        checkpoint::saved_step(&last.optimizer),
        Some(step),
        "model and optimizer are of one step"
    );
    step
}

/// Saves `step`, but is killed after `survived` moves. Whether it was killed at all.
fn save_and_die(dir: &RunDir, step: usize, survived: usize) -> bool {
    let saved = saved(step);
    let optimizer = stage(&dir.file(OPTIMIZER), &saved.optimizer).expect("staged");
    let model = stage(&dir.file(LAST), &saved.checkpoint).expect("staged");
    let moves = dir.replacement(&optimizer, &model);
    let survived = survived.min(moves.len());
    dir.apply(&moves[..survived]).expect("applied");
    // A killed process removes no temporary files.
    let _ = (optimizer.keep(), model.keep());
    survived < moves.len()
}

#[test]
fn a_kill_between_any_two_moves_leaves_a_pair() {
    for survived in 0..=4 {
        let (_folder, dir) = new_run();
        dir.save_last(&saved(10)).expect("saved");
        let killed = save_and_die(&dir, 20, survived);
        assert_eq!(killed, survived < 4, "four moves replace a pair");
        assert_eq!(step_in(&dir), if survived >= 3 { 20 } else { 10 }, "after {survived} moves");
    }
}

#[test]
fn kills_one_after_the_other_leave_a_pair() {
    for first in 0..=4 {
        for second in 0..=4 {
            let (_folder, dir) = new_run();
            dir.save_last(&saved(10)).expect("saved");
            save_and_die(&dir, 20, first);
            let resumed = step_in(&dir);
            save_and_die(&dir, 30, second);
            let found = step_in(&dir);
            assert!(found == resumed || found == 30, "{found} after {first} and {second} moves");
            dir.save_last(&saved(40)).expect("saved");
            assert_eq!(step_in(&dir), 40);
        }
    }
}

#[test]
fn what_a_kill_left_behind_is_cleared_away() {
    let (_folder, dir) = new_run();
    dir.save_last(&saved(1)).expect("saved");
    save_and_die(&dir, 2, 1);
    step_in(&dir);
    let mut names: Vec<String> = fs::read_dir(dir.path())
        .expect("a folder")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .collect();
    // The lock goes with the run that holds it.
    names.retain(|name| name != ".lock");
    names.sort();
    assert_eq!(names, [OPTIMIZER, LAST]);
}

#[test]
fn a_pair_of_two_steps_is_refused_with_a_way_out() {
    let (_folder, dir) = new_run();
    write(&dir.file(LAST), &file_of(1)).expect("written");
    write(&dir.file(OPTIMIZER), &file_of(2)).expect("written");
    let refused = || RunDir::open(dir.path()).err().expect("refused").to_string();
    let error = refused();
    assert!(error.contains("of another step") && error.contains("--init"), "{error}");
    assert!(!error.contains("missing") && !error.contains("damaged"), "{error}");
    let whole = file_of(1);
    write(&dir.file(OPTIMIZER), &whole[..whole.len() - 1]).expect("written");
    let error = refused();
    assert!(error.contains(&format!("{OPTIMIZER} is damaged")), "{error}");
    fs::remove_file(dir.file(OPTIMIZER)).expect("removed");
    let error = refused();
    assert!(error.contains(&format!("{OPTIMIZER} is missing")), "{error}");
    write(&dir.file(OPTIMIZER), &whole).expect("written");
    assert_eq!(step_in(&dir), 1);
}

#[test]
fn a_folder_without_a_checkpoint_is_said_to_have_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refused = |found: anyhow::Result<PathBuf>| found.expect_err("refused").to_string();
    let error = refused(expect_checkpoint(folder.path()));
    assert!(error.contains("contains no run: neither best.safetensors"), "{error}");
    for name in [LAST, BEST] {
        write(&folder.path().join(name), b"").expect("written");
        assert_eq!(expect_checkpoint(folder.path()).expect(name), folder.path().join(name));
    }
    let error = refused(expect_run(&folder.path().join("empty")).map(|()| PathBuf::new()));
    assert!(error.contains("give the folder of a run"), "{error}");
}

/// A person who may read everything finds it empty.
#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_read_is_not_taken_for_an_empty_one() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let set = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode));
    set(0o000).expect("changed");
    let errors = [read_checkpoint(folder.path()).err(), expect_run(folder.path()).err()];
    let may_read = fs::read_dir(folder.path()).is_ok();
    set(0o700).expect("changed");
    for error in errors.into_iter().flatten() {
        let error = format!("{error:#}");
        let expected = format!("cannot read {}", folder.path().display());
        assert!(may_read || error.starts_with(&expected), "{error}");
    }
}

#[test]
fn a_folder_with_a_run_is_not_taken_for_a_new_one() {
    let (_folder, dir) = new_run();
    RunDir::create(dir.path(), &[]).expect("nothing to lose yet");
    write(&dir.best(), &file_of(1)).expect("written");
    let error = RunDir::create(dir.path(), &[]).err().expect("refused").to_string();
    assert!(error.contains("already contains a run") && error.contains("--resume"), "{error}");
    let error = RunDir::open(&dir.path().join("elsewhere")).err().expect("refused").to_string();
    assert!(error.contains("last.safetensors is missing"), "{error}");
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let (_folder, dir) = new_run();
    write(&dir.file("file"), b"not a folder").expect("written");
    let target = dir.file("file").join(LAST);
    let error = format!("{:#}", write(&target, b"bytes").expect_err("no folder"));
    assert!(error.starts_with(&format!("cannot write {}", target.display())), "{error}");
}

#[cfg(unix)]
#[test]
fn files_are_as_readable_as_any_other() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, dir) = new_run();
    fs::write(dir.file("plain"), b"").expect("written");
    write(&dir.file("atomic"), b"").expect("written");
    let mode = |name: &str| fs::metadata(dir.file(name)).expect("there").permissions().mode();
    assert_eq!(mode("atomic"), mode("plain"));
}
