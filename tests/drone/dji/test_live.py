"""Live streams under a clock that is put: retries, silence, late replies, and proof by pictures."""

import pytest

from fieldlab.dji import AIRCRAFT, CAPACITY, RC, VIDEO, DjiLab
from fieldlink.codecs.fault import CodecError
from fieldlink.drone.dji import LiveNeeds


def test_a_start_that_fails_twice_is_tried_again_and_pictures_prove_it() -> None:
    lab = DjiLab()
    call = lab.streaming()
    assert call["method"] == "live_start_push"
    assert call["data"] == {
        "url_type": 1,
        "url": f"rtmp://192.0.2.1:1935/live/{AIRCRAFT}-53-0-0",
        "video_id": str(VIDEO),
        "video_quality": 2,
    }
    for _ in range(2):
        lab.answers(call, 513006)
        assert lab.stage() == "resting"
        lab.passes(2.5)
        [call] = lab.calls()
    lab.answers(call, 0)
    assert lab.stage() == "proving"
    lab.media.arriving.add(VIDEO)
    lab.passes(0.5)
    assert lab.stage() == "live"
    assert lab.gateway.live.report()[0]["starts"] == 3
    assert "513006" not in str(lab.sink.reasons)
    assert any("直播启动失败" in one["text"] for one in lab.sink.of("text"))


def test_a_url_of_http_is_asked_for_as_whip(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = DjiLab()
    url = "http://192.0.2.1:8091/whip/drone-1?token=secret"
    monkeypatch.setattr(lab.media, "open", lambda *_: url)
    data = lab.streaming()["data"]
    assert (data["url_type"], data["url"]) == (4, url)


def test_ten_failures_in_a_row_are_quick_and_then_it_takes_its_time() -> None:
    lab = DjiLab()
    call = lab.streaming()
    for _ in range(11):
        lab.answers(call, 513006)
        before_s = lab.now_s
        while not (found := lab.calls()):
            lab.passes(0.5)
        [call] = found
    assert lab.now_s - before_s == pytest.approx(30, abs=1)


def test_no_answer_is_asked_three_times_each_with_a_new_tid_and_then_later() -> None:
    lab = DjiLab()
    first = lab.streaming()
    lab.passes(6.5)
    again = lab.calls()
    assert len({first["tid"], *(one["tid"] for one in again)}) == 3
    assert {one["bid"] for one in again} == {first["bid"]}
    lab.passes(3)
    assert lab.stage() == "resting"
    assert "无应答" in lab.gateway.live.report()[0]["reason"]
    assert lab.gateway.calls.unanswered == 1
    lab.passes(5.5)
    assert lab.calls()[0]["method"] == "live_start_push"


def test_a_reply_to_any_tid_of_an_attempt_answers_it_and_a_second_one_does_not() -> None:
    lab = DjiLab()
    first = lab.streaming()
    lab.passes(3.5)
    [second] = lab.calls()
    lab.answers(first, 0)
    assert lab.stage() == "proving"
    lab.answers(second, 513006)
    lab.answers(first, 513006)
    assert (lab.stage(), lab.gateway.calls.duplicates) == ("proving", 2)
    lab.passes(4)
    assert lab.calls() == []


def test_a_late_reply_after_giving_up_counts_for_what_it_says_is_true() -> None:
    lab = DjiLab()
    first = lab.streaming()
    lab.passes(9.5)
    assert lab.stage() == "resting"
    lab.answers(first, 0)
    assert (lab.stage(), lab.gateway.calls.late) == ("proving", 1)


def test_a_reply_that_belongs_to_nothing_changes_nothing() -> None:
    lab = DjiLab()
    call = lab.streaming()
    lab.answers({**call, "tid": "other"}, 0)
    lab.answers({**call, "bid": "other"}, 0)
    assert (lab.stage(), lab.gateway.calls.strangers) == ("asked", 2)
    lab.answers(call, "many")  # type: ignore[arg-type]
    assert lab.sink.refused[RC, "field"] == 1
    lab.answers(call, 0)
    assert lab.stage() == "proving"


def test_who_says_live_and_sends_no_picture_is_stopped_and_started_again() -> None:
    lab = DjiLab()
    lab.answers(lab.streaming(), 0)
    lab.passes(25)
    assert [call["method"] for call in lab.calls()] == ["live_stop_push"]
    lab.passes(2)
    [call] = [call for call in lab.calls() if call["method"] == "live_start_push"]
    lab.answers(call, 513003)  # it is on already: only pictures tell
    assert lab.stage() == "proving"


def test_a_stop_that_nobody_answered_does_not_end_the_start_after_it() -> None:
    lab = DjiLab()
    lab.answers(lab.streaming(), 0)
    lab.media.arriving.add(VIDEO)
    lab.passes(1)
    lab.media.arriving.clear()
    lab.passes(8)
    assert lab.calls()[-1]["method"] == "live_stop_push"
    lab.passes(2.5)
    assert lab.stage() == "asked"
    lab.passes(8)
    assert {call["method"] for call in lab.calls()} == {"live_start_push"}


def test_pictures_that_stop_coming_end_it_whatever_the_controller_reports() -> None:
    lab = DjiLab()
    lab.answers(lab.streaming(), 0)
    lab.media.arriving.add(VIDEO)
    lab.passes(1)
    lab.media.arriving.clear()
    status = [{"video_id": str(VIDEO), "status": 1, "error_status": 0}]
    lab.says("state", {"live_status": status}, sn=RC)
    lab.passes(8)
    assert lab.stage() == "resting"
    lab.passes(2.5)
    methods = [call["method"] for call in lab.calls()]
    assert methods[0] == "live_stop_push"
    assert "live_start_push" in methods


def test_a_congested_network_gets_less_quality_and_more_again_when_it_is_steady() -> None:
    lab = DjiLab(LiveNeeds(quality=2))
    lab.answers(lab.streaming(), 513015)
    lab.passes(2.5)
    [call] = lab.calls()
    assert call["data"]["video_quality"] == 1
    lab.answers(call, 0)
    lab.media.arriving.add(VIDEO)
    lab.flies(182)
    [call] = lab.calls()
    assert (call["method"], call["data"]["video_quality"]) == ("live_set_quality", 2)
    lab.answers(call, 0)
    assert lab.gateway.live.report()[0]["quality"] == 2


def test_adaptive_quality_has_somewhere_to_go_down_to() -> None:
    lab = DjiLab(LiveNeeds(quality=0))
    lab.answers(lab.streaming(), 513015)
    lab.passes(2.5)
    assert lab.calls()[0]["data"]["video_quality"] == 2


@pytest.mark.parametrize(("code", "pause_s"), [(513017, 15), (513011, 15), (513013, 120)])
def test_what_waiting_or_people_have_to_end_is_tried_again_later_and_said_in_words(
    code: int, pause_s: float
) -> None:
    lab = DjiLab()
    lab.answers(lab.streaming(), code)
    lab.flies(pause_s - 1)
    assert lab.calls() == []
    lab.passes(1.5)
    assert len(lab.calls()) == 1
    assert lab.sink.of("text")[-1]["text"].startswith(f"{VIDEO}: ")


def test_a_refused_stream_is_tried_anew_when_the_gateway_can_send_something_else() -> None:
    lab = DjiLab()
    lab.answers(lab.streaming(), 513013)
    lab.says("state", {"live_capacity": CAPACITY}, sn=RC)
    lab.passes(2.5)
    assert len(lab.calls()) == 1


def test_an_aircraft_that_goes_takes_its_streams_along_and_comes_back_with_them() -> None:
    lab = DjiLab()
    call = lab.streaming()
    lab.answers(call, 0)
    lab.offline()
    assert (lab.media.opened, lab.gateway.live.report()) == ([], [])
    lab.answers(call, 513006)  # a second reply to what is gone
    lab.streaming()
    assert lab.media.opened == [VIDEO]


def test_more_cameras_run_only_as_far_as_they_may_and_there_is_room() -> None:
    capacity = {"coexist_video_number_max": 2, "device_list": [
        {**CAPACITY["device_list"][0], "coexist_video_number_max": 2}]}  # type: ignore[index]  # fmt: skip
    for wanted, room, opened in ((2, 4, 2), (1, 4, 1), (2, 1, 1), (0, 4, 0)):
        lab = DjiLab(LiveNeeds(cameras=wanted))
        lab.media.room = room
        lab.online()
        lab.says("state", {"live_capacity": capacity}, sn=RC)
        assert len(lab.media.opened) == opened
        assert lab.media.opened[:1] == [VIDEO][:opened]


def test_quality_and_lens_are_changed_on_what_is_live() -> None:
    lab = DjiLab()
    lab.answers(lab.streaming(), 0)
    lab.media.arriving.add(VIDEO)
    lab.passes(1)
    assert lab.gateway.live.set_quality(4, lab.now_s) == 1
    assert lab.gateway.live.change_lens("zoom", lab.now_s) == 1
    quality, lens = lab.calls()
    assert (quality["data"]["video_quality"], lens["data"]["video_type"]) == (4, "zoom")
    lab.answers(quality, 0)
    lab.answers(lens, 513012)
    assert lab.gateway.live.report()[0]["quality"] == 4
    assert "镜头" in lab.sink.of("text")[-1]["text"]
    with pytest.raises(CodecError):
        lab.gateway.live.change_lens("x-ray", lab.now_s)


def test_what_can_be_sent_is_guessed_from_the_gimbals_when_nobody_said_it() -> None:
    lab = DjiLab()
    lab.online()
    osd = {"attitude_head": 1, "53-0-0": {"gimbal_pitch": 1}}
    for _ in range(12):
        lab.says("osd", osd)
        lab.passes(1)
    assert lab.media.opened == [VIDEO]


def test_a_lens_is_asked_for_again_until_it_is_there_and_after_a_new_start() -> None:
    lab = DjiLab()
    lab.answers(lab.streaming(), 0)
    lab.media.arriving.add(VIDEO)
    lab.passes(1)
    lab.gateway.live.change_lens("zoom", lab.now_s)
    lab.answers(lab.calls()[-1], 513012)
    assert lab.gateway.live.report()[0]["changing"] == ["live_lens_change"]
    lab.passes(3)
    [again] = lab.calls()
    lab.answers(again, 0)
    [stream] = lab.gateway.live.report()
    assert (stream["lens"], stream["changing"]) == ("zoom", [])
    lab.media.arriving.discard(VIDEO)
    lab.flies(20)
    lab.answers([call for call in lab.calls() if call["method"] == "live_start_push"][-1], 0)
    lab.media.arriving.add(VIDEO)
    lab.passes(1)
    assert [call["data"]["video_type"] for call in lab.calls()
            if call["method"] == "live_lens_change"] == ["zoom"]  # fmt: skip


def test_a_change_that_is_refused_again_and_again_is_given_up_and_said() -> None:
    lab = DjiLab()
    lab.answers(lab.streaming(), 0)
    lab.media.arriving.add(VIDEO)
    lab.passes(1)
    lab.gateway.live.set_quality(4, lab.now_s)
    asked = 0
    for _ in range(20):
        for call in lab.calls():
            asked += 1
            lab.answers(call, 513006)
        lab.flies(2)
    [stream] = lab.gateway.live.report()
    assert (asked, stream["quality"], stream["changing"]) == (4, 2, [])
    refusals = [one["text"] for one in lab.sink.of("text") if "live 直播中" not in one["text"]]
    assert len(refusals) == 4
