"""Delete all records of a collection."""

from connect import checked, connect, flags

if __name__ == "__main__":
    client = connect(flags(__doc__).parse_args())
    count = 0
    while True:
        page = checked(client.allRecords(size=1000, page=1))
        for batch in client.batch(page["answer_records"], 10):
            count += checked(client.remove(batch))["answer_count"]
        if "next" not in page:
            break
    print(f"{count} records deleted")
