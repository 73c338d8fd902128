"""Write the records of a collection as JSON lines."""

import json
from itertools import islice
from pathlib import Path

from connect import checked, connect, flags

if __name__ == "__main__":
    parser = flags(__doc__)
    parser.add_argument("--fields_to_return", default="_id", help="fields, divided by commas; * for all")
    parser.add_argument("--batch_size", type=int, default=1000, help="records of one request")
    parser.add_argument("--limit", type=int, help="at most so many")
    parser.add_argument("--file_path", "--path", required=True, help="the file to write")
    options = parser.parse_args()
    client = connect(options)
    wanted = options.fields_to_return.split(",")
    checked(client.allRecords(size=1, fields_to_return=wanted))
    count = 0
    with Path(options.file_path).open("w", encoding="utf-8") as sink:
        for record in islice(client.all_records_iter(wanted, options.batch_size), options.limit):
            sink.write(json.dumps(record) + "\n")
            count += 1
    print(f"{count} records written to {options.file_path}")
