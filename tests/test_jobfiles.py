"""What background jobs wrote is deleted with them, and what other jobs wrote stays."""

from lookalike.jobfiles import forget_files, job_folder


def test_an_export_that_was_killed_half_way_goes_too(space):
    job, other = (space.catalog.jobs.add("export", {"format": "jsonl"}) for _ in range(2))
    folder = job_folder(space.path)
    names = [name for one in (job, other) for name in (f"{one.id}.jsonl", f".{one.id}.jsonl.0123abcd.part")]
    for name in names:
        (folder / name).write_text("{}", "utf-8")
    forget_files(space.path, job)
    assert {path.name for path in folder.iterdir()} == set(names[2:])
