"""Imports in parts: what a plan says of its inputs, and the run of one partition."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from .. import __version__
from ..errors import InputError, PlanError, VarstoreError
from ..storage import files, plans
from ..storage.batch import chunk_width
from ..storage.field_table import FieldChoice, FieldTable, check_choice, declared_fields
from ..storage.manifest import Document
from ..storage.plans import Plan
from . import partitions, scanning
from .bcf import BcfFile
from .inputs import Input, check_named_once, check_same_samples, open_input
from .partitions import Partition, Spools, spool_path
from .records import Fault, ScanPlan
from .spool import Spool, SpoolWriter


def _described(inputs: Sequence[Input], fields: str | None) -> Document:
    """What has to be the same for spools to be of use."""
    entries = [
        plans.input_entry(source.path, source.files, hashlib.sha256(source.header.text.encode()).hexdigest())
        for source in inputs
    ]
    return {
        "tool": f"varstore {__version__}",
        "inputs": entries,
        "fields": fields,
        "partition_size": partitions.PARTITION_SIZE,
    }


def make_plan(root: Path, inputs: Sequence[Input], options: Document) -> Plan:
    """Cut inputs into partitions, and write the plan. ``options``: of the import. Raises InputError."""
    check_named_once(inputs)
    check_same_samples(inputs)
    _call_fields(inputs, options["fields"])
    cut = [
        {"input": i, "number": number, "place": place}
        for i, source in enumerate(inputs)
        for number, place in enumerate(partitions.places(source))
    ]
    return plans.write_plan(root, {**_described(inputs, options["fields"]), "options": options, "partitions": cut})


def open_inputs(plan: Plan) -> list[Input]:
    """Open a plan's inputs. Raises PlanError if one is not what it was."""
    inputs = [open_input(path) for path in plan.inputs]
    for was, now, source in zip(plan.document["inputs"], _described(inputs, None)["inputs"], inputs, strict=True):
        if was != now:
            raise PlanError(f"{source.path}: changed since plan {plan.id} was made; make a new plan")
    wanted, found = plan.document["tool"], f"varstore {__version__}"
    if wanted != found:
        raise PlanError(f"{plan.path}: made by {wanted}, this is {found}; make a new plan")
    return inputs


def _call_fields(inputs: Sequence[Input], fields: str | None) -> FieldTable | None:
    """The FORMAT fields that the scanner reads, declared as all headers together do. Raises QueryError."""
    choice = FieldChoice.parse(fields)
    info, formats = FieldTable("INFO", choice), FieldTable("FORMAT", choice)
    for source in inputs:
        declared = declared_fields(source.header.text)
        info.declare(declared)
        formats.declare(declared)
    check_choice(choice, [info, formats])
    return formats if choice.calls and inputs[0].header.samples else None


def run_partition(plan: Plan, index: int, threads: int) -> None:
    """Scan one partition and spool it; one that is done is left alone.

    Raises InputError where its lines are at fault, PlanError.
    """
    if not 0 <= index < plan.num_partitions:
        raise PlanError(f"{plan.path}: no partition {index}; there are {plan.num_partitions}, numbered from 0")
    entry = plan.partitions[index]
    inputs = open_inputs(plan)
    source = inputs[entry["input"]]
    path = spool_path(plan.path, entry["input"], entry["number"])
    table = _call_fields(inputs, plan.document["fields"])
    fault = _fault_of(path, plan, table) if path.exists() else _scan(plan, index, inputs, table, threads)
    if fault is not None:
        before = entry["place"][1] if isinstance(source.text, BcfFile) and entry["place"] else 0
        if before or entry["number"] == 0:
            raise InputError(f"{source.place(before + fault.row)}: {fault.message}")
        where = f"record {fault.row + 1} of partition {index}"
        raise InputError(f"{source.path}, {where}: {fault.message}; `varstore commit` names the line")


def _fault_of(path: Path, plan: Plan, table: FieldTable | None) -> Fault | None:
    """The fault that a spool ends in. A damaged spool is removed: raises PlanError."""
    try:
        spool = Spool(path, plan.id)
    except PlanError as error:
        files.remove(path)
        raise PlanError(f"{error}; it is removed, run the partition again") from None
    rows = 0
    for block in range(len(spool)):
        result = spool.load(block, table)
        if result.fault is not None:
            return Fault(rows + result.fault.row, result.fault.message)
        rows += sum(records.num_rows for records in result.records)
    return None


def _scan(plan: Plan, index: int, inputs: Sequence[Input], table: FieldTable | None, threads: int) -> Fault | None:
    """Scan a partition up to its first fault, and spool what came out."""
    entry = plan.partitions[index]
    source = inputs[entry["input"]]
    partition = Partition(source, entry["number"], entry["place"])
    header = source.header
    scan_plan = ScanPlan(str(source.path), header.has_format, header.samples, chunk_width(len(header.samples)), table)
    writer = SpoolWriter(spool_path(plan.path, entry["input"], entry["number"]), plan.id)
    fault, rows = None, 0
    try:
        with ThreadPoolExecutor(threads, "scan") as pool:
            for _, result in scanning.run(partition.tasks(scan_plan, pool), scan_plan, pool, threads):
                writer.put(result, table)
                if result.fault is not None:
                    fault = Fault(rows + result.fault.row, result.fault.message)
                    break
                rows += sum(records.num_rows for records in result.records)
        writer.finish(partition.following)
    except BaseException:
        writer.abandon()
        raise
    return fault


@contextmanager
def spooling(root: Path, inputs: Sequence[Input], fields: str | None, *, resume: bool) -> Iterator[Spools | None]:
    """The spools of an import in one go; None where the inputs are too small for that.

    resume : go on from an unfinished import of the same inputs
    The folder is removed when the import is done or the inputs are at fault, and kept when it is interrupted.
    """
    if not partitions.are_spooled(inputs):
        yield None
        return
    wanted = _described(inputs, fields)
    found = list(plans.same_plans(root, wanted))
    if not resume:
        for plan in found:
            if not plans.is_leased(plan):
                warnings.warn(
                    f"an unfinished import of these inputs is in {plan.path}: --resume goes on from it, "
                    "removing the folder forgets it",
                    stacklevel=2,
                )
        found = []
    plan = found[0] if found else plans.write_plan(root, {**wanted, "options": None, "partitions": None})
    with plans.lease(plan):
        for left in plan.path.glob("*.part"):
            files.remove(left)
        spools = Spools(plan.path, inputs)
        try:
            yield spools
        except VarstoreError as error:
            if not isinstance(error, OSError):
                spools.close()
                plan.remove()
            raise
        finally:
            spools.close()
        plan.remove()


@contextmanager
def committing(plan: Plan, inputs: Sequence[Input]) -> Iterator[Spools]:
    """The spools of a plan whose partitions have all run; the plan is removed when they are committed."""
    if plan.document["partitions"] is None:
        raise PlanError(f"{plan.path}: an import that create or add began; --resume goes on from it")
    with plans.lease(plan):
        missing = [
            i
            for i, entry in enumerate(plan.partitions)
            if not spool_path(plan.path, entry["input"], entry["number"]).exists()
        ]
        if missing:
            shown = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
            raise PlanError(f"{plan.path}: partitions not run yet: {shown} ({len(missing)} of {plan.num_partitions})")
        counts = [sum(entry["input"] == i for entry in plan.partitions) for i in range(len(inputs))]
        spools = Spools(plan.path, inputs, counts)
        try:
            yield spools
        finally:
            spools.close()
        plan.remove()
