"""What all figures share: colours, a canvas of their own (no state of pyplot's), and files that appear whole."""
import os
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# orange, sky blue, yellow, purple, green, red, blue: told apart by colour-blind readers too [Okabe 2008]
PALETTE = ('#E69F00', '#56B4E9', '#F0E442', '#CC79A7', '#009E73', '#D55E00', '#0072B2')


def new_figure(width, height):
    """An empty figure of so many inches, with a layout that keeps texts apart."""
    figure = Figure(figsize=(width, height), layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure, path, *, dpi=150):
    """Write a figure in the format of the file's ending; the file appears whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + '.draft')
    try:
        figure.savefig(draft, format=path.suffix[1:] or 'png', dpi=dpi, bbox_inches='tight', pad_inches=0.08)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def colours(count, *, palette=PALETTE):
    """So many colours: the palette's as far as they go, else a rainbow's."""
    if count <= len(palette):
        return list(palette[:count])
    return list(matplotlib.colormaps['turbo'](np.linspace(0.05, 0.95, count)))
