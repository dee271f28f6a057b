"""What the tests share."""
import nibabel as nib
import numpy as np
import pytest
import torch

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
    (splits / 'valid.txt').write_text('case2\ncase3\n')
    return tmp_path
