//! A page of Markdown, taken apart as far as the checks need it.

pub struct Page<'a> {
    /// From the top of the project.
    pub path: &'a str,
    pub blocks: Vec<Block<'a>>,
}

/// A fence, or one line of anything else.
pub struct Block<'a> {
    /// The number of the line, or of the fence's first one.
    pub line: usize,
    /// The comment right above: of `<!-- quote: src/lib.rs -->` it is `("quote", "src/lib.rs")`.
    pub comment: Option<(&'a str, &'a str)>,
    /// What stands behind the backticks that open a fence.
    pub label: Option<&'a str>,
    /// The line, or those in the fence, less the fence's own indentation.
    pub lines: Vec<&'a str>,
}

impl<'a> Page<'a> {
    pub fn parse(path: &'a str, text: &'a str) -> Self {
        let mut blocks = Vec::new();
        let (mut comment, mut is_after_blank) = (None, true);
        let mut rest = text.lines().chain([""]).zip(1..);
        while let Some((line, number)) = rest.next() {
            let text = line.trim();
            let mut block = Block { line: number, comment: comment.take(), label: None, lines: vec![line] };
            if let Some(label) = text.strip_prefix("```") {
                let indent = &line[..line.len() - line.trim_start().len()];
                let inside = rest.by_ref().map(|(line, _)| line).take_while(|line| line.trim() != "```");
                block.label = Some(label);
                block.lines = inside.map(|line| line.strip_prefix(indent).unwrap_or(line)).collect();
            } else if let Some(text) = text.strip_prefix("<!--").and_then(|text| text.strip_suffix("-->")) {
                comment = Some(text.trim().split_once(": ").unwrap_or((text.trim(), "")));
            } else if is_after_blank && line.starts_with("    ") && !text.is_empty() {
                block.label = Some("(none: indented code)");
            }
            is_after_blank = text.is_empty();
            blocks.push(block);
        }
        Self { path, blocks }
    }

    /// The code between backticks in the text, or else the text around it, each piece with its line.
    pub fn pieces(&self, are_code: bool) -> Vec<(usize, &'a str)> {
        let mut pieces = Vec::new();
        let mut is_code = false;
        for block in &self.blocks {
            let text = block.lines.first().filter(|line| block.label.is_none() && !line.is_empty());
            // Code may go on in the next line, but not behind the end of the paragraph.
            is_code &= text.is_some();
            for (index, piece) in text.into_iter().flat_map(|line| line.split('`').enumerate()) {
                is_code ^= index > 0;
                pieces.extend((is_code == are_code).then_some((block.line, piece)));
            }
        }
        pieces
    }
}
