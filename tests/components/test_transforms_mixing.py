"""Two samples in one."""
import numpy as np
import pytest
import torch
from scipy import stats

from scarceseg.components.functional.mixing import (
    box_mask,
    copy_paste,
    cutmix,
    draw_boxes,
    draw_ratios,
    mixup,
    paste,
    structure_mask,
)
from scarceseg.components.labels import IGNORE
from scarceseg.registry import UserError

SPACES = [(12, 16), (6, 12, 16)]


def pair(space, count=3):
    generator = torch.Generator().manual_seed(0)
    return [f(generator) for _ in range(2) for f in (
        lambda g: torch.rand((count, 2, *space), generator=g), lambda g: torch.randint(0, 4, (count, *space), generator=g))]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize('space', SPACES)
def test_a_box_of_b_in_a_by_slicing(space):
    image_a, label_a, image_b, label_b = pair(space)
    before = [x.clone() for x in (image_a, label_a, image_b, label_b)]
    boxes = draw_boxes(3, space, share=(0.1, 0.4), generator=seeded())
    image, label = cutmix(image_a, label_a, image_b, label_b, boxes)
    for n, (start, end) in enumerate(boxes.tolist()):
        box = tuple(slice(a, b) for a, b in zip(start, end))
        image_a[(n, slice(None), *box)] = image_b[(n, slice(None), *box)]
        label_a[(n, *box)] = label_b[(n, *box)]
    assert torch.equal(image, image_a) and torch.equal(label, label_a) and label.dtype == torch.int64
    assert torch.equal(image_b, before[2]) and torch.equal(label_b, before[3])
    again, _ = cutmix(before[0], before[1], before[2], before[3], boxes)
    assert torch.equal(again, image)


def test_one_box_serves_all_samples_and_an_empty_one_changes_nothing():
    image_a, label_a, image_b, label_b = pair((12, 16))
    image, label = cutmix(image_a, label_a, image_b, label_b, [[2, 3], [5, 9]])
    assert torch.equal(label[:, 2:5, 3:9], label_b[:, 2:5, 3:9]) and (image != image_a).any(1).sum() == 3 * 18
    image, label = cutmix(image_a, label_a, image_b, label_b, [[2, 3], [2, 3]])
    assert torch.equal(image, image_a) and torch.equal(label, label_a)
    image, label = cutmix(image_a, label_a, image_b, label_b, [[0, 0], [12, 16]])
    assert torch.equal(image, image_b) and torch.equal(label, label_b)


@pytest.mark.parametrize('space', SPACES)
def test_boxes_lie_inside_and_have_the_share_asked_for(space):
    boxes = draw_boxes(500, space, share=(0.1, 0.3), stretch=1.3, generator=seeded())
    size = boxes[:, 1] - boxes[:, 0]
    assert boxes.dtype == torch.int64 and (boxes >= 0).all() and (boxes[:, 1] <= torch.tensor(space)).all()
    shares = size.prod(1) / np.prod(space)
    assert 0.06 < shares.min() < 0.13 and 0.25 < shares.max() < 0.38 and abs(shares.mean() - 0.2) < 0.02
    assert torch.equal(boxes, draw_boxes(500, space, share=(0.1, 0.3), stretch=1.3, generator=seeded()))
    starts = boxes[:, 0]
    assert (starts.amin(0) == 0).all() and (boxes[:, 1].amax(0) == torch.tensor(space)).all()
    assert torch.equal(box_mask(boxes, space).flatten(1).sum(1), size.prod(1))


def test_a_box_of_two_thirds_of_each_side():
    boxes = draw_boxes(20, (12, 15, 18), share=((2 / 3) ** 3, (2 / 3) ** 3), stretch=1, generator=seeded())
    assert ((boxes[:, 1] - boxes[:, 0]) == torch.tensor([8, 10, 12])).all()


def test_some_samples_get_no_box():
    boxes = draw_boxes(1000, (32, 32), share=(0.2, 0.2), probability=0.5, generator=seeded())
    assert abs(((boxes[:, 1] > boxes[:, 0]).all(1)).float().mean() - 0.5) < 0.06


def test_structures_of_b_cover_a_and_what_is_not_annotated_does_not():
    image_a, label_a, image_b, label_b = pair((1, 6), count=1)
    label_a[:], label_b[0, 0] = 3, torch.tensor([0, 1, 2, 254, 255, 1])
    image, label = copy_paste(image_a, label_a, image_b, label_b)
    assert label[0, 0].tolist() == [3, 1, 2, 3, 3, 1]
    taken = torch.tensor([False, True, True, False, False, True])
    assert torch.equal(image[0, :, 0], torch.where(taken, image_b[0, :, 0], image_a[0, :, 0]))
    _, some = copy_paste(image_a, label_a, image_b, label_b, classes=(2, 0))
    assert some[0, 0].tolist() == [0, 3, 2, 3, 3, 3]


def test_mixing_is_linear_and_its_ends_are_the_two():
    first, second = torch.rand(3, 2, 4, 5), torch.rand(3, 2, 4, 5)
    ratio = torch.tensor([0.0, 0.25, 1.0])
    out = mixup(first, second, ratio)
    assert torch.equal(out[0], second[0]) and torch.allclose(out[2], first[2])
    assert torch.allclose(out[1], 0.25 * first[1] + 0.75 * second[1])
    assert torch.allclose(mixup(first, second, 0.5), (first + second) / 2)


def test_mixed_one_hot_labels_give_the_mixture_of_cross_entropies():
    logits, labels = torch.randn(2, 4, 5), torch.randint(0, 4, (2, 2, 5))
    hot = [torch.nn.functional.one_hot(x, 4).movedim(-1, 1).float() for x in labels]
    ce = torch.nn.functional.cross_entropy
    mixed = ce(logits, mixup(*hot, 0.3))
    assert torch.allclose(mixed, 0.3 * ce(logits, labels[0]) + 0.7 * ce(logits, labels[1]), atol=1e-6)


@pytest.mark.parametrize('alpha', [0.2, 1.0, 4.0])
def test_ratios_follow_the_beta_distribution(alpha):
    ratios = draw_ratios(2000, alpha=alpha, generator=seeded())
    assert stats.kstest(ratios.double().numpy(), stats.beta(alpha, alpha).cdf).pvalue > 0.01
    assert ratios.dtype == torch.float32 and torch.equal(ratios, draw_ratios(2000, alpha=alpha, generator=seeded()))


def test_a_mask_mixes_maps_of_any_kind():
    mask = torch.rand(1, 4, 5, generator=seeded()) > 0.5
    for shape in [(3, 4, 5), (3, 2, 4, 5)]:
        first, second = torch.rand(shape), torch.rand(shape)
        out = paste(first, second, mask)
        wide = mask.expand(3, 4, 5) if len(shape) == 3 else mask[:, None].expand(shape)
        assert torch.equal(out[wide], second[wide]) and torch.equal(out[~wide], first[~wide])


def test_what_does_not_fit_is_named():
    image_a, label_a, image_b, label_b = pair((12, 16))
    with pytest.raises(UserError, match=r'box of shape \(1, 2, 3\).*must be \(3, 2, 2\)'):
        cutmix(image_a, label_a, image_b, label_b, [[0, 0, 0], [1, 1, 1]])
    with pytest.raises(UserError, match=r'\(3, 2, 12, 16\) and \(2, 2, 12, 16\) cannot be mixed'):
        cutmix(image_a, label_a, image_b[:2], label_b, [[0, 0], [1, 1]])
    with pytest.raises(UserError, match='cannot be mixed by a mask'):
        copy_paste(image_a, label_a, image_b, label_b[:, :5])
    with pytest.raises(UserError, match='make labels one-hot'):
        mixup(label_a, label_b, 0.5)
    with pytest.raises(UserError, match='share=.*stretch=0.5'):
        draw_boxes(1, (4, 4), stretch=0.5)
    with pytest.raises(UserError, match='alpha=0 '):
        draw_ratios(3, alpha=0)


def test_a_single_slice_gets_the_boxes_of_a_slice():
    flat, volume = (draw_boxes(300, s, share=(0.02, 0.4), generator=seeded()) for s in [(40, 50), (1, 40, 50)])
    assert (volume[:, 0, 0] == 0).all() and (volume[:, 1, 0] == 1).all()
    shares = [(b[:, 1] - b[:, 0]).prod(1) / 2000 for b in (flat, volume)]
    assert abs(shares[0].mean() - shares[1].mean()) < 0.02 and shares[1].min() < 0.03 and shares[1].max() > 0.35
    thin = draw_boxes(300, (3, 40, 50), share=(0.001, 0.01), generator=seeded())
    assert (thin[:, 1] > thin[:, 0]).all(), 'no box is empty'
    assert torch.equal(draw_boxes(5, (1, 1), generator=seeded())[:, 1], torch.ones(5, 2, dtype=torch.int64))
    nothing = draw_boxes(5, (8, 8), share=(0, 0), generator=seeded())
    assert not (nothing[:, 1] - nothing[:, 0]).prod(1).any()


def test_boxes_drawn_before_are_drawn_again():
    """Recorded: other boxes would change what is trained."""
    boxes = draw_boxes(3, (12, 16), generator=seeded(1))
    assert boxes.tolist() == [[[1, 7], [11, 13]], [[4, 8], [9, 12]], [[2, 5], [8, 11]]]


def test_soft_labels_and_maps_follow_boxes_and_structures():
    image_a, label_a, image_b, label_b = pair((12, 16))
    label_b[:, :3], label_a[:, :, :2] = IGNORE, IGNORE
    soft_a, soft_b = ((x[:, None] == torch.arange(4).view(1, 4, 1, 1)).float() for x in (label_a, label_b))
    boxes = draw_boxes(3, (12, 16), generator=seeded())
    _, label = cutmix(image_a, label_a, image_b, label_b, boxes)
    _, soft = cutmix(image_a, soft_a, image_b, soft_b, boxes)
    assert torch.equal(soft, (label[:, None] == torch.arange(4).view(1, 4, 1, 1)).float())
    assert torch.equal(soft.any(1), label != IGNORE)
    image, label = copy_paste(image_a, label_a, image_b, label_b, classes=(2, IGNORE))
    mask = structure_mask(label_b, classes=(2,))
    assert torch.equal(mask, label_b == 2) and torch.equal(paste(image_a, image_b, mask), image)
    assert torch.equal(paste(soft_a, soft_b, mask), (label[:, None] == torch.arange(4).view(1, 4, 1, 1)).float())
    assert torch.equal(label == IGNORE, (label_a == IGNORE) & ~mask), 'what is not annotated is never pasted'


def test_mixed_labels_that_are_partly_annotated_give_the_mixture_of_partial_cross_entropies():
    """A sum over voxels: where one of the two is not annotated, the other alone counts, by its share."""
    logits, labels = torch.randn(2, 4, 5), torch.randint(0, 4, (2, 2, 5))
    labels[0, 0, :3], labels[1, 0, 1], labels[1, 1, 4] = IGNORE, IGNORE, IGNORE
    hot = [(x[:, None] == torch.arange(4).view(1, 4, 1)).float() for x in labels]
    ce = [torch.nn.functional.cross_entropy(logits, x, ignore_index=IGNORE, reduction='sum') for x in labels]
    mixed = -(mixup(*hot, 0.3) * logits.log_softmax(1)).sum()
    assert torch.allclose(mixed, 0.3 * ce[0] + 0.7 * ce[1], atol=1e-5)


def test_nothing_leaves_the_device_of_the_batch():
    """On the meta device any tensor of another one would raise."""
    image, label = torch.zeros(2, 1, 8, 9, device='meta'), torch.zeros(2, 8, 9, dtype=torch.int64, device='meta')
    boxes = draw_boxes(2, (8, 9), generator=seeded())
    for mixed in (cutmix(image, label, image, label, [[1, 1], [3, 4]]), copy_paste(image, label, image, label),
                  copy_paste(image, label, image, label, classes=(1, 2))):
        assert [x.device.type for x in mixed] == ['meta', 'meta']
    assert mixup(image, image, draw_ratios(2, generator=seeded())).device.type == 'meta'
    assert box_mask(boxes.to('meta'), (8, 9)).device.type == 'meta'
