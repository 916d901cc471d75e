"""Rows of results, each computed in its own process and stored in a CSV file."""

import argparse
import csv
import json
import resource
import subprocess
import sys
from pathlib import Path

# Kind of an argument by the type of its default.
_KINDS = {int: {"type": int}, list: {"nargs": "+"}, type(None): {"type": Path}}


def parse_arguments(description, *, needs_data=True, **defaults):
    """Parse the arguments common to the scripts, and those of one script.

    Parameters
    ----------
    description : str
        Description of the script.
    needs_data : bool, default=True
        Whether the script reads datasets from the folder `--data`.
    **defaults
        Defaults of further arguments by name: a list of str, an int, or None for a
        path.

    Returns
    -------
    args : argparse.Namespace
        Arguments. `row` is the key of the row to compute in this process, or None.
    """
    parser = argparse.ArgumentParser(description=description)
    if needs_data:
        parser.add_argument("--data", type=Path, required=True, help="folder of sets")
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--row", nargs="+", help=argparse.SUPPRESS)
    for name, default in defaults.items():
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, default=default, **_KINDS[type(default)])
    return parser.parse_args()


def collect(script, path, keys, arguments):
    """Compute the rows missing from a file, and return all requested rows.

    Parameters
    ----------
    script : str
        Script that prints a row as JSON when called with `--row` and a key.
    path : Path
        CSV file to which each row is appended once it is computed.
    keys : list of tuple of str
        Keys of the rows.
    arguments : list of str
        Further arguments of the script.

    Returns
    -------
    rows : dict of dict
        Rows by key.
    """
    rows = _read(path, len(keys[0]))
    for key in keys:
        if key not in rows:
            print("running", *key, file=sys.stderr, flush=True)
            run = subprocess.run(
                [sys.executable, script, *arguments, "--row", *key],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            rows[key] = json.loads(run.stdout.splitlines()[-1])
            _append(path, rows[key])
    return {key: rows[key] for key in keys}


def peak_memory():
    """Return the peak memory of this process in gigabytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def print_table(header, rows):
    """Print a table with aligned columns."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)))


def _read(path, n_keys):
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {tuple(list(row.values())[:n_keys]): row for row in rows}


def _append(path, row):
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    with Path(path).open("a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if is_new:
            writer.writeheader()
        writer.writerow(row)
