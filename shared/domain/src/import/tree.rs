//! Turning the records of a file into tasks: subtasks become checklist items, and ids become unique.

use std::collections::{HashMap, HashSet};

use super::{
    ImportProblem, Imported, ImportedTask, MAX_PROBLEMS,
    draft::{Draft, Drafts},
};

/// Builds the tasks. Subtasks of any depth become items of the checklist of their topmost task, in the order of the file.
pub(super) fn build(drafts: Drafts) -> Imported {
    let Drafts { list, mut problems } = drafts;
    let parents = parents(&list);
    let roots: Vec<_> = (0..list.len()).map(|record| root(record, &parents)).collect();
    let mut list: Vec<_> = list.into_iter().map(Some).collect();
    for (record, root) in roots.iter().enumerate() {
        match root {
            // A task whose parent is missing, or its own descendant, is a task of its own.
            Err(why) => {
                if let Some(Some(draft)) = list.get_mut(record) {
                    draft.problem("parent", "unknown_parent", why);
                }
            }
            Ok(root) if *root != record => {
                let child = list.get_mut(record).and_then(Option::take);
                if let (Some(Some(task)), Some(child)) = (list.get_mut(*root), child) {
                    task.absorb(child);
                }
            }
            Ok(_) => {}
        }
    }
    let mut tasks = Vec::new();
    for draft in list.into_iter().flatten() {
        let (task, found) = draft.finish();
        tasks.extend(task);
        problems.extend(found);
    }
    make_unique(&mut tasks);
    sort_and_limit(&mut problems);
    (tasks, problems)
}

/// The index of each record's parent: itself if it has none, and `None` if it is not in the file.
fn parents(list: &[Draft]) -> Vec<Option<usize>> {
    let mut keys = HashMap::with_capacity(list.len());
    for (index, draft) in list.iter().enumerate() {
        if let Some(key) = &draft.key {
            keys.entry(key.as_str()).or_insert(index);
        }
    }
    let find = |(index, draft): (usize, &Draft)| match &draft.parent {
        None => Some(index),
        Some(parent) => keys.get(parent.as_str()).copied(),
    };
    list.iter().enumerate().map(find).collect()
}

/// The topmost ancestor that is in the file.
fn root(record: usize, parents: &[Option<usize>]) -> Result<usize, &'static str> {
    let mut current = record;
    // A longer path than there are records has a cycle.
    for _ in 0..parents.len() {
        match parents.get(current) {
            Some(Some(parent)) if *parent == current => return Ok(current),
            Some(Some(parent)) => current = *parent,
            _ if current == record => {
                return Err(
                    "The parent of this task is not in the file: it was imported as a task of its own.",
                );
            }
            _ => return Ok(current),
        }
    }
    Err("This task is its own ancestor: it was imported as a task of its own.")
}

/// Numbers ids that occur more than once: `id`, `id#2`, `id#3`.
fn make_unique(tasks: &mut [ImportedTask]) {
    let mut seen = HashSet::with_capacity(tasks.len());
    let mut counts: HashMap<String, usize> = HashMap::new();
    for task in tasks {
        let id = task.source_id.clone();
        while !seen.insert(task.source_id.clone()) {
            let count = counts.entry(id.clone()).or_insert(1);
            *count += 1;
            task.source_id = format!("{id}#{count}");
        }
    }
}

fn sort_and_limit(problems: &mut Vec<ImportProblem>) {
    problems.sort_by_key(|problem| problem.line);
    problems.truncate(MAX_PROBLEMS);
}
