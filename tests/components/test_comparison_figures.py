import numpy as np
import pytest

pytest.importorskip('matplotlib')

from scarceseg.components.evaluators.comparisons import figures as figures
from scarceseg.components.evaluators.comparisons.scores import Scores
from scarceseg.components.evaluators.comparisons.tables import compare_scores

DICE = {'a': (0.9, 0.8, 0.7, 0.6), 'b': (0.8, 0.9, 0.6, 0.6), 'c': (0.1, 0.1, 0.1, 0.1)}


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn instead of written: ``drawn(function, table)`` is the figure."""
    kept = []
    monkeypatch.setattr(figures, 'save_figure', lambda figure, path: kept.append(figure))

    def draw(function, table):
        function(table, 'unused.png')
        kept[-1].canvas.draw()
        return kept[-1]
    return draw


def table(dice=DICE, **settings):
    values = {m: np.array(v, float).reshape(1, -1, 1, 1) for m, v in dice.items()}
    return compare_scores(Scores(values, tuple('wxyz'), ('LV',), 1, ('dice',)), resamples=9, **settings)


def test_discs_have_the_area_of_the_share_of_a_rank_and_lines_are_at_the_mean(drawn):
    """a is first, second, first and first with b (1.5); b second, first, second and 1.5; c always third."""
    axis = drawn(figures.rank_figure, table()).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ['a  1.38', 'b  1.62', 'c  3.00']
    discs = [(d.get_offsets()[:, 0].tolist(), (d.get_sizes() / figures.LARGEST ** 2).tolist()) for d in axis.collections]
    assert discs == [([1, 1.5, 2], [0.5, 0.25, 0.25]), ([1, 1.5, 2], [0.25, 0.25, 0.5]), ([3], [1])]
    assert [line.get_xdata()[0] for line in axis.lines] == [1.375, 1.625, 3]


def test_without_two_methods_that_can_be_ranked_there_are_no_ranks(tmp_path):
    assert not figures.rank_figure(table({'a': DICE['a']}), tmp_path / 'ranks.png') and not list(tmp_path.iterdir())
    assert not figures.rank_figure(table({'a': DICE['a'], 'b': [np.nan] * 4}), tmp_path / 'ranks.png')


def test_boxes_stand_beside_each_other_and_every_value_is_a_dot(drawn):
    gaps = {'a': DICE['a'], 'b': (0.8, np.nan, 0.6, 0.6), 'c': [np.nan] * 4}
    figure = drawn(figures.box_figure, table(gaps, leaks={'b': 'was trained on them'}))
    axis = figure.axes[0]
    dots = [line.get_ydata() for line in axis.lines if line.get_marker() == 'o']
    assert [len(d) for d in dots] == [4, 3, 0] and dots[0] == pytest.approx(np.multiply(DICE['a'], 100))
    assert 'Dice %, higher is better' in axis.get_title(loc='left')
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ['a', 'LEAK b', 'c']
