"""What the tests share."""
import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image

from scarceseg.components.datasets.layouts.split_lists import write_lists
from scarceseg.components.datasets.layouts.splits import fold_lists, k_folds

from .standins import cxr_folder, la_folder  # noqa: F401

torch.set_num_threads(1)  # small tensors: more threads only wait for each other


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def make_case(tmp_path):
    """Write a NIfTI file under tmp_path: ``make_case('images/a.nii.gz', stored array in (x, y, z), …)``."""
    def make(name, array, *, affine=None, slope_inter=None):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = nib.Nifti1Image(np.asarray(array), np.diag([1.5, 1.5, 8.0, 1.0]) if affine is None else affine)
        if slope_inter is not None:
            image.header.set_slope_inter(*slope_inter)
        nib.save(image, path)
        return path
    return make


@pytest.fixture
def small_folder(make_case, rng, tmp_path):
    """Four small cases with images, labels (0..3) and scribbles (4: not annotated), and their split lists."""
    for k in range(4):
        label = np.zeros((40, 36, 3), np.uint8)
        label[8:30, 8:28] = 1
        label[12:26, 12:24] = 2
        label[16:22, 16:20] = 3
        image = (100 * label + rng.normal(0, 20, label.shape) + 200).astype(np.int16)
        scribble = np.where(rng.random(label.shape) < 0.1, label, 4).astype(np.uint8)
        for folder, array in (('images', image), ('labels', label), ('scribbles', scribble)):
            make_case(f'ACDC/{folder}/case{k}.nii.gz', array)
    splits = tmp_path / 'ACDC' / 'splits'
    splits.mkdir()
    (splits / 'train.txt').write_text('case0\ncase1\n')
    (splits / 'labeled_10pct.txt').write_text('case0\n')
    (splits / 'unlabeled_90pct.txt').write_text('case1\n')
    (splits / 'valid.txt').write_text('case2\ncase3\n')
    return tmp_path


OBLIQUE = np.array([[1.2, -0.3, 0.1, -20], [0.3, 1.1, -0.2, 5], [0.0, 0.2, 9.0, 9], [0, 0, 0, 1]])
MYOPS_VALUES = (0, 200, 500, 600, 1220, 2221)


@pytest.fixture
def myops_folder(make_case, rng, tmp_path):
    """Five cases in the layout of MyoPS 2020, of odd and different sizes and oblique, and the lists of five folds."""
    for k in range(5):
        shape = (41 + k, 38, 2 + k % 2)
        y, x, _ = np.indices(shape)
        ring = np.hypot(y - 18, x - 17)
        label = np.select([ring < 6, (ring < 11) & (y > 22), (ring < 11) & (x > 20), ring < 11, (ring < 17) & (x < 9)],
                          [500, 2221, 1220, 200, 600], 0).astype(np.int16)
        for channel, gain in (('C0', 1), ('DE', 2), ('T2', -1)):
            image = (gain * label + rng.normal(0, 50, shape) + 3000).astype(np.int16)
            make_case(f'MyoPS/train25/myops_training_{101 + k}_{channel}.nii.gz', image, affine=OBLIQUE)
        make_case(f'MyoPS/train25_myops_gd/myops_training_{101 + k}_gd.nii.gz', label, affine=OBLIQUE)
    folds = k_folds([f'myops_training_{101 + k}' for k in range(5)], folds=5, seed=0)
    write_lists(tmp_path / 'MyoPS' / 'splits', fold_lists(folds))
    return tmp_path


@pytest.fixture
def cadis_folder(rng, tmp_path):
    """A frame of each of 25 videos in the layout of CaDIS: RGB, and labels of ids 0 to 35, some grey and some with a palette."""
    for video in range(1, 26):
        folder, name = tmp_path / 'CaDIS' / f'Video{video:02d}', f'Video{video}_frame{10 * video:06d}.png'
        y, x = np.indices((54, 71))
        label = np.select([np.hypot(y - 25, x - 33) < 8, np.hypot(y - 25, x - 33) < 16, x > 60, y > 45],
                          [0, 4, 7 + video, 5], 6).astype(np.uint8)
        frame = np.stack([label * 6, 255 - label * 6, label * 3], -1) + rng.integers(0, 20, (*label.shape, 3))
        picture = Image.fromarray(label)
        if video % 2:
            picture.putpalette(rng.integers(0, 256, 768).astype(np.uint8).tobytes())
        for kind, stored in (('Images', Image.fromarray(frame.clip(0, 255).astype(np.uint8))), ('Labels', picture)):
            (folder / kind).mkdir(parents=True)
            stored.save(folder / kind / name)
    return tmp_path
