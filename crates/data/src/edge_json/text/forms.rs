//! How do forms, tables and logs show a group of values? Rows and columns always in shuffled order.

use rand::RngExt;

use super::super::instance::{Group, Leaf, Node};
use super::super::values::{Kind, Value, pools};
use super::Teller;
use super::language::title_case;
use crate::capitalized::capitalized;

/// How a form names its fields.
#[derive(Clone, Copy)]
enum Naming {
    /// `Order Id`
    Title,
    /// `order_id`
    Property,
    /// What people call it: `Order no.`
    Label,
}

impl Teller<'_, '_> {
    pub(super) fn key_value(&mut self, group: &Group) -> String {
        let naming = self.naming();
        let separator = self.one_of(&[": ", ": ", ": ", " = ", " - ", ":  ", " -> "]);
        let bullet = self.one_of(&["", "", "", "- ", "* "]);
        let indented = self.chance(0.6);
        let mut sections: Vec<Vec<String>> = Vec::new();
        self.form_sections(group, &Layout { naming, separator, bullet, indented }, "", 0, &mut sections);
        for sentence in self.noise_sentences(false) {
            sections.push(vec![format!("{sentence}.")]);
        }
        self.shuffle(&mut sections);
        let mut lines = sections.concat();
        if self.chance(0.6) {
            let title = title_case(group.noun);
            let form = self.below(4);
            let title = match form {
                0 => format!("=== {title} ==="),
                1 => format!("{} FORM", title.to_uppercase()),
                2 => format!("[{title}]"),
                _ => title,
            };
            lines.insert(0, title);
        }
        if self.chance(0.2) {
            let closing = self.template(&["form_closing"]).replace("{n}", group.noun);
            lines.push(format!("{}{}", if self.chance(0.5) { "\n" } else { "" }, capitalized(&closing)));
        }
        lines.join("\n")
    }

    /// Every leaf of the root and every nested object is a section; sections go in any order.
    fn form_sections(
        &mut self,
        group: &Group,
        layout: &Layout,
        prefix: &str,
        depth: usize,
        out: &mut Vec<Vec<String>>,
    ) {
        let margin = if layout.indented { "  ".repeat(depth) } else { String::new() };
        let Layout { separator, bullet, naming, .. } = layout;
        for leaf in group.leaves() {
            let name = self.field_name(leaf, *naming);
            let name = if prefix.is_empty() { name } else { joined(prefix, &name, *naming) };
            if let Value::Many(list) = &leaf.value
                && layout.indented
                && self.chance(0.3)
            {
                out.push(self.block(leaf, list, &format!("{margin}{bullet}{name}:"), depth + 1));
                continue;
            }
            let shown = self.show(leaf);
            out.push(vec![format!("{margin}{bullet}{name}{separator}{shown}")]);
        }
        for concept in &group.absent {
            if self.chance(0.1) {
                let mark = self.one_of(&["n/a", "-", "not given", "unknown"]);
                let label = self.label(concept.labels);
                let name = capitalized(label);
                let name = if prefix.is_empty() { name } else { joined(prefix, &name, *naming) };
                out.push(vec![format!("{margin}{bullet}{name}{separator}{mark}")]);
            }
        }
        for node in &group.nodes {
            match node {
                Node::Leaf(_) => {}
                Node::Object(inner) => {
                    let name = self.group_name(inner, *naming);
                    let section = self.section(inner, layout, prefix, &name, depth);
                    out.push(section);
                }
                Node::List(list, entries) => {
                    if layout.indented
                        && let Some(section) = self.unnumbered(list, entries, layout, depth)
                    {
                        out.push(section);
                        continue;
                    }
                    let mut section = Vec::new();
                    for (i, entry) in entries.iter().enumerate() {
                        let name = title_case(entry.noun);
                        section.extend(self.section(entry, layout, prefix, &format!("{name} {}", i + 1), depth));
                    }
                    out.push(section);
                }
            }
        }
    }

    /// A list of values, one on a line below its name.
    fn block(&mut self, leaf: &Leaf, list: &[String], heading: &str, depth: usize) -> Vec<String> {
        let margin = "  ".repeat(depth);
        let mark = self.one_of(&["", "- "]);
        let lines: Vec<String> = list.iter().map(|value| format!("{margin}{mark}{value}")).collect();
        self.mention(leaf, lines.join("\n"));
        [heading.to_owned()].into_iter().chain(lines).collect()
    }

    /// Flat objects of an array below one heading. Each begins with a field that all of them have, so that its repeated name,
    /// or a dash, says where the next one begins. `None` where they have no such field, and often by chance.
    fn unnumbered(&mut self, list: &str, entries: &[Group], layout: &Layout, depth: usize) -> Option<Vec<String>> {
        let has = |entry: &Group, name: &str| entry.leaves().any(|l| l.name == name);
        let flat = entries.iter().all(|e| e.nodes.iter().all(|n| matches!(n, Node::Leaf(_))));
        let first: Vec<String> = entries.first()?.leaves().map(|l| l.name.clone()).collect();
        let common: Vec<String> = first.into_iter().filter(|n| entries.iter().all(|e| has(e, n))).collect();
        if !flat || common.is_empty() || self.chance(0.5) {
            return None;
        }
        let dashed = self.chance(0.5);
        let leader = common[self.below(common.len())].clone();
        let Layout { separator, bullet, naming, .. } = layout;
        let heading = if matches!(naming, Naming::Property) { list.to_owned() } else { title_case(list) };
        let mut lines = vec![format!("{}{bullet}{heading}:", "  ".repeat(depth))];
        let mut names: Vec<(String, String)> = Vec::new();
        for entry in entries {
            let mut leaves = self.shuffled(entry.leaves());
            leaves.sort_by_key(|l| l.name != leader);
            for leaf in leaves {
                // One form calls a field by one name.
                let known = names.iter().find(|(property, _)| *property == leaf.name).map(|(_, name)| name.clone());
                let name = known.unwrap_or_else(|| {
                    let name = self.field_name(leaf, *naming);
                    names.push((leaf.name.clone(), name.clone()));
                    name
                });
                let mark = match (dashed, leaf.name == leader) {
                    (true, true) => "- ",
                    (true, false) => "  ",
                    (false, _) => bullet,
                };
                let shown = self.show(leaf);
                lines.push(format!("{}{mark}{name}{separator}{shown}", "  ".repeat(depth + 1)));
            }
        }
        Some(lines)
    }

    fn section(&mut self, group: &Group, layout: &Layout, prefix: &str, name: &str, depth: usize) -> Vec<String> {
        let mut parts = Vec::new();
        if layout.indented {
            self.form_sections(group, layout, "", depth + 1, &mut parts);
            self.shuffle(&mut parts);
            let mut lines = vec![format!("{}{}{name}:", "  ".repeat(depth), layout.bullet)];
            lines.extend(parts.concat());
            return lines;
        }
        let prefix = if prefix.is_empty() { name.to_owned() } else { joined(prefix, name, layout.naming) };
        self.form_sections(group, layout, &prefix, depth, &mut parts);
        self.shuffle(&mut parts);
        parts.concat()
    }

    pub(super) fn markdown_tables(&mut self, group: &Group) -> String {
        let naming = self.naming();
        let mut tables: Vec<String> = Vec::new();
        let mut rows: Vec<(String, String)> = Vec::new();
        let separate = self.chance(0.5);
        self.table_parts(group, naming, "", separate, &mut rows, &mut tables);
        self.shuffle(&mut rows);
        if !rows.is_empty() {
            let table = self.pairs(&rows, group.nodes.iter().all(|n| matches!(n, Node::Leaf(_))));
            tables.push(table);
        }
        for sentence in self.noise_sentences(false) {
            tables.push(format!("{sentence}."));
        }
        self.shuffle(&mut tables);
        if self.chance(0.5) {
            tables.insert(0, format!("# {}", title_case(group.noun)));
        }
        tables.join("\n\n")
    }

    /// Rows for the table that is being filled; tables of their own for lists and, if `separate`, for objects.
    fn table_parts(
        &mut self,
        group: &Group,
        naming: Naming,
        prefix: &str,
        separate: bool,
        rows: &mut Vec<(String, String)>,
        tables: &mut Vec<String>,
    ) {
        for leaf in group.leaves() {
            let name = self.field_name(leaf, naming);
            let name = if prefix.is_empty() { name } else { joined(prefix, &name, naming) };
            let shown = self.show(leaf);
            rows.push((name, shown));
        }
        for node in &group.nodes {
            match node {
                Node::Leaf(_) => {}
                Node::Object(inner) => {
                    let name = self.group_name(inner, naming);
                    let prefix = if prefix.is_empty() { name } else { joined(prefix, &name, naming) };
                    if separate {
                        let mut own = Vec::new();
                        self.table_parts(inner, naming, "", false, &mut own, tables);
                        self.shuffle(&mut own);
                        tables.push(format!("## {prefix}\n\n{}", self.pairs(&own, false)));
                    } else {
                        self.table_parts(inner, naming, &prefix, false, rows, tables);
                    }
                }
                Node::List(name, entries) => {
                    let table = self.list_table(entries, naming);
                    tables.push(format!("## {}\n\n{table}", title_case(name)));
                }
            }
        }
    }

    /// A two-column table, or for flat objects sometimes one row under its headings.
    fn pairs(&mut self, rows: &[(String, String)], flat: bool) -> String {
        if flat && rows.len() > 1 && self.chance(0.4) {
            let names: Vec<_> = rows.iter().map(|(n, _)| n.clone()).collect();
            let shown: Vec<_> = rows.iter().map(|(_, s)| s.clone()).collect();
            return table(&names, &[shown]);
        }
        let (name, value) =
            self.one_of(&[("Field", "Value"), ("Key", "Value"), ("Item", "Entry"), ("What", "Content")]);
        let rows: Vec<_> = rows.iter().map(|(n, s)| vec![n.clone(), s.clone()]).collect();
        table(&[name.to_owned(), value.to_owned()], &rows)
    }

    /// A row per object of an array; a dash or nothing where an optional value is absent.
    fn list_table(&mut self, entries: &[Group], naming: Naming) -> String {
        let mut columns: Vec<(String, String)> = Vec::new();
        for entry in entries {
            for leaf in entry.leaves() {
                if columns.iter().all(|(n, _)| *n != leaf.name) {
                    let heading = self.field_name(leaf, naming);
                    columns.push((leaf.name.clone(), heading));
                }
            }
        }
        self.shuffle(&mut columns);
        let empty = self.one_of(&["-", "", "n/a"]);
        let mut rows = Vec::new();
        for entry in entries {
            let mut row = Vec::new();
            for (name, _) in &columns {
                row.push(match entry.leaves().find(|l| l.name == *name) {
                    Some(leaf) => self.show(leaf),
                    None => empty.to_owned(),
                });
            }
            rows.push(row);
        }
        let headings: Vec<_> = columns.into_iter().map(|(_, h)| h).collect();
        table(&headings, &rows)
    }

    pub(super) fn log(&mut self, group: &Group) -> String {
        let stamped = self.below(3);
        let separator = self.one_of(&["=", "=", ": "]);
        let source = self.source.word(pools::PATHS);
        let (hour, minute) = (self.below(24), self.below(58));
        let day = self.manner_date();
        let mut second = self.below(20);
        let mut records: Vec<Vec<String>> = Vec::new();
        let topic = group.noun.replace(' ', "_");
        let mut own: Vec<Vec<(String, String)>> = Vec::new();
        let fields: Vec<_> = self.shuffled(group.leaves()).into_iter().map(|l| self.log_field(l, "")).collect();
        for part in fields.chunks(4) {
            own.push(part.to_vec());
        }
        let write = |fields: &[(String, String)]| {
            let fields: Vec<_> = fields.iter().map(|(k, v)| format!("{k}{separator}{v}")).collect();
            fields.join(if separator == "=" { " " } else { ", " })
        };
        records.extend(own.iter().map(|f| vec![format!("{topic} {}", write(f))]));
        for node in &group.nodes {
            match node {
                Node::Leaf(_) => {}
                Node::Object(inner) => {
                    let mut fields = self.log_fields(inner, &format!("{}.", inner.name));
                    self.shuffle(&mut fields);
                    records.push(fields.chunks(5).map(|f| format!("{topic} {}", write(f))).collect());
                }
                Node::List(_, entries) => {
                    let mut lines = Vec::new();
                    for entry in entries {
                        let mut fields = self.log_fields(entry, "");
                        self.shuffle(&mut fields);
                        lines.push(format!("{topic}.{} {}", entry.name, write(&fields)));
                    }
                    records.push(lines);
                }
            }
        }
        for _ in 0..self.noise_sentences(false).len() * 2 {
            records.push(vec![self.template(&["log_noise"]).to_owned()]);
        }
        self.shuffle(&mut records);
        let mut lines = Vec::new();
        for line in records.concat() {
            second += 1 + self.below(3);
            let time = format!("{hour:02}:{:02}:{:02}", minute + second / 60, second % 60);
            lines.push(match stamped {
                0 => format!("{day}T{time}Z INFO {source} {line}"),
                1 => format!("[{time}] {source}: {line}"),
                _ => format!("{day} {time} {source}[{}] {line}", 400 + second),
            });
        }
        lines.join("\n")
    }

    fn log_fields(&mut self, group: &Group, prefix: &str) -> Vec<(String, String)> {
        let mut out: Vec<_> = group.leaves().map(|l| self.log_field(l, prefix)).collect();
        for node in &group.nodes {
            if let Node::Object(inner) = node {
                out.extend(self.log_fields(inner, &format!("{prefix}{}.", inner.name)));
            }
        }
        out
    }

    fn log_field(&mut self, leaf: &Leaf, prefix: &str) -> (String, String) {
        let shown = self.show(leaf);
        let name =
            if self.chance(0.8) { leaf.name.clone() } else { self.label(leaf.concept.labels).replace([' ', '-'], "_") };
        let plain = !matches!(leaf.concept.kind, Kind::Text | Kind::Title) && !shown.contains([' ', ',', '=']);
        (format!("{prefix}{name}"), if plain { shown } else { format!("\"{shown}\"") })
    }

    fn manner_date(&mut self) -> String {
        match self.source.draw(Kind::Date(0, 2)) {
            Value::Date(y, m, d) => format!("{y}-{m:02}-{d:02}"),
            _ => String::new(),
        }
    }

    fn naming(&mut self) -> Naming {
        match self.source.rng.random_range(0..20) {
            0..=7 => Naming::Title,
            8..=10 => Naming::Property,
            _ => Naming::Label,
        }
    }

    fn field_name(&mut self, leaf: &Leaf, naming: Naming) -> String {
        match naming {
            Naming::Title => title_case(&leaf.name),
            Naming::Property => leaf.name.clone(),
            Naming::Label => capitalized(self.label(leaf.concept.labels)),
        }
    }

    fn group_name(&mut self, group: &Group, naming: Naming) -> String {
        match naming {
            Naming::Title => title_case(&group.name),
            Naming::Property => group.name.clone(),
            Naming::Label => capitalized(group.noun),
        }
    }
}

/// What one form's lines have in common.
struct Layout {
    naming: Naming,
    separator: &'static str,
    bullet: &'static str,
    /// Nested objects under a heading; otherwise their names stand before the field's.
    indented: bool,
}

/// A nested field's name with its object's.
fn joined(prefix: &str, name: &str, naming: Naming) -> String {
    match naming {
        Naming::Property => format!("{prefix}.{name}"),
        Naming::Title => format!("{prefix} {name}"),
        Naming::Label => format!("{prefix}, {}", name.to_lowercase()),
    }
}

fn table(headings: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let mut out = vec![line(headings), format!("|{}", "---|".repeat(headings.len()))];
    out.extend(rows.iter().map(|r| line(r)));
    out.join("\n")
}
