"""An event file as TensorBoard writes it, and a reader for one that Bantam wrote.

    python tests/reference/event_file.py                  writes crates/formats/tests/data/events.tfevents
    python tests/reference/event_file.py show FILE        prints what TensorBoard's reader finds in FILE

tensorboard 2.21.0
"""

import collections
import pathlib
import sys

from tensorboard.backend.event_processing import event_file_loader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

OUT = pathlib.Path("crates/formats/tests/data/events.tfevents")


def write():
    value = lambda tag, v: Summary.Value(tag=tag, simple_value=v)
    with OUT.open("wb") as out:
        records = RecordWriter(out)
        records.write(Event(wall_time=1.5, file_version="brain.Event:2").SerializeToString())
        first = Summary(value=[value("loss", 6.25), value("learning_rate", 0.001), value("memory_bytes", 3e9)])
        records.write(Event(wall_time=2.25, step=1, summary=first).SerializeToString())
        second = Summary(value=[value("validation/loss", float("inf")), value("zero", 0.0)])
        records.write(Event(wall_time=1.7e9, step=300, summary=second).SerializeToString())
        records.write(Event(wall_time=1.7e9, step=2**40, summary=Summary(value=[value("ä", -1.0)])).SerializeToString())


def show(path):
    points = collections.defaultdict(list)
    for event in event_file_loader.EventFileLoader(path).Load():
        for v in event.summary.value:
            points[v.tag].append((event.step, v.tensor.float_val[0] if v.HasField("tensor") else v.simple_value))
    for tag, seen in sorted(points.items()):
        print(f"{tag}: {len(seen)} points, steps {seen[0][0]} to {seen[-1][0]}, last {seen[-1][1]:.6g}")


if __name__ == "__main__":
    show(sys.argv[2]) if sys.argv[1:2] == ["show"] else write()
