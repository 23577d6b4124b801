"""The alarms of template.yaml, evaluated: each fires at what it is for, and not just below."""

import unittest

from alarms import alarms, is_firing

NOW = 1_000_000.0


def fires(name: str, metrics: dict[str, list[tuple[float, float]]]) -> bool:
    """Whether an alarm fires if its metrics have these values, as pairs of an age in seconds and a value."""
    return is_firing(alarms()[name], lambda _, metric, __: [(NOW - age, value) for age, value in metrics.get(metric, [])], NOW)


def many(count: int, value: float = 1, age: float = 100) -> list[tuple[float, float]]:
    return [(age, value)] * count


class Alarms(unittest.TestCase):
    def test_without_data_only_a_silent_dispatcher_raises_an_alarm(self):
        self.assertEqual([name for name in alarms() if fires(name, {})], ["DispatchSilenceAlarm"])
        self.assertFalse(fires("DispatchSilenceAlarm", {"Invocations": many(1)}))

    def test_the_burn_of_reminders_needs_a_share_and_a_count(self):
        def burns(alarm: str, late: int, on_time: int, failed: int = 0, age: float = 100) -> bool:
            counted = [*many(late, 1, age), *many(on_time, 0, age)]
            return fires(alarm, {"RemindersLate": counted, "ReminderLateness": counted, "RemindersFailed": many(failed, 1, age)})

        self.assertTrue(burns("ReminderFastBurnAlarm", 3, 0))
        self.assertFalse(burns("ReminderFastBurnAlarm", 2, 0), "a small stack")
        self.assertTrue(burns("ReminderFastBurnAlarm", 3, 205))
        self.assertFalse(burns("ReminderFastBurnAlarm", 3, 206), "1.44 % of 208.4")
        self.assertTrue(burns("ReminderFastBurnAlarm", 1, 100, failed=2))
        self.assertFalse(burns("ReminderFastBurnAlarm", 3, 0, age=3601))
        self.assertTrue(burns("ReminderSlowBurnAlarm", 5, 800, age=20_000))
        self.assertFalse(burns("ReminderSlowBurnAlarm", 4, 0))
        self.assertFalse(burns("ReminderSlowBurnAlarm", 5, 829))
        # Only failed ones, or none late: the other metrics may have no data.
        self.assertTrue(fires("ReminderFastBurnAlarm", {"RemindersFailed": many(3)}))

    def test_server_errors_need_a_share_and_a_count(self):
        for alarm, errors, requests in (("ApiErrorAlarm", 3, 299), ("ApiSlowBurnAlarm", 10, 1_666)):
            self.assertTrue(fires(alarm, {"5xx": many(errors), "Count": many(requests)}), alarm)
            self.assertFalse(fires(alarm, {"5xx": many(errors), "Count": many(requests + 1)}), alarm)
            self.assertFalse(fires(alarm, {"5xx": many(errors - 1), "Count": many(errors)}), alarm)
            hidden = {"5xx": many(errors), "4xx": many(9_000), "Count": many(requests + 9_000)}
            self.assertTrue(fires(alarm, hidden), f"{alarm}: a flood of 4xx hides errors")

    def test_latency_needs_three_periods_with_a_hundred_requests(self):
        def slow(share: int, requests: int, periods: int) -> bool:
            ages = [100 + 300 * number for number in range(periods)]
            latency = [one for age in ages for one in (many(share, 1_001, age) + many(requests - share, 20, age))]
            return fires("ApiLatencyAlarm", {"Latency": latency, "Count": [one for age in ages for one in many(requests, 1, age)]})

        self.assertTrue(slow(2, 100, 3))
        self.assertFalse(slow(1, 100, 3), "99 % are fast")
        self.assertFalse(slow(99, 99, 3))
        self.assertFalse(slow(2, 100, 2))

    def test_deferred_mails_and_failed_deletions_need_three_periods_and_dropped_pushes_three_in_a_row(self):
        ages = lambda *numbers: [(300 * number + 100, 1) for number in numbers]  # noqa: E731
        self.assertTrue(fires("DeferredMailAlarm", {"MailsDeferred": ages(0, 5, 17)}))
        self.assertFalse(fires("DeferredMailAlarm", {"MailsDeferred": ages(0, 5, 18)}))
        self.assertTrue(fires("DeletionErrorAlarm", {"Errors": ages(0, 5, 11)}))
        self.assertFalse(fires("DeletionErrorAlarm", {"Errors": ages(0, 5, 12)}))
        self.assertFalse(fires("DeletionErrorAlarm", {"Errors": many(3)}), "one period")
        dropped = lambda *numbers: [(300 * number + 100, 100) for number in numbers]  # noqa: E731
        self.assertTrue(fires("DroppedPushAlarm", {"PushesDropped": dropped(0, 1, 2)}))
        self.assertFalse(fires("DroppedPushAlarm", {"PushesDropped": dropped(0, 1, 3)}))

    def test_one_failure_dead_letter_or_skipped_change_raises_an_alarm(self):
        for alarm, metric in (
            ("FailedMailAlarm", "RemindersFailed"),
            ("SkippedChangeAlarm", "ChangesSkipped"),
            ("ReminderErrorAlarm", "Errors"),
            ("RecursiveInvocationAlarm", "RecursiveInvocationsDropped"),
        ):
            self.assertTrue(fires(alarm, {metric: many(1)}), alarm)
        for alarm in ("DeadReminderAlarm", "DeadMailEventAlarm", "DeadChangeAlarm"):
            self.assertTrue(fires(alarm, {"ApproximateNumberOfMessagesVisible": many(1, 1, 30)}), alarm)
            self.assertFalse(fires(alarm, {"ApproximateNumberOfMessagesVisible": many(1, 0, 30)}), alarm)

    def test_thresholds_of_age_and_reputation(self):
        for alarm, metric, threshold in (
            ("LateReminderAlarm", "ApproximateAgeOfOldestMessage", 600),
            ("LateStatisticsAlarm", "IteratorAge", 600_000),
            ("LateFeedAlarm", "IteratorAge", 600_000),
            ("BounceRateAlarm", "Reputation.BounceRate", 0.04),
            ("ComplaintRateAlarm", "Reputation.ComplaintRate", 0.0008),
        ):
            self.assertTrue(fires(alarm, {metric: many(1, threshold, 30)}), alarm)
            self.assertFalse(fires(alarm, {metric: many(1, threshold * 0.99, 30)}), alarm)
        self.assertTrue(fires("DispatchErrorAlarm", {"Errors": many(2)}))
        self.assertFalse(fires("DispatchErrorAlarm", {"Errors": many(1)}))


if __name__ == "__main__":
    unittest.main()
