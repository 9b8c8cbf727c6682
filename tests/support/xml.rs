//! As much of XML as a picture needs.

/// An element of a document.
pub struct Element<'a> {
    pub name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
    /// What follows its tag, up to the next one.
    pub text: &'a str,
}

impl<'a> Element<'a> {
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|attribute| attribute.0 == name).map(|attribute| attribute.1)
    }
}

/// The elements of a document, in the order in which they begin. Panics if it isn't well-formed.
pub fn elements(xml: &str) -> Vec<Element<'_>> {
    let mut elements = Vec::new();
    let mut open = Vec::new();
    let (before, rest) = xml.split_once('<').expect("no element");
    assert_eq!(before, "");
    for part in rest.split('<') {
        let (tag, text) = part.split_once('>').expect(part);
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            assert!(elements.is_empty() || !open.is_empty(), "a second root: {part}");
            let start = tag.strip_suffix('/').unwrap_or(tag);
            let (name, attributes) = start.split_once(' ').unwrap_or((start, ""));
            elements.push(Element { name, attributes: quoted(attributes), text });
            if start == tag {
                open.push(name);
            }
        }
        assert!(escaped(text), "{part}");
        assert!(!open.is_empty() || text.trim().is_empty(), "text outside of the root: {text}");
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    elements
}

/// The texts in a picture.
pub fn texts(svg: &str) -> Vec<&str> {
    elements(svg).iter().filter(|element| element.name == "text").map(|element| element.text).collect()
}

/// The attributes in a tag: `name="value"`, each name once, and nothing else.
fn quoted(mut rest: &str) -> Vec<(&str, &str)> {
    let mut attributes: Vec<(&str, &str)> = Vec::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").expect(rest);
        let (value, after) = after.split_once('"').expect(rest);
        assert!(name.chars().all(|char| char.is_ascii_alphanumeric() || char == '-'), "{rest}");
        assert!(attributes.iter().all(|attribute| attribute.0 != name), "twice: {rest}");
        assert!(escaped(value) && (after.is_empty() || after.starts_with(' ')), "{rest}");
        attributes.push((name, value));
        rest = after.trim_start();
    }
    attributes
}

/// Whether what XML takes for its own stands in `text` only as an entity.
fn escaped(text: &str) -> bool {
    let entity = |rest: &str| ["amp;", "lt;", "gt;", "quot;"].iter().any(|entity| rest.starts_with(entity));
    !text.contains(['<', '>']) && text.split('&').skip(1).all(entity)
}
