"""`python -m facetalk` is the command line."""

import sys

from facetalk.cli.main import main

sys.exit(main())
