"""Bodies that schemathesis cannot make by itself."""

import schemathesis
from hypothesis import strategies as st

# Nobody can guess a token that is signed; what is none must be refused all the same.
PARTS = st.from_regex(rb"[A-Za-z0-9_-]{0,40}", fullmatch=True)
schemathesis.openapi.media_type(
    "application/secevent+jwt",
    st.one_of(st.binary(max_size=100), st.lists(PARTS, max_size=5).map(b".".join)),
)
