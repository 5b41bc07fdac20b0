//! Files that the user names to be written: only files are replaced, and none that is read.

mod common;

use std::fs;

use common::{Place, bytes, says, shipped};

#[test]
#[cfg(unix)]
fn devices_and_pipes_are_refused_and_links_are_followed() {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    let place = Place::new();
    let solver = shipped("sudoku-4x4.safetensors");
    place.write("a.txt", "To be or not to be.\n".repeat(60));
    place.write("old", "old");
    // Links, so that a mistake replaces no device.
    for (target, name) in [("/dev/null", "null"), ("nothing", "broken"), ("old", "link")] {
        symlink(target, place.path(name)).expect("linked");
    }
    assert!(Command::new("mkfifo").arg(place.path("pipe")).status().expect("starts").success());
    fs::create_dir(place.path("folder")).expect("made");
    let refused = |what: &[&str]| {
        let [name, words @ ..] = what else { panic!("a name") };
        for arguments in [
            &["data", "export", "shakespeare", *name][..],
            &["data", "prepare", "a.txt", "--out", *name],
            &["data", "prepare", "no folder", "--image-size", "8", "--out", *name],
            &["convert", &solver, "--from", "trm", "--to", *name],
        ] {
            says(&place.refused(2, arguments), &[&[*name], words].concat());
        }
    };
    refused(&["null", "is a device, not a file"]);
    refused(&["pipe", "is a pipe, not a file"]);
    refused(&["folder", "is a folder, not a file"]);
    refused(&["broken", "link to nothing"]);
    let is_link = |name: &str| fs::symlink_metadata(place.path(name)).expect("there").is_symlink();
    assert!(is_link("null") && is_link("broken"));

    place.done(&["data", "export", "shakespeare", "link"]);
    assert!(is_link("link"));
    assert_eq!(bytes(&place.path("old")).len(), 1_115_394);
    place.done(&["data", "prepare", "a.txt", "--out", "link"]);
    place.done(&["data", "export", "link", "back.txt"]);
    assert!(is_link("link"));
    assert_eq!(bytes(&place.path("back.txt")), bytes(&place.path("a.txt")));
    place.done(&["convert", &solver, "--from", "trm", "--to", "link"]);
    assert!(is_link("link"));
    place.done(&["convert", "old", "--from", "trm", "--to", "again"]);
}

/// Standard output is for what is said.
#[test]
fn a_hyphen_is_not_a_file() {
    let place = Place::new();
    let solver = shipped("sudoku-4x4.safetensors");
    place.write("a.txt", "To be or not to be.\n".repeat(60));
    for arguments in [
        &["data", "export", "shakespeare", "-"][..],
        &["data", "prepare", "a.txt", "--out", "-"],
        &["convert", &solver, "--from", "trm", "--to", "-"],
    ] {
        says(&place.refused(2, arguments), &["- is not a file; give the path", "./-"]);
    }
    assert!(!place.path("-").exists(), "nothing was written");
    place.done(&["data", "export", "shakespeare", "./-"]);
    assert_eq!(bytes(&place.path("-")).len(), 1_115_394);
}

#[test]
fn nothing_is_converted_onto_what_is_read_or_trained() {
    let place = Place::new();
    fs::create_dir(place.path("folder")).expect("made");
    for name in ["m.safetensors", "folder/model.safetensors"] {
        fs::copy(shipped("sudoku-4x4.safetensors"), place.path(name)).expect("copied");
    }
    let convert = |input: &str, out: &str| {
        let before = bytes(&place.path(out));
        let convert = ["convert", input, "--from", "trm", "--dtype", "f16", "--to", out];
        let error = place.refused(2, &convert);
        assert!(bytes(&place.path(out)) == before, "{out} was replaced");
        error
    };
    for (input, out) in
        [("m.safetensors", "./m.safetensors"), ("folder", "folder/model.safetensors")]
    {
        says(&convert(input, out), &["--to", "is one of the inputs"]);
    }
    place.quick_model(&["--max-iters", "2"]);
    for name in ["last.safetensors", "best.safetensors", "last.optim.safetensors"] {
        let out = format!("run/{name}");
        says(&convert("m.safetensors", &out), &[&out, "is a file of the run"]);
    }
    // Beside them there is room.
    place.done(&["convert", "run", "--from", "trm", "--to", "run/other.safetensors"]);
}
