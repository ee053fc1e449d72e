"""``python -m ztfnb``: the command, where its script is not on the PATH."""

import sys

from ztfnb.cli import main

sys.exit(main())
