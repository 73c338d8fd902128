"""The audit log: in order, in pages, one author or one target at a time."""

import pytest

from lookalike.errors import InvalidArgument


def test_pages_together_are_the_whole_log_newest_first(catalog):
    for number in range(7):
        catalog.audit.append("records.add", who=f"key_{number % 2}", target="shop", count=number)
    found, before = [], None
    while True:
        page = catalog.audit.page(before=before, limit=3)
        found += page.entries
        before = page.next
        if before is None:
            break
    assert [entry.count for entry in found] == [6, 5, 4, 3, 2, 1, 0]
    assert [entry.count for entry in catalog.audit.page(limit=7).entries] == [6, 5, 4, 3, 2, 1, 0]
    assert catalog.audit.page(limit=7).next is None


def test_one_author_or_one_target(catalog):
    catalog.audit.append("records.add", who="ann", target="shop", details={"inserted": 2})
    catalog.audit.append("records.delete", who="bob", target="shop", count=1)
    catalog.audit.append("records.delete", who="ann", target="estates")
    assert [entry.target for entry in catalog.audit.page(who="ann").entries] == ["estates", "shop"]
    assert [entry.who for entry in catalog.audit.page(target="shop").entries] == ["bob", "ann"]
    assert catalog.audit.page(who="ann", target="shop").entries[0].details == {"inserted": 2}


def test_an_empty_log_and_a_limit_without_sense(catalog):
    assert catalog.audit.page().entries == []
    for limit in (0, 10_001):
        with pytest.raises(InvalidArgument, match="limit"):
            catalog.audit.page(limit=limit)
