"""A camera: moving pictures of 1280x720 pixels, 60 times a second. See README.md."""

import argparse
import time
from contextlib import suppress

import numpy as np

from pyshm import LatestChannel

HEIGHT, WIDTH = SHAPE = 720, 1280
RATE = 60  # frames a second
STEP = 4  # rows that the picture moves from one frame to the next


def scene():
    """Return a picture of twice the height. A frame shows a part of it."""
    y, x = np.mgrid[: 2 * HEIGHT, :WIDTH]
    rings = 127 + 127 * np.sin(np.hypot(x - WIDTH / 2, y % HEIGHT - HEIGHT / 2) / 20)
    return np.stack([rings, x * 255 / WIDTH, y % HEIGHT * 255 / HEIGHT], axis=-1).astype("u1")


def draw(picture, background, number):
    """Draw the frame of this number."""
    top = number * STEP % HEIGHT
    picture[...] = background[top : top + HEIGHT]
    # Each row begins with the number of the frame: a viewer sees whether a frame is torn.
    picture.reshape(HEIGHT, -1)[:, :8].view("<u8")[...] = number


def film(writer, frames):
    """Publish so many frames; without an end if ``frames`` is None."""
    background = scene()
    last = None if frames is None else writer.published + frames
    due = time.monotonic()
    while last is None or writer.published < last:
        with writer.loan() as frame:  # the memory in which the viewers see the frame
            draw(frame.array, background, writer.published + 1)
        due = max(due + 1 / RATE, time.monotonic())
        time.sleep(max(0, due - time.monotonic()))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channel", default="camera", help="the name of the channel")
    parser.add_argument("--frames", type=int, help="end after so many frames; default: Ctrl-C")
    options = parser.parse_args()
    with (
        LatestChannel.create_or_open(options.channel, array=("u1", (*SHAPE, 3))) as channel,
        channel.writer() as writer,
        suppress(KeyboardInterrupt),
    ):
        print("READY", flush=True)
        film(writer, options.frames)
    seconds = time.process_time()
    print(f"The camera took {seconds:.1f} s of processor time.")


if __name__ == "__main__":
    main()
