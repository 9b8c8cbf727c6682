//! The files the checks look at, held in memory, so that a test can make a project of three lines.

use std::{collections::BTreeMap, fs, path::Path};

use crate::page::Page;

pub struct Project {
    files: BTreeMap<String, String>,
}

impl Project {
    /// This package. Only the folders it consists of are read: a target directory may stand beside them.
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = BTreeMap::new();
        read_folder(root, "", &mut files);
        for folder in ["docs/", "examples/", "src/", "tests/"] {
            read_tree(root, folder, &mut files);
        }
        Self { files }
    }

    /// A made-up project, for the tests of the checks.
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect() }
    }

    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    pub fn file(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether a link to this path leads to a file or a folder.
    pub fn has(&self, path: &str) -> bool {
        path.is_empty() || self.paths().any(|file| file == path || file.starts_with(&format!("{path}/")))
    }

    /// Whether cargo finds a target of this name in this folder, which is `examples` or `tests`.
    pub fn has_target(&self, folder: &str, name: &str) -> bool {
        self.has(&format!("{folder}/{name}.rs")) || self.has(&format!("{folder}/{name}/main.rs"))
    }

    /// The pages that are checked: the book, and the page that leads to it.
    pub fn pages(&self) -> Vec<Page<'_>> {
        let files = self.files.iter().filter(|(path, _)| is_page(path));
        files.map(|(path, text)| Page::parse(path, text)).collect()
    }
}

fn is_page(path: &str) -> bool {
    path == "README.md"
        || path.starts_with("docs/") && Path::new(path).extension().is_some_and(|end| end == "md")
}

fn read_tree(root: &Path, folder: &str, files: &mut BTreeMap<String, String>) {
    for inner in read_folder(root, folder, files) {
        read_tree(root, &inner, files);
    }
}

/// Reads the files of one folder and returns the folders in it. Paths are written with `/`, as in links.
fn read_folder(root: &Path, folder: &str, files: &mut BTreeMap<String, String>) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root.join(folder)) else { return Vec::new() };
    let mut folders = Vec::new();
    for entry in entries.map(|entry| entry.expect("the package can be read")) {
        let path = format!("{folder}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            folders.push(format!("{path}/"));
        } else {
            let bytes = fs::read(entry.path()).expect("the package can be read");
            files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    folders
}

#[test]
fn this_package_is_read_with_its_pages() {
    let project = Project::read();
    assert!(project.has_target("tests", "book") && project.has("tests/book"));
    let pages: Vec<_> = project.pages().iter().map(|page| page.path).collect();
    assert!(pages.contains(&"README.md") && pages.contains(&"docs/README.md"), "{pages:?}");
}
