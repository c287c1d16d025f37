"""Scaling archives (`meander scale`): speed-up and efficiency over rank counts, with their spread over repeats."""

from __future__ import annotations

import numpy as np
import xarray as xr

from meander import archive
from meander.archive import ArchiveError

STAGES = ("computing", "scheduling", "preparing", "writing")  # they add up to `wall`


def scaling(dataset: xr.Dataset) -> xr.Dataset:
    """`wall`, `speedup`, `efficiency` and the share of each stage over (ranks, repeat), ranks ascending.

    Speed-up and efficiency compare with the fewest ranks that were run: in the same repeat where it was run
    there too, so that what drifts on the machine cancels, else with the median over its repeats. In weak
    scaling, where the work grows with the ranks, the speed-up is the work done per time. Failed and missing
    runs are NaN. Raises ArchiveError where the archive is not one of `meander scale`.
    """
    missing = [name for name in ("wall", *STAGES) if name not in dataset]
    if str(dataset.attrs.get("measure", "")) != "scaling" or missing or "ranks" not in dataset.dims:
        raise ArchiveError("not an archive of `meander scale`" + (f" (it has no `{missing[0]}`)" if missing else ""))
    dataset = dataset.sortby("ranks")
    wall = archive.usable(dataset, "wall").transpose("ranks", "repeat")
    measured = wall.notnull().any("repeat").values
    if not measured.any():
        raise ArchiveError("no run has succeeded")
    wall = wall.isel(ranks=measured)
    first = wall.isel(ranks=0, drop=True)
    base = first.fillna(float(first.median()))
    ratio = wall["ranks"] / float(wall["ranks"][0])
    gain = base / wall
    weak = mode(dataset) == "weak"
    table = xr.Dataset({"wall": wall, "speedup": gain * ratio if weak else gain,
                        "efficiency": gain if weak else gain / ratio})
    for stage in STAGES:
        table[f"{stage}_share"] = archive.usable(dataset, stage).sel(ranks=wall["ranks"]) / wall
    return table.transpose("ranks", "repeat")


def mode(dataset: xr.Dataset) -> str:
    """"strong" or "weak", from the study that the archive holds."""
    return "weak" if 'mode = "weak"' in str(dataset.attrs.get("study", "")) else "strong"


def scaling_text(dataset: xr.Dataset) -> str:
    """The table as text: medians over repeats; of efficiency the lowest and highest, too."""
    table = scaling(dataset)
    middle = table.median("repeat", skipna=True)
    low, high = (getattr(table["efficiency"], name)("repeat", skipna=True) for name in ("min", "max"))
    lines = [f"{mode(dataset)} scaling, medians over repeats", "",
             "   ranks  runs    time [s]  speed-up  efficiency      (low .. high)  computing  scheduling  preparing  writing"]
    for i, ranks in enumerate(table["ranks"].values):
        runs = int(table["wall"].isel(ranks=i).notnull().sum())
        row = middle.isel(ranks=i)
        shares = [100 * float(row[f"{stage}_share"]) for stage in STAGES]
        lines.append(f"{int(ranks):8d}  {runs:4d}  {float(row['wall']):10.4g}  {float(row['speedup']):8.2f}  "
                     f"{100 * float(row['efficiency']):8.1f} %  ({100 * float(low[i]):6.1f} .. {100 * float(high[i]):6.1f})"
                     f"  {shares[0]:7.1f} %     {shares[1]:5.1f} %    {shares[2]:5.1f} %  {shares[3]:5.1f} %")
    failed = int((dataset["status"] == archive.FAILED).sum()) if "status" in dataset else 0
    if failed:
        lines.append(f"{failed} runs failed; `meander status` says why.")
    return "\n".join(lines)


def spread(array: xr.DataArray):
    """Median, lowest and highest over repeats."""
    values = array.transpose("ranks", "repeat").values
    return np.nanmedian(values, axis=1), np.nanmin(values, axis=1), np.nanmax(values, axis=1)
