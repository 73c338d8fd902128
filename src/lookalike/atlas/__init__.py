"""Maps of collections: every record a point in the plane, so that what looks alike lies together."""
