"""The catalog: what a workspace knows beside its records. The room of SQLAlchemy.

Collections and their settings, jobs, decisions, trials, keys, users, usage and the audit log; in SQLite beside the
collections, or in PostgreSQL where several replicas of the service share it.
"""

from __future__ import annotations

from lookalike.catalog.audit import Audit, AuditEntry
from lookalike.catalog.catalog import FILE, Catalog, open_catalog
from lookalike.catalog.collections import CollectionInfo
from lookalike.catalog.database import now
from lookalike.catalog.decisions import Decision
from lookalike.catalog.feeds import Feed
from lookalike.catalog.jobs import Job
from lookalike.catalog.keys import PLANS, Grant, Key, Plan, Scope
from lookalike.catalog.migrations import FORMAT
from lookalike.catalog.settled import open_groups
from lookalike.catalog.trials import (
    EVENTS,
    Event,
    Impression,
    Logged,
    Method,
    Shown,
    Tallies,
    Tally,
    Trial,
    TrialTable,
)
from lookalike.catalog.usage import Usage
from lookalike.catalog.users import Role, User
from lookalike.kinds import Kind

__all__ = [
    "EVENTS",
    "FILE",
    "FORMAT",
    "PLANS",
    "Audit",
    "AuditEntry",
    "Catalog",
    "CollectionInfo",
    "Decision",
    "Event",
    "Feed",
    "Grant",
    "Impression",
    "Job",
    "Key",
    "Kind",
    "Logged",
    "Method",
    "Plan",
    "Role",
    "Scope",
    "Shown",
    "Tallies",
    "Tally",
    "Trial",
    "TrialTable",
    "Usage",
    "User",
    "now",
    "open_catalog",
    "open_groups",
]
