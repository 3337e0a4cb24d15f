"""Leave out the rows that have no price, and bring every column to the same scale."""

import argparse
import csv
import os

parser = argparse.ArgumentParser()
parser.add_argument("--houses", required=True)
parser.add_argument("--clean", required=True)
options = parser.parse_args()

with open(options.houses, newline="") as file:
    rows = list(csv.DictReader(file))
known = [{name: float(value) for name, value in row.items()} for row in rows if row["price"]]
print("{} of {} rows have a price".format(len(known), len(rows)))

for column in ("area", "rooms", "age"):
    largest = max(row[column] for row in known)
    for row in known:
        row[column] = row[column] / largest

os.makedirs(options.clean, exist_ok=True)
with open(os.path.join(options.clean, "houses.csv"), "w", newline="") as file:
    writer = csv.DictWriter(file, fieldnames=list(known[0]))
    writer.writeheader()
    writer.writerows(known)
