"""Files of background jobs: uploads that are to be imported, exports that are to be fetched."""

from __future__ import annotations

from pathlib import Path

from lookalike.catalog import Job

__all__ = ["forget_files", "job_folder"]


def job_folder(workspace: Path) -> Path:
    """Return where they are, making the folder if it is missing."""
    folder = workspace / "jobs"
    folder.mkdir(exist_ok=True)
    return folder


def forget_files(workspace: Path, job: Job) -> None:
    """Delete what a job that is over left there, an export that was killed half way too."""
    folder, name = job_folder(workspace), job.spec.get("file") or job.id
    for path in [*folder.glob(f"{name}*"), *folder.glob(f".{name}*")]:
        path.unlink(missing_ok=True)
