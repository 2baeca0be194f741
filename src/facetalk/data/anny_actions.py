"""How much of each facial action of anny one unit of the ARKit weight is."""

from facetalk.arkit import ARKIT_NAMES

AMOUNTS = {name: 1.0 for name in ARKIT_NAMES}
