"""Sources of data sets: one file each, a ``PLUGIN`` that is :class:`~harness.datasets.base.Varied` but no data set."""
