"""The spool against a model of it: whatever the order of calls and reopenings, they agree."""

import itertools
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fieldlab.spools import content_of, draft_of, gaps_in, open_spool
from fieldlink.codecs.bundle import GAP_MEDIA_TYPE, Layer, Precedence
from fieldlink.edge.spool import RetentionPolicy, Spool, State, Stored, retention_key

POLICY = RetentionPolicy(quota_bytes=120_000)
LAYERS = st.sampled_from([Layer.ORIGINAL, Layer.PROXY, Layer.STILL])
SIZES = st.sampled_from([0, 300, 4096, 4097, 9_000, 30_000, 70_000])


@dataclass
class Known:
    """A bundle as the model has it."""

    item: Stored
    content: bytes
    state: State = State.PENDING

    @property
    def key(self) -> tuple[int, int, int]:
        return retention_key(self.item.manifest, self.state)


class SpoolMachine(RuleBasedStateMachine):
    """Adds, answers of the centre, and reopenings, in any order."""

    @initialize()
    def begin(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._spool: Spool = open_spool(Path(self._folder.name), POLICY)
        self._known: dict[bytes, Known] = {}
        self._lost: list[Stored] = []
        self._highest = 0
        self._seeds = itertools.count()

    @rule(size=SIZES, layer=LAYERS, precedence=st.sampled_from(Precedence))
    def add(self, size: int, layer: Layer, precedence: Precedence) -> None:
        seed = next(self._seeds)
        content = content_of(seed, size)
        item = self._spool.add(draft_of(seed * 10, layer, precedence=precedence), content)
        assert item.manifest.sequence > self._highest
        self._highest = item.manifest.sequence
        if item.state is State.GIVEN_UP:
            self._lost.append(item)
        else:
            self._known[item.bundle_id] = Known(item, content)
        self._take_out_what_went(retention_key(item.manifest, State.PENDING))

    def _take_out_what_went(self, below: tuple[int, int, int]) -> None:
        """What the quota cost is the head of the order of giving up, and nothing else."""
        here = {item.bundle_id for item in self._spool.bundles()}
        order = sorted(self._known.values(), key=lambda known: known.key)
        went = [known for known in order if known.item.bundle_id not in here]
        assert went == order[: len(went)]
        assert all(known.key < below for known in went)
        for known in went:
            del self._known[known.item.bundle_id]
            if known.state is not State.CUSTODY:
                self._lost.append(known.item)

    @rule(data=st.data())
    def custody(self, data: st.DataObject) -> None:
        ids = data.draw(st.sets(st.sampled_from([*self._known, b"?" * 32]), max_size=3))
        news = [i for i in ids if i in self._known and self._known[i].state is not State.CUSTODY]
        assert self._spool.custody(ids, 1) == len(news)
        for bundle_id in news:
            self._known[bundle_id].state = State.CUSTODY

    @rule(data=st.data())
    def refused(self, data: st.DataObject) -> None:
        bundle_id = data.draw(st.sampled_from([*self._known, b"?" * 32]))
        self._spool.refused(bundle_id, "no", 1)
        known = self._known.get(bundle_id)
        if known is not None and known.state is State.PENDING:
            known.state = State.REFUSED

    @rule()
    def reopen(self) -> None:
        self._spool.close()
        self._spool = open_spool(Path(self._folder.name), POLICY)
        assert self._spool.findings == []

    @invariant()
    def they_agree(self) -> None:
        here = {
            item.bundle_id: item.state
            for item in self._spool.bundles()
            if item.manifest.media_type != GAP_MEDIA_TYPE
        }
        assert here == {bundle_id: known.state for bundle_id, known in self._known.items()}
        for bundle_id, known in self._known.items():
            assert self._spool.read(bundle_id, 0, 100_000) == known.content

    @invariant()
    def what_went_without_custody_is_in_a_gap(self) -> None:
        gaps = gaps_in(self._spool)
        for item in self._lost:
            manifest = item.manifest
            assert any(
                gap.layer == manifest.layer
                and gap.start_us <= manifest.start_us
                and manifest.end_us <= gap.end_us
                for gap in gaps
            ), f"{manifest.sequence} is missing without a gap"

    def teardown(self) -> None:
        self._spool.close()
        self._folder.cleanup()


SpoolMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestSpoolAgainstItsModel = SpoolMachine.TestCase
