"""PLY files as tables of numbers: text or binary, either byte order, any elements; knows nothing of meshes or units."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
"""Formats of the header → byte order of the body."""


@dataclass(frozen=True)
class Element:
    """One table of the file, as the header announces it."""

    name: str
    count: int
    properties: tuple[tuple[str, ...], ...]
    """(type, name), or ("list", type of the count, type of the items, name)."""

    @property
    def listed(self) -> bool:
        """Whether its rows are lists, of polygons most often."""
        return any(row[0] == "list" for row in self.properties)


@dataclass(frozen=True)
class Tables:
    """What a PLY file holds of points and polygons."""

    columns: dict[str, Float[np.ndarray, " vertex"]]
    """Properties of the vertices by name."""
    polygons: list[Int[np.ndarray, " corner"]]


def read(data: bytes) -> Tables:
    """Vertices and polygons of a PLY file.

    Raises:
        ValueError: the bytes are no PLY, end too early, or hold no vertices.
    """
    if not data.startswith(b"ply"):
        raise ValueError("it does not begin with the word ply")
    header, found, body = data.partition(b"end_header")
    body = body[body.find(b"\n") + 1 :]
    if not found:
        raise ValueError("its header has no end")
    order, elements = _header(header.decode("ascii", "replace"))
    if "vertex" not in [element.name for element in elements]:
        raise ValueError("it has no vertices")
    tables = _read_text(body, elements) if order == "" else _read_binary(body, elements, order)
    return Tables(tables.get("vertex", {}), tables.get("face", []))


def _header(text: str) -> tuple[str, list[Element]]:
    order, elements = None, []
    for words in map(str.split, text.splitlines()):
        if words[:1] == ["format"]:
            order = ORDERS[words[1]]
        elif words[:1] == ["element"]:
            elements.append(Element(words[1], int(words[2]), ()))
        elif words[:1] == ["property"]:
            last = elements[-1]
            elements[-1] = Element(last.name, last.count, (*last.properties, tuple(words[1:])))
    if order is None:
        raise ValueError("its header names no format")
    return order, elements


def _read_text(body: bytes, elements: list[Element]) -> dict:
    lines = [line for line in body.decode("ascii", "replace").splitlines() if line.strip()]
    tables, start = {}, 0
    for element in elements:
        rows = lines[start : start + element.count]
        start += element.count
        if len(rows) < element.count:
            raise ValueError(f"it ends after {len(rows)} of {element.count} rows of {element.name}")
        if element.listed:
            tables[element.name] = [np.array(row.split()[1:], np.int64)[: int(row.split()[0])] for row in rows]
        else:
            values = np.array([row.split() for row in rows], np.float64).reshape(-1, len(element.properties))
            tables[element.name] = {row[1]: values[:, i] for i, row in enumerate(element.properties)}
    return tables


def _read_binary(body: bytes, elements: list[Element], order: str) -> dict:
    tables, start = {}, 0
    for element in elements:
        if element.listed:
            tables[element.name], start = _lists(body, start, element, order)
            continue
        kind = np.dtype([(name, order + TYPES[form]) for form, name in element.properties])
        rows = np.frombuffer(body, kind, element.count, start)
        tables[element.name] = {name: rows[name].astype(np.float64) for name in kind.names or ()}
        start += element.count * kind.itemsize
    return tables


def _lists(body: bytes, start: int, element: Element, order: str) -> tuple[list, int]:
    """Rows of lists: at once where all are triangles and nothing else, row by row otherwise."""
    if len(element.properties) == 1:
        _, count_form, item_form, _ = element.properties[0]
        triangle = np.dtype([("count", order + TYPES[count_form]), ("corners", order + TYPES[item_form], 3)])
        if len(body) >= start + element.count * triangle.itemsize:
            rows = np.frombuffer(body, triangle, element.count, start)
            if (rows["count"] == 3).all():
                return list(rows["corners"].astype(np.int64)), start + element.count * triangle.itemsize
    found = []
    for _ in range(element.count):
        for at, row in enumerate(element.properties):
            count = 1
            if row[0] == "list":
                form = np.dtype(order + TYPES[row[1]])
                count, start = int(np.frombuffer(body, form, 1, start)[0]), start + form.itemsize
            form = np.dtype(order + TYPES[row[-2]])
            values = np.frombuffer(body, form, count, start)
            start += count * form.itemsize
            if at == 0:
                found.append(values.astype(np.int64))
    return found, start
