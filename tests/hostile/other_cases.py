"""Files that are no weights at all: what people upload by mistake."""

from __future__ import annotations

import random

from tests.hostile.case import Case, written

POINTER = (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0123456789abcdef" * 4 + b"\nsize 1025024\n")

OTHERS: dict[str, Case] = {
    "random bytes": Case(
        lambda f, m: written(f, "r.pt", b"\xc3" + random.Random(0).randbytes(5000)), "", "unreadable"),
    "empty": Case(lambda f, m: written(f, "e.pt", b""), "", "unreadable", ("The file is empty.",)),
    "web page": Case(lambda f, m: written(f, "w.pt", b"<!DOCTYPE html>\n<html><body>404</body></html>\n"), "",
                     "unreadable", ("This is a web page.",)),
    "Git-LFS pointer": Case(lambda f, m: written(f, "p.pt", POINTER), "", "unreadable", (
        f"This is a Git-LFS pointer ({len(POINTER)} bytes), not the weights: run `git lfs pull`.",)),
    "text": Case(lambda f, m: written(f, "t.pt", b"epoch,loss\n1,0.5\n"), "", "unreadable"),
}
