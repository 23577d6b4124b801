"""The size of the stack that is deployed to AWS."""

import unittest
from collections import Counter, defaultdict

from deploy import PROJECT
from sam_transform import expand
from samtranslator.yaml_helper import yaml_parse

# The quota of resources per stack. Source: "Understand CloudFormation quotas", AWS CloudFormation user guide.
QUOTA = 500


class DeployedTemplate(unittest.TestCase):
    def test_a_stack_with_everything_has_fewer_resources_than_cloudformation_allows(self):
        source = yaml_parse((PROJECT / "template.yaml").read_text())
        functions = sum(one["Type"] == "AWS::Serverless::Function" for one in source["Resources"].values())
        deployed = expand(source, {}, defaultdict(lambda: "s3://bucket/key"))["Resources"]
        types = Counter(one["Type"] for one in deployed.values())
        self.assertEqual(types["AWS::Lambda::Function"], functions)
        self.assertGreater(types["AWS::Lambda::Permission"], functions / 2, "events are expanded")
        self.assertLess(len(deployed), QUOTA, types.most_common(5))


if __name__ == "__main__":
    unittest.main()
