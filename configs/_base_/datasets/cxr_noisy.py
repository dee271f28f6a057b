"""Chest radiographs with the noisy lungs of PyMIC [Wang 2023], 6 to 12 pixels, in all training labels; validated on clean ones.

Each case draws whether it is dilated (35 %), eroded (35 %) or distorted at its edges (30 %); tools/simulate.py writes such labels
with exactly these shares.
"""
_base_ = './cxr.py'
train_dataloader = dict(
    dataset=dict(
        type='PartsDataset',
        parts=dict(noisy=dict(
            type='FolderDataset', data_root='data', images='CXR/images', labels='CXR/labels', split='CXR/splits/train.txt')),
        simulate=dict(noisy=[dict(type='simulate_noise', radius=(6, 12))])),
    batch_sampler=dict(type='PartBatchSampler', parts=dict(noisy=4)))
