"""The router on real sockets and ports, with pymavlink as aircraft and ground stations."""

import os
import pty
import socket
import tty
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from pymavlink import mavutil

from fieldlab.flightlogs import ulog
from fieldlab.routers import RunningRouter, router, until
from fieldlink.codecs.fault import ConfigError
from fieldlink.codecs.mavlink import Framer, name_of
from fieldlink.drone.router.router import read_key

LOCAL = "127.0.0.1"


def udp_in(name: str, **other: Any) -> dict[str, Any]:
    return {"name": name, "connect": f"udpin:{LOCAL}:0", **other}


def peer(stack: ExitStack, where: str, sysid: int, compid: int = 1) -> Any:
    made = mavutil.mavlink_connection(where, source_system=sysid, source_component=compid)
    return stack.enter_context(closing(made))


def beat(vehicle: Any) -> None:
    if vehicle.mav.srcSystem >= 254:
        vehicle.mav.heartbeat_send(6, 8, 0, 0, 4)
    else:
        vehicle.mav.heartbeat_send(2, 3, 81, 4, 4)


def heard(connection: Any, kind: str) -> Any:
    """The next message of `kind`."""
    return until(lambda: connection.recv_match(type=kind), f"{kind} to come")


@pytest.mark.parametrize("way", ["udp", "tcp"])
def test_a_command_reaches_the_aircraft_and_its_answer_the_ground_station(way: str) -> None:
    with ExitStack() as stack:
        gcs_row = {"name": "gcs", "connect": f"tcpin:{LOCAL}:0"} if way == "tcp" else udp_in("gcs")
        made = stack.enter_context(router(udp_in("uav"), gcs_row))
        uav = peer(stack, f"udpout:{LOCAL}:{made.port('uav')}", 1)
        where = f"tcp:{LOCAL}:" if way == "tcp" else f"udpout:{LOCAL}:"
        gcs = peer(stack, f"{where}{made.port('gcs')}", 255, 190)
        beat(gcs)
        until(lambda: made.endpoint("gcs")["links"], "the ground station to be there")
        beat(uav)
        assert heard(gcs, "HEARTBEAT").get_srcSystem() == 1
        gcs.mav.command_long_send(1, 1, 400, 0, 1, 0, 0, 0, 0, 0, 0)
        assert heard(uav, "COMMAND_LONG").command == 400
        uav.mav.command_ack_send(400, 0)
        assert heard(gcs, "COMMAND_ACK").result == 0
        (link,) = made.endpoint("uav")["links"]
        assert (link["state"], link["lost"], link["packets"]) == ("OK", 0, 2)
        assert " OK (2 packets, " in link["line"]
        assert {frame.link for frame in made.tapped} == {link["link"]}


def test_tcp_to_a_vehicle_that_listens_and_a_udp_peer_that_is_sent_to() -> None:
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server((LOCAL, 0)))
        listener = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        listener.bind((LOCAL, 0))
        listener.settimeout(10)
        server.settimeout(10)
        stack.enter_context(
            router(
                {"name": "uav", "connect": f"tcp:{LOCAL}:{server.getsockname()[1]}"},
                {"name": "hq", "connect": f"udpout:{LOCAL}:{listener.getsockname()[1]}"},
                heartbeat=False,
            )
        )
        uav = stack.enter_context(server.accept()[0])
        maker = mavutil.mavlink.MAVLink(None, srcSystem=1, srcComponent=1)
        raws = [bytes(maker.attitude_encode(n, 0, 0, 0, 0, 0, 0).pack(maker)) for n in range(40)]
        uav.sendall(b"".join(raws)[:700])
        uav.sendall(b"".join(raws)[700:])
        got = b""
        while len(got) < len(b"".join(raws)):
            data = listener.recv(65_536)
            assert len(data) <= 1200  # several frames in a datagram, and not too many
            got += data
        assert got == b"".join(raws)


def test_a_radio_on_a_serial_port_is_an_endpoint_and_its_loss_is_said() -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    with ExitStack() as stack:
        stack.callback(os.close, slave)
        made = stack.enter_context(
            router({"name": "radio", "connect": f"{os.ttyname(slave)},57600"}, udp_in("gcs"))
        )
        gcs = peer(stack, f"udpout:{LOCAL}:{made.port('gcs')}", 255, 190)
        beat(gcs)
        until(lambda: made.endpoint("gcs")["links"], "the ground station to be there")
        maker = mavutil.mavlink.MAVLink(None, srcSystem=1, srcComponent=1)
        os.write(master, b"noise" + bytes(maker.heartbeat_encode(2, 3, 0, 0, 4).pack(maker)))
        assert heard(gcs, "HEARTBEAT").get_srcSystem() == 1
        assert made.endpoint("radio")["links"][0]["garbage_bytes"] == 5
        os.close(master)
        until(lambda: made.endpoint("radio")["state"] == "down", "the radio to be down")
        assert (
            "unplugged" in made.endpoint("radio")["reason"]
            or "not" in made.endpoint("radio")["reason"]
        )


def test_what_is_down_is_tried_again_and_stops_nothing_else() -> None:
    with ExitStack() as stack:
        holder = stack.enter_context(socket.create_server((LOCAL, 0)))
        port = holder.getsockname()[1]
        holder.close()
        made = stack.enter_context(
            router(
                {"name": "uav", "connect": f"tcp:{LOCAL}:{port}"},
                {"name": "odd", "connect": "/dev/ttyNONE,57600"},
                {"name": "log", "connect": "/nowhere/flight.tlog"},
                udp_in("gcs"),
            )
        )
        until(lambda: made.endpoint("uav")["state"] == "down", "the link to be down")
        until(lambda: made.endpoint("log")["state"] == "down", "the file to be missing")
        assert "not-found" in made.endpoint("odd")["reason"]
        server = stack.enter_context(socket.create_server((LOCAL, port)))
        server.settimeout(10)
        stack.enter_context(server.accept()[0])
        until(lambda: made.endpoint("uav")["state"] == "open", "the link to be up again")


def test_a_file_is_flown_for_a_ground_station_and_is_over_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "flight.ulg"
    path.write_bytes(ulog(30))
    with ExitStack() as stack:
        made = stack.enter_context(
            router({"name": "log", "connect": f"{path},speed=100"}, udp_in("gcs"))
        )
        gcs = peer(stack, f"udpout:{LOCAL}:{made.port('gcs')}", 255, 190)
        beat(gcs)
        until(lambda: made.endpoint("gcs")["links"], "the ground station to be there")
        assert heard(gcs, "GLOBAL_POSITION_INT").lat // 1000 == 301_234
        until(lambda: made.endpoint("log")["state"] == "ended", "the flight to be over")
        assert len(made.tapped) > 300


def test_who_sends_no_frames_in_datagrams_is_given_none() -> None:
    with ExitStack() as stack:
        made = stack.enter_context(router(udp_in("gcs")))
        stranger = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        stranger.sendto(b"GET / HTTP/1.0\r\n\r\n", (LOCAL, made.port("gcs")))
        stranger.sendto(b"\xfd" * 300, (LOCAL, made.port("gcs")))
        known = peer(stack, f"udpout:{LOCAL}:{made.port('gcs')}", 254)
        beat(known)
        until(lambda: made.endpoint("gcs")["links"], "the ground station to be there")
        assert len(made.endpoint("gcs")["links"]) == 1
        assert made.endpoint("gcs")["turned_away"] == 2


def test_peers_are_bounded_and_strangers_take_nobodys_place() -> None:
    maker = mavutil.mavlink.MAVLink(None, srcSystem=254, srcComponent=190)
    raw = bytes(maker.heartbeat_encode(6, 8, 0, 0, 4).pack(maker))
    with ExitStack() as stack:
        made = stack.enter_context(router(udp_in("gcs")))
        for count in range(40):
            sender = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sender.sendto(raw if count % 2 else b"noise", (LOCAL, made.port("gcs")))
        until(lambda: made.endpoint("gcs")["turned_away"] == 24, "all of them to be judged")
        assert len(made.endpoint("gcs")["links"]) == 16


def test_signatures_are_required_and_their_time_outlives_the_router(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("correct horse battery staple\n", encoding="ascii")
    key = read_key(key_file)
    sent: list[bytes] = []

    def fly(made: RunningRouter, stack: ExitStack) -> Any:
        uav = peer(stack, f"udpout:{LOCAL}:{made.port('uav')}", 1)
        beat(uav)  # unsigned
        uav.setup_signing(key, sign_outgoing=True, link_id=2)
        beat(uav)
        until(lambda: made.tapped, "a signed message")
        (link,) = made.endpoint("uav")["links"]
        assert link["refused"] == {"1/1 unsigned": 1}
        sent.extend(frame.raw for frame in made.tapped)
        # Ours is signed too, and pymavlink believes it.
        assert heard(uav, "HEARTBEAT").get_srcComponent() == 191
        return uav

    row = udp_in("uav", signing="require")
    with router(row, state_dir=tmp_path, signing_key_file=key_file) as made, ExitStack() as stack:
        fly(made, stack)
    kept = int((tmp_path / "mavlink-signing-time").read_text(encoding="ascii"))
    assert kept > 0
    (tmp_path / "mavlink-signing-time").write_text(str(kept + 6_000_001), encoding="ascii")
    with router(row, state_dir=tmp_path, signing_key_file=key_file) as made:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
            attacker.sendto(sent[0], (LOCAL, made.port("uav")))
            until(lambda: made.endpoint("uav")["links"], "the old message to come")
            (link,) = made.endpoint("uav")["links"]
            assert link["refused"] == {"1/1 old": 1}
        assert made.tapped == []


def test_a_key_is_64_digits_or_a_passphrase(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("00" * 31 + "ff\n", encoding="ascii")
    assert read_key(file) == bytes(31) + b"\xff"
    for wrong in ("", "short"):
        file.write_text(wrong, encoding="ascii")
        with pytest.raises(ConfigError, match="holds no key"):
            read_key(file)
    with pytest.raises(ConfigError, match="signing_key_file"):
        read_key(tmp_path / "none")


def test_an_endpoint_that_takes_nothing_costs_the_others_nothing() -> None:
    with ExitStack() as stack:
        made = stack.enter_context(
            router(
                udp_in("uav"),
                {"name": "stuck", "connect": f"tcpin:{LOCAL}:0", "queue": "8kB"},
                udp_in("gcs"),
            )
        )
        stuck = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect((LOCAL, made.port("stuck")))
        gcs = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        gcs.connect((LOCAL, made.port("gcs")))
        gcs.settimeout(10)
        uav = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        uav.connect((LOCAL, made.port("uav")))
        maker = mavutil.mavlink.MAVLink(None, srcSystem=1, srcComponent=1)
        ground = mavutil.mavlink.MAVLink(None, srcSystem=255, srcComponent=190)
        gcs.send(bytes(ground.heartbeat_encode(6, 8, 0, 0, 4).pack(ground)))
        until(lambda: made.endpoint("gcs")["links"], "the ground station to be there")
        framer, got, sent = Framer(), 0, 0
        while not made.endpoint("stuck")["links"][0]["dropped"]:
            for _ in range(200):  # a message each, and each is there before the next
                raw = bytes(maker.raw_imu_encode(sent, *range(1000, 1009)).pack(maker))
                maker.seq = (maker.seq + 1) % 256
                uav.send(raw)
                sent += 1
                while got < sent:
                    frames = framer.datagram(gcs.recv(65_536))
                    got += sum(name_of(frame.msgid) == "RAW_IMU" for frame in frames)
            assert sent < 200_000
        link = made.endpoint("stuck")["links"][0]
        assert link["waiting_bytes"] <= 8000
        assert got == sent
