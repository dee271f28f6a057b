"""A DICOM writer of 40 lines, so that the tests know what is in the files."""
import struct

import numpy as np

LONG = ('OB', 'OW', 'UN')


def element(tag, vr, value):
    """One element in explicit little endian."""
    if vr in ('US', 'UL'):
        value = struct.pack('<H' if vr == 'US' else '<I', value)
    value = value if isinstance(value, bytes) else str(value).encode()
    value += (b' ' if vr not in ('UI', *LONG) else b'\0') * (len(value) % 2)
    length = struct.pack('<HI', 0, len(value)) if vr in LONG else struct.pack('<H', len(value))
    return struct.pack('<HH', tag >> 16, tag & 0xffff) + vr.encode() + length + value


def numbers(values):
    return '\\'.join(f'{float(v):.10g}' for v in values)


def dicom_bytes(pixels, *, position=(0, 0, 0), rows=(1, 0, 0), columns=(0, 1, 0), spacing=(1, 1), series='1.2.3.1', thickness=1,
                slope=1, intercept=0, modality='CT', photometric='MONOCHROME2', leave_out=(), **other):
    """A file of one slice: ``pixels`` (y, x) uint16; ``spacing`` between rows, columns; ``other``: ``t00280010=(vr, value)``."""
    pixels = np.asarray(pixels, np.uint16)
    tags = {0x00080016: ('UI', '1.2.840.10008.5.1.4.1.1.2'), 0x00080018: ('UI', f'1.2.3.4.{abs(hash(numbers(position))) % 10**9}'),
            0x00080060: ('CS', modality), 0x00180050: ('DS', thickness), 0x0020000d: ('UI', '1.2.3'), 0x0020000e: ('UI', series),
            0x00200032: ('DS', numbers(position)), 0x00200037: ('DS', numbers([*rows, *columns])), 0x00280002: ('US', 1),
            0x00280004: ('CS', photometric), 0x00280010: ('US', pixels.shape[0]), 0x00280011: ('US', pixels.shape[1]),
            0x00280030: ('DS', numbers(spacing)), 0x00280100: ('US', 16), 0x00280101: ('US', 16), 0x00280102: ('US', 15),
            0x00280103: ('US', 0), 0x00281052: ('DS', intercept), 0x00281053: ('DS', slope),
            0x7fe00010: ('OW', pixels.astype('<u2').tobytes())}
    tags.update({int(name[1:], 16): entry for name, entry in other.items()})
    body = b''.join(element(tag, *tags[tag]) for tag in sorted(tags) if tag not in leave_out)
    meta = b''.join([element(0x00020001, 'OB', b'\0\1'), element(0x00020002, 'UI', tags[0x00080016][1]),
                     element(0x00020003, 'UI', tags[0x00080018][1]), element(0x00020010, 'UI', '1.2.840.10008.1.2.1'),
                     element(0x00020012, 'UI', '1.2.3.9')])
    return b'\0' * 128 + b'DICM' + element(0x00020000, 'UL', len(meta)) + meta + body


def write_series(folder, volume, *, step=(0, 0, 3), origin=(0, 0, 0), names=None, positions=None, **tags):
    """Slices of ``volume`` (z, y, x), the k-th at ``origin + k * step``; gives the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for k, pixels in enumerate(volume):
        position = np.add(origin, np.multiply(k, step)) if positions is None else positions[k]
        files.append(folder / (f'{k:03d}.dcm' if names is None else names[k]))
        files[-1].write_bytes(dicom_bytes(pixels, position=position, **tags))
    return files
