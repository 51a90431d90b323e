"""A viewer: looks at each frame of a camera, and prints what it saw. See README.md."""

import argparse
import time

import numpy as np

from pyshm import LatestChannel
from pyshm.errors import WriterDiedError

SHAPE = (720, 1280, 3)  # height, width, colors


class Statistics:
    """What was seen since the first frame, and since the last line that was printed."""

    def __init__(self):
        self.first = self.last = self.frames = self.skipped = self.torn = self.not_newer = 0
        self.ages = []
        self.since = 0  # the ages that the last line had
        self.printed = time.monotonic()
        self.skipped_before = 0

    def look(self, frame, skipped):
        """Count a frame."""
        self.ages.append(frame.age)
        numbers = frame.array.reshape(SHAPE[0], -1)[:, :8].view("<u8")
        self.torn += bool((numbers != frame.number).any())
        self.not_newer += frame.number <= self.last
        self.first = self.first or frame.number
        self.last = frame.number
        self.frames += 1
        self.skipped = skipped
        now = time.monotonic()
        if now - self.printed >= 1:
            self.print_second(now - self.printed)
            self.printed = now

    def print_second(self, seconds):
        """Print what was seen in the last second."""
        ages = self.ages[self.since :]
        rate = len(ages) / seconds
        print(f"{rate:.1f} frames/s, {self.skipped - self.skipped_before} skipped, {age(ages)}")
        self.since = len(self.ages)
        self.skipped_before = self.skipped

    def print_all(self):
        """Print what was seen in all."""
        print(
            f"{self.frames} frames ({self.first} to {self.last}), {self.skipped} skipped, "
            f"{self.torn} torn, {self.not_newer} not newer, {age(self.ages)}"
        )
        print(f"The viewer took {time.process_time():.1f} s of processor time.")


def age(ages):
    middle, most = np.percentile(ages, [50, 99]) * 1000 if ages else (0, 0)
    return f"age p50 {middle:.2f} ms, p99 {most:.2f} ms"


def view(viewer, frames, statistics):
    """Look at frames until the camera closes the channel, or at so many frames."""
    while True:
        try:
            for frame in viewer.frames():  # each is held, without a copy, until the next one
                statistics.look(frame, viewer.skipped)
                if statistics.frames == frames:
                    return
        except WriterDiedError:
            print("The camera was killed. The viewer waits for the next one.", flush=True)
        else:
            return  # the camera has closed the channel


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channel", default="camera", help="the name of the channel")
    parser.add_argument("--frames", type=int, help="end after so many frames; default: Ctrl-C")
    options = parser.parse_args()
    statistics = Statistics()
    with (
        LatestChannel.create_or_open(options.channel, array=("u1", SHAPE)) as channel,
        channel.viewer() as viewer,
    ):
        print("READY", flush=True)
        try:
            view(viewer, options.frames, statistics)
        except KeyboardInterrupt:
            pass
    statistics.print_all()


if __name__ == "__main__":
    main()
