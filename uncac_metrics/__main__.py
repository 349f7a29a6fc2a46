"""``python -m uncac_metrics`` is the command ``uncac-metrics``."""

import sys

from uncac_metrics.cli import main

if __name__ == "__main__":
    sys.exit(main())
