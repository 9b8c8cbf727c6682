//! As much of XML as a picture needs.

/// An element of a document.
pub struct Element<'a> {
    /// Its name and its attributes.
    tag: &'a str,
    /// What follows its tag, up to the next one.
    pub text: &'a str,
}

impl<'a> Element<'a> {
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.tag.split_once(&format!(" {name}=\""))?;
        Some(value.split_once('"')?.0)
    }
}

/// The elements of a document, in the order in which they begin. Panics if it isn't well-formed.
pub fn elements(xml: &str) -> Vec<Element<'_>> {
    let (mut elements, mut open) = (Vec::new(), Vec::new());
    for part in xml.strip_prefix('<').expect("no element").split('<') {
        let (tag, text) = part.split_once('>').expect(part);
        assert!(!text.contains('>') && tag.matches('"').count() % 2 == 0, "{part}");
        for entity in part.split('&').skip(1) {
            assert!(["amp;", "lt;", "gt;"].iter().any(|known| entity.starts_with(known)), "{part}");
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            elements.push(Element { tag, text });
            open.extend(tag.split(' ').next().filter(|_| !tag.ends_with('/')));
        }
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    elements
}

/// The texts in a picture.
pub fn texts(svg: &str) -> Vec<&str> {
    elements(svg)
        .iter()
        .filter(|element| element.tag.starts_with("text"))
        .map(|element| element.text)
        .collect()
}
