"""Which records: a MongoDB-like filter parsed into a small frozen tree, and the one meaning of that tree.

    {"category": "kitchen", "price": {"$lt": 900}, "tags": {"$in": ["new", "sale"]}}

Every store answers exactly what `matches` says. The rules are MongoDB's:

- Members of a dict are all required. A value stands for {"$eq": value}.
- A dotted path reaches into objects, and into every object of an array; a component of digits is also a
  position in an array. A key that itself contains a dot can't be reached.
- An array matches if one of its elements does; `$eq` and `$in` compare the whole array too. `$size` and
  `$elemMatch` look at the array itself.
- A field that is not there equals null. `$exists` tells the two apart.
- Equal means equal as JSON: 1 equals 1.0, true equals neither 1 nor "true". Numbers are compared exactly,
  whatever their size. Unlike MongoDB, the order of an object's members is of no account.
- `$gt`, `$gte`, `$lt`, `$lte` hold between two numbers or two strings (by code point) and nothing else. Dates are
  ISO strings and nothing more: kept in one precision and one zone they are in order.
- `$ne`, `$nin`, `$nor` and `$not` are exact opposites, so they also match records without the field.
- `$regex` is RE2's: linear in the text, no look-around and no back-references. See `patterns`.

values.py JSON values and paths · tree.py what a filter is · meaning.py `matches` · parsing.py `parse`
"""

from lookalike.filters.meaning import matches
from lookalike.filters.parsing import equals, one_of, parse
from lookalike.filters.tree import And, Compare, Element, Equal, Exists, Filter, Not, Or, Pattern, Size
from lookalike.filters.values import MISSING, canonical, ends, folded, is_number, is_position, paths, reach

__all__ = [
    "MISSING",
    "And",
    "Compare",
    "Element",
    "Equal",
    "Exists",
    "Filter",
    "Not",
    "Or",
    "Pattern",
    "Size",
    "canonical",
    "ends",
    "equals",
    "folded",
    "is_number",
    "is_position",
    "matches",
    "one_of",
    "parse",
    "paths",
    "reach",
]
