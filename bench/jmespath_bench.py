"""The same as jmespath_bench.cpp with Python's jmespath (pip install jmespath).

Arguments: DOCUMENT.json ITEMS_EXPRESSION FIELD_EXPRESSION...
"""
import json
import sys
import time

import jmespath

document = json.load(open(sys.argv[1], encoding="utf-8"))
expressions = [jmespath.compile(text) for text in sys.argv[2:]]
items = rounds = found = 0
began = time.process_time()
seconds = 0.0
while seconds < 2:
    listed = expressions[0].search(document) or []
    for item in listed:
        for expression in expressions[1:]:
            found += expression.search(item) is not None
    items += len(listed)
    rounds += 1
    seconds = time.process_time() - began
print(json.dumps({"items": items // rounds, "fields_found": found // rounds,
                  "cpu_seconds_per_1000_items": round(seconds * 1000 / items, 6)}))
