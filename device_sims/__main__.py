"""`python -m device_sims`."""

import sys

from device_sims.cli import main

if __name__ == "__main__":
    sys.exit(main())
