"""A model fetched as a job: it counts bytes, and what came of it is the job's result."""

import lookalike
from lookalike.work import Background


def fetched(tmp_path, name):
    with (
        lookalike.open(tmp_path / "workspace") as space,
        Background(space, ["fetch"], scheduled=False) as background,
    ):
        job = space.catalog.jobs.add("fetch", {"model": name})
        return background.runner.wait(job.id, 60)


def test_a_job_counts_the_bytes_that_came(hub, known, tmp_path):
    files = known("dinov2-small")
    job = fetched(tmp_path, "dinov2-small")
    assert (job.state, job.error) == ("done", "")
    assert job.result["model"] == "dinov2-small"
    assert job.done == job.total == sum(map(len, files.values()))


def test_what_the_hub_refuses_is_the_jobs_error(hub, known, tmp_path):
    known("dinov2-small")
    hub.refuses = [404]
    job = fetched(tmp_path, "dinov2-small")
    assert (job.state, job.error_code) == ("failed", "fetch_failed")
