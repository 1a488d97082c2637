"""All cameras and gimbals that are heard: found, asked politely, and told as samples.

A camera says what it is by its HEARTBEAT (MAV_TYPE_CAMERA, or one of the camera components 100 to
105), or by speaking as one; an autopilot is asked a few times whether it answers for one. Whoever
runs this sends what `asks` gives and says how that was answered.
"""

from collections.abc import Callable
from typing import Any

from fieldlink.codecs.mavlink import HEARTBEAT, Frame, is_autopilot
from fieldlink.codecs.telemetry import Schema
from fieldlink.drone.camera.component import Component
from fieldlink.drone.camera.gimbal import GimbalState
from fieldlink.drone.camera.saying import (
    CAPTURE,
    CAPTURED,
    GIMBAL_DEVICE,
    INFORMATION,
    MANAGER,
    MANAGER_STATUS,
    SETTINGS,
    read,
)
from fieldlink.drone.camera.state import CameraKey, CameraState
from fieldlink.drone.camera.wishes import Ask
from fieldlink.drone.schemas import CAMERA
from fieldlink.drone.vehicle.reading import Fields
from fieldlink.drone.vehicle.reading import read as read_state
from fieldlink.drone.vehicle.said import Key, Measured

__all__ = ["Cameras"]

_GIMBAL, _CAMERA = 26, 30  # MAV_TYPE
_NO_AUTOPILOT = 8
_CAMERAS = range(100, 106)  # MAV_COMP_ID_CAMERA to CAMERA6
_GIMBAL_SAID = (MANAGER, MANAGER_STATUS, GIMBAL_DEVICE)
_ATTACHED = range(1, 7)
_MAX_COMPONENTS, _MAX_CAMERAS = 128, 6
_MAX_OF_ONE = 16  # components of one system, so that it leaves room for others
_ON_LINK_US = 60_000_000
_SILENT_US, _FORGOTTEN_US = 15_000_000, 600_000_000
_SAMPLE_US, _SAY_AGAIN_US = 1_000_000, 60_000_000
_SCHEMAS = tuple(
    CAMERA if number == 1 else Schema(f"camera-{number}", CAMERA.columns)
    for number in range(1, _MAX_CAMERAS + 1)
)


class Cameras:
    """`pace_of` says how often may be asked on a link: 1 as usual, 6 a sixth of that, None: never,
    for there it costs. `owner` gives the vehicle that a system's parts belong to.
    """

    def __init__(
        self,
        pace_of: Callable[[str], float | None] = lambda _: 1.0,
        owner: Callable[[int], Key] = lambda sysid: (sysid, 1),
    ) -> None:
        self.cameras: dict[CameraKey, CameraState] = {}
        self.gimbals: dict[int, GimbalState] = {}  # by system
        self.pictures: dict[CameraKey, tuple[Fields, int]] = {}  # CAMERA_IMAGE_CAPTURED, last
        self._pace_of, self._owner = pace_of, owner
        self._components: dict[tuple[int, int], Component] = {}
        self._told: dict[CameraKey, tuple[dict[str, Any], int]] = {}

    def take(self, frame: Frame, now_us: int) -> list[Measured]:
        """A frame of an aircraft came."""
        if not frame.known:
            return []
        key = frame.sysid, frame.compid
        component = self._components.get(key)
        if component is not None:
            component.hear(frame.link, now_us)
        if frame.msgid == HEARTBEAT:
            self._beat(frame, now_us)
            return []
        fields = read(frame)
        if fields is None:
            return []
        if component is None:
            component = self._add(key, frame.link, now_us)
            if component is None:
                return []
            if frame.msgid not in _GIMBAL_SAID:
                component.want(INFORMATION, now_us)
        restarted = component.said(frame.msgid, fields, now_us, self._pace(component, now_us) or 1)
        if frame.msgid in _GIMBAL_SAID:
            self.gimbals.setdefault(frame.sysid, GimbalState()).take(key, frame.msgid, fields)
            if frame.msgid == MANAGER and fields["gimbal_device_id"] > _ATTACHED[-1]:
                self._find_gimbal((frame.sysid, fields["gimbal_device_id"]), frame.link, now_us)
            return []
        return self._camera_said(frame, fields, now_us, restarted=restarted)

    def _beat(self, frame: Frame, now_us: int) -> None:
        fields = read_state(frame) or {}
        key, kind, autopilot = (frame.sysid, frame.compid), fields["type"], fields["autopilot"]
        flies = is_autopilot(kind, autopilot)
        camera = kind == _CAMERA or (frame.compid in _CAMERAS and autopilot == _NO_AUTOPILOT)
        if not (flies or camera or kind == _GIMBAL):
            return
        component = self._components.get(key) or self._add(key, frame.link, now_us)
        if component is None:
            return
        if flies or camera:
            component.want(INFORMATION, now_us, sure=camera)
        if flies or kind == _GIMBAL:
            component.want(MANAGER, now_us, sure=False)

    def _find_gimbal(self, key: tuple[int, int], link: str, now_us: int) -> None:
        """A gimbal that its manager names; it may never have said anything."""
        gimbal = self._components.get(key) or self._add(key, link, now_us)
        if gimbal is not None:
            gimbal.want(GIMBAL_DEVICE, now_us, sure=False)

    def _add(self, key: tuple[int, int], link: str, now_us: int) -> Component | None:
        of_system = sum(one[0] == key[0] for one in self._components)
        full = of_system >= _MAX_OF_ONE or len(self._components) >= _MAX_COMPONENTS
        if full or not key[0]:
            return None
        component = self._components[key] = Component(key, now_us)
        component.hear(link, now_us)
        return component

    def _camera_said(
        self, frame: Frame, fields: Fields, now_us: int, *, restarted: bool
    ) -> list[Measured]:
        # Storage is the component's; a component that is a camera may say any number.
        device = int(fields.get("camera_device_id") or fields.get("camera_id") or 0)
        key = frame.sysid, frame.compid, device if device in _ATTACHED else 0
        camera = self.cameras.get(key) or self._of_component(key)
        if camera is None:
            of_system = [one for one in self.cameras if one[0] == frame.sysid]
            if len(of_system) >= _MAX_CAMERAS:
                return []
            numbers = {self.cameras[one].number for one in of_system}
            free = next(n for n in range(1, _MAX_CAMERAS + 1) if n not in numbers)
            camera = self.cameras[key] = CameraState(key, free)
        if restarted:
            camera.forget()
        camera.link = self._link(camera, frame.link, now_us)
        if frame.msgid == CAPTURED:
            self.pictures[camera.key] = fields, now_us
            return []
        camera.take(frame.msgid, fields, now_us)
        return self._tell(camera, now_us)

    def _link(self, camera: CameraState, link: str, now_us: int) -> str:
        """The link that a camera is known by: of several the same for as long as it is heard there,
        for "my own address" (`places`) means another on each.
        """
        component = self._components[camera.key[:2]]
        silent_us = now_us - component.links.get(camera.link, now_us - _ON_LINK_US)
        return camera.link if silent_us < _SILENT_US else link

    def _of_component(self, key: CameraKey) -> CameraState | None:
        """The one camera of a component, whatever number it gave itself in another message."""
        found = [one for one in self.cameras if one[:2] == key[:2]]
        same = len(found) == 1 and (key[2] == 0 or found[0][2] == 0)
        return self.cameras[found[0]] if same else None

    def _tell(self, camera: CameraState, now_us: int) -> list[Measured]:
        """A sample when something changed, and now and then."""
        if camera.flags is None:
            return []
        values = camera.values(now_us)
        before, at_us = self._told.get(camera.key, ({}, now_us - _SAY_AGAIN_US))
        # What grows while it records is no news.
        news = {k: v for k, v in values.items() if k not in ("recording_s", "storage_free")}
        old = {k: before.get(k) for k in news}
        waited_us = now_us - at_us
        if waited_us < (_SAMPLE_US if news != old else _SAY_AGAIN_US):
            return []
        self._told[camera.key] = values, now_us
        return [Measured(self._owner(camera.key[0]), _SCHEMAS[camera.number - 1], values)]

    def tick(self, now_us: int) -> list[Measured]:
        """Let time pass: what waited for its turn is told, who is gone for long is forgotten."""
        for key, component in list(self._components.items()):
            if now_us - component.heard_us > _FORGOTTEN_US:
                del self._components[key]
        found: list[Measured] = []
        for key3, camera in list(self.cameras.items()):
            if self.silent_us(camera, now_us) > _FORGOTTEN_US:
                del self.cameras[key3]
                self._told.pop(key3, None)
                self.pictures.pop(key3, None)
            elif self.silent_us(camera, now_us) < _SILENT_US:
                found += self._tell(camera, now_us)
        systems = {key[0] for key in self._components}
        self.gimbals = {sysid: one for sysid, one in self.gimbals.items() if sysid in systems}
        return found

    def silent_us(self, camera: CameraState, now_us: int) -> int:
        """How long nothing was heard of the component that a camera is, or is attached to."""
        component = self._components.get(camera.key[:2])
        return now_us - component.heard_us if component is not None else _FORGOTTEN_US + 1

    def _pace(self, component: Component, now_us: int) -> float | None:
        """How often it may be asked; None where every link that it is heard on costs."""
        lately = [link for link, at_us in component.links.items() if now_us - at_us < _ON_LINK_US]
        component.links = {link: component.links[link] for link in lately[-8:]}
        paces = [pace for link in lately if (pace := self._pace_of(link)) is not None]
        return min(paces, default=None)

    def asks(self, now_us: int) -> list[Ask]:
        """What to ask now, each over the best link that its target is heard on."""
        found: list[Ask] = []
        for component in self._components.values():
            silent = now_us - component.heard_us > _SILENT_US
            if silent or self._pace(component, now_us) is None:
                continue
            ask = component.due(now_us)
            if ask is not None:
                found.append(ask)
        return found

    def answered(self, ask: Ask, result: int | None, now_us: int) -> None:
        """`ask` was answered by a MAV_RESULT; None: by nobody."""
        component = self._components.get(ask.target)
        if component is not None:
            component.answered(ask, result, now_us)

    def settled(self, sysid: int, now_us: int) -> bool:
        """Whether nothing is being asked of a system's cameras and gimbals."""
        found = [one for key, one in self._components.items() if key[0] == sysid]
        return bool(found) and all(one.settled(now_us) for one in found)

    def refresh(self, key: CameraKey, now_us: int) -> None:
        """Something was done to a camera."""
        component = self._components.get(key[:2])
        for msgid in (CAPTURE, SETTINGS):
            if component is not None:
                component.refresh(msgid, now_us)

    def of_system(self, sysid: int) -> list[CameraState]:
        """The cameras of an aircraft, in the order of their numbers."""
        found = [one for key, one in self.cameras.items() if key[0] == sysid]
        return sorted(found, key=lambda one: one.number)
