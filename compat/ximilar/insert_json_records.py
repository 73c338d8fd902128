"""Insert records from JSON lines (also .gz) or a JSON array into a collection, several requests at once."""

import gzip
import json

from connect import connect, flags


def records_of(path, is_array):
    """Yield the records of a file; lines that are none are printed and left out."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as lines:
        if is_array:
            yield from json.load(lines)
            return
        for line in lines:
            text = line.strip().rstrip(",")
            try:
                if text:
                    yield json.loads(text)
            except ValueError as error:
                print(f"No record ({error}): {text}")


if __name__ == "__main__":
    parser = flags(__doc__)
    parser.add_argument("--file_path", "--path", required=True, help="the records")
    parser.add_argument("--is_array", type=bool, default=False, help="whether the file is one JSON array")
    parser.add_argument("--clean_fields", default="", help="fields to leave out, divided by commas")
    parser.add_argument("--batch_size", type=int, default=10, help="records of one request")
    parser.add_argument("--threads", type=int, default=3, help="requests at once")
    parser.add_argument("--skip", type=int, default=0, help="records to leave out at the beginning")
    options = parser.parse_args()
    client = connect(options)
    unwanted = set(filter(None, options.clean_fields.split(",")))
    records = [
        {name: value for name, value in record.items() if name not in unwanted}
        for record in records_of(options.file_path, options.is_array)
    ]
    client.parallel_records_processing(
        records[options.skip :],
        method=client.insert,
        max_workers=options.threads,
        batch_size=options.batch_size,
        output=True,
    )
