"""Chest radiographs with scribbles, simulated from the full labels."""
_base_ = './cxr.py'
train_dataloader = dict(
    dataset=dict(
        type='PartsDataset',
        parts=dict(scribbled=dict(
            type='FolderDataset', data_root='data', images='CXR/images', labels='CXR/labels', split='CXR/splits/train.txt')),
        simulate=dict(scribbled=[dict(type='simulate_scribbles', num_classes=2)])),
    batch_sampler=dict(type='PartBatchSampler', parts=dict(scribbled=4)))
