"""`python -m channelwatch.app` is the same program as `channelwatch`."""

import sys

from channelwatch.app.cli import main

sys.exit(main())
