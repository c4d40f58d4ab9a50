"""How many RSA-2048 signatures this machine makes in a second: the limit of a sender that signs each message.

benchmarks/sending/signing.py SECONDS START    counts for so long from a time (of time.time) on, in one process
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_HEAD = b"x" * 1200  # bytes of a message's head: the body's hash stands in it (RFC 6376)
_STARTING = 0.7  # seconds until all have a key


def signatures_a_second(seconds: float) -> float:
    """By the library `cryptography`, with a process a core, all at the same time."""
    command = [sys.executable, __file__, str(seconds), str(time.time() + _STARTING)]
    signing = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(CORES)]
    return sum(float(process.communicate()[0]) for process in signing)


def _sign(seconds: float, start: float) -> float:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    time.sleep(max(start - time.time(), 0))
    began = time.perf_counter()
    count = 0
    while time.perf_counter() - began < seconds:
        key.sign(_HEAD, padding.PKCS1v15(), hashes.SHA256())
        count += 1
    return count / (time.perf_counter() - began)


if __name__ == "__main__":
    print(_sign(float(sys.argv[1]), float(sys.argv[2])))
