"""How well laws fitted to the small end of published curves and grids predict the rest."""
