"""Text in, understanding out. Knows nothing of conversations or databases."""

import os

# Only readings of single characters are used: pypinyin's dictionary of phrases would cost every start half a second.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")
os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "1")
