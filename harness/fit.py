"""The public face of the laws: what a learning curve, or a grid of examples and sizes, is fitted by."""

from harness.laws.curve import fit_curve
from harness.laws.points import Point
from harness.laws.surface import fit_surface
from harness.laws.surface_cells import GridCell

__all__ = ["GridCell", "Point", "fit_curve", "fit_surface"]
