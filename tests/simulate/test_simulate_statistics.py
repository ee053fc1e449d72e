from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from packets import needs_real_packets, real_files
from simulate.nights import Made

import ztfnb
from ztfnb.simulate import KINDS, Truth, truth_table, write_truth


def test_all_classes_in_proportion(sample: list[Made]) -> None:
    """Variable stars lead, artefacts are a quarter to a third, supernovae 1-5%."""
    counts = Counter(made.truth.kind for made in sample)
    assert set(counts) == set(KINDS)
    share = {kind: counts[kind] / len(sample) for kind in KINDS}
    bogus = sum(share[kind] for kind in ("dipole", "hot pixel", "bad column", "edge artefact"))
    assert 0.2 < bogus < 0.45
    stars = share["RR Lyrae"] + share["eclipsing binary"] + share["long-period variable"]
    assert 0.25 < stars < 0.6
    assert 0.01 < share["SN Ia"] + share["SN II"] < 0.05
    assert 0.05 < share["asteroid"] < 0.35
    assert 0.04 < share["AGN"] < 0.2
    assert 0.003 < share["dwarf nova"] < 0.04


def test_scores_separate_with_overlap(sample: list[Made]) -> None:
    """rb is high for what is real and low for artefacts, with overlap; drb separates better."""
    real = [made.candidate for made in sample if made.truth.real]
    bogus = [made.candidate for made in sample if not made.truth.real]
    assert np.median([c["rb"] for c in real]) > 0.65
    assert np.median([c["rb"] for c in bogus]) < 0.48
    assert 0.03 < np.mean([c["rb"] > 0.6 for c in bogus]) < 0.3
    assert 0.1 < np.mean([c["rb"] < 0.5 for c in real]) < 0.4
    assert np.mean([c["drb"] > 0.5 for c in real]) > 0.95
    assert np.mean([c["drb"] < 0.5 for c in bogus]) > 0.85


def test_lengths_of_histories(sample: list[Made]) -> None:
    """Histories have 13-20 entries in the middle, and 60-70% of entries are limits."""
    lengths = [len(made.alert["prv_candidates"] or []) for made in sample]
    assert 13 <= np.median(lengths) <= 22
    assert 26 <= np.quantile(lengths, 0.9) <= 64
    entries = list(chain.from_iterable(made.alert["prv_candidates"] or [] for made in sample))
    assert 0.55 < np.mean([entry["candid"] is None for entry in entries]) < 0.72


def test_both_signs(sample: list[Made]) -> None:
    """Variables go both ways; supernovae and asteroids only add light."""
    signs = Counter((made.truth.kind, made.candidate["isdiffpos"]) for made in sample)
    for kind in ("RR Lyrae", "AGN", "long-period variable", "dipole"):
        assert signs[kind, "t"] > 0
        assert signs[kind, "f"] > 0
    assert signs["asteroid", "f"] == signs["SN Ia", "f"] == 0


@needs_real_packets
@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("magpsf", 1.3),
        ("diffmaglim", 0.8),
        ("sigmapsf", 0.045),
        ("rb", 0.17),
        ("fwhm", 1.8),
        ("elong", 0.08),
        ("magdiff", 0.25),
        ("srmag1", 2.6),
        ("distpsnr2", 6.0),
    ],
)
def test_quantiles_like_real(sample: list[Made], name: str, tolerance: float) -> None:
    """Quartiles and tenths of a field lie near those of the real packets.

    Most of those are of one night near full moon, with an older classifier: hence the tolerances.
    """
    files = chain(real_files("night-20181128/*.avro"), real_files("v4.02*/*.avro"))
    real = [alert["candidate"][name] for path in files for alert in ztfnb.read(path)]
    made = [one.candidate[name] for one in sample]
    levels = (0.1, 0.25, 0.5, 0.75, 0.9)
    there, ours = (
        np.quantile([value for value in values if value != -999.0], levels)
        for values in (real, made)
    )
    np.testing.assert_allclose(ours, there, atol=tolerance)


def test_truth_as_table_and_file(sample: list[Made], tmp_path: Path) -> None:
    """Truths become columns keyed by candid, and a CSV file with empty cells for NaN."""
    truths = [made.truth for made in sample[:200]]
    table = truth_table(truths)
    assert set(table) == set(Truth.__dataclass_fields__)
    assert table["candid"].dtype == np.int64
    assert table["real"].dtype == np.bool_
    assert list(table["candid"]) == [made.candidate["candid"] for made in sample[:200]]
    periods = table["period"].astype(float)
    assert np.isfinite(periods[table["kind"] == "RR Lyrae"]).all()
    assert np.isnan(periods[table["kind"] == "hot pixel"]).all()
    path = tmp_path / "truth.csv"
    assert write_truth(path, truths) == 200
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].split(",") == list(Truth.__dataclass_fields__)
    assert lines[1].split(",")[0] == str(truths[0].candid)
    assert "nan" not in path.read_text(encoding="utf-8")
    assert all(len(column) == 0 for column in truth_table([]).values())
