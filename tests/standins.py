"""Generated stand-ins of data sets, in their layout."""
import nibabel as nib
import numpy as np
import pytest
from PIL import Image


def write_la(root, rng):
    """Four left atria: blobs in volumes of different sizes, as int16 with a slope, and the split lists."""
    names = [f'ATRIUM{k:02d}' for k in range(4)]
    for folder in ('images', 'labels', 'splits'):
        (root / 'LA' / folder).mkdir(parents=True)
    for k, name in enumerate(names):
        shape = (50 + 2 * k, 44, 20)
        x, y, z = np.indices(shape)
        label = (((x - 24) / 12) ** 2 + ((y - 20) / 9) ** 2 + ((z - 10) / 6) ** 2 < 1).astype(np.uint8)
        image = nib.Nifti1Image((200 * label + rng.normal(0, 60, shape) + 300).astype(np.int16), np.diag([1.25, 1.25, 1.25, 1]))
        image.header.set_slope_inter(0.005, 0)
        nib.save(image, root / 'LA' / 'images' / f'{name}.nii.gz')
        nib.save(nib.Nifti1Image(label, image.affine), root / 'LA' / 'labels' / f'{name}.nii.gz')
    splits = dict(train=names[:3], labeled_10pct=names[:1], unlabeled_90pct=names[1:3], valid=names[3:])
    for split, chosen in splits.items():
        (root / 'LA' / 'splits' / f'{split}.txt').write_text('\n'.join(chosen) + '\n')
    return root


def write_cxr(root, rng):
    """Six chest radiographs of 80×72 pixels with two lungs, PNG, and the split lists."""
    names = [f'cxr_{k:03d}' for k in range(6)]
    for folder in ('images', 'labels', 'splits'):
        (root / 'CXR' / folder).mkdir(parents=True)
    for name in names:
        y, x = np.indices((80, 72))
        wide, tall = rng.uniform(10, 13), rng.uniform(22, 28)
        label = (np.minimum(np.abs(x - 19), np.abs(x - 53)) / wide) ** 2 + ((y - 40) / tall) ** 2 < 1
        image = 150 - 90 * label + rng.normal(0, 15, label.shape)
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(root / 'CXR' / 'images' / f'{name}.png')
        Image.fromarray(label.astype(np.uint8)).save(root / 'CXR' / 'labels' / f'{name}.png')
    for split, chosen in (('train', names[:5]), ('valid', names[5:])):
        (root / 'CXR' / 'splits' / f'{split}.txt').write_text('\n'.join(chosen) + '\n')
    return root


@pytest.fixture
def la_folder(rng, tmp_path):
    return write_la(tmp_path, rng)


@pytest.fixture
def cxr_folder(rng, tmp_path):
    return write_cxr(tmp_path, rng)
