"""People made ready to be shown while something else goes on: their heads are baked and their hair is made."""

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from facetalk.head.kinds import AnyHead
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.identity import Identity
from facetalk.pipeline.presenter import Presenter
from facetalk.pipeline.roads import Surface
from facetalk.pipeline.side_by_side import single_threaded

ROOM = 2
"""People that stay ready: about 30 MB each."""


class Backstage:
    """Presenters of the people shown last; making one ready takes a core a second or two."""

    def __init__(self, room: int = ROOM) -> None:
        self.room = room
        self._called: OrderedDict[tuple, Future[Presenter]] = OrderedDict()
        self._lock = Lock()

    def expect(self, head: AnyHead, identity: Identity, surface: Surface) -> None:
        """Begin to make a person ready, in a thread of its own. What cannot be done is said by `presenter`."""
        self._call(head, identity, surface)

    def presenter(self, head: AnyHead, identity: Identity, surface: Surface) -> Presenter:
        """The person, ready to be shown; waits until then.

        Raises:
            InputError: this head cannot be shown so.
        """
        return self._call(head, identity, surface).result()

    def _call(self, head: AnyHead, identity: Identity, surface: Surface) -> "Future[Presenter]":
        surface.check()
        codes = (identity.z_id, identity.hair.scalp, identity.hair.beard)
        key = (id(head), surface, *(None if code is None else code.cpu().numpy().tobytes() for code in codes))
        with self._lock:
            if key not in self._called:
                self._called[key] = _begun(Actor(head, identity.z_id, surface.smoothing, identity.hair), surface)
            self._called.move_to_end(key)
            while len(self._called) > self.room:
                self._called.popitem(last=False)
            return self._called[key]

    def __reduce__(self) -> tuple:
        """Copies, also those in other processes, begin with nobody ready."""
        return Backstage, (self.room,)


def _begun(actor: Actor, surface: Surface) -> "Future[Presenter]":
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(_ready, actor, surface)
    finally:
        pool.shutdown(wait=False)


def _ready(actor: Actor, surface: Surface) -> Presenter:
    presenter = Presenter(actor, surface)
    with single_threaded():
        presenter.road  # noqa: B018 - made once and kept
    return presenter
