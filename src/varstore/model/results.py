"""What queries return: tables of numpy columns, and genotype matrices."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingDependencyError

ALLELE_COLUMNS = ("contig", "position", "ref", "alt", "allele_count", "allele_number", "allele_frequency")
GENOTYPE_COLUMNS = ("n_hom_ref", "n_het", "n_hom_alt", "n_other", "n_missing")


# Rows that are made text together.
_LINES = 1 << 16
# A column, or what makes it when it is first looked at.
Values = NDArray[Any] | Callable[[], NDArray[Any]]


def _optional(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingDependencyError(f"this needs {module}: pip install 'varstore[{extra}]'") from None


class CountTable:
    """Counts, a row an ALT allele (and cohort): read-only numpy columns of equal length.

    Columns are items and attributes: ``table["allele_count"]``, ``table.allele_count``. Text columns hold
    str, counts are int64, ``allele_frequency`` is float64 and NaN where ``allele_number`` is 0;
    ``position`` is 1-based. The table offers ``__arrow_c_stream__``, so Arrow, polars and DuckDB take it.
    """

    def __init__(self, columns: Mapping[str, Values]) -> None:
        self._columns = dict(columns)
        for column in self._columns.values():
            if not callable(column):
                column.flags.writeable = False

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        return list(self._columns)

    def __len__(self) -> int:
        made = (len(column) for column in self._columns.values() if not callable(column))
        return next(made, None) or len(self[self.columns[0]])

    def __getitem__(self, name: str) -> NDArray[Any]:
        column = self._columns[name]
        if callable(column):
            column = self._columns[name] = column()
            column.flags.writeable = False
        return column

    def _items(self) -> list[tuple[str, NDArray[Any]]]:
        return [(name, self[name]) for name in self._columns]

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name.startswith("_") or name not in self._columns:
            raise AttributeError(f"no column {name!r}")
        return self[name]

    def __repr__(self) -> str:
        return f"<CountTable of {len(self)} rows: {', '.join(self._columns)}>"

    def plot(self, kind: str | None = None) -> Any:
        """As a picture, a matplotlib Figure: ``table.plot("spectrum").savefig("a.png")``.

        kind : "spectrum", "frequencies" (of two cohorts), "manhattan" or "qq" (of p-values), "axes" (people on the
            first two); default: axes where there are, manhattan of a comparison, else spectrum

        Raises QueryError where the table has not what the picture needs, MissingDependencyError.
        """
        from .pictures import draw  # noqa: PLC0415

        return draw(self, kind)

    def to_pandas(self) -> Any:
        """As a pandas DataFrame."""
        return _optional("pandas", "pandas").DataFrame(dict(self._items()))

    def to_arrow(self) -> Any:
        """As an Arrow table (arro3); missing frequencies are null."""
        arro3 = _optional("arro3.core", "arrow")
        arrays = {}
        for name, values in self._items():
            if values.dtype == object:
                arrays[name] = arro3.Array(values.tolist(), arro3.DataType.string())
            elif values.dtype == np.float64 and np.isnan(values).any():
                items = [None if math.isnan(value) else value for value in values.tolist()]
                arrays[name] = arro3.Array(items, arro3.DataType.float64())
            else:
                arrays[name] = arro3.Array.from_numpy(values)
        return arro3.Table.from_pydict(arrays)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def to_polars(self) -> Any:
        """As a polars DataFrame."""
        polars = _optional("polars", "polars")
        text = {name: polars.String for name, values in self._items() if values.dtype == object}
        columns = {name: values.tolist() if name in text else values for name, values in self._items()}
        return polars.DataFrame(columns, schema_overrides=text)

    def to_xarray(self) -> Any:
        """As an xarray Dataset over the dimension ``rows``."""
        xarray = _optional("xarray", "xarray")
        return xarray.Dataset({name: ("rows", values) for name, values in self._items()})

    def to_tsv(self) -> Iterator[str]:
        """Lines with a header, each ending in a newline; a missing frequency is ``.``."""
        yield "\t".join(self._columns) + "\n"
        for begin in range(0, len(self), _LINES):
            texts = [_texts(values[begin : begin + _LINES]) for _, values in self._items()]
            for row in zip(*texts, strict=True):
                yield "\t".join(row) + "\n"

    def to_json_lines(self) -> Iterator[str]:
        """One JSON object a line; a missing frequency is null."""
        columns = []
        for _, values in self._items():
            items = values.tolist()
            if values.dtype == np.float64:
                items = [None if math.isnan(value) else value for value in items]
            columns.append(items)
        names = list(self._columns)
        for row in zip(*columns, strict=True):
            yield json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n"


def _texts(values: NDArray[Any]) -> list[str]:
    if values.dtype == object:
        return ["." if value is None else value for value in values.tolist()]
    if values.dtype == np.bool_:
        return ["true" if value else "false" for value in values.tolist()]
    if values.dtype == np.float64:
        return ["." if math.isnan(value) else f"{value:.6g}" for value in values.tolist()]
    return [str(value) for value in values.tolist()]


class Genotypes:
    """Genotypes of some records and samples, named as in VCF Zarr.

    call_genotype : (variants, samples, ploidy) int8 or int16; -1 missing, -2 no such haplotype
    call_genotype_phased : (variants, samples) bool
    variant_contig : (variants,) str    variant_position : (variants,) int64, 1-based
    variant_allele : (variants, alleles) str, REF first, empty where there are fewer
    sample_id : (samples,) str
    fields : the INFO and FORMAT fields asked for, by the name of their array: ``variant_AC`` (variants[, values]),
        ``call_DP`` (variants, samples[, values])
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], fields: Mapping[str, NDArray[Any]] | None = None) -> None:
        self.fields = dict(fields or {})
        self.call_genotype = arrays["call_genotype"]
        self.call_genotype_phased = arrays["call_genotype_phased"]
        self.variant_contig = arrays["variant_contig"]
        self.variant_position = arrays["variant_position"]
        self.variant_allele = arrays["variant_allele"]
        self.sample_id = arrays["sample_id"]
        for array in [*arrays.values(), *self.fields.values()]:
            array.flags.writeable = False

    def __repr__(self) -> str:
        variants, samples, ploidy = self.call_genotype.shape
        return f"<Genotypes: {variants} variants, {samples} samples, ploidy {ploidy}>"

    def to_xarray(self) -> Any:
        """As an xarray Dataset with VCF Zarr's names and dimensions."""
        xarray = _optional("xarray", "xarray")
        axes = {"variant": ("variants",), "call": ("variants", "samples")}
        fields = {
            name: ((*axes[name.partition("_")[0]], f"{name}_dim")[: values.ndim], values)
            for name, values in self.fields.items()
        }
        return xarray.Dataset(
            {
                **fields,
                "call_genotype": (("variants", "samples", "ploidy"), self.call_genotype),
                "call_genotype_phased": (("variants", "samples"), self.call_genotype_phased),
                "variant_contig": (("variants",), self.variant_contig),
                "variant_position": (("variants",), self.variant_position),
                "variant_allele": (("variants", "alleles"), self.variant_allele),
                "sample_id": (("samples",), self.sample_id),
            }
        )
