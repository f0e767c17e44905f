"""What the benchmarks need of RQ: enqueue on request, and work."""

import json
import logging
import os
import struct
import sys


def tick(n, text):
    """The job: says its number to whoever started the worker."""
    os.write(3, struct.pack("<q", n))


def main():
    from redis import Redis
    from rq import Queue, SimpleWorker, Worker

    logging.disable(logging.CRITICAL)
    verb, url, kind = sys.argv[1:4]
    redis = Redis.from_url(url)
    queue = Queue("bench", connection=redis)
    if verb == "work":
        worker = {"simple": SimpleWorker, "fork": Worker}[kind]([queue], connection=redis)
        worker.work(logging_level="CRITICAL")
        return
    from errand_bench_rq import tick as job

    for line in sys.stdin:
        jobs = json.loads(line)
        if len(jobs) == 1:
            queue.enqueue(job, jobs[0]["n"], jobs[0]["text"])
        else:
            queue.enqueue_many([Queue.prepare_data(job, args=(j["n"], j["text"])) for j in jobs])
        print("ok", flush=True)


if __name__ == "__main__":
    main()
