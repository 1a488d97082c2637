"""Files of parameters and plans, read by pymavlink, which MAVProxy is made of."""

import json
import math
from pathlib import Path

import pytest
from pymavlink import mavparm, mavwp

from fieldlink.drone.commanding.files import (
    matching,
    number_text,
    parameter_lines,
    waypoint_lines,
)
from fieldlink.drone.commanding.items import Item
from fieldlink.drone.commanding.plan_file import plan_text
from fieldlink.drone.commanding.values import Parameter

_PARAMETERS = [
    Parameter("WPNAV_SPEED", 500, 6, 0),
    Parameter("SIXTEEN_LETTERS_", 0.1, 9, 1),
    Parameter("TINY", 1e-7, 9, 2),
    Parameter("HUGE", 3.4028235e38, 9, 3),
    Parameter("MASK", 4_294_967_295, 5, 4),
    Parameter("BATT_CAP", -3300.5, 9, 5),
    Parameter("ZERO", 0.0, 9, 6),
]


def _item(seq: int, command: int, **other: object) -> Item:
    values: dict[str, object] = {
        "frame": 3, "current": int(seq == 0), "autocontinue": 1, "params": (0.0, 0.0, 0.0, 0.0),
        "x": 34.2353908, "y": 108.9423868, "z": 50.0,
    }  # fmt: skip
    return Item(seq=seq, command=command, **{**values, **other})  # type: ignore[arg-type]


_MISSION = [
    _item(0, 16, frame=0, z=412.5),
    _item(1, 22, params=(15.0, 0.0, 0.0, math.nan)),
    _item(2, 16, x=-34.1234567, y=-108.7654321, z=-3.25, frame=10),
    _item(3, 177, frame=2, params=(1.0, 3.0, 0.0, 0.0), x=0.0, y=0.0, z=0.0),
]
_RALLY = [_item(0, 5100, z=30.0), _item(1, 5100, x=34.3, z=31.0)]
_FENCE = [
    _item(0, 5000, z=20.0),
    *(_item(at, 5001, params=(3.0, 0.0, 0.0, 0.0), x=34.0 + at / 10) for at in (1, 2, 3)),
    *(_item(at, 5002, params=(3.0, 0.0, 0.0, 0.0), x=35.0 + at / 10) for at in (4, 5, 6)),
    _item(7, 5003, params=(120.0, 0.0, 0.0, 0.0)),
]


@pytest.mark.parametrize("kind", ["param", "parm"])
def test_pymavlink_reads_every_parameter_as_it_was(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_text(
        "".join(parameter_lines(_PARAMETERS, kind, system=7, component=1, head="of m300-1"))
    )
    read = mavparm.MAVParmDict()
    assert read.load(str(path), use_excludes=False)
    assert dict(read) == {one.name: pytest.approx(one.value) for one in _PARAMETERS}


def test_qgroundcontrol_finds_its_five_columns() -> None:
    lines = list(parameter_lines(_PARAMETERS, "params", system=7, component=1, head="x"))
    # As ParameterManager::readParametersFromStream: comments left out, then cut at tabs.
    rows = [
        line.rstrip("\n").split("\t")
        for text in lines
        for line in text.splitlines()
        if not line.startswith("#")
    ]
    assert all(len(row) == 5 for row in rows)
    assert rows[0][:3] == ["7", "1", "BATT_CAP"]
    assert {row[2]: int(row[4]) for row in rows} == {one.name: one.type for one in _PARAMETERS}
    found = {row[2]: float(row[3]) for row in rows}
    assert found == pytest.approx({one.name: one.value for one in _PARAMETERS})


def test_the_json_of_parameters_is_json_whatever_their_values() -> None:
    values = [*_PARAMETERS, Parameter("NONE", math.nan, 9, 7)]
    text = "".join(parameter_lines(values, "json", system=7, component=1, head="x"))
    found = {
        one["name"]: one["value"]
        for one in json.loads(text, parse_constant=pytest.fail)["parameters"]
    }
    assert found["NONE"] is None
    assert found["MASK"] == 4_294_967_295


@pytest.mark.parametrize(
    ("value", "text"),
    [(5, "5"), (5.0, "5"), (-0.5, "-0.5"), (0.1, "0.1"), (1e-7, "1e-07"), (math.nan, "nan"),
     (-math.inf, "-inf"), (0.0, "0")],
)  # fmt: skip
def test_numbers_are_written_as_short_as_they_are_exact(value: float, text: str) -> None:
    assert number_text(value) == text


def test_parameters_are_found_by_patterns() -> None:
    assert [one.name for one in matching(_PARAMETERS, ["batt*", "zero"])] == ["BATT_CAP", "ZERO"]
    assert len(matching(_PARAMETERS, [])) == len(_PARAMETERS)
    assert matching(_PARAMETERS, ["NO*"]) == []


def test_pymavlink_reads_a_mission_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "m.waypoints"
    path.write_text("".join(waypoint_lines(_MISSION)))
    loader = mavwp.MAVWPLoader()
    assert loader.load(str(path)) == len(_MISSION)
    for item, read in zip(_MISSION, loader.wpoints, strict=True):
        assert (read.seq, read.frame, read.command, read.current, read.autocontinue) == (
            item.seq, item.frame, item.command, item.current, item.autocontinue,
        )  # fmt: skip
        assert (read.x, read.y, read.z) == pytest.approx((item.x, item.y, item.z), abs=1e-8)
        for number, value in enumerate(item.params, 1):
            assert getattr(read, f"param{number}") == pytest.approx(value, nan_ok=True)


def test_pymavlink_reads_fence_and_rally_points_as_they_were(tmp_path: Path) -> None:
    for items, loader in (
        (_FENCE, mavwp.MissionItemProtocol_Fence()),
        (_RALLY, mavwp.MissionItemProtocol_Rally()),
    ):
        path = tmp_path / "plan.waypoints"
        path.write_text("".join(waypoint_lines(items)))
        assert loader.load(str(path)) == len(items)
        read = [(one.command, one.x, one.param1) for one in loader.wpoints]
        assert read == [(one.command, pytest.approx(one.x), one.params[0]) for one in items]


def test_a_plan_has_mission_fence_and_rally_points_as_qgroundcontrol_has_them() -> None:
    # QGroundControl developer guide, Plan File Format.
    text = plan_text(mission=_MISSION, fence=_FENCE, rally=_RALLY, autopilot=3, kind=2)
    plan = json.loads(text, parse_constant=pytest.fail)
    mission = plan["mission"]
    assert (plan["fileType"], plan["version"], mission["version"]) == ("Plan", 1, 2)
    # ArduPilot's first item is home.
    assert mission["plannedHomePosition"] == [34.2353908, 108.9423868, 412.5]
    assert [one["command"] for one in mission["items"]] == [22, 16, 177]
    assert [one["doJumpId"] for one in mission["items"]] == [1, 2, 3]
    first, second, jump = mission["items"]
    assert first["params"] == [15, 0, 0, None, 34.2353908, 108.9423868, 50]
    assert (first["AltitudeMode"], second["AltitudeMode"]) == (1, 4)
    assert "AltitudeMode" not in jump
    assert jump["params"][0] == 1  # as ArduPilot counts
    fence = plan["geoFence"]
    assert [(one["inclusion"], len(one["polygon"])) for one in fence["polygons"]] == [
        (True, 3), (False, 3),
    ]  # fmt: skip
    assert fence["circles"][0]["circle"] == {"center": [34.2353908, 108.9423868], "radius": 120}
    assert fence["breachReturn"] == [34.2353908, 108.9423868, 20]
    assert plan["rallyPoints"]["points"][1] == [34.3, 108.9423868, 31]


def test_px4_has_no_home_in_its_mission_and_counts_from_nought() -> None:
    mission = [_item(0, 22), *_MISSION[2:]]
    home = (34.2, 108.9, 400.0)
    plan = json.loads(plan_text(mission=mission, autopilot=12, kind=2, home=home))
    assert plan["mission"]["plannedHomePosition"] == [34.2, 108.9, 400]
    assert [one["command"] for one in plan["mission"]["items"]] == [22, 16, 177]
    assert plan["mission"]["items"][2]["params"][0] == 2
    nowhere = json.loads(plan_text(mission=mission, autopilot=12, kind=2))
    assert nowhere["mission"]["plannedHomePosition"][:2] == [34.2353908, 108.9423868]
    assert json.loads(plan_text())["mission"]["items"] == []


def test_items_are_the_same_after_json() -> None:
    for item in [*_MISSION, *_FENCE]:
        again = Item.from_dict(json.loads(json.dumps(item.to_dict(), allow_nan=False)))
        assert str(again) == str(item)  # NaN is not equal to itself
