"""The drawn dashboard: what is measured is in it, with the statistic that the widget names."""

import json
import re
import unittest

from samtranslator.yaml_helper import yaml_parse

from dashboard_page import lines, number, page
from deploy import TEMPLATE

BODY = json.loads(yaml_parse(TEMPLATE.read_text())["Resources"]["TaskbellDashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
STACK = (("Stack", "${AWS::StackName}"),)


class DashboardPage(unittest.TestCase):
    def test_every_widget_is_drawn_without_data_and_with_data(self):
        late = {("Taskbell", "RemindersLate", STACK): [(10, 1), (40, 1), (50, 0)]}
        for values in ({}, late):
            drawn = page(BODY, values, (0, 60), "dark")
            self.assertEqual(drawn.count("<section"), len(BODY["widgets"]))
            self.assertEqual("<b>2</b>late" in drawn, bool(values))
            self.assertNotIn("nan", drawn)

    def test_a_search_finds_the_kinds_of_mail(self):
        values = {("Taskbell", "MailsSent", (("Kind", kind), *STACK)): [(10, 1)] for kind in ("digest", "reminder")}
        mails = next(one for one in BODY["widgets"] if one["properties"].get("title") == "Mails by kind")
        self.assertEqual([label for label, *_ in lines(mails["properties"], values)], ["digest", "reminder"])

    def test_text_of_others_is_escaped_and_numbers_are_short(self):
        values = {("Taskbell", "MailsSent", (("Kind", "<script>"), *STACK)): [(10, 1)]}
        self.assertIsNone(re.search("<script", page(BODY, values, (0, 60), "light")))
        self.assertEqual([number(one) for one in (None, 0, 3, 1234.5, 0.123)], ["–", "0", "3", "1,234", "0.12"])


if __name__ == "__main__":
    unittest.main()
