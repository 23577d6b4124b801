"""make demo: its account has completed tasks, and a failure in a batch is one of the command."""

import unittest
from unittest.mock import patch

import demo
from demo import Api


class Server:
    """Takes the requests of make demo, and keeps the tasks."""

    def __init__(self) -> None:
        self.open, self.completed, self.refused = [], [], ""

    def post(self, path: str, body: dict) -> dict:
        if path == "/v1/tasks/batch":
            return {"results": [self.operation(one) for one in body["operations"]]}
        if path.startswith("/v1/tasks"):
            self.open.append(body["title"])
        return {"access_token": "token", "id": "spc_1", "user": {"id": "usr_1"}}

    def operation(self, one: dict) -> dict:
        if one["op"] == self.refused:
            return {"status": 422, "problem": {"code": "validation_failed"}}
        if one["op"] == "create":
            self.open.append(one["task"]["title"])
            return {"status": 201, "id": one["task"]["title"]}
        self.open.remove(one["id"])
        self.completed.append(one["id"])
        return {"status": 200, "id": one["id"]}


class Demo(unittest.TestCase):
    def create(self, server: Server) -> None:
        with (
            patch.object(demo, "ENV") as env,
            patch.object(demo, "newest_link", return_value="http://127.0.0.1/v1/actions/x?token=token"),
            patch.object(Api, "post", lambda _, path, body: server.post(path, body)),
        ):
            env.read_text.return_value = "TASKBELL_URL=http://127.0.0.1:1\nTASKBELL_MAIL_URL=http://127.0.0.1:1"
            demo.create()

    def test_some_tasks_are_completed_and_others_open(self):
        server = Server()
        self.create(server)
        self.assertEqual(server.completed, [task["title"] for task in demo.done()])
        self.assertEqual(server.open, [task["title"] for task in demo.personal() + demo.shared("usr_1")])
        self.assertTrue(server.completed)

    def test_an_operation_that_fails_is_reported(self):
        for operation in ("create", "complete"):
            server = Server()
            server.refused = operation
            with self.assertRaisesRegex(SystemExit, "make demo: .*validation_failed"):
                self.create(server)


if __name__ == "__main__":
    unittest.main()
