"""The site of a release: static pages in the languages of the office, without a server and without a network."""

from uncac_metrics.builds.site.frame import environment, prefixes
from uncac_metrics.builds.site.pages import pages

__all__ = ["environment", "pages", "prefixes"]
