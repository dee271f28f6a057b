"""The rooms of the repository become ``scarceseg.registry``, ``scarceseg.components``, … without a folder of that name."""
from pathlib import Path

from setuptools import find_namespace_packages, setup

NAME = 'scarceseg'
ROOMS = ('registry', 'components', 'methods', 'tools', 'configs')
HERE = Path(__file__).parent
MONAI = ['monai>=1.5', 'einops>=0.7']  # UNETR and SwinUNETR
ITK = ['SimpleITK>=2.3']  # MHA, NRRD and DICOM
SKELETON = ['scikit-image>=0.22']  # centre-line Dice
SMP = ['segmentation-models-pytorch>=0.4']  # with torchvision and timm

packages = [f'{NAME}.{package}' for room in ROOMS
            for package in (room, *(f'{room}.{sub}' for sub in find_namespace_packages(str(HERE / room))))
            if '__pycache__' not in package]

setup(
    name=NAME,
    version='0.1.0',
    description='Medical image segmentation from few, partial or bad labels',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=packages,
    package_dir={f'{NAME}.{room}': room for room in ROOMS},
    install_requires=['torch>=2.2', 'numpy>=1.24', 'nibabel>=5', 'scipy>=1.10', 'h5py>=3.8', 'mmengine>=0.10.7',
                      'tabulate>=0.9'],
    extras_require={
        'itk': ITK,
        'monai': MONAI,
        'skeleton': SKELETON,
        'smp': SMP,
        'tensorboard': ['tensorboard>=2.12'],
        'tests': ['pytest>=7', 'ruff>=0.5', 'medpy>=0.5', 'tensorboard>=2.12', 'setuptools>=64', 'wheel', *ITK, *MONAI, *SKELETON,
                  *SMP],
    },
)
