"""The recurrence oracle, written from RFC 5545 alone, independently of Taskbell's engine."""
