"""What judges the expansion of recurrence rules: made from RFC 5545 alone, without a look at Taskbell's engine."""
