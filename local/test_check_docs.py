"""Tests of the document checks: each rule finds what it is for, and nothing else."""

import contextlib
import io
import subprocess
import tempfile
import unittest
from pathlib import Path

import check_docs


class Documents(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def found(self, **texts: str) -> list[str]:
        """The findings in files whose names are written with __ for / and _ for a dot before their last part."""
        paths = []
        for name, text in texts.items():
            path = ".".join(name.replace("__", "/").rsplit("_", 1)) if name != "Makefile" else name
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)
            paths.append(path)
        return check_docs.check(self.root, sorted(paths))

    def test_a_link_to_a_missing_file_or_heading_is_found_with_its_line(self):
        self.assertEqual(
            self.found(docs__a_md="# A\n\n[b](b.md) ![c](c.png)\n[d](a.md#nowhere) [e](#other)\n", docs__b_md="# B\n"),
            [
                "docs/a.md:3: fix the link: c.png does not exist",
                "docs/a.md:4: fix the link: a.md has no heading #nowhere",
                "docs/a.md:4: fix the link: docs/a.md has no heading #other",
            ],
        )

    def test_links_that_exist_and_links_in_code_are_accepted(self):
        text = (
            "# One `two`: three's [four](#five)\n## Five\n## Five\n"
            "[a](#one-two-threes-four) [b](#five-1) [c](../docs/) [d](https://example.com/x.md#y) [e](mailto:a@b.example)\n"
            "`[f](missing.md)` and [g [h]](b.md)\n\n```sh\n# no heading\n[i](missing.md)\n```\n"
        )
        self.assertEqual(self.found(docs__a_md=text, docs__b_md=""), [])
        self.assertEqual(len(self.found(docs__a_md="```\n# Heading\n```\n[a](#heading)")), 1)

    def test_a_picture_in_a_link_is_checked_too(self):
        self.assertEqual(self.found(a_md="[![x](x.png)](y.md)\n")[-1:], ["a.md:1: fix the link: y.md does not exist"])

    def test_a_readme_has_at_most_600_words(self):
        self.assertEqual(self.found(README_md="word " * 600), [])
        self.assertEqual(self.found(README_md="word " * 601), ["README.md:1: shorten it to 600 words; it has 601"])

    def test_a_file_that_names_more_than_half_of_the_endpoints_is_found_unless_it_is_listed(self):
        handlers = {
            f"shared__api__src__handlers__tasks__{name}_rs": f'pub const ENDPOINT: Endpoint = Endpoint {{\n    name: "{name}",\n'
            for name in ("get-task", "list-tasks", "log-in", "skip-task")
        }
        many = "get_task list-tasks log_in"
        found = self.found(**handlers, a_md=many, b_md="get-task log_in catalog-in list-tasks-again", template_yaml=many)
        self.assertIn("a.md:1: read the endpoints from endpoint.rs: it names 3 of 4", found)
        self.assertFalse([finding for finding in found if finding.startswith(("b.md", "template.yaml"))])
        self.assertIn("docs/cost.md:1: remove it from ENDPOINT_LISTS: it does not exist", found)

    def test_sources_have_at_most_400_lines_and_documents_may_have_more(self):
        self.assertEqual(self.found(a_rs="\n" * 400, b_md="\n" * 401, c_json="\n" * 401), [])
        found = self.found(a_rs="\n" * 401, tests__b_py="\n" * 401, c_sh="\n" * 401, Makefile="\n" * 401)
        self.assertEqual(len(found), 4)
        self.assertIn("a.rs:401: split it: 401 lines, at most 400", found)

    def test_every_idiom_is_found_in_any_case_and_across_lines(self):
        for phrases, advice in check_docs.IDIOMS.items():
            for phrase in phrases.split("|"):
                text = f"Something.\n\nIt {phrase.upper().replace(' ', chr(10))} here.\n\nThe end.\n"
                found = self.found(a_md=text)
                self.assertEqual(len(found), 1, phrase)
                self.assertTrue(found[0].startswith("a.md:3: reword ") and found[0].endswith(advice), found)

    def test_parts_of_words_and_code_are_no_idioms(self):
        text = "The sweeper and ledgers stay.\n`is gone`\n\n```\nwhoever\n```\nIt is\n\ngone.\n"
        self.assertEqual(self.found(a_md=text), [])

    def test_a_finding_has_the_line_of_its_phrase(self):
        self.assertEqual([one.split(" ")[0] for one in self.found(a_md="| a |\n|---|\n| whoever |\n")], ["a.md:3:"])

    def test_strings_are_checked_and_comments_are_not(self):
        rust = """// whoever
/* whoever */
/// whoever
fn whoever() {
    let quote = '"';
    say("it is \\
        gone \\" now");
    say(r#"a "ledger""#);
}
"""
        gone, ledger = "reword 'is gone': use 'no longer exists' or 'was deleted'", "reword 'ledger': use 'delivery log'"
        self.assertEqual(self.found(src__a_rs=rust), [f"src/a.rs:6: {gone}", f"src/a.rs:8: {ledger}"])
        python = '"""Whoever."""\n# whoever\nprint(f"the ledger of {1}")\n'
        self.assertEqual([line.split(" ")[0] for line in self.found(local__a_py=python)], ["local/a.py:1:", "local/a.py:3:"])

    def test_tests_are_not_checked_for_idioms(self):
        text = 'say("whoever")\n'
        self.assertEqual(self.found(shared__tests__a_rs=text, shared__src__tests_rs=text, local__test_a_py=text), [])

    def test_templates_and_descriptions_are_checked(self):
        found = self.found(
            template_yaml="Description: a sweep\nName: sweep\n", shared__templates__a_txt="It leads nowhere.", x__openapi_json='"whoever"'
        )
        self.assertEqual(len(found), 3, found)

    def test_new_files_are_checked_and_ignored_ones_are_not(self):
        subprocess.run(["git", "init", "--quiet"], cwd=self.root, check=True)
        for name, text in ((".gitignore", "ignored.md\n"), ("ignored.md", "whoever"), ("new.md", "whoever")):
            (self.root / name).write_text(text)
        self.assertEqual(check_docs.files(self.root), [".gitignore", "new.md"])

    def test_a_finding_ends_the_check_with_an_error(self):
        broken, before = lambda root, paths: iter([("a", 1, "do it")]), check_docs.RULES
        self.addCleanup(lambda: setattr(check_docs, "RULES", before))
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            check_docs.RULES = [broken]
            self.assertEqual(check_docs.main(), 1)
            check_docs.RULES = []
            self.assertEqual(check_docs.main(), 0)
        self.assertEqual(printed.getvalue(), "a:1: do it\n")


if __name__ == "__main__":
    unittest.main()
