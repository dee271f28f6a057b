"""ACDC with full labels of all training volumes that are wrong at the edge of the heart, by noise simulated once for each case."""
_base_ = './acdc.py'
train_dataloader = dict(
    dataset=dict(
        type='PartsDataset', slices=True,
        parts=dict(noisy=dict(
            type='FolderDataset', data_root='data', images='ACDC/images', labels='ACDC/labels', split='ACDC/splits/train.txt')),
        simulate=dict(noisy=[dict(type='simulate_noise', radius=(2, 4))])),
    batch_sampler=dict(type='PartBatchSampler', parts=dict(noisy=24)))
