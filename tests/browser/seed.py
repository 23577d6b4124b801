"""Tasks and spaces as a person could have them, for tests of all pages and for pictures."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from support import Person, address

PUBLIC = ("login", "register", "verify", "forgot", "reset", "remove-second-factor", "invitation", "undo-email")


class Household:
    """Ada with tasks, and a space that she shares with Grace."""

    def __init__(self) -> None:
        self.ada, self.grace = Person(), Person("Grace Hopper")
        self.space: str = self.ada.space_with(self.grace, "House and garden")["id"]
        self.ada.api("POST", f"v1/spaces/{self.space}/invitations", {"email": address("Alan"), "role": "viewer"})
        grace = self.grace.api("GET", "v1/me")["id"]
        for title, space, fields in self.tasks(grace):
            self.ada.task(title, self.space if space else None, **fields)
        self.main = self.ada.task(
            "Prepare the presentation for the board",
            description="Figures of the third quarter, and the plan for the next one.\nKeep it under ten minutes.",
            priority="high", category="Work", tags=["board", "slides"], due=self.at(0, "23:30"), reminders=[{"before": "PT30M"}, {"before": "P1D"}],
            recurrence="FREQ=MONTHLY;BYMONTHDAY=-1", checklist=[{"title": "Collect the figures", "done": True}, {"title": "Draw the charts"}, {"title": "Rehearse once"}],
        )
        self.ada.api("POST", f"v1/tasks/{self.main['id']}/comments", {"text": "The room has no projector. Bring the small one."})
        for title in ("Book the train", "Answer the letter of the bank", "Return the library books", "Buy stamps"):
            task = self.ada.task(title)
            self.ada.api("POST", f"v1/tasks/{task['id']}/complete")

    @staticmethod
    def at(days: int, time: str = "") -> str:
        """A due time, some days from today."""
        day = (datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(days=days)).date().isoformat()
        return f"{day}T{time}[Europe/Berlin]" if time else day

    def tasks(self, grace: str) -> list[tuple[str, bool, dict[str, Any]]]:
        """Title, whether it is in the shared space, and fields."""
        return [
            ("Pay the rent", False, {"due": self.at(0), "priority": "urgent", "category": "Money", "recurrence": "FREQ=MONTHLY;BYMONTHDAY=1"}),
            ("Call the dentist", False, {"due": self.at(0, "23:00"), "tags": ["health"], "reminders": [{"before": "PT30M"}]}),
            ("Water the tomatoes", True, {"due": self.at(0), "assigned_to": grace, "recurrence": "FREQ=DAILY;INTERVAL=2"}),
            ("Renew the passport", False, {"due": self.at(-2), "priority": "high", "checklist": [{"title": "Photo", "done": True}, {"title": "Form"}]}),
            ("Read the contract", False, {"due": self.at(0), "status": "in_progress", "category": "Work", "tags": ["board"]}),
            ("Repair the fence", True, {"due": self.at(1), "priority": "low"}),
            ("Order firewood", True, {"due": self.at(3, "10:00"), "category": "Money"}),
            ("Birthday present for Alan", False, {"due": self.at(5), "tags": ["family"]}),
            ("Learn to bake bread", False, {}),
        ]

    def pages(self) -> list[str]:
        """The fragments of all pages of a user."""
        lists = ["today", "upcoming", "overdue", "all", "assigned", "search?q=the", "tag/board", "category/Work"]
        of_space = [f"space/{self.space}", f"space/{self.space}/members", "spaces"]
        return [*lists, *of_space, f"task/{self.main['id']}", "statistics", "profile", "profile/security", "operators", "nothing"]
