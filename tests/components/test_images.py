import errno
import os
from contextlib import contextmanager

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from scarceseg.components.datasets import Geometry, check_same_grid, load_image, save_image
from scarceseg.components.datasets.formats.images import case_name, ending, label_ending
from scarceseg.components.datasets.layouts.files import list_folder
from scarceseg.registry import UserError

RGB = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 13
GREY = np.array([[0, 1, 2], [7, 35, 255]], np.uint8)
WIDE = np.array([[0, 1, 256], [1220, 2221, 65535]], np.uint16)
PALETTE = [0, 0, 0, 250, 10, 20, 30, 240, 50]


def indexed(array, palette=PALETTE):
    picture = Image.fromarray(array)
    picture.putpalette(palette)
    return picture


def with_alpha(array, alpha, mode):
    return Image.merge(mode, (*Image.fromarray(array).split(), Image.fromarray(np.full(array.shape[:2], alpha, np.uint8))))


@pytest.mark.parametrize('file', ['a.png', 'a.tif', 'a.tiff', 'a.bmp', 'b.PNG'])
def test_colour_is_three_channels_in_order_and_grey_is_one(tmp_path, file):
    for array in (RGB, GREY):
        Image.fromarray(array).save(tmp_path / file)
        image, geometry = load_image(tmp_path / file)
        assert image.dtype == np.float32 and image.flags.c_contiguous
        assert np.array_equal(image, np.moveaxis(RGB, -1, 0) if array is RGB else GREY[None])
        assert geometry.spacing_mm is None and geometry.shape == geometry.space == (3, 2)


def test_a_jpeg_is_read_as_it_decodes(tmp_path):
    Image.fromarray(np.full((16, 16, 3), (200, 100, 50), np.uint8)).save(tmp_path / 'a.jpeg', quality=95)
    image, _ = load_image(tmp_path / 'a.jpeg')
    assert image.shape == (3, 16, 16) and np.abs(image[:, 8, 8] - (200, 100, 50)).max() < 4


@pytest.mark.parametrize('file', ['a.png', 'a.tif'])
def test_sixteen_bits_are_kept(tmp_path, file):
    Image.fromarray(WIDE).save(tmp_path / file)
    assert np.array_equal(load_image(tmp_path / file)[0], WIDE[None].astype(np.float32))
    label, _ = load_image(tmp_path / file, label=True)
    assert label.dtype == np.uint16 and np.array_equal(label, WIDE)


def test_floats_are_kept_in_an_image_and_whole_ones_are_a_label(tmp_path):
    Image.fromarray(np.float32([[0.25, -3]])).save(tmp_path / 'a.tif')
    assert load_image(tmp_path / 'a.tif')[0].tolist() == [[[0.25, -3]]]
    with pytest.raises(UserError, match='not whole numbers, such as 0.25'):
        load_image(tmp_path / 'a.tif', label=True)
    Image.fromarray(np.float32([[4, 3]])).save(tmp_path / 'b.tif')
    assert load_image(tmp_path / 'b.tif', label=True)[0].tolist() == [[4, 3]]


def test_a_palette_is_looked_up_in_an_image_and_its_indices_are_the_label(tmp_path):
    index = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    indexed(index).save(tmp_path / 'a.png')
    image, _ = load_image(tmp_path / 'a.png')
    assert np.array_equal(image, np.moveaxis(np.reshape(PALETTE, (3, 3))[index], -1, 0))
    assert np.array_equal(load_image(tmp_path / 'a.png', label=True)[0], index)


def test_one_bit_is_black_and_white_in_an_image_and_zero_and_one_in_a_label(tmp_path):
    Image.fromarray(np.array([[True, False]])).save(tmp_path / 'a.png')
    assert load_image(tmp_path / 'a.png')[0].tolist() == [[[255, 0]]]
    label, _ = load_image(tmp_path / 'a.png', label=True)
    assert label.tolist() == [[1, 0]] and label.dtype == np.uint8


@pytest.mark.parametrize('array, mode', [(RGB, 'RGBA'), (GREY, 'LA')])
def test_an_alpha_channel_is_no_colour_and_goes_only_where_all_is_opaque(tmp_path, array, mode):
    with_alpha(array, 255, mode).save(tmp_path / 'a.png')
    Image.fromarray(array).save(tmp_path / 'b.png')
    assert np.array_equal(load_image(tmp_path / 'a.png')[0], load_image(tmp_path / 'b.png')[0])
    with_alpha(array, 254, mode).save(tmp_path / 'a.png')
    with pytest.raises(UserError, match='a.png is transparent in places'):
        load_image(tmp_path / 'a.png')


def test_a_transparent_colour_is_refused_in_an_image_where_it_is_used_and_is_a_class_in_a_label(tmp_path):
    for entry in (1, 7):  # of which only 1 is there
        indexed(np.array([[0, 1], [1, 0]], np.uint8)).save(tmp_path / f'{entry}.png', transparency=entry)
        assert load_image(tmp_path / f'{entry}.png', label=True)[0].tolist() == [[0, 1], [1, 0]]
    assert load_image(tmp_path / '7.png')[0].shape == (3, 2, 2)
    with pytest.raises(UserError, match='1.png is transparent in places'):
        load_image(tmp_path / '1.png')
    Image.fromarray(RGB).save(tmp_path / 'a.png', transparency=tuple(RGB[0, 0].tolist()))
    with pytest.raises(UserError, match='a.png is transparent in places'):
        load_image(tmp_path / 'a.png')


def test_what_is_no_label_is_refused_with_the_remedy(tmp_path):
    Image.fromarray(RGB).save(tmp_path / 'a.png')
    with_alpha(RGB, 0, 'RGBA').save(tmp_path / 'b.png')
    Image.fromarray(GREY).save(tmp_path / 'c.jpg')
    sentences = {'a.png': r'label in colour \(mode RGB\).*grey', 'b.png': 'label in colour', 'c.jpg': 'JPEG changes values'}
    for name, sentence in sentences.items():
        with pytest.raises(UserError, match=sentence) as caught:
            load_image(tmp_path / name, label=True)
        assert name in str(caught.value) and '\n' not in str(caught.value)


@pytest.mark.parametrize('end', ['png', 'tif', 'jpg', 'bmp'])
def test_damaged_and_disguised_pictures_are_named_in_one_sentence(tmp_path, rng, end):
    path = tmp_path / f'a.{end}'
    Image.fromarray(rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)).save(path)
    whole = path.read_bytes()
    for content in (whole[:len(whole) // 2], whole[:9], b'', b'this is no picture', b'GIF89a' + whole):
        path.write_bytes(content)
        with pytest.raises(UserError, match=f'a.{end} cannot be read as a picture') as caught:
            load_image(path)
        assert '\n' not in str(caught.value)
    with pytest.raises(UserError, match='there is no file'):
        load_image(tmp_path / 'nowhere.png')


def test_random_damage_never_ends_in_anything_but_a_sentence(tmp_path, rng):
    path = tmp_path / 'a.png'
    Image.fromarray(rng.integers(0, 256, (8, 8)).astype(np.uint8)).save(path)
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    refused = 0
    for _ in range(100):
        content = whole.copy()
        content[rng.integers(8, len(content), 3)] = rng.integers(0, 256, 3)
        path.write_bytes(content.tobytes())
        try:
            load_image(path)
        except UserError:
            refused += 1
    assert refused > 50


def test_a_picture_too_large_to_be_true_is_not_decoded(tmp_path, monkeypatch):
    Image.fromarray(GREY).save(tmp_path / 'a.png')
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 2)
    with pytest.raises(UserError, match='a.png cannot be read.*DecompressionBomb'):
        load_image(tmp_path / 'a.png')


def test_several_pictures_in_a_file_are_no_case(tmp_path):
    pages = [Image.fromarray(GREY), Image.fromarray(GREY)]
    for name in ('a.tif', 'a.png'):
        pages[0].save(tmp_path / name, save_all=True, append_images=[Image.fromarray(255 - GREY)])
        with pytest.raises(UserError, match=f'{name} holds 2 pictures'):
            load_image(tmp_path / name)


def test_colour_of_sixteen_bits_is_refused_rather_than_halved(tmp_path):
    cv2 = pytest.importorskip('cv2')
    cv2.imwrite(str(tmp_path / 'a.png'), RGB.astype(np.uint16) * 200)
    with pytest.raises(UserError, match='colours of 16 bits'):
        load_image(tmp_path / 'a.png')


@pytest.mark.parametrize('file', ['a.png', 'a.tif', 'a.nii.gz', 'a.nii'])
@pytest.mark.parametrize('array', [GREY, WIDE])
def test_a_label_goes_out_as_it_came_in(tmp_path, file, array):
    save_image(tmp_path / 'new' / file, array, Geometry(None, None, None, array.shape[::-1]))
    back, geometry = load_image(tmp_path / 'new' / file, label=True)
    assert np.array_equal(back, array) and back.dtype == array.dtype and geometry.space == (3, 2)
    assert [p.name for p in (tmp_path / 'new').iterdir()] == [file]


@pytest.mark.parametrize('file', ['A.NII', 'A.Nii.Gz', 'A.H5', 'A.NPY', 'A.Npz', 'A.MHA', 'A.Nrrd', 'A.PNG', 'A.Tif'])
def test_an_ending_may_be_in_capitals(tmp_path, file):
    if file in ('A.MHA', 'A.Nrrd'):
        pytest.importorskip('SimpleITK')
    save_image(tmp_path / file, GREY, None)
    assert np.array_equal(load_image(tmp_path / file, label=True)[0], GREY) and case_name(tmp_path / file) == 'A'
    assert [p.name for p in tmp_path.iterdir()] == [file]


def test_an_image_goes_out_as_it_came_in(tmp_path):
    for name, array in (('a.png', np.moveaxis(RGB, -1, 0)), ('b.png', WIDE[None]), ('c.tif', GREY[None])):
        save_image(tmp_path / name, array, None)
        assert np.array_equal(load_image(tmp_path / name)[0], array)


@pytest.mark.parametrize('file, array, sentence', [
    ('a.jpg', GREY, 'cannot be written without loss'), ('a.bmp', GREY, 'cannot be written without loss'),
    ('a.png', GREY / 2, 'whole numbers from 0 to 65535'), ('a.png', GREY.astype(int) - 1, 'from -1 to 254'),
    ('a.png', WIDE.astype(int) + 1, 'to 65536'), ('a.png', np.stack([WIDE] * 3), 'from 0 to 255'),
    ('a.dcm', GREY, 'cannot be written as DICOM'),
    ('a.gif', GREY, 'a.gif has no ending that tells what it is; known: .*.nii.gz.*.png')])
def test_what_a_file_cannot_hold_is_refused_and_nothing_is_left(tmp_path, file, array, sentence):
    with pytest.raises(UserError, match=sentence):
        save_image(tmp_path / file, array, None)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_written_may_be_read_by_others_as_any_new_file(tmp_path, make_case):
    (tmp_path / 'plain').write_bytes(b'')
    _, geometry = load_image(make_case('a.nii.gz', np.zeros((2, 2, 2), np.uint8)), label=True)
    save_image(tmp_path / 'b.nii.gz', np.zeros((2, 2, 2), np.uint8), geometry)
    save_image(tmp_path / 'b.png', GREY, None)
    assert {(tmp_path / n).stat().st_mode for n in ('plain', 'b.nii.gz', 'b.png')} == {(tmp_path / 'plain').stat().st_mode}


@contextmanager
def full_disk(room):
    """No file can be written beyond so many bytes."""
    resource = pytest.importorskip('resource')
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize('room', [0, 100, 5000])
@pytest.mark.parametrize('end', ['.nii', '.nii.gz', '.h5', '.npy', '.npz', '.mha', '.nrrd', '.png', '.tif'])
def test_on_a_full_disk_the_old_file_stays_and_one_sentence_is_said(tmp_path, rng, end, room):
    if end in ('.mha', '.nrrd'):
        pytest.importorskip('SimpleITK')
    path, noise = tmp_path / f'a{end}', rng.integers(0, 256, (100, 200)).astype(np.uint8)
    save_image(path, noise // 2, None)
    before = path.read_bytes()
    with full_disk(room), pytest.raises(UserError, match=f'a{end} cannot be written.*; make room, or choose') as caught:
        save_image(path, noise, None)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == [path.name] and '\n' not in str(caught.value)


@pytest.mark.parametrize('code', [errno.EACCES, errno.EROFS])
def test_a_folder_that_may_not_be_written_to_is_named(tmp_path, monkeypatch, code):
    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))
    monkeypatch.setattr('pathlib.Path.mkdir', refuse)
    with pytest.raises(UserError, match=f'a.nii cannot be written .{os.strerror(code)}.; make room, or choose a folder'):
        save_image(tmp_path / 'new' / 'a.nii', GREY, None)


def test_probabilities_of_a_picture_are_nifti_in_no_unit(tmp_path, rng):
    prob = rng.random((4, 2, 3)).astype(np.float32)
    save_image(tmp_path / 'a.nii.gz', prob, Geometry(None, None, None, (3, 2)))
    image = nib.load(tmp_path / 'a.nii.gz')
    assert np.array_equal(image.get_fdata(dtype=np.float32)[:, :, 0], prob.T) and np.array_equal(image.affine, np.eye(4))


def test_grids_of_pictures_are_their_shapes():
    small, large = (Geometry(None, None, None, (3, n)) for n in (2, 4))
    check_same_grid(small, Geometry(None, None, None, (3, 2)), 'two pictures')
    check_same_grid(small, Geometry((1.0, 2.0), np.eye(4), None, (3, 2)), 'a picture and a slice')
    with pytest.raises(UserError, match=r'two pictures have shapes \(3, 2\) and \(3, 4\) \(x, y\)'):
        check_same_grid(small, large, 'two pictures')


def test_without_an_affine_voxel_sizes_are_compared():
    thin, thick, unknown = (Geometry(spacing, None, None, (4, 5, 6)) for spacing in ((5.0, 1.5, 1.5), (10.0, 1.5, 1.5), None))
    check_same_grid(thin, Geometry((5.01, 1.5, 1.5), None, None, (4, 5, 6)), 'a and b')
    check_same_grid(thin, unknown, 'a and b')
    with pytest.raises(UserError, match='a and b have voxels of another size: spacing 1.5×1.5×5 mm and 1.5×1.5×10 mm'):
        check_same_grid(thin, thick, 'a and b')


def test_the_sentence_on_two_grids_names_orientation_and_spacing():
    straight, mirrored = (Geometry((s, 1.0, 1.0), np.diag([x, 1.0, s, 1.0]), None, (4, 5, 6)) for x, s in ((1, 2.0), (-1, 3.0)))
    with pytest.raises(UserError, match=r'in space: .* mm \(orientation RAS and LAS; spacing 1×1×2 mm and 1×1×3 mm'):
        check_same_grid(straight, mirrored, 'a and b')


@pytest.mark.parametrize('file, name, end, label', [
    ('a.nii.gz', 'a', '.nii.gz', '.nii.gz'), ('x/a.b.NII', 'a.b', '.nii', '.nii'), ('a.JPG', 'a', '.jpg', '.png'),
    ('a.bmp', 'a', '.bmp', '.png'), ('a.tiff', 'a', '.tiff', '.tiff'), ('a.gz', None, None, None), ('a', None, None, None)])
def test_endings(file, name, end, label):
    assert (case_name(file), ending(file)) == (name, end)
    assert end is None or label_ending(file) == label


def test_previews_beside_volumes_are_no_cases(tmp_path):
    for name in ('a.nii.gz', 'b.nii', 'a.png', 'overview.jpg', 'notes.txt', '.hidden.nii'):
        (tmp_path / name).write_bytes(b'')
    assert {n: p.name for n, p in list_folder(tmp_path).items()} == {'a': 'a.nii.gz', 'b': 'b.nii'}
    (tmp_path / 'a_prob.nii').write_bytes(b'')
    assert list(list_folder(tmp_path, skip='_prob')) == ['a', 'b']


def test_volumes_of_another_format_are_left_out_with_a_warning(tmp_path, caplog):
    for name in ('a.nii.gz', 'a.npz', 'preview.png'):
        (tmp_path / name).write_bytes(b'')
    assert list(list_folder(tmp_path)) == ['a'] and not caplog.records
    for name in ('b.mha', 'c.mha'):
        (tmp_path / name).write_bytes(b'')
    assert list(list_folder(tmp_path)) == ['a']
    assert '2 files, such as b.mha, are left out, since files of one format are the cases, such as a.nii.gz' in caplog.text


def test_one_picture_under_two_endings_is_refused(tmp_path):
    for name in ('a.png', 'a.jpg'):
        (tmp_path / name).write_bytes(b'')
    with pytest.raises(UserError, match="'a' twice: a.jpg and a.png"):
        list_folder(tmp_path)
