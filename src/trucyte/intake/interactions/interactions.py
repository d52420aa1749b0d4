"""The write side of the FHIR API (R4 3.1.0): from create to transaction."""

from collections.abc import Sequence

from trucyte.fhir.patch import Patch
from trucyte.intake.interactions.values import BundleDone, Reads, Written
from trucyte.records.access import Access


class Interactions:
    """Every write of the API; make one a process, it is safe between threads."""

    def create(self, access: Access, type: str, body: bytes, *, if_none_exist: str = "") -> Written:
        """Accept a new resource under an id of this node's own."""
        raise NotImplementedError

    def update(
        self,
        access: Access,
        type: str,
        id: str,
        body: bytes,
        *,
        if_match: int | None = None,
        if_none_match_any: bool = False,
    ) -> Written:
        """Accept a new version, or the first where there is none."""
        raise NotImplementedError

    def update_where(
        self, access: Access, type: str, query: str, body: bytes, *, if_match: int | None = None
    ) -> Written:
        """Accept a new version of what meets a query."""
        raise NotImplementedError

    def patch(
        self, access: Access, type: str, id: str, patch: Patch, *, if_match: int | None = None
    ) -> Written:
        """Accept a version that is the current one with a patch applied."""
        raise NotImplementedError

    def patch_where(
        self, access: Access, type: str, query: str, patch: Patch, *, if_match: int | None = None
    ) -> Written:
        """Patch what meets a query."""
        raise NotImplementedError

    def delete(
        self, access: Access, type: str, id: str, *, if_match: int | None = None
    ) -> Written | None:
        """Accept the end of a resource; None where nothing was there."""
        raise NotImplementedError

    def delete_where(
        self, access: Access, type: str, query: str, *, several: bool = False
    ) -> Sequence[Written]:
        """Accept the end of what meets a query."""
        raise NotImplementedError

    def bundle(self, access: Access, body: bytes, reads: Reads) -> BundleDone:
        """Carry out a transaction or a batch; entries are answered in order."""
        raise NotImplementedError
