"""INFO and FORMAT fields the slow way: VCF text read value by value, and a batch put together again.

Both give, for each record, a dict of ``INFO/KEY`` to a list of values, and for each sample one of ``FORMAT/KEY``.
Values are int, the bits of a float32 as ``("f", bits)``, str, or None for missing. Fields and calls that are
missing throughout are left out: a file may spell them as it likes.
"""

import re

import numpy as np

NUMBER = re.compile(r"[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|inf(inity)?|nan)", re.IGNORECASE)
LINE = re.compile(r"##(INFO|FORMAT)=<ID=([^,]+),(.*)")


def declared(header):
    """(Number, Type) of every declared field."""
    return {
        f"{kind}/{key}": tuple(re.search(rf"\b{what}=([^,>]+)", rest)[1] for what in ("Number", "Type"))
        for kind, key, rest in LINE.findall(header)
    }


def value_of(text, type_):
    """One value; text that is none of its type stays text."""
    if text == ".":
        return None
    if type_ == "Integer" and re.fullmatch(r"[+-]?[0-9]+", text) and -(2**31) + 8 <= int(text) < 2**31:
        return int(text)
    if type_ == "Float" and NUMBER.fullmatch(text):
        with np.errstate(over="ignore"):
            return "f", int(np.array([float(text)]).astype(np.float32).view(np.int32)[0])
    return text


def values_of(text, name, fields):
    """Values of a field, or none where all are missing."""
    number, type_ = fields.get(name, ("1", "String"))
    whole = name.startswith("FORMAT/") and number == "1" and type_ in ("String", "Character")
    values = [value_of(part, type_) for part in ([text] if whole else text.split(","))]
    return values if any(value is not None for value in values) else []


def info_of(text, fields):
    """INFO of a record; of a key that stands twice, what it says first."""
    out = {}
    for item in [] if text == "." else text.split(";"):
        key, equals, value = item.partition("=")
        if key:
            values = values_of(value, f"INFO/{key}", fields) if equals else [True]
            if values:
                out.setdefault(f"INFO/{key}", values)
    return out


def read_text(text):
    """(INFO, [FORMAT of each sample]) of every record of a VCF."""
    header, _, body = text.partition("\n#CHROM")
    fields = declared(header)
    records = []
    for line in body.splitlines()[1:]:
        columns = line.split("\t")
        keys = columns[8].split(":") if len(columns) > 8 else []
        calls = []
        for column in columns[9:]:
            call = {}
            for key, value in zip(keys, column.split(":"), strict=False):
                values = [] if key in ("GT", ".") else values_of(value, f"FORMAT/{key}", fields)
                if values:
                    call[f"FORMAT/{key}"] = values
            calls.append(call)
        records.append((info_of(columns[7], fields), calls))
    return records


def read_batch(batch):
    """The same of a stored batch, by its reader."""
    from varstore.storage.field_beside import FILL, MISSING

    fields = declared(batch.part.read("varstore/header.vcf").decode())
    stored = batch.fields

    def plain(values):
        if values.dtype.kind == "f":
            bits = values.view(np.int32).tolist()
            out = [None if b == 0x7F800001 else ("f", b) for b in bits if b != 0x7F800002]
        elif values.dtype.kind == "i":
            out = [None if v == MISSING else v for v in values.tolist() if v != FILL]
        elif values.dtype.kind == "b":
            return [True] if values[0] else []
        else:
            out = [None if v == "." else v for v in values.tolist() if v != ""]
        return out if any(v is not None for v in out) else []

    records = []
    for chunk in range(batch.num_chunks):
        chunks = {name: stored.chunk(name, chunk) for name in stored.fields}
        for row in range(len(batch.site_chunk(chunk).position)):
            number = chunk * batch.chunk_variants + row
            info, calls = {}, [{} for _ in batch.samples]
            for name, values in chunks.items():
                of_row = values.row(row)
                if name.startswith("INFO/"):
                    info[name] = plain(of_row)
                else:
                    for call, of_call in zip(calls, of_row, strict=True):
                        call[name] = plain(of_call)
            if number in stored.odd_info:
                info = info_of(stored.odd_info[number], fields)
            for sample, key, text in stored.odd_calls.get(number, []):
                if key != "GT":
                    calls[sample][f"FORMAT/{key}"] = values_of(text, f"FORMAT/{key}", fields)
            calls = [{name: v for name, v in call.items() if v} for call in calls]
            records.append(({name: v for name, v in info.items() if v}, calls))
    return records
