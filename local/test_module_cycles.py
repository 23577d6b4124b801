"""Tests of the check for cycles between modules."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import module_cycles


class Cycles(unittest.TestCase):
    def result(self, **modules: str) -> tuple[int, str]:
        """The exit code and the output for sources whose names are written with __ for /."""
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as output:
            for name, source in modules.items():
                path = Path(folder, f"{name.replace('__', '/')}.rs")
                path.parent.mkdir(exist_ok=True)
                path.write_text(source)
            return module_cycles.main(Path(folder)), output.getvalue()

    def test_modules_without_a_cycle_pass(self):
        self.assertEqual(self.result(a="use crate::{b::{self, X}, c};", b="use crate::c::Y;", c=""), (0, ""))

    def test_each_cycle_is_printed_once(self):
        code, output = self.result(
            a="use crate::{x::{Y, Z},\n  b};", b="fn f() { crate::c::g() }", c="pub(crate) use crate::a::A;", x="use crate::y;", y="use crate::x;"
        )
        self.assertEqual(code, 1)
        self.assertEqual(
            output.splitlines(),
            ["modules depend on each other: a -> b -> c -> a", "modules depend on each other: x -> y -> x"],
        )

    def test_files_of_a_folder_are_one_module(self):
        code, output = self.result(a__mod="", a__part="use crate::{a::X, b::Y};", b="use crate::a;")
        self.assertEqual((code, output), (1, "modules depend on each other: a -> b -> a\n"))

    def test_macros_are_read(self):
        self.assertEqual(self.result(a="$crate::b::f()", b="use crate::a;")[0], 1)

    def test_comments_and_tests_are_ignored(self):
        a = "// use crate::b;\n#[cfg(test)]\nmod tests {\n    use crate::b;\n}\n"
        self.assertEqual(self.result(a=a, a__tests="use crate::b;", b="use crate::a;"), (0, ""))

    def test_the_domain_has_no_cycle(self):
        self.assertEqual(module_cycles.cycles(module_cycles.dependencies(module_cycles.SOURCES)), [])


if __name__ == "__main__":
    unittest.main()
