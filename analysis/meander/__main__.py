"""`python -m meander ARCHIVE.h5` is `meander-plot ARCHIVE.h5`."""

import sys

from meander.plot import main

sys.exit(main())
