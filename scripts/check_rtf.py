"""Compares the words of millpond's reading of RTF files with those that three other readers find.

    check_rtf.py FOLDER REASONS

FOLDER has for each NAME.rtf the readings NAME.html (millpond), NAME.pandoc.html and
NAME.unrtf.html; one of a reader that failed is absent. The third reader is the module striprtf. A
word is lost if two of the three have it, in the same order among the words that they share, and
millpond has it neither there nor elsewhere. Prints each file that loses words, with the words.
REASONS has a file name pattern and, after white space, why its losses are accepted, one a line; `#`
begins a comment. A reason that begins with `letters:` accepts words only that differ in letters
beyond ASCII.
Exits with 1 if a file loses words without a reason, or a reason is not needed.
"""

import re
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

from striprtf.striprtf import rtf_to_text

READERS = {"pandoc": ".pandoc.html", "unrtf": ".unrtf.html"}
# Tags that do not end a word.
INLINE = {"a", "b", "code", "del", "em", "font", "i", "mark", "s", "span", "strike", "strong", "tt", "u", "wbr"}
HIDDEN = {"head", "script", "style"}


class Text(HTMLParser):
    """The text of HTML, with the numbers of list items."""

    def __init__(self):
        super().__init__()
        self.parts, self.hidden, self.lists = [], 0, []

    def handle_starttag(self, tag, attributes):
        self.hidden += tag in HIDDEN
        if tag in ("ol", "ul"):
            start = dict(attributes).get("start") or "1"
            self.lists.append(int(start) if tag == "ol" else None)
        if tag not in INLINE:
            self.parts.append(" ")
        if tag == "li" and self.lists and self.lists[-1] is not None:
            self.parts.append(f"{self.lists[-1]} ")
            self.lists[-1] += 1

    def handle_endtag(self, tag):
        self.hidden = max(0, self.hidden - (tag in HIDDEN))
        if tag in ("ol", "ul") and self.lists:
            self.lists.pop()
        if tag not in INLINE:
            self.parts.append(" ")

    def handle_data(self, data):
        if not self.hidden:
            self.parts.append(data)


def words(text):
    return re.findall(r"[^\W_]+", text.lower())


def words_of_html(path):
    parser = Text()
    parser.feed(path.read_text(encoding="utf-8", errors="replace"))
    parser.close()
    return words("".join(parser.parts))


def readings_of(file):
    """The words that each of the other readers finds, unless it fails."""
    readings = {}
    for name, ending in READERS.items():
        if file.with_suffix(ending).exists():
            readings[name] = words_of_html(file.with_suffix(ending))
    try:
        readings["striprtf"] = words(rtf_to_text(file.read_text(encoding="cp1252", errors="replace"), errors="replace"))
    except (ValueError, IndexError, LookupError, TypeError) as error:
        print(f"striprtf fails on {file.name}: {error!r}")
    return readings


def differences(a, b):
    """The runs of `a` and of `b` that a common subsequence of them leaves out, side by side."""
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return [(a[i:j], b[k:m]) for kind, i, j, k, m in matcher.get_opcodes() if kind != "equal"]


def common(a, b):
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return [word for at, _, size in matcher.get_matching_blocks() for word in a[at : at + size]]


def lost(agreed, ours):
    """The runs of `agreed` that `ours` lacks. Words that are joined or parted otherwise, or elsewhere, are there."""
    runs = differences(agreed, ours)
    elsewhere = Counter(word for _, extra in runs for word in extra)
    for run, extra in runs:
        if run and "".join(run) not in "".join(extra):
            missing = Counter(run) - elsewhere
            elsewhere -= Counter(run)
            if missing:
                yield " ".join(word for word in run if word in missing)


def vote(ours, readings):
    """The runs of words that two of the readings have and `ours` lacks, each once."""
    pairs = combinations(readings, 2)
    return list(dict.fromkeys(run for a, b in pairs for run in lost(common(a, b), ours)))


def masked(reading):
    """The words with one sign for every letter beyond ASCII, and without those that are nothing else."""
    shapes = (re.sub(r"[^\x00-\x7f]", "?", word) for word in reading)
    return [shape for shape in shapes if shape.strip("?")]


def judge(file):
    """Tells of a file what it loses, what of it is more than letters beyond ASCII, and how alike its
    words are to those of each reader: 1 if they are the same."""
    ours, readings = words_of_html(file.with_suffix(".html")), readings_of(file)
    losses = vote(ours, readings.values())
    shapes = vote(masked(ours), [masked(reading) for reading in readings.values()]) if losses else []
    return file, losses, shapes, {name: similarity(ours, reading) for name, reading in readings.items()}


def similarity(a, b):
    shared = (Counter(a) & Counter(b)).total()
    return 2 * shared / (len(a) + len(b)) if a or b else 1.0


def read_reasons(path):
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [tuple(line.split(None, 1)) for line in lines if line and not line.startswith("#")]


def main(folder, reasons_file):
    reasons = read_reasons(Path(reasons_file))
    files = sorted(Path(folder).glob("*.rtf"))
    documents = [file for file in files if file.with_suffix(".html").exists()]
    with ProcessPoolExecutor() as pool:
        judged = list(pool.map(judge, documents))
    unexplained, losing, used, scores = [], 0, set(), {name: [] for name in (*READERS, "striprtf")}
    for file, losses, shapes, alike in judged:
        for name, score in alike.items():
            scores[name].append(score)
        if not losses:
            continue
        losing += 1
        reason = next((pair for pair in reasons if fnmatchcase(file.name, pair[0])), None)
        used.add(reason)
        accepted = reason and not (shapes and reason[1].startswith("letters:"))
        if not accepted:
            unexplained.append(file.name)
        print(f"{file.name}: {reason[1] if accepted else 'NO REASON'}")
        for run in shapes if reason and not accepted else losses:
            print(f"    {run}")
    for name, values in scores.items():
        same = sum(value == 1 for value in values)
        mean = sum(values) / max(1, len(values))
        print(f"{name}: mean {mean:.3f} of the {len(values)} that it reads, {same} have the same words")
    refused = sum(file.with_suffix(".refused").exists() for file in documents)
    print(f"{len(files)} files, {len(documents)} begin as RTF; {refused} of these are read leniently")
    print(f"{losing} lose words that two others have, {len(unexplained)} of them without a reason")
    unused = [pair[0] for pair in reasons if pair not in used]
    if unused:
        print(f"no longer needed in {reasons_file}: {' '.join(unused)}")
    return 1 if unexplained or unused else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
